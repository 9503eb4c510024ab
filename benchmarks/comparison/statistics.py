"""How sure are we? Means and paired differences over seeds, each with its interval."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from scipy import special

from benchmarks.comparison import anytime as sequential
from policies.policy import Floats

CONFIDENCE = 0.95
_SHOWN_LESS = 1.5  # of skewness 2.6, nine seasons show 1.0 to 1.4 on average, twenty 1.4 to 1.8
_SIGN_FLIP_LIMIT = 0.10  # five differences of one sign reach 0.0625, four no better than 0.125
_EXACT = 14  # up to so many differences all 2^n flips are tried
_FLIPS = 20_000


def mean_interval(
    values: Any, confidence: float = CONFIDENCE, *, anytime: bool = False
) -> tuple[Floats, Floats, Floats]:
    """Mean over the first axis with a two-sided interval that also holds where seasons are skewed.

    On each side it reaches as far as the farther of two: Student's t, and Hall's (1992, "On the removal of skewness by
    transformation", eq. 2.2) cubic transformation of t, which reaches far on the side of the long tail that a sample
    may have missed. Where seasons show no skewness both are the same. Student's t alone misses 10% of means at 9
    seasons of skewness 2.6, 8 to 10% at 20.

    Args:
        values: (n, ...) one row a seed.
        confidence: of the interval.
        anytime: whether the intervals after every further season hold together, so that one may look and stop at any:
            the reach of `benchmarks.comparison.anytime` stands in the place of Student's.

    Returns:
        mean, lower, upper, each of the shape of one row. One seed has no interval, nor have fewer than 20 that may be
        looked at any time: lower and upper are NaN.
    """
    values = np.asarray(values, float)
    return _interval(values, _skewness(values), confidence, anytime)


def path_interval(
    paths: Any, confidence: float = CONFIDENCE, *, anytime: bool = False
) -> tuple[Floats, Floats, Floats]:
    """`mean_interval` along paths, each day with the skewness that seasons show at their end.

    Ten seasons tell little of skewness: read anew every day it would make a band jump, which would tell of nothing. So
    the band has one shape, as broad as each day's standard error makes it, and ends where that of the season does.

    Args:
        paths: (n, T) one row a seed, cumulative.
        confidence: of the interval, day by day.
        anytime: as of `mean_interval`.

    Returns:
        mean, lower, upper, each (T,).
    """
    paths = np.asarray(paths, float)
    return _interval(paths, _skewness(paths[:, -1]), confidence, anytime)


def prediction_interval(values: Any, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Within which one season more lies, as Student's t has it: it does not close in on the mean with more seasons.

    Args:
        values: (n,) one a seed; NaN bounds where fewer than two.
        confidence: of the interval.
    """
    values = np.asarray(values, float)
    if len(values) < 2:
        return np.nan, np.nan
    reach = special.stdtrit(len(values) - 1, (1 + confidence) / 2) * np.sqrt(1 + 1 / len(values))
    apart = float(reach * values.std(ddof=1))
    return float(values.mean()) - apart, float(values.mean()) + apart


def _interval(values: Floats, skewness: Floats, confidence: float, anytime: bool) -> tuple[Floats, Floats, Floats]:
    n = len(values)
    mean = values.mean(axis=0)
    if n < (sequential.FIRST if anytime else 2):
        return mean, np.full_like(mean, np.nan), np.full_like(mean, np.nan)
    error = values.std(axis=0, ddof=1) / np.sqrt(n)
    student = sequential.reach(n, confidence) if anytime else float(special.stdtrit(n - 1, (1 + confidence) / 2))
    bend = _SHOWN_LESS * skewness / np.sqrt(n)
    lower = mean - error * np.maximum(student, _straightened(student, bend))
    upper = mean + error * np.maximum(student, -_straightened(-student, bend))
    return mean, lower, upper


def _skewness(values: Floats) -> Floats:
    """Adjusted Fisher-Pearson skewness over the first axis; 0 where fewer than three values, or none, vary."""
    n = len(values)
    apart = values - values.mean(axis=0)
    scale, third = (apart**2).mean(axis=0) ** 1.5, (apart**3).mean(axis=0)
    if n < 3:
        return np.zeros_like(np.asarray(scale))
    skewness = np.divide(third, scale, out=np.zeros_like(third), where=scale > 0)
    return np.asarray(skewness * np.sqrt(n * (n - 1)) / (n - 2))


def _straightened(quantile: float, bend: Floats) -> Floats:
    """Which t has this quantile after Hall's transformation t + b t^2 / 3 + b^2 t^3 / 27 + b / 6."""
    small = np.abs(bend) < 1e-6
    b = np.where(small, 1.0, bend)
    return np.where(small, quantile, 3 / b * (np.cbrt(1 + b * (quantile - b / 6)) - 1))


def interval_p(values: Any, *, anytime: bool = False) -> float:
    """The smallest 1 - confidence at which `mean_interval` of (n,) values leaves out 0; NaN where there is none."""
    values = np.asarray(values, float)
    n = len(values)
    if n < (sequential.FIRST if anytime else 2):
        return np.nan
    error = values.std(ddof=1) / np.sqrt(n)
    if error == 0:
        return float(values.mean() == 0)
    t, bend = values.mean() / error, _SHOWN_LESS * float(_skewness(values)) / np.sqrt(n)
    bent = t + bend * t**2 / 3 + bend**2 * t**3 / 27 + bend / 6
    beyond = max(min(t, bent), min(-t, -bent), 0.0)
    return sequential.p_value(beyond, n) if anytime else float(2 * special.stdtr(n - 1, -beyond))


def holm(p_values: Any) -> Floats:
    """(m,) p-values adjusted so that all m rejections hold together (Holm 1979), step down: never above m p.

    NaN stays NaN and counts as no comparison.
    """
    p_values = np.asarray(p_values, float)
    order = np.argsort(p_values)[: np.count_nonzero(~np.isnan(p_values))]
    adjusted: Floats = np.full_like(p_values, np.nan)
    factors = len(order) - np.arange(len(order))
    stepped: Floats = np.maximum.accumulate(factors * p_values[order])
    adjusted[order] = np.minimum(stepped, 1.0)
    return adjusted


def pairing(values: Any, others: Any) -> float:
    """How many times as many seasons would be needed without the same visitors for both: a ratio of variances.

    That of the difference of two means over seasons of their own, to that of the paired difference; infinite where
    pairs do not differ, NaN with one season.
    """
    values, others = np.asarray(values, float), np.asarray(others, float)
    if len(values) < 2:
        return np.nan
    paired_variance = float((values - others).var(ddof=1))
    apart = float(values.var(ddof=1) + others.var(ddof=1))
    return apart / paired_variance if paired_variance else np.inf


def sign_flip(differences: Any, seed: int = 0) -> float:
    """Two-sided p-value that paired differences are symmetric about 0, with no normality assumed.

    Under the null every difference may as well have had the other sign (Fisher's randomisation test). All 2^n sign
    patterns are tried up to n = 14, a random 20,000 (counting the observed one) above.
    """
    differences = np.asarray(differences, float)
    n = len(differences)
    sums = np.abs(_signs(n) @ differences if n <= _EXACT else _some_flips(differences, seed))
    observed = abs(differences.sum())
    return float(np.mean(sums >= observed * (1 - 1e-12)))


def _signs(n: int) -> Floats:
    """(2^n, n) every pattern of signs, that without a flip first."""
    return 1.0 - 2.0 * (np.arange(2**n)[:, None] >> np.arange(n) & 1)


def _some_flips(differences: Floats, seed: int) -> Floats:
    """(20,000,) sums under random patterns, that without a flip first; a byte looks up those of eight differences."""
    eights = np.pad(differences, (0, -len(differences) % 8)).reshape(-1, 8)
    sums = np.zeros(_FLIPS)
    for of_eight, patterns in zip(eights @ _signs(8).T, _patterns(len(eights), seed), strict=True):
        sums += of_eight[patterns]
    return sums


@lru_cache(maxsize=2)  # every policy of a comparison has as many seasons
def _patterns(n: int, seed: int) -> Any:
    """(n, 20,000) random bytes, each the signs of eight; 0, no flip, comes first."""
    patterns = np.random.default_rng(seed).integers(256, size=(n, _FLIPS), dtype=np.uint8)
    patterns[:, 0] = 0
    return patterns


@dataclass(frozen=True)
class Paired:
    """The mean of paired differences, how sure it is, and the verdict in words."""

    mean: float
    lower: float
    upper: float
    p: float  # of the sign-flip test
    verdict: str  # "better", "worse", "cannot tell"; "" with one seed


def paired(differences: Any, comparisons: int = 1, confidence: float = CONFIDENCE, *, anytime: bool = False) -> Paired:
    """Judge paired differences, one a seed, positive where the candidate did better.

    The interval is that of `mean_interval`, Bonferroni-adjusted: the intervals of all `comparisons` hold together with
    chance `confidence`. "better" or "worse" needs that interval to leave out 0 and the sign-flip test to agree at
    10%, which four seeds or fewer never do. With `anytime` intervals and verdicts may be looked at after every season,
    from the twentieth on.
    """
    mean, lower, upper = mean_interval(differences, 1 - (1 - confidence) / comparisons, anytime=anytime)
    if len(differences) < 2:
        return Paired(float(mean), np.nan, np.nan, np.nan, "")
    p = sign_flip(differences)
    verdict = "cannot tell"
    if p <= _SIGN_FLIP_LIMIT and (lower > 0 or upper < 0):
        verdict = "better" if lower > 0 else "worse"
    return Paired(float(mean), float(lower), float(upper), p, verdict)


def rate_interval(successes: float, n: float, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Wilson's score interval of a rate; (0, 1) where nothing was tried. Counts may be effective ones, not whole."""
    if n == 0:
        return 0.0, 1.0
    z = float(special.ndtri((1 + confidence) / 2))
    rate = successes / n
    centre = (rate + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * float(np.sqrt(rate * (1 - rate) / n + z**2 / (4 * n**2)))
    return max(0.0, centre - half), min(1.0, centre + half)


def rate_difference(
    successes: int, n: int, of_other: int, n_other: int, confidence: float = CONFIDENCE
) -> tuple[float, float, float]:
    """Difference of two independent rates with Newcombe's hybrid score interval (1998, method 10)."""
    here, there = successes / n, of_other / n_other
    low, high = rate_interval(successes, n, confidence)
    other_low, other_high = rate_interval(of_other, n_other, confidence)
    below = np.hypot(here - low, other_high - there)
    above = np.hypot(high - here, there - other_low)
    return here - there, here - there - float(below), here - there + float(above)
