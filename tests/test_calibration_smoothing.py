"""Smoothed weeks: by their precision matrix, and as they were drawn."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from scipy.special import logsumexp
from scipy.stats import multivariate_normal

from simulator.calibration.smoothing import smoothed

WAVE = 0.4 * np.cos(2 * np.pi * np.arange(53) / 53)


def test_sights_without_error_are_believed() -> None:
    assert smoothed(WAVE, np.full(53, 1e-9)).mean == pytest.approx(WAVE, abs=0.01)


def test_noise_alone_is_smoothed_away() -> None:
    noise = 0.3 * np.random.default_rng(1).normal(size=53)
    assert np.abs(smoothed(noise, np.full(53, 0.09)).mean).max() < 0.12


def test_a_week_never_seen_lies_between_those_around_it() -> None:
    seen = np.where(np.isin(np.arange(53), [10, 11, 12]), np.nan, WAVE)
    found = smoothed(seen, np.full(53, 1e-4))
    assert found.mean[[10, 11, 12]] == pytest.approx(np.linspace(WAVE[9], WAVE[13], 5)[1:-1], abs=0.02)
    assert found.covariance[11, 11] > 2 * found.covariance[30, 30]


def test_weeks_are_those_of_random_walks_on_a_ring_each_as_often_as_it_is_likely() -> None:
    """(Q + D)^-1 D y, with the precision Q of the walk and D of the sights, and the density of y beside; no step is a
    break. The law of total variance: what the walks are unsure of, and what they differ by.
    """
    difference = np.roll(np.eye(53), 1, axis=0) - np.eye(53)
    walk = np.random.default_rng(2).uniform(-0.04, 0.04, size=53).cumsum()
    walk -= np.linspace(0, 1, 53) * (walk[-1] - walk[0])
    variances = np.full(53, 0.03**2)
    likely, means, spreads = [], [], []
    for step, own in product((0.01, 0.02, 0.05, 0.1, 0.2), (0.001, 0.03, 0.06, 0.1, 0.15, 0.2)):
        precision = difference.T @ difference / step**2 + np.full((53, 53), 1 / 53**2)
        told = np.diag(1 / (variances + own**2))
        likely.append(multivariate_normal(cov=np.linalg.inv(precision) + np.linalg.inv(told)).logpdf(walk))
        means.append(np.linalg.solve(precision + told, told @ walk))
        spreads.append(np.linalg.inv(precision + told).diagonal())
    weights = np.exp(likely - logsumexp(likely))
    found = smoothed(walk, variances)
    assert weights.max() < 0.9
    assert found.mean == pytest.approx(weights @ means, abs=1e-8)
    assert found.covariance.diagonal() == pytest.approx(weights @ spreads + weights @ (means - found.mean) ** 2)


def test_of_a_hundred_years_seen_for_half_nine_tenths_of_the_weeks_are_within_their_intervals() -> None:
    random, within = np.random.default_rng(5), []
    for step in np.tile([0.02, 0.05, 0.1], 34)[:100]:
        walk = step * random.normal(size=53).cumsum()
        walk -= np.linspace(0, walk[-1], 53)
        walk -= walk.mean()
        seen = np.where(np.arange(53) < 28, walk + 0.1 * random.normal(size=53), np.nan)
        found = smoothed(seen, np.full(53, 0.1**2))
        within.append(np.abs(walk - found.mean)[28:] < 1.645 * np.sqrt(found.covariance.diagonal()[28:]))
    assert 0.85 < np.mean(within) < 0.95


def test_what_a_year_has_for_itself_is_found_and_drawn() -> None:
    random = np.random.default_rng(3)
    found = smoothed(WAVE + 0.15 * random.normal(size=53), np.full(53, 1e-4))
    drawn = np.array([found.draw(random) for _ in range(400)])
    assert found.own == pytest.approx(0.15, abs=0.06)
    assert np.diff(drawn, axis=1).std() == pytest.approx(np.sqrt(2) * found.own, rel=0.15)


def _noisy(advent: float) -> np.ndarray:
    """(53,) sights: a walk of small steps with noise; four weeks before Christmas are busier."""
    random = np.random.default_rng(4)
    walk = 0.03 * random.normal(size=53).cumsum()
    walk -= np.linspace(0, walk[-1], 53)
    seen = walk + 0.05 * random.normal(size=53)
    seen[46:50] += advent
    seen[20:32] = np.nan
    return seen


def test_breaks_tell_less_of_weeks_never_seen_than_a_walk_as_wild_as_they_are() -> None:
    """Twelve weeks are missing; two breaks of .9 in 40 steps have the mean square .04, and the middle of a Brownian
    bridge of 13 such steps the variance .04 * 6 * 7 / 13.
    """
    plain, broken = (smoothed(_noisy(advent), np.full(53, 0.05**2)) for advent in (0.0, 0.9))
    assert broken.mean[26] == pytest.approx(plain.mean[26], abs=0.05)
    assert plain.covariance[25, 25] < broken.covariance[25, 25] < 0.5 * 0.04 * 6 * 7 / 13


def test_a_break_itself_is_believed() -> None:
    found = smoothed(_noisy(0.9), np.full(53, 0.05**2))
    assert found.mean[46] - found.mean[45] == pytest.approx(0.9, abs=0.15)
    assert found.mean[50] - found.mean[49] == pytest.approx(-0.9, abs=0.15)
