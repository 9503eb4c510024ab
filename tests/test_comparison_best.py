"""Chances of being the best: the one-sided t-test of two, symmetry of many."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from benchmarks.comparison.best import chances_of_best


def test_of_two_it_is_what_the_paired_t_test_leaves() -> None:
    random = np.random.default_rng(0)
    sales = random.normal(100, 10, (12, 1)) + random.normal([0.0, 1.0], 2.0, (12, 2))
    p = stats.ttest_rel(sales[:, 1], sales[:, 0], alternative="greater").pvalue
    assert chances_of_best(sales)[1] == pytest.approx(1 - p, abs=0.012)


def test_what_all_share_is_no_doubt_and_chances_are_of_one_whole() -> None:
    luck = np.random.default_rng(1).normal(0, 1_000, (8, 1))
    chances = chances_of_best(luck + np.array([0.0, 5.0, 1.0]))
    assert chances.tolist() == [0, 1, 0]


def test_those_that_sold_the_same_share_their_chance() -> None:
    sales = np.random.default_rng(2).normal(size=(9, 1)) * np.ones(3)
    assert chances_of_best(sales) == pytest.approx([1 / 3, 1 / 3, 1 / 3])


def test_one_season_has_no_chances() -> None:
    assert np.isnan(chances_of_best([[1.0, 2.0]])).all()
