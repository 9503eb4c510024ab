"""A backtest where the truth is known: price and range tell what sells, names of its predictors what they learned."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pasts import past

from benchmarks.planning import backtest
from benchmarks.planning.backtesting import Backtest, FewLaunchesError, _claims
from benchmarks.planning.kept import Kept
from benchmarks.planning.predictors import PLAIN
from simulator.scenario import ScenarioError


class Lots:
    """Somebody else's predictor, which knows nothing."""

    def fit(self, X: np.ndarray, y: np.ndarray) -> Lots:
        assert np.isfinite(X).all()
        return self

    def predict(self, X: np.ndarray) -> np.ndarray:
        return np.random.default_rng(3).normal(size=len(X))


@pytest.fixture(scope="module")
def found() -> Backtest:
    predictors = ["ridge", "boosted", "test_planning_backtesting:Lots"]
    return backtest(
        past(120, 300, noise=0.7), horizon=28, test_from="2020-07-15", predictors=predictors, days_seen=(0, 14)
    )


def test_a_past_within_one_month_is_refused_with_what_it_lacks() -> None:
    with pytest.raises(ScenarioError, match="at least 5 launches to learn from and 5 later ones to judge on, got 0"):
        backtest(past(20, 25), horizon=7)


def row(found: Backtest, predictor: str, seen: int) -> dict[str, float]:
    rows = found.table[(found.table["predictor"] == predictor) & (found.table["days_seen"] == seen)]
    return dict(rows.iloc[0])


def test_what_learns_from_price_and_range_beats_the_plain_ones(found: Backtest) -> None:
    assert row(found, "ridge", 0)["spearman"] > 0.4
    assert row(found, "ridge", 0)["gain"] > 0


def test_where_titles_tell_the_range_boosting_without_them_ranks_worse_and_is_no_predictor(found: Backtest) -> None:
    titles = found.claims.set_index("claim").loc["titles help (0 days seen)"]
    assert titles["difference"] > 0
    assert "boosted without titles" not in set(found.table["predictor"]) | set(found.predictions["predictor"])


def test_a_predictor_that_draws_lots_is_called_that(found: Backtest) -> None:
    assert row(found, "test_planning_backtesting:Lots", 0)["verdict"] == "no better than drawing lots"


def test_after_two_weeks_of_four_nearly_all_is_known_and_it_is_said_to_help(found: Backtest) -> None:
    assert row(found, "scaled_up", 14)["spearman"] > 0.9
    claims = found.claims.set_index("claim")["verdict"]
    assert claims["14 days of sales help"] == "yes"


def test_every_score_lies_within_its_bounds_or_close_to_them(found: Backtest) -> None:
    for score in ("spearman", "capture", "wape", "male", "coverage90", "score90"):
        values, low, high = (found.table[f"{score}{end}"] for end in ("", "_lower", "_upper"))
        assert (low <= high).all()
        assert (values >= low - 1e-9).all()
        assert (values <= high + 1e-9).all()


def test_training_launches_are_over_when_the_first_is_judged(found: Backtest) -> None:
    assert found.n_test == len(found.predictions[["item"]].drop_duplicates())
    assert found.predictions["launch"].min() >= np.datetime64("2020-07-15")


class Stopping(Lots):
    """Stops the work at its fourth fit, as Ctrl-C does; later ones are counted."""

    fits = 0

    def fit(self, X: np.ndarray, y: np.ndarray) -> Stopping:
        Stopping.fits += 1
        if Stopping.fits == 10:
            raise KeyboardInterrupt
        return self


def test_a_backtest_that_was_stopped_goes_on_with_what_is_missing(tmp_path: Path) -> None:
    shop, mine = past(120, 300), ["test_planning_backtesting:Stopping"]
    about = {"horizon": 28, "test_from": "2020-08-01", "predictors": mine, "days_seen": (0, 3)}
    with pytest.raises(KeyboardInterrupt):
        backtest(shop, kept=Kept(tmp_path), **about)
    found = backtest(shop, kept=Kept(tmp_path), **about)
    assert import_module("test_planning_backtesting").Stopping.fits == 10 + 6  # of two questions with six each
    pd.testing.assert_frame_equal(found.table, backtest(shop, **about).table)


def test_of_few_launches_the_plain_ones_tell_what_can_be_told() -> None:
    few = backtest(past(28, 300), horizon=28, days_seen=(0,))
    assert set(few.table["predictor"]) <= set(PLAIN)
    assert "nothing is learned from fewer than 30" in few.notes[0]


def test_progress_ends_where_it_said_it_would() -> None:
    told: list[tuple[int, int]] = []
    backtest(past(28, 300), horizon=28, days_seen=(0, 7), progress=lambda done, of: told.append((done, of)))
    assert told[-1][0] == told[-1][1] == len(told)


def test_without_launches_a_backtest_is_refused() -> None:
    with pytest.raises(FewLaunchesError, match="history must hold"):
        backtest(past(0, 100), horizon=28)
    with pytest.raises(ScenarioError, match=r"predictor must be one of .*, got 'oracle'"):
        backtest(past(90, 300), horizon=28, predictors=["oracle"])
    with pytest.raises(ScenarioError, match="test_from must be a date such as 2010-09-01, got 'soon'"):
        backtest(past(90, 300), horizon=28, test_from="soon")


def test_whether_pretraining_helps_is_a_claim_with_an_interval() -> None:
    random = np.random.default_rng(1)
    outcome = random.permutation(60).astype(float)
    told = {"pretrained": outcome + random.normal(size=60), "neural": random.normal(size=60)}
    tables = [
        pd.DataFrame({"predictor": name, "days_seen": 0, "day": np.arange(60), "score": score, "outcome": outcome})
        for name, score in told.items()
    ]
    claim = _claims(pd.concat(tables)).set_index("claim").loc["pretraining helps (0 days seen)"]
    assert claim["verdict"] == "yes"
    assert 0.5 < claim["lower"] < claim["difference"] < claim["upper"]


def test_a_model_of_scikit_learn_is_asked_by_its_own_name() -> None:
    found = backtest(
        past(100, 300), horizon=28, test_from="2020-09-01", predictors=["sklearn.svm:SVR(C=0.5)"], days_seen=(0,)
    )
    assert row(found, "sklearn.svm:SVR(C=0.5)", 0)["spearman"] > 0.3
