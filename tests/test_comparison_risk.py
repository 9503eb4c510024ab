"""Quantiles of seasons, days until a target, regret at the end: by hand, and by coverage."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.comparison.risk import days_until, quantile_interval, simple_regret


def test_the_interval_of_a_median_of_ten_is_the_one_of_the_tables() -> None:
    # Conover, Practical Nonparametric Statistics: n = 10, 97.9% interval from the second to the ninth
    assert quantile_interval(np.arange(1, 11), 0.5) == (5.5, 2, 9)


def test_few_seasons_leave_one_end_open() -> None:
    found = quantile_interval(np.arange(20.0), 0.1)
    assert found[1] == -np.inf
    assert np.isfinite(found[2])


def test_the_interval_of_a_quantile_holds_whatever_the_distribution() -> None:
    random = np.random.default_rng(3)
    truth = np.exp(1.5 * -1.2815515655)  # lognormal, 10%
    held = [lower <= truth <= upper for _, lower, upper in
            (quantile_interval(random.lognormal(0, 1.5, 60), 0.1) for _ in range(600))]  # fmt: skip
    assert np.mean(held) >= 0.95 - 2 * np.sqrt(0.05 * 0.95 / 600)


def test_a_quantile_among_seasons_that_never_got_there_is_never() -> None:
    assert quantile_interval([3.0, 4, 5, np.inf, np.inf, np.inf, np.inf], 0.5)[0] == np.inf
    assert quantile_interval([3.0, 4, 5, 6, np.inf], 0.5)[0] == 5


def test_days_are_counted_to_the_end_of_the_first_that_reaches_its_target() -> None:
    paths = np.array([[1.0, 5, 9], [2, 4, 8], [0, 1, 2]])
    assert days_until(paths, [5, 8, 3]).tolist() == [2, 3, np.inf]


def test_regret_at_the_end_is_that_of_the_last_tenth_a_visit() -> None:
    visits = np.arange(10.0, 210, 10)[None]  # 20 days of 10 visits
    regrets = np.concatenate([np.full(18, 100.0), [103.0, 104.0]])[None]
    assert simple_regret(regrets, visits) == pytest.approx([4 / 20])
