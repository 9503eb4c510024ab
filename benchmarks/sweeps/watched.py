"""An environment that shows how far it has been played."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from benchmarks.workers.bar import bar
from envs.environment import Choices, Rounds
from policies.policy import Decisions

_STEPS = 200  # of a bar; each costs as much as many a visit


class Watched:
    """As the environment, with a bar on stderr while it plays.

    Args:
        environment: fresh; it plays once.
        days: T, length of its season.
        shown: whether there is a bar at all.
    """

    def __init__(self, environment: Any, days: float, shown: bool = True) -> None:
        self._environment, self._days, self._shown = environment, days, shown

    def __getattr__(self, name: str) -> Any:
        return getattr(self._environment, name)

    def play(self, choose: Callable[[Decisions], Choices]) -> Iterator[Rounds]:
        """Its rounds; the bar follows the day of the latest decision."""
        shown_up_to = 0.0
        with bar(self._shown) as shown:
            task = shown.add_task("days", total=int(self._days))
            for rounds in self._environment.play(choose):
                yield rounds
                day = float(max(rounds.feedback.decisions.times, default=0.0))
                if day >= shown_up_to:
                    shown.update(task, completed=int(day))
                    shown_up_to = day + self._days / _STEPS
            shown.update(task, completed=int(self._days))
