"""Intervals for an estimate: gamma, bootstrap, Student's t, empirical Bernstein, and a confidence sequence.

All are read off `Sums`; none needs the rows again. Each answers (lower, upper) for the policy's value or, with
`relative=True`, for its difference to the mean reward of the policy that made the log, paired row by row. The first
three take the rows of one user together where `Sums` were told who decided.
"""

from __future__ import annotations

import numpy as np
from scipy import special

from benchmarks.off_policy.sums import CORRECTION, DIRECT, REWARD, WEIGHT, Averages, Sums
from policies.policy import Floats, PolicyError

NEEDED = 20.0  # events: below, bootstrap and Student's t cover clearly less than they promise


def value(moments: Averages, self_normalised: bool, relative: bool = False) -> float:
    """The estimate: mean(direct) + sum(weight * residual) / (n or sum(weight)); NaN where all weights are 0."""
    mean = moments.mean
    correction = mean[CORRECTION]
    if self_normalised:
        correction = correction / mean[WEIGHT] if mean[WEIGHT] > 0.0 else np.nan
    return float(mean[DIRECT] + correction - relative * mean[REWARD])


def around(centre: float, limits: tuple[float, float]) -> tuple[float, float]:
    """(lower, upper), moved no farther than to hold the estimate: it may lie where no mean of rewards can."""
    return float(np.minimum(limits[0], centre)), float(np.maximum(limits[1], centre))


def gradient(moments: Averages, self_normalised: bool, relative: bool = False) -> Floats:
    """(4,) of the estimate with respect to the means of the terms: its delta-method linearisation."""
    mean = moments.mean
    if not self_normalised:
        return np.array([1.0, 1.0, 0.0, -float(relative)])
    ratio = mean[CORRECTION] / mean[WEIGHT]
    return np.array([1.0, 1.0 / mean[WEIGHT], -ratio / mean[WEIGHT], -float(relative)])


def standard_error(sums: Sums, self_normalised: bool, relative: bool = False) -> float:
    """Square root of the (linearised) variance of the estimate, over users where they are known."""
    apart = influence(sums, self_normalised, relative)
    m = len(apart)
    return float(np.sqrt(apart @ apart * m / max(m - 1, 1)) / (sums.moments.total or 1.0))


def influence(sums: Sums, self_normalised: bool, relative: bool = False) -> Floats:
    """(m,) what each group of rows adds to the (linearised) estimate times all visits, less its due: they sum to 0."""
    groups = sums.groups[sums.groups[:, 0] > 0.0]
    terms = groups[:, 1:] @ gradient(sums.moments, self_normalised, relative)
    apart: Floats = terms - groups[:, 0] * (terms.sum() / (sums.moments.total or 1.0))
    return apart


def _variance(moments: Averages, slope: Floats) -> float:
    variance = float(slope @ moments.covariance @ slope)
    return max(variance, 0.0)


def gamma(
    sums: Sums,
    self_normalised: bool,
    confidence: float = 0.95,
    relative: bool = False,
    *,
    reward_range: tuple[float, float] | None = None,
    largest_weight: float | None = None,
) -> tuple[float, float]:
    """Gamma interval for a weighted sum of rare rewards: it allows for one rewarded row, or user, that the log lacks.

    Fay & Feuer (1997), "Confidence intervals for directly standardized rates", eq. 3.4, is the interval of a sum of
    Poisson counts with weights: quantiles of a gamma distribution, at the upper end with one more row of the largest
    weight. Here the gamma is shifted so that it also has the variance and the skewness of terms that are neither rare
    nor positive; for counts with weight 1 it is Garwood's (1936) exact interval, for many tame rows Student's. Where
    rows can count downwards, as with `relative` or a model, the lower end has one more of those.

    It holds if no reward lies outside `reward_range` and no weight above `largest_weight`; what is not given is read
    off the log. (NaN, NaN) where all rewards are the same: the log then says nothing of how large one may be.
    """
    farthest = _farthest(sums, self_normalised, relative, reward_range, largest_weight)
    if not np.isfinite(farthest).all() or (reward_range is None and sums.low[REWARD] == sums.high[REWARD]):
        return np.nan, np.nan
    apart = influence(sums, self_normalised, relative)
    reach = _reach(apart, farthest, sums.independent, confidence)
    centre = value(sums.moments, self_normalised, relative)
    lo, hi = _rewards(sums, reward_range)
    lower, upper = np.clip(
        centre + reach / sums.moments.total, lo - relative * hi, hi - relative * lo
    )  # no mean is larger
    return float(lower), float(upper)


