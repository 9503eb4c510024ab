"""What a run left behind, and the numbers read off it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from envs.environment import Rounds
from policies.policy import Floats, Integers

_TIME, _REWARD, _REGRET, _SHORTFALL, _BEST, _CHOSEN = range(6)  # columns of the table; float64 holds actions exactly
_LARGEST = 2**17  # rows of a table
_UNKNOWN = np.empty((0, 0))  # truth


class Trace:
    """One run, in decision order. All arrays are (n,), n the number of decisions.

    `regrets`, `shortfalls` and `best` need an environment that knows the truth; elsewhere they are NaN, NaN and -1.
    """

    def __init__(self) -> None:
        self.ledger: Any = None  # what the market recorded, where the environment is a market
        self._table = np.empty((1_024, 6))  # filled from the top; full ones are put away
        self._filled = 0
        self._full: list[Floats] = []
        self._ordered: Floats | None = None  # the filled rows in decision order, once asked for

    def add(self, rounds: Rounds) -> None:
        """Take in finished rounds, in any order."""
        feedback = rounds.feedback
        decisions = feedback.decisions
        if self._filled + len(feedback.chosen) > len(self._table):
            self._full.append(self._table[: self._filled])
            self._table = np.empty((max(min(2 * len(self._table), _LARGEST), len(feedback.chosen)), 6))
            self._filled = 0
        truth = _UNKNOWN if rounds.truth is None else rounds.truth
        _put(self._table, self._filled, decisions.times, feedback.rewards, feedback.chosen, decisions.available, truth)
        self._filled += len(feedback.chosen)
        self._ordered = None

    def _column(self, index: int) -> Any:
        if self._ordered is None:
            filled = np.concatenate([*self._full, self._table[: self._filled]])
            self._ordered = filled[np.argsort(filled[:, _TIME], kind="stable")].T.copy()
        return self._ordered[index]

    def __len__(self) -> int:
        return len(self.times)

    @property
    def times(self) -> Floats:
        """Days since the start, of the decision."""
        times: Floats = self._column(_TIME)
        return times

    @property
    def rewards(self) -> Floats:
        """What each decision brought in the end."""
        rewards: Floats = self._column(_REWARD)
        return rewards

    @property
    def regrets(self) -> Floats:
        """Expected reward of the best available action minus that of the chosen one."""
        regrets: Floats = self._column(_REGRET)
        return regrets

    @property
    def shortfalls(self) -> Floats:
        """Expected reward of the best action of all minus that of the best available one: what stock-outs cost."""
        shortfalls: Floats = self._column(_SHORTFALL)
        return shortfalls

    @property
    def best(self) -> Integers:
        """The best available action."""
        best: Integers = self._column(_BEST).astype(np.int64)
        return best

    @property
    def chosen(self) -> Integers:
        """The action taken."""
        chosen: Integers = self._column(_CHOSEN).astype(np.int64)
        return chosen


@njit(cache=True, fastmath={"nnan", "nsz"})  # truth is a number
def _put(table: Any, first: int, times: Any, rewards: Any, chosen: Any, available: Any, truth: Any) -> None:
    """Write rounds into the rows from first on."""
    K = truth.shape[1]
    candidates = np.empty(K, truth.dtype)
    for i in range(len(chosen)):
        row = table[first + i]
        row[_TIME] = times[i]
        row[_REWARD] = rewards[i]
        row[_CHOSEN] = chosen[i]
        if not len(truth):
            row[_REGRET], row[_SHORTFALL], row[_BEST] = np.nan, np.nan, -1
            continue
        best = of_all = np.float32(-np.inf)
        for k in range(K):  # no branches, so that the compiler takes many at once
            candidates[k] = truth[i, k] if available[i, k] else np.float32(-np.inf)
            of_all = max(of_all, truth[i, k] if truth[i, k] != 0 else candidates[k])  # 0: it is not there at all
            best = max(best, candidates[k])
        top = K
        for k in range(K):
            top = min(top, k if candidates[k] == best else K)
        row[_REGRET] = best - truth[i, chosen[i]]
        row[_SHORTFALL] = of_all - best
        row[_BEST] = top
