"""Intervals for launches that hold when the level drifts: conformal, by what was missed lately."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.planning.growth import Growth
from benchmarks.planning.launches import Flags, Floats, Integers, Launches

HALF_LIFE = 84.0  # days after which what was missed counts half
LEVELS = (0.05, 0.1, 0.5, 0.9, 0.95)
_TELLING = 15  # launches of a later time from which factors are told
_FACTORS = (1.0, 2.0)  # between which they lie before they are drawn half way to 1, so few launches tell them
_TOLD = 7  # days after which a launch's sales say something of its total


class Drifting:
    """What a predictor missed, launch by launch, as it became known day by day.

    The residuals of earlier launches, weighted by how long ago they were, give the interval of the next (Barber,
    Candes, Ramdas & Tibshirani 2023, Conformal prediction beyond exchangeability). A launch whose horizon is not over
    takes part with what its sales so far let expect, weighted by how well they tell. So a change of level is noticed
    within weeks. Residuals are in logarithms, relative to their usual size at such a prediction.

    Args:
        launches: the shop's past.
        items: (n,) launches, in order of launch.
        predicted: (n,) for each, a prediction that has not seen its outcome, made after `seen` days.
        usual: (n,) of bool, launches from which is learned how large residuals usually are and how sales grow.
        seen: days of its own sales that a prediction knew.
        wider: factors of what lies below and above the middle of the intervals, see `looking_ahead`.
    """

    def __init__(
        self,
        launches: Launches,
        items: Integers,
        predicted: Floats,
        usual: Flags,
        seen: int,
        wider: tuple[float, float] = (1.0, 1.0),
    ) -> None:
        self._launches, self._items, self._predicted = launches, items, predicted
        self._seen, self._wider = seen, wider
        self._first = launches.first[items]
        self._outcome = np.log1p(np.maximum(launches.outcome(items), 0.0))
        missed = (self._outcome - predicted)[usual]
        self._sizes = _Sizes(predicted[usual], np.abs(missed))
        self._usually = self._sizes.at(predicted)  # (n,)
        self._growth = Growth(launches, items[usual])
        self._telling = np.mean(missed**2) / (np.mean(missed**2) + self._growth.noise + 1e-9)  # (horizon + 1,)
        self._finally = (self._outcome - predicted) / self._usually  # (n,) relative residuals, once all is over
        self._ranked = np.argsort(self._finally, kind="stable")  # what is all but sorted is sorted quickly, day by day
        self._spreads: dict[tuple[int, tuple[float, ...]], Floats] = {}

    def quantiles(self, places: Integers, levels: Sequence[float] = LEVELS) -> Floats:
        """(places, levels) of the log of 1 + sales of these launches, each as of the day of its prediction."""
        days, of = np.unique(self._first[places], return_inverse=True)
        spreads = np.stack([self.spread(int(day), levels).residuals for day in days])
        return np.asarray(self._predicted[places, None] + self._usually[places, None] * spreads[of])

    def spread(self, day: int, levels: Sequence[float] = LEVELS) -> Spread:
        """How far outcomes of that day's launches may lie from what is predicted of them.

        In the middle is what is predicted: what was missed moves bounds, the more the farther out they are. Launches
        left out with their whole part of time were missed by more than the next one will be, which is predicted from
        all parts: levels drift.
        """
        middle, *found = self._spread(day, tuple(levels))
        apart, outward = np.array(found) - middle, np.abs(2 * np.array(levels) - 1)
        return Spread(middle * outward + np.where(apart < 0, *self._wider) * apart, self._sizes)

    def _spread(self, day: int, levels: tuple[float, ...]) -> Floats:
        """(1 + levels,) of relative residuals: the middle and these, for all launches of a day.

        None of them takes part: their own horizon is not over when they are predicted.
        """
        if (day, levels) not in self._spreads:
            missed, weights = self._known_missed(day, day + self._seen)
            self._spreads[day, levels] = weighted_quantiles(missed, weights, np.array([0.5, *levels]))
        return self._spreads[day, levels]

    def _known_missed(self, day: int, now: int) -> tuple[Floats, Floats]:
        """Relative residuals as far as they were known on the morning `now`, and what each counts on that `day`."""
        age = now - self._first
        over = self._ranked[age[self._ranked] >= self._launches.horizon]
        young = np.flatnonzero((age < self._launches.horizon) & (age >= _TOLD) & (age > self._seen))
        found = self._growth.expected(self._items[young], now) - self._predicted[young]
        known = np.concatenate([over, young])
        weights = self._telling[np.minimum(age[known], self._launches.horizon)]
        weights = weights * 0.5 ** (np.abs(day - self._first[known]) / HALF_LIFE)
        return np.concatenate([self._finally[over], found / self._usually[young]]), weights


def looking_ahead(launches: Launches, items: Integers, answer: Floats, ahead: Floats, seen: int) -> tuple[float, float]:
    """How many times as wide intervals must be, below and above, to have held on launches of a later time.

    The later half of the launches learned from, predicted from the earlier half, is judged as the next ones will be:
    the factors are those with which the outer intervals would have held (split conformal prediction of the intervals
    themselves; Romano, Patterson & Candes 2019, Conformalized quantile regression), each on its side.

    Args:
        launches: the shop's past.
        items: (n,) launches learned from, in order of launch.
        answer: (n,) for each, a prediction that has not seen its outcome.
        ahead: for the later half, predictions learned from the earlier half.
        seen: days of their own sales that they knew.
    """
    half = len(items) // 2
    if half < _TELLING:
        return 1.0, 1.0
    predicted = np.concatenate([answer[:half], ahead])
    drifting = Drifting(launches, items, predicted, np.arange(len(items)) < half, seen)
    bounds = drifting.quantiles(np.arange(half, len(items)), (LEVELS[0], 0.5, LEVELS[-1]))
    outcome = np.log1p(np.maximum(launches.outcome(items[half:]), 0.0))
    below = (bounds[:, 1] - outcome) / np.maximum(bounds[:, 1] - bounds[:, 0], 1e-9)
    above = (outcome - bounds[:, 1]) / np.maximum(bounds[:, 2] - bounds[:, 1], 1e-9)
    low, high = (float(np.sqrt(np.clip(np.quantile(apart, LEVELS[-1]), *_FACTORS))) for apart in (below, above))
    return low, high


@dataclass(frozen=True, eq=False)
class Spread:
    """Relative residuals at some levels, and how large they usually are."""

    residuals: Floats  # (levels,)
    sizes: _Sizes

    def around(self, predicted: Floats) -> Floats:
        """(n, levels) quantiles of the log of 1 + sales of launches of which that (n,) is predicted."""
        return np.asarray(predicted[:, None] + self.sizes.at(predicted)[:, None] * self.residuals)


class _Sizes:
    """How large residuals usually are, by the prediction: means over neighbours, drawn to the mean of all."""

    def __init__(self, predicted: Floats, sizes: Floats) -> None:
        order = np.argsort(predicted, kind="stable")
        self._at = predicted[order]
        window = max(len(order) // 4, 10)
        sums = np.convolve(sizes[order], np.ones(window), "same")
        counts = np.convolve(np.ones(len(order)), np.ones(window), "same")[: len(order)]
        self._sizes = np.maximum((sums[: len(order)] / counts + sizes.mean()) / 2, 1e-3)

    def at(self, predicted: Floats) -> Floats:
        return np.asarray(np.interp(predicted, self._at, self._sizes))


def weighted_quantiles(values: Floats, weights: Floats, levels: Floats) -> Floats:
    """Quantiles of weighted values, where one more of unknown size and weight 1 would be as likely anywhere.

    Levels below and above a half are moved outward by that one: with k equal weights, level p becomes p (k + 1) / k.
    """
    kept = weights > 0
    values, weights = values[kept], weights[kept]
    if not len(values):
        return np.array([0.0 if level == 0.5 else math.copysign(math.inf, level - 0.5) for level in levels])
    order = np.argsort(values, kind="stable")
    heaped = np.cumsum(weights[order])
    size = heaped[-1] ** 2 / np.sum(weights**2)  # as many as that of equal weight
    outward = 0.5 + (levels - 0.5) * (size + 1) / size
    middles = (heaped - weights[order] / 2) / heaped[-1]
    return np.asarray(np.interp(outward, middles, values[order]))
