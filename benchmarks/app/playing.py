"""Seasons of a case, played by a thread over child processes, told of as they come; stopped within a moment."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.app.hands import Errand, Hands
from benchmarks.app.setup import Case, place
from benchmarks.compare import SoFar, comparing
from benchmarks.compared import Comparison
from policies.policy import PolicyError
from simulator.scenario import ScenarioError

_PAUSE = 1.0  # seconds between two answers at least: drawing takes from what plays


class Play:
    """One press of Run.

    Args:
        case: what is played.
        runs: the folder of finished runs.
        hands: who plays.
        tell: called with each answer that is worth showing, and whether with pictures, from the thread that plays; the
            first one comes in words alone, which takes less.
    """

    def __init__(self, case: Case, runs: Path, hands: Hands, tell: Callable[[Play, SoFar, bool], None]) -> None:
        self.case = case
        self.state = "playing"  # "finished", "stopped", "failed"
        self.why = ""  # it failed
        self.done, self.total, self.seasons = 0, len(case.setup.policies) * case.setup.seeds, 0
        self._runs, self._tell, self._errand = runs, tell, Errand(hands)
        self._wanted = True
        self._thread = threading.Thread(target=self._play, name="play", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End the child processes at once; what is finished is kept."""
        if self.state == "playing":
            self.state = "stopped"
            self._errand.call_off()
        self._wanted = False
        self._errand.end()

    def join(self, timeout: float | None = None) -> bool:
        """Wait for its end; whether it has come."""
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def _play(self) -> None:
        try:
            with closing(so_far(self.case, self._runs, executor=self._errand)) as playing:
                last = self._follow(playing)
            self._end("finished")
            self._play_as_if_known(last)
        except (PolicyError, ScenarioError, OSError) as reason:
            self._end("failed", str(reason))
        except Exception as error:  # a fault of ours: the page says so, and the app lives on
            self._end("failed", f"{type(error).__name__}: {error}".splitlines()[0])
        finally:
            self._errand.end()

    def _play_as_if_known(self, found: SoFar | None) -> None:
        """Of a shop whose market is fitted: the same seasons as if it were known, for the words of the page.

        The answer stands already: what goes wrong here costs those words alone.
        """
        if found is None or found.comparison is None or found.comparison.drawn is None:
            return
        with closing(as_if_known(found.comparison, self._runs, self._errand)) as playing:
            for _ in playing:
                if not self._wanted:
                    return

    def _follow(self, playing: Any) -> SoFar | None:
        last: SoFar | None = None
        shown, next_at = -1, 0.0
        for last in playing:
            if self.state != "playing":
                break
            self.done, self.seasons = last.done, len(last.seeds)
            due = time.monotonic() >= next_at and shown != _worth(last) and last.done != last.total
            if not due or last.comparison is None:
                continue
            began = time.monotonic()
            if shown < 0:
                self._tell(self, last, False)
            self._tell(self, last, True)
            shown, now = _worth(last), time.monotonic()
            next_at = now + max(_PAUSE, 2 * (now - began))
        if last is not None:
            self._tell(self, last, True)
        return last

    def _end(self, state: str, why: str = "") -> None:
        if self.state == "playing":
            self.state, self.why = state, why


def _worth(found: SoFar) -> int:
    """Another number as soon as an answer has another season or policy in it."""
    return 1000 * len(found.waiting) + len(found.seeds)


def so_far(case: Case, runs: Path, executor: Any = None) -> Any:
    """What is known of a case: first what is kept, then, if more is asked for, after each run that is played."""
    asked = case.setup
    return comparing(
        place(asked.base),
        asked.policies,
        asked.seeds,
        baseline=asked.baseline,
        measure=asked.measure,
        overrides=case.changes,
        folder=runs,
        executor=executor,
    )


def as_if_known(comparison: Comparison, runs: Path, executor: Any = None) -> Any:
    """The same seasons as if the market were known: first what is kept, then after each run that is played."""
    return comparing(
        comparison.scenario,
        comparison.policies,
        comparison.seeds,
        baseline=comparison.baseline,
        measure=comparison.measure,
        guardrails=comparison.guardrails,
        folder=runs,
        executor=executor,
    )


def with_certain(comparison: Comparison, runs: Path) -> Comparison:
    """The comparison beside that of a market that is known, where all of its seasons are kept."""
    if comparison.drawn is None:
        return comparison
    with closing(as_if_known(comparison, runs)) as playing:
        found: SoFar = next(playing)
    return replace(comparison, certain=found.comparison) if found.done == found.total else comparison


def kept(case: Case, runs: Path) -> SoFar:
    """What was played of a case before, by whomever; nothing is played.

    Raises:
        ScenarioError, PolicyError: it cannot be played.
    """
    with closing(so_far(case, runs)) as playing:
        found: SoFar = next(playing)
    return found
