"""A predictor's answers about launches that it has not learned from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from benchmarks.planning.launches import Floats
from benchmarks.planning.predictors import Predictor

_PARTS = 4  # of the launches learned from, by time: each is predicted from the others


@dataclass(frozen=True, eq=False)
class Answers:
    """What a predictor answered."""

    answer: Floats  # (all,) for launches that it had not learned from
    ahead: Floats  # for the later half of the training launches, learned from the earlier half

    @classmethod
    def mean(cls, several: Sequence[Answers]) -> Answers:
        """That of several predictors."""
        return cls(*(np.mean([getattr(one, name) for one in several], axis=0) for name in ("answer", "ahead")))

    @classmethod
    def of(cls, table: pd.DataFrame) -> Answers:
        """What `table` answered."""
        ahead = table["ahead"].to_numpy(float)
        return cls(table["answer"].to_numpy(float), ahead[: int(table["n_ahead"].iloc[0])])

    def table(self) -> pd.DataFrame:
        """As columns, the shorter one filled up."""
        ahead = np.full(len(self.answer), np.nan)
        ahead[: len(self.ahead)] = self.ahead
        return pd.DataFrame({"answer": self.answer, "ahead": ahead, "n_ahead": len(self.ahead)})


def ask(make: Callable[[], Predictor], known: pd.DataFrame, outcome: Floats, n: int) -> Answers:
    """Learn from launches of which something is told and answer for the others; for those, from other parts of time.

    Args:
        make: makes a predictor.
        known: n rows of launches whose horizon is over, then the younger ones, in order of launch.
        outcome: for each, what it sold; of a younger one what its sales so far let expect; NaN where nothing is told.
        n: launches whose horizon is over.
    """
    answer, told = unseen(make, known, outcome), np.flatnonzero(np.isfinite(outcome))
    parts = np.arange(len(told)) * _PARTS // len(told)
    for part in range(_PARTS):
        mine, rest = told[parts == part], told[parts != part]
        answer[mine] = make().fit(known.iloc[rest], outcome[rest]).predict(known.iloc[mine])
    half = known.iloc[: n // 2], known.iloc[n // 2 : n]
    return Answers(answer, make().fit(half[0], outcome[: n // 2]).predict(half[1]))


def unseen(make: Callable[[], Predictor], known: pd.DataFrame, outcome: Floats) -> Floats:
    """Learn from launches of which something is told and answer for the others alone; NaN for those learned from."""
    answer, told = np.full(len(known), np.nan), np.isfinite(outcome)
    if not told.all():
        answer[~told] = make().fit(known[told], outcome[told]).predict(known[~told])
    return answer
