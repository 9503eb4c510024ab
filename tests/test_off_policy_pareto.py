"""The tail's shape against distributions whose shape is known."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from benchmarks.off_policy.pareto import KEPT, Tail, pareto_shape


@pytest.mark.parametrize("shape", [0.1, 0.5, 0.9, 1.4])
def test_the_shape_of_a_generalised_pareto_is_found(shape: float) -> None:
    excess = stats.genpareto(shape, scale=3.0).rvs(10_000, random_state=0)
    assert pareto_shape(excess) == pytest.approx(shape, abs=0.08)


def test_the_estimate_agrees_with_maximum_likelihood() -> None:
    excess = stats.genpareto(0.4).rvs(5_000, random_state=1)
    assert pareto_shape(excess) == pytest.approx(stats.genpareto.fit(excess, floc=0.0)[0], abs=0.02)


def test_a_heavy_tail_is_told_from_a_light_one() -> None:
    rng = np.random.default_rng(2)
    light, heavy = Tail(), Tail()
    light.add(rng.exponential(size=20_000))
    heavy.add(rng.pareto(1.0, 20_000))
    assert light.shape() < 0.5 < 0.7 < heavy.shape()


def test_shards_have_the_tail_of_the_whole() -> None:
    weights = np.random.default_rng(3).pareto(1.5, 30_000)
    whole, parts = Tail(), Tail()
    whole.add(weights)
    for start in range(0, 30_000, 7_000):
        part = Tail()
        part.add(weights[start : start + 7_000])
        parts.merge(part)
    assert sorted(parts.largest) == sorted(np.sort(weights)[-KEPT:])
    assert parts.shape() == whole.shape()


def test_a_tail_that_ends_within_the_log_has_no_shape() -> None:
    tail = Tail()
    tail.add(np.random.default_rng(4).choice([0.5, 1.0, 3.0], 1_000))
    assert np.isnan(tail.shape())
    assert np.isnan(Tail().shape())


def test_equal_excesses_have_a_shape() -> None:
    """Of 100 equal excesses one of the 40 candidates is exactly exponential, theta = 0."""
    assert np.isfinite(pareto_shape(np.full(100, 2.0)))
