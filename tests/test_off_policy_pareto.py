"""The tail's shape against distributions whose shape is known."""

from __future__ import annotations

import math

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


def by_the_paper(excess: list[float]) -> float:
    """Zhang & Stephens (2009) a term at a time; then Vehtari's prior.

    Candidates theta_j (eq. 9), their profile likelihoods n (log(theta / k) + k - 1) with k = -mean(log(1 - theta x))
    (eq. 7), weighted by the exponentials of these (eq. 8).
    """
    x = sorted(excess)
    n, m = len(x), 30 + math.floor(math.sqrt(len(x)))
    quartile = x[math.floor(n / 4 + 0.5) - 1]

    def k(theta: float) -> float:
        return -sum(math.log(1 - theta * value) for value in x) / n

    thetas = [1 / x[-1] + (1 - math.sqrt(m / (j - 0.5))) / (3 * quartile) for j in range(1, m + 1)]
    likelihoods = [n * (math.log(theta / k(theta)) + k(theta) - 1) for theta in thetas]
    weights = [math.exp(mine - max(likelihoods)) for mine in likelihoods]
    theta = sum(w * t for w, t in zip(weights, thetas, strict=True)) / sum(weights)
    return (n * -k(theta) + 5) / (n + 10)


@pytest.mark.parametrize("n", [5, 21, 94])
@pytest.mark.parametrize("shape", [0.2, 0.9])
def test_the_shape_is_that_of_the_paper_a_term_at_a_time(n: int, shape: float) -> None:
    excess = stats.genpareto(shape, scale=2.0).rvs(n, random_state=n)
    assert pareto_shape(excess) == pytest.approx(by_the_paper(list(excess)), rel=1e-9)


@pytest.mark.parametrize(("n", "kept"), [(100, 20), (1_000, 94), (10_000, 300)])
def test_the_tail_is_a_fifth_of_a_short_log_and_three_roots_of_a_long_one(n: int, kept: int) -> None:
    """min(n / 5, 3 sqrt(n)) of the largest, less the largest that is not one of them; as many as are kept at most."""
    weights = np.random.default_rng(n).pareto(2.0, min(n, 5_000)) + 1.0
    tail = Tail()
    tail.add(weights[:700])
    tail.add(weights[700:])
    tail.add(np.zeros(n - len(weights)))
    ordered = np.sort(weights)
    assert tail.n == n
    assert tail.shape() == pytest.approx(by_the_paper(list(ordered[-kept:] - ordered[-kept - 1])), rel=1e-6)


@pytest.mark.parametrize(("alike", "told"), [(4, True), (5, False)])
def test_five_that_share_the_largest_end_the_tail(alike: int, told: bool) -> None:
    """However float32 left them: a ten-millionth apart is the same."""
    weights = np.random.default_rng(5).pareto(2.0, 300)
    tail = Tail()
    tail.add(np.concatenate([weights, 2.0 * weights.max() * (1.0 - 1e-7 * np.arange(alike))]))
    assert np.isfinite(tail.shape()) == told


@pytest.mark.parametrize(("apart", "told"), [(4, False), (5, True)])
def test_five_must_stand_out_for_a_shape(apart: int, told: bool) -> None:
    """All other weights are the same, up to a ten-millionth."""
    tail = Tail()
    tail.add(np.concatenate([1.0 - 1e-7 * np.arange(60), 2.0 + np.arange(apart)]))
    assert np.isfinite(tail.shape()) == told


def test_a_log_that_comes_in_pieces_keeps_its_largest() -> None:
    """Piece by piece, ever larger and ever smaller, across the number that is kept."""
    weights = np.random.default_rng(6).pareto(1.5, 9_000)
    for order in (np.sort(weights), -np.sort(-weights), weights):
        tail = Tail()
        for start in range(0, 9_000, 1_000):
            tail.add(order[start : start + 1_000])
        np.testing.assert_array_equal(np.sort(tail.largest), np.sort(weights)[-KEPT:])
