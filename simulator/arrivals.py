"""When users come: a Poisson process shaped by hour, week and season, lifted by launches and by friends of buyers."""

from __future__ import annotations

import heapq
from typing import Any

import numpy as np
from numba import njit

from simulator import streams
from simulator.customers import Customers
from simulator.profile import Profile, Times
from simulator.scenario import Scenario


class Arrivals:
    """Visits in order of time. Each has an id that no policy can change: its stream and its place in it.

    The base stream is drawn a day at a time, the visits that a launch brings when it happens, and friends one by one
    as sales happen. All are thinned from a homogeneous Poisson process (Lewis & Shedler 1979); friends make the whole
    a Hawkes process in its branching form (Hawkes & Oakes 1974).
    """

    def __init__(self, scenario: Scenario, seed: int, customers: Customers | None = None) -> None:
        self._about = scenario.arrivals
        self._days = scenario.days
        self._seed = seed
        self.profile = Profile(scenario)
        self._customers = customers  # told of the base stream, some of which are newcomers
        self._base_key = streams.key(seed, "visits")
        self._buzz_key = streams.key(seed, "buzz")
        self._drawn_until = 0.0  # the stream holds every visit before this time, friends apart
        self._times: Times = np.empty(0)
        self._ids = np.empty(0, np.uint64)
        self._next = 0
        self._later: list[tuple[Times, streams.Ids]] = []  # visits of launches, sorted, from _drawn_until on
        self._friends: list[tuple[float, int]] = []  # heap

    def take(self, until: float) -> tuple[Times, streams.Ids]:
        """The visits before this time that have not been taken, in order."""
        while self._drawn_until < min(until, self._days):
            self._draw_day()
        first = self._next
        self._next = last = first + int(self._times[first:].searchsorted(until))
        times, ids = self._times[first:last], self._ids[first:last]
        if self._friends and self._friends[0][0] < until:
            return self._with_friends(times, ids, until)
        return times, ids

    def next(self) -> tuple[Times, streams.Ids, int]:
        """The next visit, taken: times and ids of its stream, and its place there; a friend is a stream alone."""
        if self._friends and self._friends[0][0] <= self.peek():
            time, visit = heapq.heappop(self._friends)
            return np.array([time]), np.array([visit], np.uint64), 0
        self._next += 1
        return self._times, self._ids, self._next - 1

    def launch(self, product: int, now: float) -> None:
        """A launch is talked about: its visits join the stream, for as long as the season lasts."""
        about = self._about
        if about.buzz == 0:
            return
        random = streams.generator(self._seed, "buzz", product)
        ceiling = about.per_day * about.buzz * about.buzz_days * self.profile.highest
        offsets = np.sort(random.exponential(about.buzz_days, random.poisson(ceiling)))
        times = now + offsets
        kept = (random.random(len(times)) * self.profile.highest < self.profile.at(times)) & (times < self._days)
        ids = _ids(self._buzz_key, np.flatnonzero(kept), product)
        self._join([(times[kept], ids)])

    def peek(self) -> float:
        """Time of the next visit; infinity when the season is over."""
        while self._next == len(self._times) and self._drawn_until < self._days:
            self._draw_day()
        time = float(self._times[self._next]) if self._next < len(self._times) else np.inf
        return min(time, self._friends[0][0]) if self._friends else time

    def friend(self, time: float, visit: int) -> None:
        """A friend comes at this time; the visit's id is the caller's."""
        heapq.heappush(self._friends, (time, visit))

    def _draw_day(self) -> None:
        day = self._drawn_until
        random = streams.generator(self._seed, "visits", int(day))
        ceiling = self.profile.ceiling(day)
        count = random.poisson(self._about.per_day * ceiling)
        times = day + np.sort(random.random(count))
        kept = random.random(count) * ceiling < self.profile.at(times)
        kept &= times < self._days
        self._drawn_until = day + 1.0
        waiting, self._later = self._later, []
        base = times[kept], _ids(self._base_key, np.flatnonzero(kept), int(day))
        if self._customers is not None:
            self._customers.come(*base)
        self._join([base, *waiting])

    def _join(self, streams_of_visits: list[tuple[Times, streams.Ids]]) -> None:
        """Merge streams of sorted visits into what is drawn; those after the drawn days wait."""
        parts = [(self._times[self._next :], self._ids[self._next :])]
        for times, ids in streams_of_visits:
            now = int(times.searchsorted(self._drawn_until))
            parts.append((times[:now], ids[:now]))
            if now < len(times):
                self._later.append((times[now:], ids[now:]))
        self._times, self._ids = _in_order(parts)
        self._next = 0

    def _with_friends(self, times: Times, ids: streams.Ids, until: float) -> tuple[Times, streams.Ids]:
        friends = []
        while self._friends and self._friends[0][0] < until:
            friends.append(heapq.heappop(self._friends))
        whens, visits = zip(*friends, strict=True)
        return _in_order([(times, ids), (np.array(whens), np.array(visits, np.uint64))])


def _in_order(parts: list[tuple[Times, streams.Ids]]) -> tuple[Times, streams.Ids]:
    """Sorted streams of visits as one; of those that come at the same time, the earlier stream's first."""
    parts = [part for part in parts if len(part[0])] or parts[:1]
    if len(parts) == 1:
        return parts[0]
    times, ids = (np.concatenate(column) for column in zip(*parts, strict=True))
    order = times.argsort(kind="stable")
    return times[order], ids[order]


@njit(cache=True)
def _ids(key: Any, places: Any, number: int) -> Any:
    """The ids of the visits at these places of stream `number`."""
    ids = np.empty(len(places), np.uint64)
    stream = streams.mix(key, np.uint64(number))
    for i in range(len(places)):
        ids[i] = streams.mix(stream, np.uint64(places[i]))
    return ids
