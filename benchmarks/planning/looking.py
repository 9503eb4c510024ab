"""Looking: what candidates will sell over a horizon, once their first days are known."""

from __future__ import annotations

import numpy as np
import pandas as pd

from benchmarks.planning.answers import ask
from benchmarks.planning.forecast import LEVELS, Demand, taught
from benchmarks.planning.growth import Growth
from benchmarks.planning.intervals import Drifting, looking_ahead
from benchmarks.planning.launches import RANGE_DAYS, Floats, Launches
from benchmarks.planning.predictors import PLAIN, maker
from simulator.history import History


class Look:
    """What first days tell, learned from what those of past launches told, as a backtest does it.

    The shop is taken to have been in these days what it was in the history's last ones.

    Args:
        history: the shop's past.
        candidates: as `candidates.completed` gives them.
        horizon: days.
        predictor: a name, or module:Class; a plain one is "first days scaled up" once there are any.
        together: how many are launched on the same day.
        days: of the look, fewer than the horizon.

    Raises:
        ScenarioError: fewer than 5 launches to learn from.
    """

    def __init__(
        self, history: History, candidates: pd.DataFrame, horizon: int, predictor: str, together: int, days: int
    ) -> None:
        launches = Launches(history, horizon, candidates=candidates)
        past, over = taught(launches)
        known = launches.known(past, days)
        outcome = Growth(launches, over).told(past, launches.days, days)
        make = maker("scaled_up" if predictor in PLAIN else predictor)
        answers = ask(make, known, outcome, len(over))
        wider = looking_ahead(launches, over, answers.answer[: len(over)], answers.ahead, days)
        drifting = Drifting(launches, past, answers.answer, np.arange(len(past)) < len(over), days, wider)
        self.days, self._columns = days, known.columns
        self._spread = drifting.spread(launches.days - days, LEVELS.tolist())
        told = np.isfinite(outcome)
        self._model = make().fit(known[told], outcome[told])
        nothing = np.zeros((len(candidates), days))
        new = np.arange(launches.n_sold, launches.n_sold + len(candidates))
        before = launches.begun(nothing, nothing, nothing).known(new, 0)
        self._before = before.assign(together=np.log1p(together - 1))
        self._launches = launches.lately(days + RANGE_DAYS)  # all that is asked from here on, and little to carry
        self._new = np.arange(self._launches.n_sold, self._launches.n_sold + len(candidates))

    def believed(self, pieces: Floats, orders: Floats, users: Floats) -> Demand:
        """Over the whole horizon, never less than was sold: (K, days) of each day, in orders, to new users."""
        launches = self._launches.begun(pieces, orders, users)
        known = launches.after(self._before, self._new, self.days).reindex(columns=self._columns)
        told = Demand.within(self._spread, np.asarray(self._model.predict(known), float))
        return Demand(np.maximum(told.quantiles, pieces.sum(axis=1)[:, None]))
