"""Pieces: how many of a product a line has, an ordered probit on usual sizes, and what they cost.

A line has size j where thresholds[j - 1] < shift + noise <= thresholds[j]; the shift is the segment's, the user's, the
product's and the visit's, the noise standard normal. The user's and the visit's are normal, some of them wider than
the others (Tukey 1960). Over all users and visits, where segment and product shift
nothing, lines have the sizes in the shares that a scenario says (McKelvey & Zavoina 1975 for the model).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit
from scipy.special import ndtr, ndtri

from simulator import streams
from simulator.baskets import Baskets
from simulator.scenario import Pieces as About
from simulator.scenario import Scenario, Tail
from simulator.users import Users

Array = npt.NDArray[np.float64]

_LOWEST, _STEP, _PLACES = -8.0, 0.01, 1601  # of the tables of expectations, by shift


class Pieces:
    """The sizes of lines, and what is expected of them in closed form."""

    def __init__(self, scenario: Scenario, users: Users, baskets: Baskets, seed: int) -> None:
        about = scenario.pieces or About(sizes=[1], shares=[1.0])
        segments = np.array([segment.pieces for segment in scenario.users.segments])
        own = streams.generator(seed, "pieces").normal(size=len(users)) if about.spread else 0.0
        if about.spread_tail is not None:
            far = streams.generator(seed, "pieces of few").random(len(users)) < about.spread_tail.share
            own *= np.where(far, about.spread_tail.times, 1.0)
        self.sizes = np.array(about.sizes)  # (J,)
        self.off = np.array([_off(about, size) for size in about.sizes])  # (J,) share off the price
        tilt = about.basket * baskets.own
        self.of_users = (segments[users.segments] + about.spread * own + tilt).astype(np.float32)  # (N,) shifts
        self.of_products = np.array([product.pieces for product in scenario.products])  # (K,)
        self.of_visits, self.fill = about.visits, about.fill  # standard deviation; shift an e-fold of a visit's wants
        tilted = (about.basket * baskets.spread) ** 2
        self.odd, self.times = (about.visits_tail.share, about.visits_tail.times) if about.visits_tail else (0.0, 1.0)
        shares = np.cumsum(about.shares) / np.sum(about.shares)
        spread = Mixed.of((about.spread, about.spread_tail), (about.visits, about.visits_tail), other=1 + tilted)
        self.thresholds = spread.quantiles(shares[:-1])  # (J - 1,)
        self._kept = _kept(scenario, self.sizes)
        self.wanted = self._expected(self.sizes.astype(np.float64))  # pieces of a line
        self.units = self._expected(self.sizes * self._kept)  # net of returns
        self.paid = self._expected(self.sizes * (1 - self.off) * self._kept)  # multiples of the price of one

    def _expected(self, worth: Array) -> Array:
        """(1601,) mean worth of a line, by its shift without the visit's."""
        shifts = _LOWEST + _STEP * np.arange(_PLACES)
        spread = Mixed.of((self.of_visits, Tail(share=self.odd, times=self.times) if self.odd else None), other=1.0)
        below = np.column_stack([np.zeros(_PLACES), spread.below(self.thresholds - shifts[:, None]), np.ones(_PLACES)])
        return np.asarray(np.diff(below, axis=1) @ worth)


@dataclass(frozen=True)
class Mixed:
    """A sum of normals, some of which spread wider than the others of their kind: a mixture of normals of mean 0."""

    variances: Array  # (M,)
    shares: Array  # (M,)

    @classmethod
    def of(cls, *parts: tuple[float, Tail | None], other: float) -> Mixed:
        """Of parts, each with its standard deviation and its tail, and of what has this variance without one."""
        variances, shares = np.array([other]), np.ones(1)
        for spread, tail in parts:
            share, times = (tail.share, tail.times) if tail is not None else (0.0, 1.0)
            variances = np.concatenate([variances + spread**2, variances + (times * spread) ** 2])
            shares = np.concatenate([(1 - share) * shares, share * shares])
        return cls(variances[shares > 0], shares[shares > 0])

    def below(self, ends: Array) -> Array:
        """(...,) chance of less than each end."""
        return np.asarray(
            sum(share * ndtr(ends / np.sqrt(v)) for share, v in zip(self.shares, self.variances, strict=True))
        )

    def quantiles(self, chances: Array) -> Array:
        """(n,) ends below which it is with these chances, by bisection where more than one normal is mixed."""
        narrow, wide = (ndtri(chances) * np.sqrt(v) for v in (self.variances.min(), self.variances.max()))
        if len(self.variances) == 1:
            return np.asarray(wide)
        low, high = np.minimum(narrow, wide), np.maximum(narrow, wide)
        for _ in range(60):
            middle = (low + high) / 2
            under = self.below(middle) < chances
            low, high = np.where(under, middle, low), np.where(under, high, middle)
        return np.asarray(low)


def _off(about: About, size: int) -> float:
    return max((step.off for step in about.breaks if size >= step.at), default=0.0)


def _kept(scenario: Scenario, sizes: npt.NDArray[np.int64]) -> Array:
    """(J,) share of a line's pieces that does not come back: of a part, half on average."""
    about = scenario.buying
    back = about.returns * (1 - np.exp(-about.return_window / about.return_days))
    return np.asarray(1 - back * np.where(sizes > 1, 1 - about.returns_part / 2, 1.0))


@njit(cache=True, inline="always")
def expected(table: Any, shift: float) -> Any:
    """The expectation at a shift, by linear interpolation."""
    place = min(max((shift - _LOWEST) / _STEP, 0.0), _PLACES - 1.001)
    low = int(place)
    return table[low] + (place - low) * (table[low + 1] - table[low])


@njit(cache=True, inline="always")
def size(thresholds: Any, shift: float, noise: float) -> Any:
    """Which size a line has."""
    return np.searchsorted(thresholds, shift + noise)


@njit(cache=True, inline="always")
def normal(luck: Any, word: Any) -> Any:
    """A standard normal number from this luck (Box & Muller 1958)."""
    angle = streams.unit(streams.mix(luck, word + np.uint64(1)))
    return np.sqrt(-2.0 * np.log(streams.unit(streams.mix(luck, word)))) * np.cos(2.0 * np.pi * angle)
