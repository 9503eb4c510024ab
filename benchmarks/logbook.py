"""Logbook: keeps the rounds a simulated season hands out, and writes them as the log that replay reads."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

from envs.environment import Rounds
from envs.feedback import LogError, LoggedFeedback
from envs.simulated import Choose, Simulated
from policies.policy import Feedback
from simulator import streams

_SEASON = ("constant", "season gone", "launched", "traffic", "conversion")  # context of a launch window


class Logbook:
    """An environment that plays `season` and remembers its feedback, exact propensities and available sets included.

    Args:
        season: fresh; with `record=True` the log also says which user decided, and in which slot.
    """

    def __init__(self, season: Simulated) -> None:
        self.season = season
        self.problem = season.problem
        self._lessons: list[Feedback] = []
        self._known: list[npt.NDArray[np.float64]] = []

    @property
    def ledger(self) -> Any:
        """The season's books."""
        return self.season.ledger

    def play(self, choose: Choose) -> Iterator[Rounds]:
        """The season's rounds, each remembered with the day on which it came."""
        for rounds in self.season.play(choose):
            self._lessons.append(rounds.feedback)
            self._known.append(np.full(len(rounds.feedback), self.season.market.now))
            yield rounds

    def log(self) -> LoggedFeedback:
        """All that was decided so far, in order of time.

        Raises:
            LogError: nothing was.
        """
        if not self._lessons:
            raise LogError("season must have a decision to be logged, got none: nobody came while things were for sale")
        showing = self.season.scenario.question == "show"
        users, slots = self._who() if showing else (None, None)
        return LoggedFeedback(
            self._lessons,
            self.season.action_names,
            context=self._context() if showing else _SEASON,
            known=np.concatenate(self._known),
            positions=slots,
            users=users,
        )

    def _context(self) -> list[str]:
        return ["constant", *(f"feature {number}" for number in range(1, self.problem.n_context_features))]

    def _who(self) -> tuple[Any, Any]:
        """(n,) users and (n,) slots of all decisions; None where single visits were not recorded."""
        visits = self.ledger.table("visits")
        if not len(visits):
            return None, None
        n, slots = len(visits), self.season.scenario.slots
        names = np.concatenate([_decision_ids(visits["visit"].to_numpy(np.uint64), slot) for slot in range(slots)])
        order = np.argsort(names)
        asked = np.concatenate([np.asarray(lesson.decisions.ids) for lesson in self._lessons])
        found = order[np.searchsorted(names, asked, sorter=order)]
        return visits["user"].to_numpy(np.uint64)[found % n], found // n


@njit(cache=True)
def _decision_ids(visits: Any, slot: int) -> Any:
    """The ids of the decisions on this slot of visits: the first has the visit's own."""
    if slot == 0:
        return visits
    named = np.empty_like(visits)
    for i in range(len(visits)):
        named[i] = streams.mix(visits[i], np.uint64(slot))
    return named
