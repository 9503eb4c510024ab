"""Market: the SimPy processes that join arrivals, users, choice, stock and promotions into a season.

Pages are rebuilt at every refresh: what visitors see of sales so far, what is known of them, and what a policy has
learned stand still between two refreshes. Launches, sell-outs, restocks and price changes do not wait: visits of the
same interval that come after one are asked again. So asking for a whole interval at once and asking visit by visit give
the same ledger, bit for bit.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

from simulator import choice, memory, plan, streams
from simulator.answers import Everyone, Tabled
from simulator.arrivals import Arrivals
from simulator.catalogue import Catalogue
from simulator.checkout import Checkout
from simulator.clock import Clock
from simulator.customers import WHO, instead, who
from simulator.ledger import Ledger
from simulator.scenario import Launching, Scenario, ScenarioError
from simulator.shop import Shop
from simulator.till import Till
from simulator.users import Users, drawn
from simulator.visits import Floats, Indices, Interval, Visits, Window
from simulator.wants import Untabled, Wants

Offer = Callable[[Visits, slice], Indices]
Launch = Callable[[Window], list[int]]

_AHEAD = 256  # visits met together where each is answered alone


class Market:
    """One season.

    Args:
        scenario: what season.
        offer: where the scenario asks what to show: called with visits and the slice of n rows to answer, it gives
            the (n, slots) actions to offer, -1 for an empty slot. Action a is product a % M at discount level a // M,
            M the number of products that may be offered. Where the scenario asks what to launch: called with a
            `Window`, it gives a list of products.
        seed: of the whole world; the same visits come whatever is offered.
        record: keep single visits and offers in the ledger.
        one_at_a_time: ask for each visit when it comes rather than for a whole interval; changes nothing but speed.

    Raises:
        ScenarioError: the season does not fit into memory, or the seed into 64 bits.
        ScenarioError: an offer of the wrong shape, or of something that may not be offered; the message says where.
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
        memory.check(scenario)
        if not 0 <= seed < 2**64:
            raise ScenarioError(f"seed must be between 0 and 2**64 - 1, got {seed}")
        self.scenario = scenario
        self.catalogue = Catalogue(scenario, seed)
        self.users = Users(scenario, seed)
        self.arrivals = Arrivals(scenario, seed, self.users.customers)
        self.ledger = Ledger(self.catalogue, record)
        self.answers: Tabled | Wants
        if scenario.by_visit:
            untabled = Untabled(scenario, self.catalogue, self.users)
            self.appeal: choice.Appeal = untabled
            self.answers = Wants(scenario, self.catalogue, self.users, untabled, seed)
        else:
            self.appeal = choice.Appeal(scenario, self.catalogue, self.users)
            self.answers = Tabled(scenario, self.catalogue, self.users, self.appeal)
        self._clock = Clock()
        self.shop = Shop(scenario, self.catalogue, self.appeal, self.ledger, self._clock)
        self.shop.changed = self._ask_again
        self._key = streams.key(seed, "luck")
        about = scenario, self.shop, self.ledger, self._clock, self._key, self.answers.ownership
        asks = self._choose_again, self._friend_to_come
        self.till = Checkout(self.answers, *about, *asks) if isinstance(self.answers, Wants) else Till(*about, *asks)
        self._ask: Any = offer
        self._one_at_a_time = one_at_a_time
        self._cascade = scenario.choice.model == "cascade"
        row = np.int16 if len(scenario.products) < np.iinfo(np.int16).max else np.int32
        self._shown = np.full((len(self.users), scenario.users.history), -1, row)  # (N, L)
        self._remembers = scenario.users.history > 0
        self._talked_about = 0  # launches whose buzz has begun
        self._until = 0.0  # end of the interval
        self._open: list[Visits] = []  # of this interval
        nobody = self._admit(np.empty(0), np.empty(0, np.uint64))
        self._ahead = np.empty(0), 0, 0, nobody  # a stream of visits, and whom we have met of it from where to where
        self._judged: list[tuple[float, int, float]] = []
        self._brought = {table: [0.0] * len(self.catalogue) for table in ("purchases", "returns")}  # by product
        self._counted = dict.fromkeys(self._brought, 0)  # events that are in there
        self._windows = deque([*_windows(scenario.launching), np.inf])  # days of those to come
        self.now = 0.0  # day by which all that is due has been told

    @property
    def moves(self) -> int:
        """How often it has changed how products appeal, or who owns what."""
        return self.appeal.moves + self.till.moves

    @property
    def windows(self) -> list[float]:
        """Days of the launch windows to come."""
        return list(self._windows)[:-1]

    def run(self) -> Ledger:
        """Play the whole season."""
        for _ in self.play():
            pass
        return self.ledger

    def play(self) -> Iterator[Interval]:
        """The season, an interval at a time; after the last visit, what is still pending settles.

        What is due at an instant is told before anything is asked at it: a launch window opens an interval of its own.
        """
        yield from self._play_by_visit() if self.scenario.refresh == 0 else self._play_by_interval()
        self._clock.run()
        yield self._close(np.inf, [])

    def _play_by_interval(self) -> Iterator[Interval]:
        refresh, days = self.scenario.refresh, self.scenario.days
        count = max(math.ceil(days / refresh - 1e-9), 1)  # where refreshes divide the season, rounding adds none
        for number in range(1, count + 1):
            begin = self._until
            self._clock.through(begin)
            while self._windows[0] <= begin:
                yield from self._open_window()
            self.appeal.refresh(begin, self.shop.launches, self.till.sold)
            self._until = days if number == count else number * refresh
            times, ids = self.arrivals.take(self._until)
            if len(times):
                self._serve(times, ids)
            while self._windows[0] < self._until:
                yield from self._open_window()
            self._clock.through(self._until)
            opened, self._open = self._open, []
            yield self._close(self._until, [(visits, slice(0, len(visits))) for visits in opened])

    def _play_by_visit(self) -> Iterator[Interval]:
        clock, arrivals, days = self._clock, self.arrivals, self.scenario.days
        while True:
            comes = arrivals.peek()
            while min(clock.peek(), self._windows[0]) <= min(comes, days):
                if self._windows[0] < clock.peek():
                    yield from self._open_window()
                else:
                    clock.step()
                comes = arrivals.peek()
            if comes == np.inf:
                return
            visits, row = self._next_visit()
            self.appeal.refresh(comes, self.shop.launches, self.till.sold)
            rows = slice(row, row + 1)
            visits.buying = False
            self._answer(visits, rows)
            yield self._close(comes, [(visits, rows)])

    def _next_visit(self) -> tuple[Visits, int]:
        """The next visit, as a row of those met together because they are likely to come one after the other."""
        times, ids, place = self.arrivals.next()
        stream, first, last, visits = self._ahead
        if times is not stream or place >= last:
            first, last = place, min(place + _AHEAD, len(times))
            visits = self._admit(times[first:last], ids[first:last])
            if len(times) > 1:
                self._ahead = times, first, last, visits
        elif self._remembers:
            visits.histories[place - first] = self._shown[visits.users[place - first]]
        return visits, place - first

    def _admit(self, times: Floats, ids: streams.Ids) -> Visits:
        n, slots, users = len(times), self.scenario.slots, self.users
        visits = Visits(
            times=times,
            ids=ids,
            users=np.empty(n, np.int64),
            contexts=np.empty((n, users.features.shape[1])),
            histories=np.empty((n, self._shown.shape[1]), np.int64),
            offered=np.empty((n, slots), np.int64),
            product=np.empty(n, np.int64),
            slot=np.empty(n, np.int64),
            reached=np.empty(n, np.int64),
            rewards=np.zeros((n, slots)),
            pending=np.zeros(n, np.bool_),
            wants=np.zeros(n, np.int64),
        )
        _meet(
            self._key,
            ids,
            users.lottery.ends,
            users.lottery.guide,
            users.customers.everlasting,
            users.customers.first_times,
            users.customers.first_visits,
            users.customers.lost,
            users.customers.instead,
            times,
            users.features,
            self._shown,
            *self.answers.touched,
            visits.users,
            visits.contexts,
            visits.histories,
        )
        return visits

    def _serve(self, times: Floats, ids: streams.Ids) -> None:
        """Ask for all these visits of the interval now, or for each when it comes."""
        visits = self._admit(times, ids)
        self._open.append(visits)
        if not self._one_at_a_time:
            self._answer(visits, slice(0, len(visits)))
            return
        for row, time in enumerate(visits.times.tolist()):
            self._clock.at(time, self._answer, visits, slice(row, row + 1))

    def _answer(self, visits: Visits, rows: slice) -> None:
        """Offers, choices and purchases to come of these rows."""
        visits.offered[rows] = self._offer(visits, rows)
        if self._respond(visits, rows):
            visits.buying = True
            self.till.expect(visits, self.answers.coming(visits, rows))

    def _ask_again(self, time: float) -> None:
        """What may be offered has changed: visits of this interval that come later are asked again."""
        for visits in [] if self._one_at_a_time else self._open:
            first = int(visits.times.searchsorted(time, side="right"))
            if first < len(visits):
                visits.asked_again.append(first)
                self._answer(visits, slice(first, len(visits)))
        self._begin_buzz()

    def _offer(self, visits: Visits, rows: slice) -> Indices:
        if self.scenario.question == "launch":
            return plan.show(self.scenario.plan, self.shop, self._key, visits.ids[rows], self.scenario.slots)
        answer = np.asarray(self._ask(visits, rows))
        shape = (rows.stop - rows.start, self.scenario.slots)
        if answer.shape != shape:
            time = f"{visits.times[rows.start]:.5f}"
            raise ScenarioError(f"offer must have shape {shape}, got {answer.shape} at the visit of day {time}")
        return answer

    def _respond(self, visits: Visits, rows: slice) -> int:
        """Choices of these rows among what was offered and is in stock; answers how many have chosen something."""
        buyers = self._chosen(visits, rows, visits.offered, self.shop.eligible, self._cascade)
        if buyers < 0:
            row = -1 - buyers
            offer, time = visits.offered[row].tolist(), f"{visits.times[row]:.5f}"
            raise ScenarioError(f"offer must name available products, got {offer} at the visit of day {time}")
        return buyers

    def _choose_again(self, visits: Visits, row: int) -> None:
        """The choice of this row among what is in stock of all that it looked at."""
        offered = visits.offered[: row + 1].copy()
        offered[row, visits.reached[row] :] = -1
        self._chosen(visits, slice(row, row + 1), offered, np.ones_like(self.shop.eligible), False)

    def _chosen(
        self, visits: Visits, rows: slice, offered: Indices, eligible: npt.NDArray[np.bool_], cascade: bool
    ) -> int:
        return self.answers.respond(self._key, visits, rows, offered, eligible, self.shop, cascade)

    def expect(self, truth: npt.NDArray[np.float32], visits: Visits, rows: slice) -> None:
        """Fill truth (n, A), 0 before: expected reward of each action on sale that is looked at, by these rows, now."""
        self.answers.chances(self._key, truth, visits, rows, self.shop)

    def considered(self, ids: streams.Ids, times: Floats) -> tuple[Indices, Indices]:
        """What visits that are over look at on the shelf: what their first wants draw of it, as far as it was on sale.

        Of a scenario with `shelf.considered`.

        Args:
            ids: (n,) of the visits.
            times: (n,) days.

        Returns:
            (m,) places among the visits, ascending, and (m,) products.
        """
        assert isinstance(self.answers, Wants)
        products, begins, ends = self.answers.sampled(self._key, ids, times, self.shop)
        visits = np.repeat(np.arange(len(ids)), ends - begins)
        begin = np.where(self.catalogue.incumbent, np.nan_to_num(self.catalogue.launches), self.ledger.launch_days())
        there = (begin[products] <= times[visits]) & ~(self.catalogue.delistings[products] <= times[visits])
        return visits[there], products[there]

    def everyone(self, day: float, appeal: choice.Appeal) -> Everyone:
        """Visitors who stand for all of a day, and how likely each buys what they look at."""
        return self.answers.everyone(self._key, day, self.shop, appeal)

    def _close(self, now: float, closing: list[tuple[Visits, slice]]) -> Interval:
        """The interval is over: the offers of these rows are final."""
        settled = self.till.refresh(now)  # of visits closed before; those that close now know their own
        for visits, rows in closing:
            self.till.close(visits, rows)
            if self._remembers:
                _remember(self._shown, visits.users[rows], visits.offered[rows], self.catalogue.n_offered)
            self.ledger.visits_closed(visits, rows)
        self.now = now if now < np.inf else max(self._clock.now, self.till.latest)
        return Interval(closing, settled, self._told())

    def _told(self) -> list[tuple[float, int, float]]:
        judged, self._judged = self._judged, []
        return judged

    def _begin_buzz(self) -> None:
        """Launches are talked about; those whom they bring in this very interval come too."""
        launches = self.ledger.events("launches", self._talked_about)
        for day, product in launches:
            if not self.catalogue.incumbent[product]:
                self.arrivals.launch(product, day)
        if launches:
            self._talked_about += len(launches)
            times, ids = self.arrivals.take(self._until)
            if len(times):
                self._serve(times, ids)

    def _friend_to_come(self, time: float, visit: np.uint64) -> None:
        time = self.arrivals.profile.opening(time)
        if time >= self.scenario.days:
            return
        if time >= self._until:
            self.arrivals.friend(time, int(visit))
        else:
            self._clock.at(time, self._friend_comes, time, visit)

    def _friend_comes(self, time: float, visit: np.uint64) -> None:
        visits = self._admit(np.array([time]), np.array([visit]))
        self._open.append(visits)
        self._answer(visits, slice(0, 1))

    # -- launch windows

    def _open_window(self) -> Iterator[Interval]:
        """The next window, asked once all that is due by then is told."""
        self.now = day = self._windows.popleft()
        self._clock.through(day)
        yield Interval(judged=self._told())
        assert self.scenario.launching is not None
        self._decide_launches(day, self.scenario.launching)

    def _decide_launches(self, day: float, about: Launching) -> None:
        candidates = ~self.shop.launched & ~self.catalogue.incumbent
        capacity = min(about.capacity, int(candidates.sum()))
        chosen = [int(k) for k in self._ask(Window(day, candidates, capacity, self._season_so_far(day)))]
        allowed = len(set(chosen)) == len(chosen) <= capacity and all(candidates[k] for k in chosen)
        if not allowed:
            raise ScenarioError(
                f"launches must be up to {capacity} candidates, got {chosen} at the window of day {day}"
            )
        self.shop.launch(day, chosen)
        for product in chosen:
            self._clock.at(day + about.horizon, self._judge, day, product)

    def _judge(self, day: float, product: int) -> None:
        """A launch's reward: the product's net sales until now."""
        sold, back = (self._worth(table, product) for table in ("purchases", "returns"))
        self._judged.append((day, product, sold - back))

    def _worth(self, table: str, product: int) -> float:
        """What the events of a product brought; each event is counted once, whoever is judged."""
        events, brought = self.ledger.events(table, self._counted[table]), self._brought[table]
        for _, _, _, of, *_, price, units in events:
            brought[of] += units * self.shop.worth(of, price)
        self._counted[table] += len(events)
        return float(brought[product])

    def _season_so_far(self, day: float) -> Floats:
        sales = sum(event[0] > day - 7 for event in self.ledger.events("purchases"))
        visits = self.ledger.daily_visits()[max(int(day) - 7, 0) : int(day)]
        traffic = visits.sum() / max(len(visits), 1) / self.scenario.arrivals.per_day
        launched = self.shop.launched.mean()
        return np.array([1.0, day / self.scenario.days, launched, traffic, sales / max(visits.sum(), 1)])


