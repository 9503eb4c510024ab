"""Market: the SimPy processes that join arrivals, users, choice, stock and promotions into a season.

Pages are rebuilt at every refresh: what visitors see of sales so far, what is known of them, and what a policy has
learned stand still between two refreshes. Launches, sell-outs, restocks and price changes do not wait: visits of the
same interval that come after one are asked again. So asking for a whole interval at once and asking visit by visit give
the same ledger, bit for bit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import simpy
from numba import njit

from simulator import choice, streams
from simulator.arrivals import Arrivals
from simulator.catalogue import Catalogue
from simulator.ledger import Ledger
from simulator.scenario import Promotion, Scenario, ScenarioError
from simulator.stock import Stock
from simulator.users import Users
from simulator.visits import Floats, Indices, Interval, Visits, Window

_RETURN_AFTER = choice.RETURN + np.uint64(1)


Offer = Callable[[Visits, slice], Indices]
Launch = Callable[[Window], list[int]]


class Market:
    """One season.

    Args:
        scenario: what season.
        offer: where the scenario asks what to show: called with visits and the slice of n rows to answer, it gives
            the (n, slots) actions to offer, -1 for an empty slot. Action a is product a % K at discount level a // K.
            Where the scenario asks what to launch: called with a `Window`, it gives a list of products.
        seed: of the whole world; the same visits come whatever is offered.
        record: keep single visits and offers in the ledger.
        one_at_a_time: ask for each visit when it comes rather than for a whole interval; changes nothing but speed.
    """

    def __init__(
        self,
        scenario: Scenario,
        offer: Offer | Launch,
        seed: int = 0,
        *,
        record: bool = True,
        one_at_a_time: bool = False,
    ) -> None:
        self.scenario = scenario
        self.catalogue = Catalogue(scenario, seed)
        self.users = Users(scenario, self.catalogue, seed)
        self.ledger = Ledger(self.catalogue, record)
        self.stock = Stock(scenario, self.catalogue)
        self.arrivals = Arrivals(scenario, seed)
        self.appeal = choice.Appeal(scenario, self.catalogue, self.users)
        self._ask: Any = offer
        self._one_at_a_time = one_at_a_time
        self._key = streams.key(seed, "luck")
        K, N = len(self.catalogue), len(self.users)
        self.launches = np.full(K, np.nan)  # (K,) day of launch, NaN before it
        self.launched = np.zeros(K, bool)
        self._sold = np.zeros(K, np.int64)  # net of returns
        self.owned = np.zeros((N, K), bool)
        self._newly_owned: dict[tuple[int, int], bool] = {}  # since the last refresh
        self.levels = np.array([0.0, *scenario.discounts])  # (levels,) share of the price cut
        self.relief = np.outer(self.levels[1:], self.appeal.prices)  # (levels - 1, K) euros
        self.value = self._values()  # (A,) what a purchase of each action brings, in the scenario's reward
        self.eligible = np.zeros(K * len(self.levels), bool)  # (A,) may be offered now
        self.shelf = np.empty(0, np.int64)  # incumbents in stock
        self._examination = np.array(scenario.choice.examination)
        self._shown = np.full((N, scenario.users.history), -1)  # (N, L)
        self._until = 0.0  # end of the interval
        self._open: list[Visits] = []
        self._interval = Interval()
        self._env = simpy.Environment()
        self._plan_season()

    def run(self) -> Ledger:
        """Play the whole season."""
        for _ in self.play():
            pass
        return self.ledger

    def play(self) -> Iterator[Interval]:
        """The season, an interval at a time; after the last visit, what is still pending settles."""
        yield from self._play_by_visit() if self.scenario.refresh == 0 else self._play_by_interval()
        self._env.run()
        yield self._interval

    def _play_by_interval(self) -> Iterator[Interval]:
        refresh, days = self.scenario.refresh, self.scenario.days
        for number in range(int(np.ceil(days / refresh))):
            begin, self._until = number * refresh, min((number + 1) * refresh, days)
            while self._env.peek() <= begin:
                self._env.step()
            self.appeal.refresh(begin, self.launches, self._sold)
            times, ids = self.arrivals.take(self._until)
            if len(times):
                self._serve(self._admit(times, ids))
            self._env.run(until=self._until)
            yield self._close()

    def _play_by_visit(self) -> Iterator[Interval]:
        while True:
            while self._env.peek() <= min(self.arrivals.peek(), self.scenario.days):
                self._env.step()
            if self.arrivals.peek() == np.inf:
                return
            times, ids = self.arrivals.next()
            self.appeal.refresh(float(times[0]), self.launches, self._sold)
            self._answer(self._admit(times, ids), slice(0, 1))
            yield self._close()

    # -- visits

    def _admit(self, times: Floats, ids: streams.Ids) -> Visits:
        n, slots = len(times), self.scenario.slots
        users = self.users.who(_luck(self._key, ids, choice.WHO))
        visits = Visits(
            times=times,
            ids=ids,
            users=users,
            contexts=self.users.features[users],
            histories=self._shown[users] if self._shown.shape[1] else None,
            offered=np.full((n, slots), -1),
            product=np.full(n, -1),
            slot=np.full(n, -1),
            buys=np.empty(n),
            pays=np.empty(n),
            rewards=np.zeros((n, slots)),
            pending=np.zeros(n, bool),
            asked=np.zeros(n, np.int64),
        )
        self._open.append(visits)
        return visits

    def _serve(self, visits: Visits) -> None:
        """Ask for all visits of the interval now, or for each when it comes."""
        if not self._one_at_a_time:
            self._answer(visits, slice(0, len(visits)))
            return
        for row, time in enumerate(visits.times.tolist()):
            self._at(time, self._answer, (visits, slice(row, row + 1)))

    def _answer(self, visits: Visits, rows: slice) -> None:
        """Offers, choices and purchases to come of these rows."""
        visits.offered[rows] = self._offer(visits, rows)
        visits.asked[rows] += 1
        self._respond(visits, rows, self.eligible)
        choosing = visits.product[rows] >= 0
        visits.pending[rows] = choosing
        if choosing.any():
            buyers = rows.start + np.flatnonzero(choosing)
            self._think(visits, buyers)
            for row, time, asked in zip(
                buyers.tolist(), visits.buys[buyers].tolist(), visits.asked[buyers].tolist(), strict=True
            ):
                self._at(time, self._purchase, (visits, row, asked))

    def _offer(self, visits: Visits, rows: slice) -> Indices:
        shape = (rows.stop - rows.start, self.scenario.slots)
        if not self.eligible.any():
            return np.full(shape, -1)
        if self.scenario.question == "launch":
            return self._show_plan(visits, rows, shape)
        answer = np.asarray(self._ask(visits, rows))
        if answer.shape != shape:
            time = f"{visits.times[rows.start]:.5f}"
            raise ScenarioError(f"offer must have shape {shape}, got {answer.shape} at the visit of day {time}")
        return answer

    def _respond(self, visits: Visits, rows: slice, eligible: npt.NDArray[np.bool_]) -> None:
        """Choices of these rows among what was offered and is in stock."""
        about, appeal = self.scenario.choice, self.appeal
        bad = choice.respond(
            self._key,
            visits.ids[rows],
            visits.users[rows],
            visits.offered[rows],
            eligible,
            self.shelf,
            self.stock.on_hand,
            self.owned,
            appeal.weights,
            appeal.lift,
            self.catalogue.categories,
            self._examination,
            about.model == "cascade",
            about.leaving,
            about.nesting,
            self.relief,
            self.users.sensitivities,
            visits.product[rows],
            visits.slot[rows],
        )
        if bad >= 0:
            row = rows.start + bad
            offer, time = visits.offered[row].tolist(), f"{visits.times[row]:.5f}"
            raise ScenarioError(f"offer must name available products, got {offer} at the visit of day {time}")

    def _think(self, visits: Visits, rows: Indices) -> None:
        about = self.scenario.buying
        visits.pays[rows] = self._price(visits, rows)
        visits.buys[rows] = choice.thinking(
            self._key,
            visits.ids[rows],
            visits.times[rows],
            visits.product[rows],
            about.prompt,
            about.prompt_minutes,
            about.slow_days,
        )

    def _close(self) -> Interval:
        """The interval is over: its offers are final."""
        for visits in self._open:
            visits.closed = True
            if self.scenario.buying.settle_days > 0:
                self._settle_later(visits)
            if visits.histories is not None:
                _remember(self._shown, visits.users, visits.offered, len(self.launched))
            self.ledger.visits_closed(visits.times, visits.ids, visits.users, visits.offered)
        for (user, product), owns in self._newly_owned.items():
            self.owned[user, product] = owns
        self._newly_owned = {}
        finished, self._interval = self._interval, Interval()
        finished.visits, self._open = self._open, []
        return finished

    def _settle_later(self, visits: Visits) -> None:
        unsold = np.flatnonzero(~visits.pending & (visits.product < 0)).tolist()
        visits.pending[unsold] = True
        due = float(visits.times[-1]) + self.scenario.buying.settle_days
        self._at(due, self._settle_unsold, (visits, unsold))

    def _settle_unsold(self, visits: Visits, rows: list[int]) -> None:
        visits.pending[rows] = False
        self._interval.settled.extend((visits, row) for row in rows)

    def _settle(self, visits: Visits, row: int, reward: float) -> None:
        """All slots of this visit know what they brought."""
        if visits.slot[row] >= 0:
            visits.rewards[row, visits.slot[row]] = reward
        visits.pending[row] = False
        if visits.closed:
            self._interval.settled.append((visits, row))

    # -- purchases, returns, friends

    def _purchase(self, visits: Visits, row: int, asked: int) -> None:
        if asked != visits.asked[row]:
            return  # the visit was asked again after the shop had changed
        time, user, wanted = float(visits.buys[row]), int(visits.users[row]), int(visits.product[row])
        if self._owns(user, wanted):
            self._settle(visits, row, 0.0)
            return
        if self.stock.on_hand[wanted] <= 0:
            self._miss(visits, row, wanted)
            if visits.product[row] < 0:
                self._settle(visits, row, 0.0)
                return
        product, slot = int(visits.product[row]), int(visits.slot[row])
        self._sell(time, user, product)
        self.ledger.write("purchases", time, visits.ids[row], user, product, slot, visits.pays[row])
        self._bring_friends(time, visits.ids[row])
        self._await_return(visits, row, time)

    def _owns(self, user: int, product: int) -> bool:
        owns = self._newly_owned.get((user, product))
        return bool(self.owned[user, product]) if owns is None else owns

    def _miss(self, visits: Visits, row: int, wanted: int) -> None:
        """Sold out at the till: the next best of what was considered, or nothing."""
        user, substitute = int(visits.users[row]), -1
        if self.scenario.buying.substitution:
            self._respond(visits, slice(row, row + 1), np.ones_like(self.eligible))
            substitute = int(visits.product[row])
        if substitute >= 0 and self._owns(user, substitute):
            substitute = -1
        visits.product[row] = substitute
        if substitute < 0:
            visits.slot[row] = -1
        else:
            visits.pays[row] = self._price(visits, np.array([row]))[0]
        self.ledger.write("lost_sales", float(visits.buys[row]), visits.ids[row], user, wanted, substitute)

    def _price(self, visits: Visits, rows: Indices) -> Floats:
        """(n,) what these rows pay for what they chose, now."""
        product, slot = visits.product[rows], visits.slot[rows]
        action = np.where(slot >= 0, visits.offered[rows, slot], product)
        return np.asarray(self.appeal.prices[product] * (1 - self.levels[action // len(self.launched)]))

    def _sell(self, time: float, user: int, product: int) -> None:
        self.stock.sell(product)
        self._sold[product] += 1
        if self.scenario.users.durable:
            self._newly_owned[user, product] = True
        order = self.stock.order(product)
        if order is not None:
            units, days = order
            self._at(time + days, self._receive, (time + days, product, units))
        if self.stock.on_hand[product] == 0:
            self.ledger.write("stock_outs", time, product)
            self._changed(time)

    def _receive(self, time: float, product: int, units: int) -> None:
        empty = self.stock.on_hand[product] == 0
        self.stock.receive(product, units)
        self.ledger.write("replenishments", time, product, units)
        if empty:
            self._changed(time)

    def _bring_friends(self, time: float, visit: Any) -> None:
        about = self.scenario.arrivals
        if about.word_of_mouth == 0:
            return
        luck = np.uint64(streams.mix(self._key, visit))
        for number in range(_poisson(luck, choice.FRIENDS, about.word_of_mouth)):
            word = choice.FRIEND + np.uint64(number)
            comes = time + choice.exponential(luck, word, about.friend_days)
            friend = np.uint64(streams.mix(visit, word))
            if comes >= self.scenario.days:
                continue
            if comes >= self._until:
                self.arrivals.friend(comes, int(friend))
            else:
                self._at(comes, self._come, (comes, friend))

    def _come(self, time: float, visit: Any) -> None:
        """A friend who comes within the interval."""
        self._answer(self._admit(np.array([time]), np.array([visit], np.uint64)), slice(0, 1))

    def _await_return(self, visits: Visits, row: int, time: float) -> None:
        about = self.scenario.buying
        product = int(visits.product[row])
        worth = self._worth(product, float(visits.pays[row]))
        if about.returns == 0:
            self._settle(visits, row, worth)
            return
        luck = np.uint64(streams.mix(self._key, visits.ids[row]))
        days = choice.exponential(luck, _RETURN_AFTER, about.return_days)
        if streams.unit(np.uint64(streams.mix(luck, choice.RETURN))) < about.returns and days < about.return_window:
            self._at(time + days, self._return, (time + days, visits, row, product))
        else:
            self._at(time + about.return_window, self._settle, (visits, row, worth))

    def _return(self, time: float, visits: Visits, row: int, product: int) -> None:
        user = int(visits.users[row])
        empty = self.stock.on_hand[product] == 0
        self.stock.take_back(product)
        self._sold[product] -= 1
        if self.scenario.users.durable:
            self._newly_owned[user, product] = False
        self.ledger.write("returns", time, visits.ids[row], user, product, visits.pays[row])
        self._settle(visits, row, 0.0)
        if empty:
            self._changed(time)

    def _values(self) -> Floats:
        prices = np.outer(1 - self.levels, self.appeal.prices)
        return np.array([[self._worth(k, price) for k, price in enumerate(row)] for row in prices.tolist()]).ravel()

    def _worth(self, product: int, price: float) -> float:
        reward = self.scenario.reward
        if reward == "units":
            return 1.0
        return price - float(self.catalogue.costs[product]) if reward == "margin" else price

    # -- what the shop does: launches, promotions; what changes with it

    def _plan_season(self) -> None:
        for product in np.flatnonzero(~np.isnan(self.catalogue.launches)).tolist():
            day = float(self.catalogue.launches[product])
            self._at(day, self._launch, (day, product))
        for promotion in self.scenario.promotions:
            self._env.process(self._promote(promotion))
        if self.scenario.launching is not None:
            self._env.process(self._open_windows())

    def _launch(self, day: float, product: int) -> None:
        self.launches[product] = day
        self.launched[product] = True
        self.ledger.write("launches", day, product)
        if not self.catalogue.incumbent[product]:
            self.arrivals.launch(product, day)
        self._changed(day)

    def _promote(self, promotion: Promotion) -> Iterator[Any]:
        yield self._env.timeout(promotion.start)
        chosen = self._promoted(promotion)
        self._reprice(promotion.start, chosen, 1 - promotion.discount)
        yield self._env.timeout(promotion.days)
        self._reprice(promotion.start + promotion.days, chosen, 1 / (1 - promotion.discount))

    def _promoted(self, promotion: Promotion) -> Indices:
        products = self.scenario.products
        return np.array(
            [
                k
                for k, product in enumerate(products)
                if promotion.category in (None, product.category) and promotion.title in (None, product.title)
            ],
            dtype=np.int64,
        )

    def _reprice(self, time: float, products: Indices, factor: float) -> None:
        prices = self.appeal.prices.copy()
        prices[products] *= factor
        self.appeal.reprice(prices)
        self.relief = np.outer(self.levels[1:], prices)
        self.value = self._values()
        for k in products.tolist():
            self.ledger.write("prices", time, k, prices[k])
        self._changed(time)

    def _open_windows(self) -> Iterator[Any]:
        about = self.scenario.launching
        assert about is not None
        yield self._env.timeout(about.first)
        for number in range(about.windows):
            day = about.first + number * about.every
            self._decide_launches(day, about.capacity, about.horizon)
            yield self._env.timeout(about.every)

    def _decide_launches(self, day: float, capacity: int, horizon: float) -> None:
        candidates = ~self.launched & ~self.catalogue.incumbent
        capacity = min(capacity, int(candidates.sum()))
        chosen = list(self._ask(Window(day, candidates, capacity, self._season_so_far(day))))
        allowed = len(set(chosen)) == len(chosen) <= capacity and all(candidates[k] for k in chosen)
        if not allowed:
            raise ScenarioError(
                f"launches must be at most {capacity} different candidates, got {chosen} at the window of day {day}"
            )
        for product in chosen:
            self._launch(day, int(product))
            self._at(day + horizon, self._judge, (day, int(product)))

    def _judge(self, day: float, product: int) -> None:
        """A launch's reward: the product's net sales until now."""
        sold, returned = self.ledger.table("purchases"), self.ledger.table("returns")
        paid = sold.loc[sold["product"] == product, "price"].tolist()
        back = returned.loc[returned["product"] == product, "price"].tolist()
        reward = sum(self._worth(product, p) for p in paid) - sum(self._worth(product, p) for p in back)
        self._interval.judged.append((day, product, reward))

    def _season_so_far(self, day: float) -> Floats:
        sold = self.ledger.table("purchases")["time"].to_numpy()
        visits = self.ledger.daily_visits()[max(int(day) - 7, 0) : int(day)]
        week = visits.sum() / max(len(visits), 1) / self.scenario.arrivals.per_day
        sales = (sold > day - 7).sum() / max(visits.sum(), 1)
        return np.array([1.0, day / self.scenario.days, self.launched.mean(), week, sales])

    def _show_plan(self, visits: Visits, rows: slice, shape: tuple[int, ...]) -> Indices:
        """What is shown where only launches are asked for: the newest, or every launch equally often."""
        showable = np.flatnonzero(self.eligible & ~self.catalogue.incumbent)
        offered = np.full(shape, -1)
        filled = min(shape[1], len(showable))
        if self.scenario.plan == "newest":
            offered[:, :filled] = showable[np.argsort(-self.launches[showable], kind="stable")][:filled]
        else:
            _shuffle(self._key, visits.ids[rows], showable, offered[:, :filled])
        return offered

    def _changed(self, time: float) -> None:
        """What may be offered has changed: visits of this interval that come later are asked again."""
        in_stock = self.launched & (self.stock.on_hand > 0)
        self.eligible = np.tile(in_stock, len(self.levels))
        self.shelf = np.flatnonzero(in_stock & self.catalogue.incumbent)
        if self._one_at_a_time:
            return
        for visits in self._open:
            first = int(visits.times.searchsorted(time, side="right"))
            if first < len(visits):
                self._answer(visits, slice(first, len(visits)))

    def _at(self, time: float, do: Callable[..., None], arguments: tuple[Any, ...]) -> None:
        """Call `do` when the clock shows `time`."""
        event = simpy.Timeout(self._env, max(time - self._env.now, 0.0))
        event.callbacks.append(lambda _: do(*arguments))


@njit(cache=True)
def _luck(key: Any, ids: Any, word: Any) -> Any:
    """(n,) uniform luck of visits under a word."""
    luck = np.empty(len(ids))
    for i in range(len(ids)):
        luck[i] = streams.unit(streams.mix(streams.mix(key, ids[i]), word))
    return luck


@njit(cache=True)
def _poisson(luck: Any, word: Any, mean: float) -> Any:
    """A Poisson number by inversion."""
    left = streams.unit(streams.mix(luck, word))
    chance = np.exp(-mean)
    number = 0
    while left > chance and chance > 0.0:
        left -= chance
        number += 1
        chance *= mean / number
    return number


@njit(cache=True)
def _remember(shown: Any, users: Any, offered: Any, n_products: int) -> None:
    """The products just shown become the latest in each user's history."""
    length = shown.shape[1]
    for i in range(len(users)):
        history = shown[users[i]]
        for action in offered[i]:
            if action >= 0:
                for j in range(length - 1):
                    history[j] = history[j + 1]
                history[length - 1] = action % n_products


@njit(cache=True)
def _shuffle(key: Any, ids: Any, showable: Any, offered: Any) -> None:
    """Fill the slots with a uniformly random choice that belongs to the visit (Fisher & Yates)."""
    deck = showable.copy()
    for i in range(len(ids)):
        luck = streams.mix(streams.mix(key, ids[i]), choice.PLAN)
        deck[:] = showable
        for s in range(offered.shape[1]):
            luck = streams.mix(luck, np.uint64(s))
            drawn = s + int(streams.unit(luck) * (len(deck) - s))
            deck[s], deck[drawn] = deck[drawn], deck[s]
            offered[i, s] = deck[s]
