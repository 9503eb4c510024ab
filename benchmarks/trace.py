"""What a run left behind, and the numbers read off it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from envs.environment import Rounds
from policies.policy import Floats, Integers


class Trace:
    """One run, in decision order. All arrays are (n,), n the number of decisions.

    `regrets`, `shortfalls` and `best` need an environment that knows the truth; elsewhere they are NaN, NaN and -1.
    """

    def __init__(self) -> None:
        self.ledger: Any = None  # what the market recorded, where the environment is a market
        self._parts: list[tuple[Any, ...]] = []
        self._columns: list[Any] | None = None

    def add(self, rounds: Rounds) -> None:
        """Take in finished rounds, in any order."""
        feedback = rounds.feedback
        decisions = feedback.decisions
        truth = rounds.truth
        if truth is None:
            unknown = np.full(len(feedback), np.nan)
            regrets, shortfalls, best = unknown, unknown, np.full(len(feedback), -1)
        else:
            regrets, shortfalls, best = _against_truth(truth, decisions.available, feedback.chosen)
        self._parts.append((decisions.times, feedback.rewards, regrets, shortfalls, best, feedback.chosen))
        self._columns = None

    def _column(self, index: int) -> Any:
        if self._columns is None:
            if not self._parts:
                return np.empty(0)
            columns = [np.concatenate(parts) for parts in zip(*self._parts, strict=True)]
            order = np.argsort(columns[0], kind="stable")
            self._columns = [column[order] for column in columns]
            self._parts = [tuple(self._columns)]
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
