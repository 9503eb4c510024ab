"""Intervals hold at their rate where launches are alike, and again soon after the level has moved."""

from __future__ import annotations

import numpy as np
import pytest
from pasts import past

from benchmarks.planning.intervals import LEVELS, Drifting, looking_ahead, weighted_quantiles
from benchmarks.planning.launches import Launches


def test_of_exchangeable_values_the_next_lies_within_at_the_stated_rate() -> None:
    random = np.random.default_rng(1)
    inside = []
    for _ in range(2000):
        drawn = random.normal(size=20)
        low, high = weighted_quantiles(drawn[1:], np.ones(19), np.array([0.1, 0.9]))
        inside.append(low <= drawn[0] <= high)
    assert np.mean(inside) == pytest.approx(0.8, abs=0.03)


def test_without_anything_known_an_interval_is_all_there_is() -> None:
    found = weighted_quantiles(np.empty(0), np.empty(0), np.array(LEVELS))
    assert found.tolist() == [-np.inf, -np.inf, 0.0, np.inf, np.inf]


@pytest.mark.parametrize("growth", [0.0, 1.5])
def test_intervals_of_a_constant_prediction_hold_though_the_level_moves(growth: float) -> None:
    inside = []
    for seed in range(2):
        launches = Launches(past(120, 300, growth=growth, seed=seed), horizon=28)
        items = launches.items()
        items = items[launches.over(items)]
        outcome = np.log1p(launches.outcome(items))
        usual = np.arange(len(items)) < 40
        drifting = Drifting(launches, items, np.full(len(items), np.median(outcome[usual])), usual, 0)
        bounds = drifting.quantiles(np.flatnonzero(~usual))
        late = outcome[~usual]
        inside += ((bounds[:, 0] <= late) & (late <= bounds[:, -1])).tolist()
    assert np.mean(inside) == pytest.approx(0.9, abs=0.05)


@pytest.mark.parametrize(("spread", "least", "most"), [(1.0, 1.0, 1.25), (4.0, 1.1, 1.5)])
def test_intervals_are_made_as_wide_as_a_later_time_asks_for(spread: float, least: float, most: float) -> None:
    launches = Launches(past(160, 300, seed=1), horizon=28)
    items = launches.items()
    items = items[launches.over(items)]
    half = len(items) // 2
    outcome = np.log1p(launches.outcome(items))
    missed = np.random.default_rng(1).normal(size=len(items)) * np.where(np.arange(len(items)) < half, 1.0, spread)
    lower, upper = looking_ahead(launches, items, outcome - missed, (outcome - missed)[half:], 0)
    assert least <= lower <= most
    assert least <= upper <= most


def test_of_few_launches_nothing_is_told_about_a_later_time() -> None:
    launches = Launches(past(40, 200), horizon=28)
    items = launches.items()[:20]
    assert looking_ahead(launches, items, np.zeros(20), np.zeros(10), 0) == (1.0, 1.0)
