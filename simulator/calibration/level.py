"""The level of a market: who its visits are expected to be by, and baskets such that it sells as much as the shop did.

Kinds of customers are fitted each to its own visits; what they buy all together follows from that only roughly, and
from draws of each by itself still less. What the shop sold in all is known best.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from simulator.calibration.calendar import week_of_year
from simulator.calibration.part import Part, Settings
from simulator.calibration.sales import Floats, Ints, Sales

_ROUNDS = 30
_LEAST = 0.05  # further wants, relative to those that were fitted, at least


@dataclass(frozen=True, eq=False)
class Level:
    """What a shop's visits bought in all, and when they came."""

    traffic: Floats  # (days,) visits of the market
    weeks: Ints  # (days,) of the year
    lines: int  # of all visits
    error: float  # standard error of the lines, relative

    @classmethod
    def of(cls, sales: Sales, merged: float) -> Level:
        """Of these sales, where the market has `merged` visits for each of theirs."""
        traffic = merged * np.bincount(sales.visit_days, minlength=sales.days).astype(np.float64)
        lines = sales.lines_a_visit
        whose = np.where(sales.guest, sales.users.max() + 1 + np.arange(len(lines)), sales.users)
        apart = np.bincount(whose, lines - lines.mean())
        return cls(traffic, week_of_year(sales.dates), len(sales.items), float(np.sqrt(apart @ apart) / lines.sum()))

    def visits(self, settings: Settings) -> Floats:
        """(W, S) expected visits of the market, by week and segment."""
        week = np.arange(len(self.traffic)) // 7
        return expected(settings, np.bincount(week, self.traffic).astype(np.float64))

    def factor(self, settings: Settings) -> float:
        """What baskets are to be multiplied by, so that the market's visits buy as many products as the shop's."""
        visits, week = self.visits(settings), np.arange(len(self.traffic)) // 7
        size = np.array(settings["baskets.weeks"])[self.weeks]
        lift = np.bincount(week, self.traffic * size) / np.maximum(np.bincount(week, self.traffic), 1e-9)
        further = float((visits.T @ lift) @ np.array(settings["users.segments.products"]))
        return max((self.lines - float(visits.sum())) / max(further, 1e-9), _LEAST)

    def levelled(self, settings: Settings, luck: float = 0.0) -> Settings:
        """Baskets of the right level; `luck` standard errors off, where a draw is not to be surer than the shop is."""
        factor = self.factor(settings) * float(np.exp(luck * self.error))
        return {"users.segments.products": [factor * mean for mean in settings["users.segments.products"]]}

    def apply(self, baskets: Part, customers: Part) -> Part:
        """Baskets of the right level beside these customers."""
        factor = self.factor(customers.settings | baskets.settings)
        told = [
            replace(one, value=factor * one.value, error=factor * one.error) if one.place.endswith(".products") else one
            for one in baskets.parameters
        ]
        settings = baskets.settings | self.levelled(customers.settings | baskets.settings)
        return Part(settings, told, baskets.draw)


def expected(settings: Settings, traffic: Floats) -> Floats:
    """(W, S) visits of each week by segment, in the mean of many seasons (guests, the last segment, come once).

    A share of a week's visits are newcomers'; the others are made by who is there, in proportion to their rates. Who
    is there follows from who came and how many are lost. A newcomer is there for half of his first week.
    """
    shares = np.array(settings["users.segments.share"])
    new = np.array(settings["users.segments.newcomers"]) * settings["customers.newcomers"]
    new /= max(float(np.sum(settings["users.segments.newcomers"])), 1e-12)
    stays = float(np.exp(-7 / settings["customers.lifetime_days"]))
    there = settings["users.population"] * shares / shares.sum()
    again = np.append(np.ones(len(shares) - 1), 0.0)
    found = np.zeros((len(traffic), len(shares)))
    for week, visits in enumerate(traffic):
        here = there + 0.5 * visits * new * again
        found[week] = visits * new + _regular(settings, here, visits * (1 - float(new.sum())))
        there = (there + visits * new * again) * stays
    return found


def _regular(settings: Settings, there: Floats, visits: float) -> Floats:
    """(S,) of so many visits, those of each segment's customers, some of whom rest."""
    rates = np.array(settings["users.segments.activity"])
    rests = np.array(settings.get("users.segments.rest_days", np.zeros(len(rates)))) / 7
    rests = rests * settings.get("customers.rest", 0.0)
    made, pace = there * rates, 1.0
    for _ in range(_ROUNDS):  # all come more often as others rest
        pace *= visits / max(float(made.sum()), 1e-12)
        made = there * pace * rates / (1 + pace * rates * rests)
    return np.asarray(made)
