"""Intervals that may be looked at any time: against the mixture integrated numerically, and by simulation."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import integrate, stats

from benchmarks.comparison import anytime
from benchmarks.comparison.statistics import mean_interval, paired


@pytest.mark.parametrize(("n", "t"), [(20, 2.5), (35, 4.0), (80, -3.1)])
def test_the_p_value_is_the_likelihood_ratio_of_t_integrated_over_effects(n: int, t: float) -> None:
    """Noncentral t with noncentrality sqrt(n) x effect, effect ~ N(0, 1), against central t."""

    def weighed(effect: float) -> float:
        return float(stats.nct.pdf(t, n - 1, np.sqrt(n) * effect) * stats.norm.pdf(effect))

    mixed, _ = integrate.quad(weighed, -3, 3, epsabs=1e-12)
    assert anytime.p_value(t, n) == pytest.approx(min(1.0, stats.t.pdf(t, n - 1) / mixed), rel=1e-4)


@pytest.mark.parametrize("n", [20, 50, 300])
@pytest.mark.parametrize("confidence", [0.95, 0.995])
def test_at_its_reach_t_has_the_p_value_of_the_confidence(n: int, confidence: float) -> None:
    assert anytime.p_value(anytime.reach(n, confidence), n) == pytest.approx(1 - confidence)


def test_few_seasons_exclude_nothing_and_none_have_an_interval_before_the_first_look() -> None:
    assert anytime.reach(3, 0.99) == np.inf
    _, lower, upper = mean_interval(np.arange(anytime.FIRST - 1), anytime=True)
    assert np.isnan([lower, upper]).all()
    assert paired([1.0, 1.1] * 6, anytime=True).verdict == "cannot tell"
    assert paired([1.0, 1.1] * 10, anytime=True).verdict == "better"


@pytest.mark.parametrize("shape", ["normal", "gamma"])
def test_looking_after_every_season_excludes_the_mean_no_more_often_than_stated(shape: str) -> None:
    random = np.random.default_rng(1)
    n, studies = 120, 2_000
    drawn = random.normal(size=(n, studies)) if shape == "normal" else random.gamma(0.6, size=(n, studies)) - 0.6
    missed, naive = np.zeros(studies, bool), np.zeros(studies, bool)
    for seen in range(anytime.FIRST, n + 1, 2):
        _, lower, upper = mean_interval(drawn[:seen], anytime=True)
        missed |= (lower > 0) | (upper < 0)
        _, lower, upper = mean_interval(drawn[:seen])
        naive |= (lower > 0) | (upper < 0)
    assert missed.mean() <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / studies)
    assert naive.mean() > 0.12  # intervals for one look do not allow it
