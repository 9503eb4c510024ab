"""Where along a parameter one policy overtakes another: bands inverted, so that the place has an interval."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from benchmarks.comparison.statistics import CONFIDENCE, path_interval
from policies.policy import Floats

_FINE = 400  # places at which the band is read
_RATIO = 3.0  # of the ends of a range, above which it is walked by factors


@dataclass(frozen=True)
class Stretch:
    """A part of a range in which the same is known: who sells more."""

    first: float
    last: float
    ahead: int  # 1: the second policy; -1: the first; 0: cannot tell


@dataclass(frozen=True)
class Curve:
    """The paired difference along a parameter."""

    places: Floats  # (m,) fine, within the range
    mean: Floats  # (m,)
    lower: Floats  # (m,)
    upper: Floats  # (m,)

    @property
    def stretches(self) -> list[Stretch]:
        """The range in order, cut where what is known changes."""
        known = np.where(self.lower > 0, 1, np.where(self.upper < 0, -1, 0))
        cuts = np.flatnonzero(np.diff(known)) + 1
        starts, ends = [0, *cuts], [*cuts, len(known)]
        return [
            Stretch(float(self.places[start]), float(self.places[end - 1]), int(known[start]))
            for start, end in zip(starts, ends, strict=True)
        ]

    def crossing(self, first: float, last: float) -> float:
        """Where the mean changes its sign within a stretch; its middle where it never does."""
        inside = np.flatnonzero((self.places >= first) & (self.places <= last))
        turned = inside[:-1][np.diff(np.sign(self.mean[inside])) != 0]
        return float(self.places[turned[0]] if len(turned) else self.places[inside[len(inside) // 2]])


def walked(low: float, high: float, points: int) -> Floats:
    """(points,) from low to high: by equal factors where the range is wide and above 0, by equal steps elsewhere."""
    steps: Floats = np.geomspace(low, high, points) if _by_factors(low, high) else np.linspace(low, high, points)
    return steps


def _by_factors(low: float, high: float) -> bool:
    return low > 0 and high / low >= _RATIO


def along(places: Floats, differences: Floats, confidence: float = CONFIDENCE) -> Curve:
    """The mean difference between the places that were played, each season interpolated, with its interval.

    The places at which the interval holds 0 are an interval for where the difference is 0, as sure as each of them is:
    they are the places that a test of "no difference here" does not reject.

    Args:
        places: (P,) of the parameter, ascending.
        differences: (n seasons, P).
        confidence: of the interval at each place.
    """
    scale = np.log if _by_factors(places[0], places[-1]) else np.asarray
    fine = walked(float(places[0]), float(places[-1]), _FINE)
    between = np.array([np.interp(scale(fine), scale(places), season) for season in differences])
    of_all = between.mean(axis=1, keepdims=True)  # whose skewness gives the band one shape
    mean, lower, upper = path_interval(np.hstack([between, of_all]), confidence)
    return Curve(fine, mean[:-1], lower[:-1], upper[:-1])
