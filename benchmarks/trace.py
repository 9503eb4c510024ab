"""What a run left behind, and the numbers read off it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from envs.environment import Rounds
from policies.policy import Floats, Integers

_TOGETHER = 200  # decisions put away at once


class Trace:
    """One run, in decision order. All arrays are (n,), n the number of decisions.

    `regrets`, `shortfalls` and `best` need an environment that knows the truth; elsewhere they are NaN, NaN and -1.
    """

    def __init__(self) -> None:
        self.ledger: Any = None  # what the market recorded, where the environment is a market
        self._waiting: list[Rounds] = []
        self._decisions_waiting = 0
        self._parts: list[list[Any]] = []
        self._columns: list[Any] | None = None

    def add(self, rounds: Rounds) -> None:
        """Take in finished rounds, in any order."""
        self._waiting.append(rounds)
        self._decisions_waiting += len(rounds.feedback.chosen)
        self._columns = None
        if self._decisions_waiting >= _TOGETHER:
            self._put_away()

    def _put_away(self) -> None:
        """Keep what the columns need of the waiting rounds: many at once, because a call costs as much as a round."""
        for known in (True, False):
            rounds = [waiting for waiting in self._waiting if (waiting.truth is not None) == known]
            if rounds:
                self._parts.append(_columns_of(rounds, known))
        self._waiting = []
        self._decisions_waiting = 0

    def _column(self, index: int) -> Any:
        if self._columns is None:
            self._put_away()
            if not self._parts:
                return np.empty(0)
            columns = [np.concatenate(parts) for parts in zip(*self._parts, strict=True)]
            order = np.argsort(columns[0], kind="stable")
            self._columns = [column[order] for column in columns]
            self._parts = [self._columns]
        return self._columns[index]

    def __len__(self) -> int:
        return len(self.times)

    @property
    def times(self) -> Floats:
        """Days since the start, of the decision."""
        times: Floats = self._column(0)
        return times

    @property
    def rewards(self) -> Floats:
        """What each decision brought in the end."""
        rewards: Floats = self._column(1)
        return rewards

    @property
    def regrets(self) -> Floats:
        """Expected reward of the best available action minus that of the chosen one."""
        regrets: Floats = self._column(2)
        return regrets

    @property
    def shortfalls(self) -> Floats:
        """Expected reward of the best action of all minus that of the best available one: what stock-outs cost."""
        shortfalls: Floats = self._column(3)
        return shortfalls

    @property
    def best(self) -> Integers:
        """The best available action."""
        best: Integers = self._column(4)
        return best

    @property
    def chosen(self) -> Integers:
        """The action taken."""
        chosen: Integers = self._column(5)
        return chosen


def _columns_of(rounds: list[Rounds], truth_known: bool) -> list[Any]:
    """Times, rewards, regrets, shortfalls, best and chosen of these rounds."""
    lessons = [each.feedback for each in rounds]
    times = np.concatenate([lesson.decisions.times for lesson in lessons])
    rewards = np.concatenate([lesson.rewards for lesson in lessons])
    chosen = np.concatenate([lesson.chosen for lesson in lessons])
    if not truth_known:
        unknown = np.full(len(chosen), np.nan)
        return [times, rewards, unknown, unknown, np.full(len(chosen), -1), chosen]
    truth = np.concatenate([each.truth for each in rounds if each.truth is not None])
    available = np.concatenate([lesson.decisions.available for lesson in lessons])
    return [times, rewards, *_against_truth(truth, available, chosen), chosen]


@njit(cache=True)
def _against_truth(truth: Any, available: Any, chosen: Any) -> Any:
    n, K = truth.shape
    regrets = np.empty(n)
    shortfalls = np.empty(n)
    best = np.empty(n, np.int64)
    for i in range(n):
        top = -1
        of_all = -np.inf
        for k in range(K):
            of_all = max(of_all, truth[i, k])
            if available[i, k] and (top < 0 or truth[i, k] > truth[i, top]):
                top = k
        best[i] = top
        regrets[i] = truth[i, top] - truth[i, chosen[i]]
        shortfalls[i] = of_all - truth[i, top]
    return regrets, shortfalls, best
