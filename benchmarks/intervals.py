"""Intervals for an estimate: bootstrap, Student's t, empirical Bernstein, and a confidence sequence.

All are read off `Sums`; none needs the rows again. Each answers (lower, upper) for the policy's value or, with
`relative=True`, for its difference to the mean reward of the policy that made the log, paired row by row.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from scipy import special, stats

from benchmarks.sums import CORRECTION, DIRECT, REWARD, WEIGHT, Moments, Sums
from policies.policy import Floats
from simulator import streams


def value(moments: Moments, self_normalised: bool, relative: bool = False) -> float:
    """The estimate: mean(direct) + sum(weight * residual) / (n or sum(weight)); NaN where all weights are 0."""
    mean = moments.mean
    correction = mean[CORRECTION]
    if self_normalised:
        correction = correction / mean[WEIGHT] if mean[WEIGHT] > 0.0 else np.nan
    return float(mean[DIRECT] + correction - relative * mean[REWARD])


def gradient(moments: Moments, self_normalised: bool, relative: bool = False) -> Floats:
    """(4,) of the estimate with respect to the means of the terms: its delta-method linearisation."""
    mean = moments.mean
    if not self_normalised:
        return np.array([1.0, 1.0, 0.0, -float(relative)])
    ratio = mean[CORRECTION] / mean[WEIGHT]
    return np.array([1.0, 1.0 / mean[WEIGHT], -ratio / mean[WEIGHT], -float(relative)])


def standard_error(moments: Moments, self_normalised: bool, relative: bool = False) -> float:
    """Square root of the (linearised) variance of the estimate."""
    slope = gradient(moments, self_normalised, relative)
    return float(np.sqrt(max(slope @ moments.covariance @ slope, 0.0) / max(moments.n, 1)))


def student_t(
    sums: Sums, self_normalised: bool, confidence: float = 0.95, relative: bool = False
) -> tuple[float, float]:
    """Estimate +- t(n - 1) standard errors: asymptotic, trustworthy where weights are tame and rows many."""
    centre = value(sums.moments, self_normalised, relative)
    quantile = stats.t.ppf(0.5 + confidence / 2.0, max(sums.moments.n - 1, 1))
    reach = float(quantile) * standard_error(sums.moments, self_normalised, relative)
    return centre - reach, centre + reach


def bootstrap(
    sums: Sums,
    self_normalised: bool,
    confidence: float = 0.95,
    relative: bool = False,
    *,
    replicates: int = 1_000,
    seed: int = 0,
) -> tuple[float, float]:
    """BCa bootstrap over rows, or over groups of rows where there are many (Efron 1987, "Better bootstrap confidence
    intervals", eq. 2.3 and 6.6): bias- and skewness-corrected percentiles, so that rare rewards are treated fairly."""
    groups = sums.groups[sums.groups[:, 0] > 0.0]
    if len(groups) < 2:
        return np.nan, np.nan
    means = resample(groups, replicates, seed)
    drawn = np.sort(_values(means, self_normalised, relative))
    centre = value(sums.moments, self_normalised, relative)
    below = (np.count_nonzero(drawn < centre) + 0.5 * np.count_nonzero(drawn == centre)) / replicates
    bias = special.ndtri(np.clip(below, 1.0 / replicates, 1.0 - 1.0 / replicates))
    acceleration = _acceleration(groups, gradient(sums.moments, self_normalised, relative))
    reach = bias + special.ndtri(np.array([0.5 - confidence / 2.0, 0.5 + confidence / 2.0]))
    lower, upper = np.quantile(drawn, special.ndtr(bias + reach / (1.0 - acceleration * reach)))
    return float(lower), float(upper)


def resample(groups: Floats, replicates: int, seed: int) -> Floats:
    """(replicates, 4) means of the terms over as many groups as there are, drawn with replacement."""
    totals = _resample(groups, replicates, streams.key(seed, "bootstrap"))
    means: Floats = totals[:, 1:] / totals[:, :1]
    return means


def _values(means: Floats, self_normalised: bool, relative: bool) -> Floats:
    correction = means[:, CORRECTION]
    if self_normalised:
        correction = np.divide(correction, means[:, WEIGHT], out=np.zeros(len(means)), where=means[:, WEIGHT] > 0.0)
    values: Floats = means[:, DIRECT] + correction - relative * means[:, REWARD]
    return values


def _acceleration(groups: Floats, slope: Floats) -> float:
    """Skewness of the estimate's influence over the groups, divided by 6."""
    terms = groups[:, 1:] @ slope
    influence = terms - groups[:, 0] * (terms.sum() / groups[:, 0].sum())
    spread = np.sum(influence**2)
    return float(np.sum(influence**3) / (6.0 * spread**1.5)) if spread > 0.0 else 0.0


@njit(cache=True)
def _resample(groups: Any, replicates: int, key: Any) -> Any:
    m = len(groups)
    totals = np.zeros((replicates, 5))
    word = np.uint64(0)
    for b in range(replicates):
        for _ in range(m):
            g = np.int64(((streams.mix(key, word) >> np.uint64(32)) * np.uint64(m)) >> np.uint64(32))
            word += np.uint64(1)
            for j in range(5):
                totals[b, j] += groups[g, j]
    return totals
