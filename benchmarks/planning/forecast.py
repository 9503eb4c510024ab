"""Forecast: what each candidate would sell if launched on the day after a history's end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from benchmarks.planning.answers import ask
from benchmarks.planning.growth import Growth
from benchmarks.planning.intervals import Drifting, Spread, looking_ahead
from benchmarks.planning.launches import Floats, Integers, Launches
from benchmarks.planning.predictors import maker
from simulator.history import History
from simulator.scenario import ScenarioError

LEVELS = np.linspace(0.005, 0.995, 200)  # of the predictive distribution
_SPOKEN = 3  # features and neighbours named
_LEAST = 5
_CALLED = {  # features of `Launches.known` that do not tell by their name what they are
    "together": "how many are launched together",
    "like_pace": "sales of all that is like it",
    "like_best": "the best month of all that is like it",
    "like_launches": "launches of all that is like it",
    "like_last_year": "this season a year ago",
    "price_band": "sales at its price",
    "similar": "sales of similar titles",
    "similar_lately": "sales of similar titles lately",
    "similar_words": "sales of titles with the same words",
    "similar_launches": "launches with similar titles",
    "similar_young": "young launches with similar titles",
    "similar_beyond_price": "sales of similar titles beyond what their price tells",
    "similar_price": "the price of similar titles",
    "category_pace": "sales of its category",
    "number_rank": "its number among all",
    "number_new": "its number among new ones",
    "range_launched": "launches of its range",
    "numbered_alike": "sales of its range",
    "numbered_young": "young launches of its range",
    "recent": "the pace of late launches",
}


@dataclass(frozen=True, eq=False)
class Demand:
    """Predictive distributions of K candidates over a horizon."""

    quantiles: Floats  # (K, 200) of what each sells, ascending

    def at(self, levels: Floats) -> Floats:
        """(K, m) quantiles at these levels."""
        return np.stack([np.interp(levels, LEVELS, row) for row in self.quantiles])

    @classmethod
    def within(cls, spread: Spread, predicted: Floats) -> Demand:
        """Around predictions (K,), in logarithms of 1 + sales; the spread is at `LEVELS`."""
        quantiles = np.maximum.accumulate(spread.around(predicted), axis=1)
        return cls(np.maximum(np.expm1(quantiles), 0.0))


@dataclass(frozen=True, eq=False)
class Forecast(Demand):
    """What is predicted of candidates before they are launched."""

    why: list[str]  # the features that moved each, and its nearest neighbours in the shop's past
    n_learned: int  # launches
    predictor: str


def forecast(history: History, candidates: pd.DataFrame, horizon: int, predictor: str, together: int) -> Forecast:
    """Learn from all launches whose horizon is over; intervals follow the level of late, as in a backtest.

    Args:
        history: the shop's past.
        candidates: as `candidates.completed` gives them.
        horizon: days.
        predictor: a name, or module:Class.
        together: how many are launched on the same day.

    Raises:
        ScenarioError: fewer than 5 launches to learn from.
    """
    launches = Launches(history, horizon, candidates=candidates)
    past, over = taught(launches)
    new = np.arange(launches.n_sold, launches.n_sold + len(candidates))
    items = np.concatenate([past, new])
    known = launches.known(items, 0)
    known.loc[len(items) - len(new) :, "together"] = np.log1p(together - 1)
    outcome = Growth(launches, over).told(items, launches.days)
    answers = ask(maker(predictor), known, outcome, len(over))
    usual = np.arange(len(items)) < len(over)
    wider = looking_ahead(launches, over, answers.answer[: len(over)], answers.ahead, 0)
    drifting = Drifting(launches, items, answers.answer, usual, 0, wider)
    told = Demand.within(drifting.spread(launches.days, LEVELS.tolist()), answers.answer[len(past) :])
    return Forecast(
        told.quantiles,
        _reasons(launches, known, outcome, new, predictor),
        len(over),
        predictor,
    )


def taught(launches: Launches) -> tuple[Integers, Integers]:
    """Launches to learn from, those first whose horizon is over; and these alone.

    Raises:
        ScenarioError: fewer than 5 of them.
    """
    past = launches.items()
    over = past[launches.over(past)]
    if len(over) < _LEAST:
        raise ScenarioError(
            f"history must hold at least {_LEAST} launches whose {launches.horizon} days are over, got {len(over)}"
        )
    return np.concatenate([over, past[~launches.over(past)]]), over


def _reasons(launches: Launches, known: pd.DataFrame, outcome: Floats, new: Integers, predictor: str) -> list[str]:
    """What the prediction would be with a feature at its usual value tells how much that feature moved it."""
    told = np.isfinite(outcome)
    past = known[told]
    model = maker(predictor)().fit(past, outcome[told])
    mine = known.iloc[-len(new) :]
    answer = model.predict(mine)
    moved = pd.DataFrame(
        {name: answer - model.predict(mine.assign(**{name: past[name].median()})) for name in known.columns}
    )
    return [_sentence(moved.iloc[row], launches, int(item)) for row, item in enumerate(new)]


def _sentence(moved: pd.Series, launches: Launches, item: int) -> str:
    most = moved.reindex(moved.abs().sort_values(ascending=False).index)[:_SPOKEN]
    features = ", ".join(
        f"{_CALLED.get(str(name), str(name).replace('_', ' '))} x{np.exp(size):.2f}"
        for name, size in most.items()
        if abs(size) > 0.01
    )
    near = "; ".join(_titles(launches, launches.nearest(item, _SPOKEN)))
    return f"{features or 'nothing stands out'}; like {near}"


def _titles(launches: Launches, items: Sequence[int] | Integers) -> list[str]:
    return [launches.goods.titles[int(i)] for i in items]