def _windows(about: Launching | None) -> list[float]:
    """Days on which launch windows open."""
    return [] if about is None else [about.first + number * about.every for number in range(about.windows)]


@njit(cache=True)
def _meet(
    key: Any,
    ids: Any,
    ends: Any,
    guide: Any,
    everlasting: bool,
    first_times: Any,
    first_visits: Any,
    lost: Any,
    passed: Any,
    times: Any,
    features: Any,
    shown: Any,
    utilities: Any,
    owned: Any,
    users: Any,
    contexts: Any,
    histories: Any,
) -> Any:
    """Fill in who comes (n,), and what is known of them: features (n, d), products last shown to them (n, L).

    Rows of users lie scattered in memory. They are touched all together first, utilities and ownership too, for what
    follows to find them near: waiting for one at a time would take longer than all the arithmetic. The number
    answered has no meaning; without it, a compiler would see no need to touch anything.
    """
    for i in range(len(ids)):
        luck = streams.mix(key, ids[i])
        users[i] = instead(times[i], ids[i], passed[0], passed[1], passed[2])
        if users[i] >= 0:
            continue
        if everlasting:
            users[i] = drawn(ends, guide, streams.unit(streams.mix(luck, WHO)))
        else:
            users[i] = who(luck, WHO, times[i], ids[i], ends, guide, first_times, first_visits, lost)
    touched = np.float32(0.0)
    for user in users:
        for k in range(0, utilities.shape[1], 16):
            touched += utilities[user, k]
        touched += features[user, 0] + owned[user, 0] + owned[user, owned.shape[1] - 1]
    for i in range(len(ids)):
        for j in range(features.shape[1]):
            contexts[i, j] = features[users[i], j]
        for j in range(shown.shape[1]):
            histories[i, j] = shown[users[i], j]
    return touched


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
