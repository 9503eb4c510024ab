"""What products must be worth, so that a market whose wants draw and choose sells of each what the shop sold."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from simulator.calibration.sales import Floats, Sales

_ROUNDS, _LOOKS = 15, 2  # of which each begins with another look at wants that are drawn, but for the first
_FARTHEST = 5.0  # from the first guess, in logs
_DRAWN, _ROOM = 20_000, 100_000_000  # wants; visits times products
_OFF = 0.05  # spread of what expectations miss, in logs
_SIZES = 8  # of visits, of equal shares of the lines
_NODES, _WEIGHTS = np.polynomial.hermite_e.hermegauss(7)


@dataclass(frozen=True, eq=False)
class Drawing:
    """Wants of a shop's visits: each draws so many products by popularity, and takes one by logit among those that are
    on sale and that its visit has not taken; a visit has several.
    """

    draws: int
    sizes: Floats  # (B,) products of a visit
    visits: Floats  # (B,) how many visits have so many, per line
    taste: float  # spread of what a product is worth to one customer and to another, in logs

    @classmethod
    def of(cls, sales: Sales, draws: int, taste: float) -> Drawing:
        """Visits as large as these."""
        size = np.sort(sales.lines_a_visit).astype(float)
        part = (np.cumsum(size) - size) * _SIZES // size.sum()
        count = np.bincount(part.astype(int))
        count, total = count[count > 0], np.bincount(part.astype(int), size)[count > 0]
        return cls(draws, total / count, count / size.sum(), taste)

    def lines(self, popularity: Floats, worth: Floats, traffic: Floats, lift: Floats) -> Floats:
        """(K,) lines that are expected of each product.

        A want considers product k with the chance 1 - (1 - p_k)^n, and takes it with that of t w_k / (t w_k + X), where
        t is taste and X what others on sale that are considered are worth: lognormal, of their mean and variance.
        Further wants of a visit take what is left, in the mean of what others took before (successive sampling).

        Args:
            popularity: (K,) chances of a draw.
            worth: (K,) exp of utility.
            traffic: (W,) lines of all in each week.
            lift: (K, W) what the week makes of a product's worth; 0 while not on sale.
        """
        each = worth[:, None] * lift
        chosen = self._taken(popularity, each)
        chosen /= np.maximum(chosen.sum(axis=0), 1e-12)
        of_visit = chosen * self._kept(chosen @ traffic)[:, None]
        return np.asarray((of_visit / np.maximum(of_visit.sum(axis=0), 1e-12)) @ traffic)

    def _taken(self, popularity: Floats, each: Floats) -> Floats:
        """(K, W) chance that a want takes each."""
        missed = (1 - popularity) ** (self.draws - 2)
        beside = (1 - missed * (1 - popularity))[:, None] * each  # what is considered beside one that is
        squares = beside * (each * np.exp(self.taste**2) - beside)
        spread = squares.sum(axis=0) - self._once(popularity * missed, each)
        others = np.maximum(beside.sum(axis=0) - beside, 1e-12)
        spread = np.log1p(np.maximum(spread - squares, 0.0) / others**2)  # of the log of what others are worth
        ahead = np.log(np.maximum(each, 1e-12) / others) - self.taste**2 / 2 + spread / 2
        seen = (1 - missed * (1 - popularity) ** 2)[:, None]
        return np.asarray(seen * (each > 0) * _likely(ahead, np.sqrt(self.taste**2 + spread)))

    def _once(self, drawn: Floats, each: Floats) -> Floats:
        """(W,) variance that is not there since what a draw finds it does not find elsewhere."""
        beside = drawn[:, None] * each
        return np.asarray((self.draws - 1) * (beside.sum(axis=0) ** 2 - (beside**2).sum(axis=0)))

    def _kept(self, chosen: Floats) -> Floats:
        """(K,) lines of each product per line of all, over how often a want would take it first: those that visits
        take most are taken already when further wants come.
        """
        first = chosen / chosen.sum()
        met, lines, at = np.zeros(len(first)), np.zeros(len(first)), 0.0
        for size, many in zip(self.sizes, self.visits, strict=True):  # from the smallest on
            while at < size:
                left = (1 - met) * first
                step = min(1.0, size - at)
                met = met + step * left / max(float(left.sum()), 1e-9)
                at += step
            lines += many * np.minimum(met, 1.0)
        return np.asarray(lines / np.maximum(first, 1e-12))

    def worth(self, popularity: Floats, start: Floats, totals: Floats, traffic: Floats, lift: Floats) -> Floats:
        """(K,) worth with which products have these totals, from a first guess on; the typical line's is 1.

        Totals that no worth would have, such as those of a product that is in all visits of a shop of two, are met as
        far as worth goes: `_FARTHEST` from the guess, in logs.
        """
        found, popularity, more = np.log(start), popularity / popularity.sum(), np.ones(len(start))
        ends = found - _FARTHEST, found + _FARTHEST
        for look in range(_LOOKS + 1):
            for _ in range(_ROUNDS):
                missed = _beside(totals / more, self.lines(popularity, np.exp(found), traffic, lift))
                found = np.clip(found + np.where(totals > 0, np.clip(missed, -1.0, 1.0), 0.0), *ends)
            if look < _LOOKS:
                more = self._more(popularity, np.exp(found), traffic, lift)
        return np.asarray(np.exp(found - found @ (totals / totals.sum())))

    def _more(self, popularity: Floats, worth: Floats, traffic: Floats, lift: Floats) -> Floats:
        """(K,) how much more often each is taken by wants that are drawn one by one than is expected, as far as chance
        leaves it.
        """
        lines, often = self._drawn(popularity, worth, traffic, lift)
        missed = _beside(lines, self.lines(popularity, worth, traffic, lift))
        sure = often / (often + 1 / _OFF**2)  # a want that considers it varies by about its mean
        return np.asarray(np.exp(np.where(lines > 0, sure * missed, 0.0)))

    def _drawn(self, popularity: Floats, worth: Floats, traffic: Floats, lift: Floats) -> tuple[Floats, Floats]:
        """(K,) expected lines of visits whose wants are drawn one after the other; how often each is considered."""
        random, K = np.random.default_rng(0), len(worth)
        n = max(min(int(_DRAWN / (self.sizes @ self.visits / self.visits.sum())), _ROOM // K), 1)
        size = np.floor(random.choice(self.sizes, n, p=self.visits / self.visits.sum()) + random.random(n))
        week = random.choice(len(traffic), n, p=traffic / traffic.sum())
        lines, often, taken = np.zeros(K), np.zeros(K), np.zeros((n, K if size.max() > 1 else 0), bool)
        for want in range(int(size.max())):
            visit = np.flatnonzero(size > want)[:, None]
            item = np.sort(random.choice(K, (len(visit), self.draws), p=popularity), axis=1)
            felt = np.exp(self.taste * random.normal(size=item.shape))
            value = worth[item] * lift[item, week[visit]] * felt
            value[:, 1:][item[:, 1:] == item[:, :-1]] = 0.0  # considered already
            value[taken[visit, item] if want else np.zeros_like(item, bool)] = 0.0
            value /= np.maximum(value.sum(axis=1, keepdims=True), 1e-300)
            lines += np.bincount(item.ravel(), value.ravel(), K)
            often += np.bincount(item.ravel(), value.ravel() > 0, K)
            if taken.size:
                place = (value.cumsum(axis=1) <= random.random((len(visit), 1))).sum(axis=1)
                met = place < self.draws
                taken[visit[met, 0], item[met, place[met]]] = True
        return lines, often


def _beside(some: Floats, others: Floats) -> Floats:
    """(K,) log of the share of each in all, less that in others."""
    return np.asarray(np.log(np.maximum(some / some.sum(), 1e-12) / np.maximum(others / others.sum(), 1e-12)))


def _likely(ahead: Floats, spread: Floats) -> Floats:
    """Mean of 1 / (1 + exp(-x)) over normal x with these means and spreads, by Gauss-Hermite quadrature."""
    shares = _WEIGHTS / _WEIGHTS.sum()
    return np.asarray(sum(share * expit(ahead + spread * node) for share, node in zip(shares, _NODES, strict=True)))