def gamma_of_difference(
    both: tuple[Sums, Sums], self_normalised: tuple[bool, bool], confidence: float = 0.95
) -> tuple[float, float]:
    """`gamma` for the value of one policy less that of another on the same rows, paired by user or row.

    Raises:
        PolicyError: they are not of the same rows.
    """
    one, other = both
    if not np.array_equal(one.groups[:, 0], other.groups[:, 0]):
        raise PolicyError("policies must be judged on the same rows to be compared")
    low, high = (_farthest(sums, form, False, None, None) for sums, form in zip(both, self_normalised, strict=True))
    if one.low[REWARD] == one.high[REWARD] or not np.isfinite([low, high]).all():
        return np.nan, np.nan
    first, second = (influence(sums, form) for sums, form in zip(both, self_normalised, strict=True))
    reach = _reach(first - second, (low[0] - high[1], low[1] - high[0]), one.independent, confidence)
    centre = value(one.moments, self_normalised[0]) - value(other.moments, self_normalised[1])
    span = float(one.high[REWARD] - one.low[REWARD])
    lower, upper = np.clip(centre + reach / one.moments.total, -span, span)
    return float(lower), float(upper)


def _reach(apart: Floats, farthest: tuple[float, float], users: float, confidence: float) -> Floats:
    """(2,) how far below and above the estimate times all visits the limits lie."""
    further = _heaviest(apart, farthest) * np.array(farthest)
    levels = (0.5 - confidence / 2.0, 0.5 + confidence / 2.0)
    limits = [_quantile(apart, *pair) for pair in zip(further, levels, strict=True)]
    return np.array(limits) * _students_due(users - 1.0, levels[1])


def events(sums: Sums, self_normalised: bool, relative: bool = False) -> float:
    """How many rows of equal, rare rewards would be as skew as the estimate is, with one more of the largest weight.

    The square of 1 / skewness: n for n Poisson counts, infinite for a symmetric estimate. It says how near the estimate
    is to normal, which is what the bootstrap and Student's t rest on.
    """
    apart, farthest = influence(sums, self_normalised, relative), _farthest(sums, self_normalised, relative, None, None)
    variance, third = _with_one_more(apart, _heaviest(apart, farthest) * max(farthest, key=abs))
    return variance**3 / third**2 if third != 0.0 else np.inf if variance > 0.0 else 0.0


def unfit(method: str, sums: Sums, self_normalised: bool, relative: bool = False) -> str:
    """Why the log does not bear an interval of this kind, in a sentence; nothing where it does."""
    if method == "empirical_bernstein" and self_normalised:
        return "A ratio has no empirical Bernstein interval."
    if method in ("empirical_bernstein", "confidence_sequence") and sums.weighted:
        return f"A log that was thinned out has no {method.replace('_', ' ')}: the number of its visits is estimated."
    if method not in ("bootstrap", "student_t"):
        return ""
    found = events(sums, self_normalised, relative)
    if not found < NEEDED:
        return ""
    few = f"The rewards vary like {found:.1f} equal rewarded rows; {method.replace('_', ' ')} needs {NEEDED:.0f}."
    return few + " The gamma interval allows for that."


def _quantile(apart: Floats, further: float, level: float) -> float:
    """Of the shifted gamma distribution with the sum, variance and third moment of these terms and a further one."""
    variance, third = _with_one_more(apart, further)
    if variance == 0.0:
        return further
    skewness = third / variance**1.5
    if abs(skewness) < 1e-4:
        return further + float(np.sqrt(variance) * special.ndtri(level))
    shape, scale = 1.0 / skewness**2, third / variance
    quantile = special.gammaincinv(shape, level if scale > 0.0 else 1.0 - level)
    return float(further + scale * (quantile - shape))


def _with_one_more(apart: Floats, further: float) -> tuple[float, float]:
    """Variance and third moment of a sum of terms and one further."""
    m = len(apart)
    return float(np.sum(apart**2) * m / max(m - 1, 1) + further**2), float(np.sum(apart**3) + further**3)


def _heaviest(apart: Floats, farthest: tuple[float, float]) -> float:
    """How many of the farthest rows the heaviest user, or group of rows, is worth; at least one."""
    row = max(map(abs, farthest))
    return max(1.0, float(np.abs(apart).max()) / row) if row > 0.0 else 1.0


def _students_due(freedom: float, level: float) -> float:
    """How much farther a quantile lies because the spread is known with so many degrees of freedom only."""
    return float(special.stdtrit(max(freedom, 1e-3), level) / special.ndtri(level))


