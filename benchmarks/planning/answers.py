"""A predictor's answers about launches that it has not learned from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from benchmarks.planning.launches import Floats
from benchmarks.planning.predictors import Predictor

_PARTS = 4  # of the training launches, by time: each is predicted from the others


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
    """Learn from the first n launches and answer for the others; for those n, from the other parts of their time."""
    train, answer = known.iloc[:n], np.empty(len(known))
    if len(known) > n:
        answer[n:] = make().fit(train, outcome[:n]).predict(known.iloc[n:])
    parts = np.arange(n) * _PARTS // n
    for part in range(_PARTS):
        mine = parts == part
        answer[:n][mine] = make().fit(train[~mine], outcome[:n][~mine]).predict(train[mine])
    ahead = make().fit(train.iloc[: n // 2], outcome[: n // 2]).predict(train.iloc[n // 2 :])
    return Answers(answer, ahead)
