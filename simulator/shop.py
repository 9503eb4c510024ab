"""The shop: what is launched, in stock, on the shelf, and at which price; all that may be offered now."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from simulator.catalogue import UNLIMITED, Catalogue
from simulator.choice import Appeal
from simulator.clock import Clock
from simulator.consideration import Listing
from simulator.ledger import Ledger
from simulator.scenario import Promotion, Scenario
from simulator.stock import Stock


class Shop:
    """M products that may be offered at `levels` of discount: action a is product a % M at level a // M.

    M is K, unless candidates alone may be offered; then they come first.

    `changed` is called with the time whenever what may be offered, or a price, has changed.
    """

    def __init__(self, scenario: Scenario, catalogue: Catalogue, appeal: Appeal, ledger: Ledger, clock: Clock) -> None:
        K = len(catalogue)
        self.catalogue = catalogue
        self.appeal = appeal
        self.stock = Stock(scenario, catalogue)
        self.limited = catalogue.stock < UNLIMITED  # (K,) what may run out
        self.launches = np.full(K, np.nan)  # (K,) day of launch, NaN before it
        self.launched = np.zeros(K, bool)
        self.delisted = np.zeros(K, bool)
        self.levels = np.array([0.0, *scenario.discounts])  # (levels,) share of the price cut
        self.eligible = np.zeros(catalogue.n_offered * len(self.levels), bool)  # (A,) may be offered now
        self.live = np.empty(0, np.int64)  # actions whose product is on sale
        self.n_in_stock = 0  # products that may be offered
        launches = scenario.shelf is not None and scenario.shelf.launches
        self._stands = np.full(K, True) if launches else catalogue.incumbent
        self.on_shelf = np.zeros(K, bool)  # of those who stand on it, in stock
        self.listing = Listing.of(scenario, catalogue)  # what is drawn of it at which time
        self.shelf = np.empty(0, np.int64)  # their numbers
        self.changed: Callable[[float], None] = lambda _: None
        self._reward = scenario.reward
        self._ledger = ledger
        self._clock = clock
        self._cuts: list[Promotion] = []
        self._scenario = scenario
        self._set_prices()
        for day in np.unique(catalogue.launches[~np.isnan(catalogue.launches)]).tolist():
            clock.at(day, self.launch, day, np.flatnonzero(catalogue.launches == day).tolist())
        for day in np.unique(catalogue.delistings[~np.isnan(catalogue.delistings)]).tolist():
            clock.at(day, self.delist, day, np.flatnonzero(catalogue.delistings == day).tolist())
        for promotion in scenario.promotions:
            clock.process(self._promote(promotion))

    def launch(self, day: float, products: list[int]) -> None:
        """These products are on sale from now on; of what starts at s or below, more are ordered."""
        for product in products:
            self.launches[product] = day
            self.launched[product] = True
            self._ledger.write("launches", day, product)
            self._order(day, product)
        self.listing = self.listing.launched(products, day)
        self._availability_changed(day)

    def delist(self, day: float, products: list[int]) -> None:
        """These products are sold no more."""
        for product in products:
            self.delisted[product] = True
            self.stock.withdraw(product)
            self.limited[product] = True
            self._ledger.write("delistings", day, product)
        self._availability_changed(day)

    def sell(self, time: float, product: int, units: int) -> None:
        """Units leave; at s or below, more are ordered."""
        left = self.stock.sell(product, units)
        self._order(time, product)
        if left == 0:
            self._ledger.write("stock_outs", time, product)
            self._availability_changed(time)

    def take_back(self, time: float, product: int, units: int) -> None:
        """Units return."""
        if self.stock.take_back(product, units) == units:
            self._availability_changed(time)

    def worth(self, product: int, price: float) -> float:
        """What a purchase at this price brings, in the scenario's reward."""
        if self._reward == "units":
            return 1.0
        return price - float(self.catalogue.costs[product]) if self._reward == "margin" else price

    def _order(self, time: float, product: int) -> None:
        order = self.stock.order(product, time)
        if order is not None:
            units, days = order
            self._clock.at(time + days, self._receive, time + days, product, units)

    def _receive(self, time: float, product: int, units: int) -> None:
        empty = self.stock.on_hand[product] == 0
        self.stock.receive(product, units)
        self._ledger.write("replenishments", time, product, units)
        if empty:
            self._availability_changed(time)

    def _availability_changed(self, time: float) -> None:
        on_sale = self.launched & ~self.delisted
        in_stock = self.launched & (self.stock.on_hand > 0)
        offered = self.catalogue.n_offered
        self.eligible = np.tile(in_stock[:offered], len(self.levels))
        self.live = np.flatnonzero(np.tile(on_sale[:offered], len(self.levels)))
        self.n_in_stock = int(in_stock[:offered].sum())
        self.on_shelf = in_stock & self._stands
        self.shelf = np.flatnonzero(self.on_shelf)
        self.changed(time)

    def _promote(self, promotion: Promotion) -> Iterator[Any]:
        yield self._clock.timeout(promotion.start)
        self._cuts.append(promotion)
        self._reprice(promotion.start)
        yield self._clock.timeout(promotion.days)
        self._cuts.remove(promotion)
        self._reprice(promotion.start + promotion.days)

    def _reprice(self, time: float) -> None:
        before = self.appeal.prices
        self._set_prices()
        for k in np.flatnonzero(self.appeal.prices != before).tolist():
            self._ledger.write("prices", time, k, float(self.appeal.prices[k]))
        self.changed(time)

    def _set_prices(self) -> None:
        prices = self.catalogue.prices.copy()
        for cut in self._cuts:
            for k, product in enumerate(self._scenario.products):
                if cut.category in (None, product.category) and cut.title in (None, product.title):
                    prices[k] *= 1 - cut.discount
        self.appeal.reprice(prices)
        self.relief = np.outer(self.levels[1:], prices)  # (levels - 1, K) euros off
        offered = self.catalogue.n_offered
        paid = np.outer(1 - self.levels, prices[:offered])
        costs = np.tile(self.catalogue.costs[:offered], len(self.levels)) * (self._reward == "margin")
        units, money = np.full(paid.size, float(self._reward == "units")), paid.ravel() * (self._reward != "units")
        self.value = units + money - costs  # (A,) of one piece
        self.per_piece = np.stack([units - costs, money])  # (2, A) what does not and what does vary with the price
