"""Checkout: a till that takes baskets, several products of several pieces, of which a part may come back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from simulator.till import Till
from simulator.visits import Floats, Indices, Visits
from simulator.wants import Wants

Lines = Sequence[npt.NDArray[Any]]  # (m,) each: product, pieces wanted, euros for each, and what becomes of it


class Checkout(Till):
    """What is wanted, in which pieces and at which price is as of the visit; what is in stock, as of the purchase."""

    def __init__(self, wants: Wants, *about: Any) -> None:
        super().__init__(*about)
        self._wants = wants
        self._buyers: set[int] = set()  # since the last refresh

    def refresh(self, now: float) -> list[tuple[Visits, int]]:
        """As a till does."""
        settled = super().refresh(now)
        self._buyers.clear()
        return settled

    def _expect(self, visits: Visits, rows: Indices, times: Floats, prices: Floats, *about: Any) -> None:
        ends, lines = self._wants.fill(self._key, visits, rows, prices, self._shop)
        asked, begin, baskets = len(visits.asked_again), 0, visits.baskets
        for row, time, friends, end in zip(*(c.tolist() for c in (rows, times, about[0], ends)), strict=True):
            if row not in baskets:  # whoever is asked again buys at the same time
                self._clock.at(time, self._take, visits, row, time, friends)
            baskets[row] = asked, lines, begin, end
            begin = end

    def _take(self, visits: Visits, row: int, time: float, friends: int) -> None:
        """A basket is paid: the lines from begin to end."""
        asked, lines, begin, end = visits.baskets.pop(row)
        if self._asked_again(visits, row, asked):
            return
        user, first = int(visits.users[row]), -1
        if visits.product[row] >= 0:
            first, line = self._first_line(visits, row, user, time, [column[begin].item() for column in lines])
            begin += 1
            if first < 0:
                self._settle(visits, row, 0.0)
            else:
                self._sell(visits, row, user, time, int(visits.slot[row]), True, *line)
        sold = first >= 0
        if begin < end:
            sold |= self._further(visits, row, user, time, first, [column[begin:end] for column in lines])
        if friends and sold:
            self._bring(friends, time, visits.ids[row])

    def _first_line(
        self, visits: Visits, row: int, user: int, time: float, line: Sequence[Any]
    ) -> tuple[int, Sequence[Any]]:
        """The product that meets the want which offers compete for, -1 for none, and its line."""
        chosen, self._pieces, price, *_ = line
        first, price = self._first(visits, row, user, time, price)
        if first in (chosen, -1):
            return first, line
        _, lines = self._wants.fill(self._key, visits, np.array([row]), np.array([price]), self._shop)
        return first, [column[0].item() for column in lines]

    def _further(self, visits: Visits, row: int, user: int, time: float, first: int, lines: Lines) -> bool:
        """What meets further wants: one by one what may run out or come back, all the rest in one go."""
        products, backs, uses = lines[0], lines[3], lines[5]
        kept = products != first
        if uses.any():
            kept &= ~self._owned(user, products, time)
        apart = kept & (self._shop.limited[products] | (backs < np.inf))
        sold = False
        for j in apart.nonzero()[0].tolist():
            line = (column[j].item() for column in lines)
            sold |= self._sell(visits, row, user, time, -1, False, *line)
        some = kept & ~apart
        if some.all():
            self._sell_all(visits.ids[row], user, time, *lines)
        elif some.any():
            self._sell_all(visits.ids[row], user, time, *(column[some] for column in lines))
        return bool(sold or some.any())

    def _owned(self, user: int, products: Indices, time: float) -> npt.NDArray[np.bool_]:
        days = self._wants.ownership.days(user, products)
        if user not in self._buyers:
            return days > time
        news = zip(products.tolist(), days.tolist(), strict=True)
        return np.array([self._newly_owned.get((user, k), day) > time for k, day in news])

    def _sell_all(
        self, visit: Any, user: int, time: float, products: Indices, units: Indices, prices: Floats, *fate: Floats
    ) -> None:
        """Lines of different products that cannot run out, all of which are kept."""
        self.sold[products] += units
        self._shop.stock.on_hand[products] -= units
        self._ledger.extend("purchases", len(products), time, visit, user, products, -1, prices, units)
        if fate[-1].any():
            news = zip(products.tolist(), (time + fate[-1]).tolist(), strict=True)
            self._newly_owned.update({(user, k): day for k, day in news if day > time})
            self._buyers.add(user)

    def _wanted(self) -> int:
        return int(self._pieces)

    def _sell(
        self,
        visits: Visits,
        row: int,
        user: int,
        time: float,
        slot: int,
        first: bool,
        product: int,
        wanted: int,
        price: float,
        back: float,
        part: float,
        use: float,
    ) -> bool:
        """A line: what is there of the pieces wanted is sold, the rest a lost sale; whether anything is sold."""
        visit = visits.ids[row]
        units = min(wanted, int(self._shop.stock.on_hand[product]))
        if units < wanted:
            self._ledger.write("lost_sales", time, visit, user, product, -1, wanted - units)
            if not units:
                return False
        if use > 0:
            self._newly_owned[user, product] = time + use
            self._buyers.add(user)
        self.sold[product] += units
        self._ledger.write("purchases", time, visit, user, product, slot, price, units)
        self._shop.sell(time, product, units)
        if back < np.inf:
            returned = units if part == 0 or units == 1 else 1 + int(part * (units - 1))
            line = product, price, returned, units - returned, first
            self._clock.at(time + back, self._take_back, visits, row, time + back, *line)
        elif first:
            self._await_window(visits, row, time, units * self._shop.worth(product, price))
        return True

    def _await_window(self, visits: Visits, row: int, time: float, worth: float) -> None:
        about = self._scenario.buying
        if about.returns == 0:
            self._settle(visits, row, worth)
        else:
            self._kept.append((time + about.return_window, visits, row, worth))

    def _take_back(
        self, visits: Visits, row: int, time: float, product: int, price: float, units: int, kept: int, first: bool
    ) -> None:
        user = int(visits.users[row])
        self.sold[product] -= units
        if not kept:
            self._newly_owned[user, product] = -np.inf
            self._buyers.add(user)
        self._ledger.write("returns", time, visits.ids[row], user, product, price, units)
        self._shop.take_back(time, product, units)
        if first:
            self._settle(visits, row, kept * self._shop.worth(product, price))
