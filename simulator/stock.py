"""Stock: what is on hand, what is on order, (s, S) replenishment with lead time."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from simulator.catalogue import UNLIMITED, Catalogue
from simulator.scenario import Restocking, Scenario


class Stock:
    """Units of K products. Never negative: what is not there cannot be sold."""

    def __init__(self, scenario: Scenario, catalogue: Catalogue) -> None:
        self.initial = catalogue.stock.copy()  # (K,) units
        self.on_hand = catalogue.stock.copy()  # (K,) units
        self.withdrawn = np.zeros(len(catalogue), np.int64)  # (K,) units of what is sold no more
        self._ended = np.zeros(len(catalogue), bool)
        self._on_order = np.zeros(len(catalogue), np.int64)
        self._rules = [_rule(scenario, k) for k in range(len(catalogue))]
        self._days = scenario.days

    def sell(self, product: int, units: int = 1) -> int:
        """Units leave, asked only for what is on hand; answers what is left."""
        self.on_hand[product] -= units
        return int(self.on_hand[product])

    def receive(self, product: int, units: int) -> None:
        """Units arrive from the supplier."""
        self._place(product)[product] += units
        self._on_order[product] -= units

    def take_back(self, product: int, units: int = 1) -> int:
        """Units return; answers what is on hand."""
        self._place(product)[product] += units
        return int(self.on_hand[product])

    def withdraw(self, product: int) -> None:
        """What is on hand, and whatever still comes, is for sale no more."""
        self._ended[product] = True
        self.withdrawn[product] += self.on_hand[product]
        self.on_hand[product] = 0

    def _place(self, product: int) -> npt.NDArray[np.int64]:
        return self.withdrawn if self._ended[product] else self.on_hand

    def order(self, product: int, time: float) -> tuple[int, float] | None:
        """Units to order now and days until they come; None while stock on hand and on order is enough."""
        rule = self._rules[product]
        if rule is None:
            return None
        position = self.on_hand[product] + self._on_order[product]
        if position > rule.at:
            return None
        units = int(_wanted(rule, self._days - time) - position)
        if units <= 0:
            return None
        self._on_order[product] += units
        return units, rule.lead_days

    def supply(self, product: int, time: float, days: float) -> float:
        """Units that can be sold within so many days: what is on hand, and an order from s up for each lead time."""
        rule = self._rules[product]
        if rule is None:
            return float(self.on_hand[product])
        orders = int(days / rule.lead_days)
        if rule.lasts is None:
            return float(self.on_hand[product]) + orders * (rule.up_to - rule.at)
        left = [self._days - time - number * rule.lead_days for number in range(orders)]
        return float(self.on_hand[product]) + sum(max(_wanted(rule, days) - rule.at, 0) for days in left)


def _wanted(rule: Restocking, left: float) -> int:
    """S; where that is for so many days, as much of it as those left ask for, and nothing that comes too late."""
    if rule.lasts is None:
        return rule.up_to
    return 0 if left <= rule.lead_days else math.ceil(rule.up_to * min(left / rule.lasts, 1.0))


def _rule(scenario: Scenario, product: int) -> Restocking | None:
    about = scenario.products[product]
    if about.stock is None or about.stock >= UNLIMITED:
        return None
    return about.restocking or scenario.restocking
