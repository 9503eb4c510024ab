"""The till: purchases when they happen, substitutes for what is sold out, ownership, friends, returns."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

import numpy as np

from simulator import choice
from simulator.clock import Clock
from simulator.ledger import Ledger
from simulator.scenario import Scenario
from simulator.shop import Shop
from simulator.visits import Floats, Indices, Visits


class Till:
    """Takes purchases from those who have chosen; says when a visit's reward is known.

    Args:
        choose_again: asks a row of visits to choose again from what it considered and is in stock.
        friend: called with the time and id of a friend's visit.
    """

    def __init__(
        self,
        scenario: Scenario,
        shop: Shop,
        ledger: Ledger,
        clock: Clock,
        key: Any,
        ownership: Any,
        choose_again: Callable[[Visits, int], None],
        friend: Callable[[float, Any], None],
    ) -> None:
        self.sold = np.zeros(len(shop.launched), np.int64)  # (K,) net of returns
        self.ownership = ownership  # as pages know it
        self.moves = 0  # changes of who owns what
        self.latest = 0.0  # day of the latest reward that became known by waiting
        self.settled: list[tuple[Visits, int]] = []  # rows of closed visits whose reward has become known
        self._newly_owned: dict[tuple[int, int], float] = {}  # until which day, since the last refresh
        self._kept: deque[tuple[float, Visits, int, float]] = deque()  # by the end of the return window
        self._unsold: deque[tuple[float, Visits, list[int]]] = deque()  # by the day they count as unsold
        self._scenario = scenario
        self._settle_days = scenario.buying.settle_days
        self._shop = shop
        self._ledger = ledger
        self._clock = clock
        self._key = key
        self._choose_again = choose_again
        self._friend = friend

    def expect(self, visits: Visits, rows: Indices) -> None:
        """These rows have chosen; they buy when they have thought about it."""
        about, arrivals = self._scenario.buying, self._scenario.arrivals
        times, prices, friends, back = choice.thinking(
            self._key,
            rows,
            visits.ids,
            visits.times,
            about.prompt,
            about.prompt_minutes,
            about.slow_days,
            arrivals.word_of_mouth,
            about.returns,
            about.return_days,
            about.return_window,
            visits.offered,
            visits.product,
            visits.slot,
            self._shop.appeal.prices,
            self._shop.levels,
            self._shop.catalogue.n_offered,
        )
        self._expect(visits, rows, times, prices, friends, back)

    def _expect(self, visits: Visits, rows: Indices, times: Floats, prices: Floats, *about: Any) -> None:
        asked = len(visits.asked_again)
        for row, time, *rest in zip(*(column.tolist() for column in (rows, times, prices, *about)), strict=True):
            self._clock.at(time, self._purchase, visits, row, asked, time, *rest)

    def close(self, visits: Visits, rows: slice) -> None:
        """The offers of these rows are final."""
        visits.closed = rows.stop
        if self._settle_days > 0:
            unsold = (rows.start + np.flatnonzero(visits.product[rows] < 0)).tolist()
            visits.pending[unsold] = visits.buying = True
            last = float(visits.times[rows.stop - 1])
            self._unsold.append((last + self._settle_days, visits, unsold))

    def refresh(self, now: float) -> list[tuple[Visits, int]]:
        """Pages learn who owns what; answers the rows of closed visits whose reward has become known."""
        if self._newly_owned:
            self.ownership.put(self._newly_owned)
            self._newly_owned.clear()
            self.moves += 1
        while self._kept and self._kept[0][0] <= now:
            due, visits, row, reward = self._kept.popleft()
            self.latest = max(self.latest, due)
            self._settle(visits, row, reward)
        while self._unsold and self._unsold[0][0] <= now:
            due, visits, rows = self._unsold.popleft()
            self.latest = max(self.latest, due)
            visits.pending[rows] = False
            self.settled.extend((visits, row) for row in rows)
        settled, self.settled = self.settled, []
        return settled

    def _purchase(
        self, visits: Visits, row: int, asked: int, time: float, price: float, friends: int, back: float
    ) -> None:
        if self._asked_again(visits, row, asked):
            return
        user = int(visits.users[row])
        product, price = self._first(visits, row, user, time, price)
        if product < 0:
            self._settle(visits, row, 0.0)
            return
        if self._scenario.users.durable:
            self._newly_owned[user, product] = np.inf
        self.sold[product] += 1
        self._ledger.write("purchases", time, visits.ids[row], user, product, int(visits.slot[row]), price, 1)
        self._shop.sell(time, product, 1)
        if friends:
            self._bring(friends, time, visits.ids[row])
        self._await_return(visits, row, time, back, product, price)

    def _asked_again(self, visits: Visits, row: int, asked: int) -> bool:
        """Whether the shop had changed before this visit, since the visit's answer."""
        return any(first <= row for first in visits.asked_again[asked:])

    def _first(self, visits: Visits, row: int, user: int, time: float, price: float) -> tuple[int, float]:
        """What meets the want that offers compete for, at which price; -1 where it is owned or sold out."""
        product = int(visits.product[row])
        if self._owns(user, product, time):
            return -1, price
        if self._shop.stock.on_hand[product] <= 0:
            wanted, product = product, self._substitute(visits, row, user, time)
            lost = user, wanted, product, self._wanted()
            self._ledger.write("lost_sales", time, visits.ids[row], *lost)
            slot, prices, levels = visits.slot[row], self._shop.appeal.prices, self._shop.levels
            offered = self._shop.catalogue.n_offered
            price = float(choice.price(product, slot, visits.offered[row], prices, levels, offered))
        return product, price

    def _wanted(self) -> int:
        """Pieces of a lost sale."""
        return 1

    def _owns(self, user: int, product: int, time: float) -> bool:
        day = self._newly_owned.get((user, product))
        return time < (self.ownership.get(user, product) if day is None else day)

    def _substitute(self, visits: Visits, row: int, user: int, time: float) -> int:
        """Sold out at the till: the next best of what was considered, or -1."""
        visits.product[row] = -1
        if self._scenario.buying.substitution:
            self._choose_again(visits, row)
        product = int(visits.product[row])
        if product < 0 or self._owns(user, product, time):
            visits.product[row] = visits.slot[row] = product = -1
        return product

    def _bring(self, friends: int, time: float, visit: Any) -> None:
        days = self._scenario.arrivals.friend_days
        for number in range(friends):
            comes, friend = choice.friend(self._key, visit, number, days)
            if time + comes < self._scenario.days:
                self._friend(time + comes, np.uint64(friend))

    def _await_return(self, visits: Visits, row: int, time: float, back: float, product: int, price: float) -> None:
        worth = self._shop.worth(product, price)
        about = self._scenario.buying
        if about.returns == 0:
            self._settle(visits, row, worth)
        elif back < np.inf:
            self._clock.at(time + back, self._return, visits, row, time + back, product, price)
        else:
            self._kept.append((time + about.return_window, visits, row, worth))

    def _return(self, visits: Visits, row: int, time: float, product: int, price: float) -> None:
        user = int(visits.users[row])
        self.sold[product] -= 1
        if self._scenario.users.durable:
            self._newly_owned[user, product] = -np.inf
        self._ledger.write("returns", time, visits.ids[row], user, product, price, 1)
        self._shop.take_back(time, product, 1)
        self._settle(visits, row, 0.0)

    def _settle(self, visits: Visits, row: int, reward: float) -> None:
        """All slots of this visit know what they brought."""
        slot = visits.slot[row]
        if slot >= 0:
            visits.rewards[row, slot] = reward
        visits.pending[row] = False
        if row < visits.closed:
            self.settled.append((visits, row))
