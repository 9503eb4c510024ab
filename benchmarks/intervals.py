"""Intervals for an estimate: bootstrap, Student's t, empirical Bernstein, and a confidence sequence.

All are read off `Sums`; none needs the rows again. Each answers (lower, upper) for the policy's value or, with
`relative=True`, for its difference to the mean reward of the policy that made the log, paired row by row.
"""

from __future__ import annotations

import numpy as np
from scipy import special, stats

from benchmarks.sums import CORRECTION, DIRECT, REWARD, WEIGHT, Moments, Sums
from policies.policy import Floats, PolicyError


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
    return float(np.sqrt(_variance(moments, slope) / max(moments.n, 1)))


def _variance(moments: Moments, slope: Floats) -> float:
    variance = float(slope @ moments.covariance @ slope)
    return max(variance, 0.0)


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
    drawn = np.sort(_values(sums.resampled(replicates, seed), self_normalised, relative))
    centre = value(sums.moments, self_normalised, relative)
    below = (int(np.sum(drawn < centre)) + 0.5 * int(np.sum(drawn == centre))) / replicates
    bias = special.ndtri(np.clip(below, 1.0 / replicates, 1.0 - 1.0 / replicates))
    acceleration = _acceleration(groups, gradient(sums.moments, self_normalised, relative))
    reach = bias + special.ndtri(np.array([0.5 - confidence / 2.0, 0.5 + confidence / 2.0]))
    lower, upper = np.quantile(drawn, special.ndtr(bias + reach / (1.0 - acceleration * reach)))
    return float(lower), float(upper)


def empirical_bernstein(
    sums: Sums,
    self_normalised: bool,
    confidence: float = 0.95,
    relative: bool = False,
    *,
    reward_range: tuple[float, float] | None = None,
    largest_weight: float | None = None,
) -> tuple[float, float]:
    """Interval for any n, without asymptotics (Maurer & Pontil 2009, theorem 4, once for each side).

    It holds if no reward lies outside `reward_range` and no weight above `largest_weight`; what is not given is read
    off the log, and then the interval is only as good as that. (NaN, NaN) for self-normalised estimators: a ratio has
    no such bound.
    """
    if self_normalised:
        return np.nan, np.nan
    n = sums.moments.n
    low, high = term_range(sums, relative, reward_range, largest_weight)
    slope = gradient(sums.moments, self_normalised, relative)
    log = np.log(4.0 / (1.0 - confidence))
    reach = np.sqrt(2.0 * _variance(sums.moments, slope) * log / n)
    reach += 7.0 * (high - low) * log / (3.0 * max(n - 1, 1))
    centre = value(sums.moments, self_normalised, relative)
    return float(centre - reach), float(centre + reach)


def confidence_sequence(
    sums: Sums,
    self_normalised: bool,
    confidence: float = 0.95,
    relative: bool = False,
    *,
    reward_range: tuple[float, float] | None = None,
    largest_weight: float | None = None,
) -> tuple[float, float]:
    """Interval that holds at every n at once, so that one may look after every batch and stop at will.

    A mixture over lambda of the supermartingales exp(lambda sum(y) - psi(lambda) sum(y^2)), psi(lambda) = -log(1 -
    lambda) - lambda, for centred terms y >= -1 (Fan, Grama & Liu 2015, eq. 2.4; Howard et al. 2021), and Ville's
    inequality. Sums and sums of squares are enough, so it merges. Without a reward model the upper side is the lower
    side for w (high - r), which needs no bound on the weights (Waudby-Smith et al. 2024, "Anytime-valid off-policy
    inference for contextual bandits", section 3). Self-normalised estimators get the sequence of the plain one.
    Assumptions as for `empirical_bernstein`.
    """
    lo, hi = _rewards(sums, reward_range)
    low, high = term_range(sums, relative, (lo, hi), largest_weight)
    minus = float(relative)
    most = hi - relative * lo
    lower = _lower(sums.moments, np.array([1.0, 1.0, 0.0, -minus]), 0.0, low, most, confidence)
    if sums.low[DIRECT] == sums.high[DIRECT] == 0.0 <= lo:
        slope, offset = np.array([0.0, -1.0, hi, minus]), -relative * hi
        upper = hi - relative * hi - _lower(sums.moments, slope, offset, -relative * (hi - lo), hi - lo, confidence)
    else:
        slope = np.array([-1.0, -1.0, 0.0, minus])
        upper = -_lower(sums.moments, slope, 0.0, -high, relative * hi - lo, confidence)
    return lower, upper


def term_range(
    sums: Sums, relative: bool, reward_range: tuple[float, float] | None, largest_weight: float | None
) -> tuple[float, float]:
    """Between which numbers a row's term can lie, from the range of rewards and the largest weight."""
    lo, hi = _rewards(sums, reward_range)
    largest = float(sums.high[WEIGHT])
    if largest_weight is not None and not largest_weight >= largest * (1.0 - 1e-9):
        raise PolicyError(f"largest_weight must be at least the log's, {largest:.6g}, got {largest_weight}")
    weight = largest if largest_weight is None else largest_weight
    modelled = sums.low[DIRECT] < 0.0 or sums.high[DIRECT] > 0.0
    direct = (min(lo, float(sums.low[DIRECT])), max(hi, float(sums.high[DIRECT]))) if modelled else (0.0, 0.0)
    residual = (lo - hi, hi - lo) if modelled else (lo, hi)
    low = direct[0] + min(weight * residual[0], float(sums.low[CORRECTION]), 0.0) - relative * hi
    high = direct[1] + max(weight * residual[1], float(sums.high[CORRECTION]), 0.0) - relative * lo
    return low, high


def _rewards(sums: Sums, given: tuple[float, float] | None) -> tuple[float, float]:
    """Between which numbers rewards can lie: as given, else as the log has them."""
    low, high = float(sums.low[REWARD]), float(sums.high[REWARD])
    if given is not None and not (len(given) == 2 and given[0] <= low and high <= given[1]):
        raise PolicyError(f"reward_range must hold the log's rewards, {low:.6g} to {high:.6g}, got {given}")
    return given or (low, high)


def _lower(moments: Moments, slope: Floats, offset: float, least: float, most: float, confidence: float) -> float:
    """Lower confidence sequence for the mean of terms `slope . row + offset` >= least, known to be at most `most`."""
    n, scale = moments.n, most - least
    if n == 0 or scale <= 0.0:
        return least
    mean = float(slope @ moments.mean) + offset
    squares = float(slope @ moments.scatter @ slope)
    bets = np.geomspace(1e-5, 0.95, 40)  # lambda
    psi = -np.log1p(-bets) - bets
    limit = np.log(2.0 / (1.0 - confidence))

    def wealth(candidates: Floats) -> Floats:
        gain = n * (mean - candidates[:, None]) / scale
        variation = (squares + n * (mean - candidates[:, None]) ** 2) / scale**2
        exponents = bets * gain - psi * variation
        most = exponents.max(axis=1)
        grown: Floats = most + np.log(np.exp(exponents - most[:, None]).mean(axis=1))
        return grown

    low, high = least, most
    for _ in range(5):  # each round looks 100 times closer at where the first candidate survives
        grid = np.linspace(low, high, 101)
        first = int(np.argmax(np.append(wealth(grid) < limit, True)))
        if first in (0, len(grid)):
            return low if first == 0 else high
        low, high = grid[first - 1], grid[first]
    return float(low)


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
    skewness = float(np.sum(influence**3) / spread**1.5) if spread > 0.0 else 0.0
    return float(np.clip(skewness / 6.0, -0.2, 0.2))  # beyond, the correction has a pole within reach of the quantiles
