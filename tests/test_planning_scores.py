"""Scores against scipy, against sums by hand, and bootstrap counts against samples that are written out."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from benchmarks.planning.scores import SCORES, bounds, resamples

ROWS = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 9)), min_size=3, max_size=15)


@settings(deadline=None)  # the first call compiles
@given(rows=ROWS, seed=st.integers(0, 99))
def test_rank_correlation_of_a_bootstrap_sample_is_that_of_scipy(rows: list[tuple[int, int]], seed: int) -> None:
    told, sold = np.array(rows, float).T
    counts = np.random.default_rng(seed).integers(0, 3, len(rows)).astype(float)
    drawn = np.repeat(np.arange(len(rows)), counts.astype(int))
    found = SCORES["spearman"]({"score": told, "outcome": sold}, counts[None])[0]
    if len(set(told[drawn])) > 1 and len(set(sold[drawn])) > 1:
        assert found == pytest.approx(stats.spearmanr(told[drawn], sold[drawn])[0], abs=1e-9)
    else:
        assert found == 0.0


def test_the_best_fifth_by_score_catches_its_share_of_the_best_fifth_by_sales() -> None:
    sold = np.array([10.0, 9, 1, 1, 1, 1, 1, 1, 1, 1])
    told = np.array([9.0, 0, 8, 1, 1, 1, 1, 1, 1, 1])
    once = np.ones((1, 10))
    assert SCORES["capture"]({"score": told, "outcome": sold}, once)[0] == pytest.approx(11 / 19)
    same = SCORES["capture"]({"score": np.zeros(10), "outcome": sold}, once)[0]
    assert same == pytest.approx(2 * sold.mean() / 19)  # all alike: as many as drawing lots catches


def test_errors_and_interval_scores_are_those_of_sums_by_hand() -> None:
    table = {
        "predicted": np.array([2.0, 5.0]),
        "outcome": np.array([4.0, 4.0]),
        "lower90": np.array([1.0, 5.0]),
        "upper90": np.array([3.0, 6.0]),
    }
    once = np.ones((1, 2))
    assert SCORES["wape"](table, once)[0] == pytest.approx(3 / 8)
    assert SCORES["bias"](table, once)[0] == pytest.approx(-1 / 8)
    assert SCORES["male"](table, once)[0] == pytest.approx((np.log(5 / 3) + np.log(6 / 5)) / 2)
    assert SCORES["coverage90"](table, once)[0] == 0.0
    assert SCORES["score90"](table, once)[0] == pytest.approx(((2 + 20) + (1 + 20)) / 2)


def test_launches_of_one_day_are_drawn_together() -> None:
    counts = resamples(np.array([3, 3, 5, 5, 5, 9]), draws=50)
    assert (counts[:, 0] == counts[:, 1]).all()
    assert (counts[:, 2] == counts[:, 4]).all()
    assert (counts[:, [0, 2, 5]].sum(axis=1) == 3).all()


def test_bounds_hold_the_middle_of_what_was_drawn() -> None:
    assert bounds(np.arange(1001.0)) == pytest.approx((25.0, 975.0))


def test_an_endless_interval_makes_a_mean_endless_only_where_it_was_drawn() -> None:
    table = {"outcome": np.array([1.0, 2.0]), "lower90": np.zeros(2), "upper90": np.array([3.0, np.inf])}
    with np.errstate(all="raise"):
        found = SCORES["score90"](table, np.array([[2.0, 0.0], [1.0, 1.0]]))
    assert found.tolist() == [3.0, np.inf]


def test_bounds_between_endless_values_are_endless_and_of_those_that_are_not_themselves() -> None:
    with np.errstate(all="raise"):
        assert bounds(np.concatenate([np.arange(900.0), np.full(100, np.inf)])) == (25.0, np.inf)
