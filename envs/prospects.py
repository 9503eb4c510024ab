"""Prospects: what a product is expected to sell over its horizon, in closed form, were it launched now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import betaln, pdtr, pdtrc

from policies.policy import Floats
from simulator.answers import Everyone
from simulator.market import Market
from simulator.scenario import Buying, Launching
from simulator.visits import Window

_STEPS = 9  # moments at which what wears off is looked at


@dataclass(frozen=True)
class Traffic:
    """The visits of a horizon, hour by hour."""

    visits: Floats  # (h,) expected
    newer: Any  # (h,) products launched after this window by then
    sold: Floats  # (h,) share of those who choose that has bought by the end of the horizon
    kept: Floats  # (h,) and has not brought it back


class Prospects:
    """What each product is expected to sell over the horizon of a launch window, in the scenario's reward.

    Traffic of the horizon, friends apart, x how often the plan shows the product and a visitor looks at it, when the
    other launches of this and of later windows are whichever x the chance that the visitor then buys it, alone beside
    the shelf; nobody buys a durable twice; what is bought or returned after the horizon does not count. Stock limits
    what a Poisson number of buyers can have; of what is restocked, what the lead times of a horizon allow.

    Args:
        market: as it is at the window, before anything is launched.
        reach: (S,) chance that each slot is looked at.
    """

    def __init__(self, market: Market, reach: Floats, window: Window) -> None:
        assert market.scenario.launching is not None
        self._market = market
        self._reach = reach
        self._window = window
        self._horizon = market.scenario.launching.horizon
        self._candidates = window.candidates[: market.catalogue.n_offered]
        self._traffic = self._expected_traffic(market.scenario.launching)
        everyone = self._everyone()
        self._users, self._pieces = everyone.users, everyone.pieces
        self._shelf, self._further = everyone.shelf, everyone.wants
        self._wants = everyone.shares[:, None] * everyone.chances  # (n, K) purchases of each for each visit to the shop

    def sales(self, launched: Sequence[int]) -> Floats:
        """(K,) expected sales of each product in the next place of the window, after these were launched in it."""
        traffic, shop = self._traffic, self._market.shop
        seen = traffic.visits[:, None] * self._considered(self._seen(launched))  # (h, K) looks at each
        looks = seen.sum(axis=0)
        chosen = self._chosen(looks)
        wanted = chosen * (traffic.sold @ seen) / np.maximum(looks, 1e-300)
        kept = (traffic.kept @ seen) / np.maximum(traffic.sold @ seen, 1e-300)
        sales: Floats = _limited(wanted, self._supply()) * kept * shop.value
        return sales

    def _considered(self, seen: Floats) -> Floats:
        """(h, K) looks of a visitor: in a slot with this chance (h, K), on the shelf, and there for further wants."""
        if not self._shelf.any():
            return seen
        looks: Floats = 1 - (1 - seen) * (1 - self._shelf) + self._further * self._shelf
        return looks

    def _chosen(self, looks: Floats) -> Floats:
        """(K,) pieces of each that are chosen for keeps when it is looked at so often (K,) by all."""
        purchases = self._wants * looks.astype(np.float32)
        if self._market.scenario.users.durable and self._market.scenario.again is None:
            np.expm1(np.negative(purchases, out=purchases), out=purchases)
        chosen: Floats = np.abs(self._users @ purchases) * self._pieces
        return chosen

    def _expected_traffic(self, about: Launching) -> Traffic:
        market, day, scenario = self._market, self._window.time, self._market.scenario
        times = day + np.arange(0.5, 24 * min(about.horizon, scenario.days - day)) / 24
        newer = np.zeros(len(times), np.int64)
        left = int(self._window.candidates.sum()) - self._window.capacity
        lift = 1 + self._window.capacity * self._buzz(times, day)
        for later in market.windows:
            launches = min(about.capacity, left)
            newer += launches * (times >= later)
            lift += launches * self._buzz(times, later)
            left -= launches
        for earlier in market.shop.launches[market.shop.launched & ~market.catalogue.incumbent]:
            lift += self._buzz(times, earlier)
        visits = scenario.arrivals.per_day / 24 * market.arrivals.profile.at(times) * lift
        sold, kept = _settled(scenario.buying, day + about.horizon - times)
        return Traffic(visits, newer, sold, kept)

    def _buzz(self, times: Floats, launch: float) -> Floats:
        about = self._market.scenario.arrivals
        ages = times - launch
        return np.where(ages >= 0, about.buzz * np.exp(-np.maximum(ages, 0) / about.buzz_days), 0.0)

    def _seen(self, launched: Sequence[int]) -> Floats:
        """(h, K) chance that a visitor of each hour looks at each product."""
        shop, window, newer = self._market.shop, self._window, self._traffic.newer
        if self._market.scenario.plan == "shuffled":
            others = (
                (shop.eligible & ~self._market.catalogue.incumbent[: len(shop.eligible)]).sum()
                + window.capacity
                + newer
            )
            seen = np.append(0, self._reach.cumsum())[np.minimum(others, len(self._reach))] / others
            return np.repeat(seen[:, None], len(self._candidates), axis=1)
        reach = np.append(self._reach, np.zeros(newer.max() + window.capacity))
        each: Floats = reach[newer[:, None] + np.arange(window.capacity)] @ self._ranks(launched)
        return each

    def _ranks(self, launched: Sequence[int]) -> Floats:
        """(c, K) chance of each place among the launches of this window: the shop shows them in their order."""
        places, K = self._window.capacity, len(self._candidates)
        left = self._candidates.copy()
        left[list(launched)] = False
        before: Any = np.cumsum(left) - left  # (K,) of those that may be launched beside it
        others = max(left.sum() - 1, 0)
        unknown = min(places - 1 - len(launched), others)
        known = np.array([sum(one < k for one in launched) for k in range(K)])
        ranks = np.zeros((places, K))
        for number in range(unknown + 1):
            chances = hypergeometric(number, others, np.minimum(before, others), unknown)
            ranks[known + number, np.arange(K)] = chances
        return ranks

    def _everyone(self) -> Everyone:
        """How likely visitors buy each product when looking at it alone, on average over the horizon."""
        market, shop, day = self._market, self._market.shop, self._window.time
        launches = np.where(self._window.candidates, day, shop.launches)
        times = np.linspace(day, day + self._horizon, _STEPS)
        return market.everyone(day, market.appeal.over(times, launches, market.till.sold))

    def _supply(self) -> Floats:
        """(K,) units that can be sold within the horizon."""
        stock = self._market.shop.stock
        day = self._window.time
        return np.array([stock.supply(k, day, self._horizon) for k in range(len(self._candidates))], float)


def _limited(wanted: Floats, supply: Floats) -> Floats:
    """(K,) E min(X, supply) of Poisson numbers X with means `wanted`."""
    enough = supply > wanted + 10 * np.sqrt(wanted) + 10
    some = np.where(enough, 0.0, supply)
    limited: Floats = wanted * np.where(some >= 2, pdtr(np.maximum(some - 2, 0), wanted), 0.0)
    limited += some * np.where(some >= 1, pdtrc(np.maximum(some - 1, 0), wanted), 0.0)
    return np.where(enough, wanted, limited)


def _settled(about: Buying, left: Floats) -> tuple[Floats, Floats]:
    """Shares (h,) of those who choose so many days before the end that have bought by then, and have kept it."""
    sold, back = np.zeros(len(left)), np.zeros(len(left))
    for share, days in ((about.prompt, about.prompt_minutes / 1440), (1 - about.prompt, about.slow_days)):
        sold -= share * np.expm1(-left / days)
        back += share * about.returns * _returned(left, 1 / days, (1 + 1e-7) / about.return_days, about.return_window)
    return sold, sold - back


def _returned(left: Floats, a: float, b: float, window: float) -> Floats:
    """P(A + B <= left, B <= window) of exponential A and B with rates a and b, a != b."""
    most = np.minimum(left, window)
    late: Floats = b / (a - b) * (np.exp(-a * (left - most) - b * most) - np.exp(-a * left))
    return -np.expm1(-b * most) - late


def hypergeometric(k: int, everyone: int, marked: Any, drawn: int) -> Floats:
    """(n,) chance that of so many drawn from everyone, of whom (n,) are marked, k are marked.

    As `scipy.stats.hypergeom.pmf` has it, whose import takes longer than that of all else here.
    """
    rest = everyone - marked
    possible = (k <= marked) & (drawn - k <= rest) & (k <= drawn)
    m, r, j = np.where(possible, marked, k), np.where(possible, rest, drawn - k), min(k, drawn)
    ways = betaln(m + 1, 1) + betaln(r + 1, 1) + betaln(everyone - drawn + 1, drawn + 1) - betaln(everyone + 1, 1)
    return np.where(possible, np.exp(ways - betaln(j + 1, m - j + 1) - betaln(drawn - j + 1, r - drawn + j + 1)), 0.0)