def _farthest(
    sums: Sums,
    self_normalised: bool,
    relative: bool,
    reward_range: tuple[float, float] | None,
    largest_weight: float | None,
) -> tuple[float, float]:
    """How far below and above its mean a row's linearised term can be: at the smallest or largest weight, for the
    smallest or largest reward, where the model expects least or most, and the row stands for most visits."""
    weight, reward, direct = np.meshgrid(
        (sums.low[WEIGHT], _largest(sums, largest_weight)),
        _rewards(sums, reward_range),
        (sums.low[DIRECT], sums.high[DIRECT]),
    )
    model_alone = sums.low[CORRECTION] == sums.high[CORRECTION] == 0.0 and bool(np.any(direct))
    correction = 0.0 if model_alone else weight * (reward - direct)
    slope = gradient(sums.moments, self_normalised, relative)
    terms = direct + slope[CORRECTION] * correction + slope[WEIGHT] * weight - relative * reward
    apart = terms - slope @ sums.moments.mean
    return float(apart.min() * sums.largest_count), float(apart.max() * sums.largest_count)


def student_t(
    sums: Sums, self_normalised: bool, confidence: float = 0.95, relative: bool = False
) -> tuple[float, float]:
    """Estimate +- t(m - 1) standard errors, m rows or users' worth: asymptotic, trustworthy where weights are tame and
    rewards many."""
    centre = value(sums.moments, self_normalised, relative)
    quantile = special.stdtrit(max(sums.independent - 1.0, 1e-3), 0.5 + confidence / 2.0)
    reach = float(quantile) * standard_error(sums, self_normalised, relative)
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
    """BCa bootstrap over rows or users, or over groups of them where there are many: bias- and skewness-corrected
    percentiles. Efron (1987), "Better bootstrap confidence intervals", eq. 2.3 and 6.6."""
    apart = influence(sums, self_normalised, relative)
    if len(apart) < 2:
        return np.nan, np.nan
    drawn = np.sort(_values(sums.resampled(replicates, seed), self_normalised, relative))
    centre = value(sums.moments, self_normalised, relative)
    below = (int(np.sum(drawn < centre)) + 0.5 * int(np.sum(drawn == centre))) / replicates
    bias = special.ndtri(np.clip(below, 1.0 / replicates, 1.0 - 1.0 / replicates))
    acceleration = _acceleration(apart)
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
    off the log, and then the interval is only as good as that. It goes no farther than rewards can. The confidence
    sequence, which makes more of the variance, may be narrower up to some thousands of rows. (NaN, NaN) for
    self-normalised estimators: a ratio has no such bound.
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
    lo, hi = _rewards(sums, reward_range)
    lower, upper = np.clip([centre - reach, centre + reach], lo - relative * hi, hi - relative * lo)
    return float(lower), float(upper)


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
    weight = _largest(sums, largest_weight)
    modelled = sums.low[DIRECT] < 0.0 or sums.high[DIRECT] > 0.0
    direct = (min(lo, float(sums.low[DIRECT])), max(hi, float(sums.high[DIRECT]))) if modelled else (0.0, 0.0)
    residual = (lo - hi, hi - lo) if modelled else (lo, hi)
    low = direct[0] + min(weight * residual[0], float(sums.low[CORRECTION]), 0.0) - relative * hi
    high = direct[1] + max(weight * residual[1], float(sums.high[CORRECTION]), 0.0) - relative * lo
    return low, high


def _largest(sums: Sums, given: float | None) -> float:
    """How large a weight can be: as given, else as the log has it."""
    largest = float(sums.high[WEIGHT])
    if given is not None and not given >= largest * (1.0 - 1e-9):
        raise PolicyError(f"largest_weight must be at least the log's, {largest:.6g}, got {given}")
    return largest if given is None else given


def _rewards(sums: Sums, given: tuple[float, float] | None) -> tuple[float, float]:
    """Between which numbers rewards can lie: as given, else as the log has them."""
    low, high = float(sums.low[REWARD]), float(sums.high[REWARD])
    if given is not None and not (len(given) == 2 and given[0] <= low and high <= given[1]):
        raise PolicyError(f"reward_range must hold the log's rewards, {low:.6g} to {high:.6g}, got {given}")
    return given or (low, high)


def _lower(moments: Averages, slope: Floats, offset: float, least: float, most: float, confidence: float) -> float:
    """Lower confidence sequence for the mean of terms `slope . row + offset` >= least, known to be at most `most`."""
    n, scale = moments.n, most - least
    if n == 0 or scale <= 0.0:
        return least
    mean = float(slope @ moments.mean) + offset
    squares = max(n - 1, 1) * _variance(moments, slope)
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


def _acceleration(apart: Floats) -> float:
    """Skewness of the estimate's influence over the groups, divided by 6; never beyond 1 / 6, far from the pole."""
    spread = np.sum(apart**2)
    return float(np.sum(apart**3) / spread**1.5) / 6.0 if spread > 0.0 else 0.0
