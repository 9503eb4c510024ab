"""Customers: who is there when. Some are from day 0 on, some come for the first time in the season, some are lost.

How many visits there are is said by traffic; customers say whose they are. A share of the visits of the base stream are
somebody's very first, so that acquisition follows the season, and no policy can change it; every other visit is made by
one of those who are there, in proportion to their rates. In the time that counts a customer's visits, this is the
Pareto/NBD (Schmittlein, Morrison & Colombo 1987): Poisson visits at Gamma rates until an exponential end. Who rests
after a visit is passed over, and somebody else who is there comes; visits that launches and friends bring know no rest.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

from simulator import streams
from simulator.profile import Profile, Times
from simulator.scenario import Customers as About
from simulator.scenario import Scenario

WHO, REST = np.uint64(8 << 32), np.uint64(31 << 32)  # words beside those of `choice`

_TRIES = 200  # draws of somebody who is still there, before somebody lost comes back
_AGAIN = 50  # draws of somebody who does not rest, before somebody who does comes


class Customers:
    """N customers as columns: those there on day 0, then newcomers in the order in which they come."""

    def __init__(self, scenario: Scenario, seed: int) -> None:
        about = scenario.customers or About()
        self._newcomers = about.newcomers
        self._key = streams.key(seed, "newcomers")
        self.there = scenario.users.population  # so many are there on day 0
        room = _room(scenario, about)
        random = streams.generator(seed, "customers")
        n = self.there + room
        self.lost = np.full(n, np.inf)  # (N,) day each is lost; of who has not come, days after
        if about.lifetime_days is not None:
            self.lost = random.exponential(about.lifetime_days, n)
        self._luck = random.random(room)
        self.first_times = np.full(room, np.inf)  # days, in order
        self.first_visits = np.zeros(room, np.uint64)  # ids
        self.everlasting = room == 0 and about.lifetime_days is None  # nobody is new, and nobody is lost
        self._come = 0
        self._rest, self._seed = about.rest, seed
        self._resting = np.zeros(n if about.rest else 0)  # (N,) day until which each rests
        self._lottery: Any = None
        self._rest_days: Times = np.empty(0)  # (N,)
        self.instead: tuple[Any, Any, Any] = np.empty(0), np.empty(0, np.uint64), np.empty(0, np.int64)  # passed on

    def take_turns(self, lottery: Any, rest_days: Times) -> None:
        """Who is drawn by this lottery rests after a visit, so many days (N,) in the mean."""
        self._lottery, self._rest_days = lottery, rest_days

    def __len__(self) -> int:
        return len(self.lost)

    def leave_at_once(self, chances: Times) -> None:
        """With these chances, newcomers come once and never again."""
        self.lost[self.there :][self._luck < chances] = 0.0

    def come(self, times: Times, ids: streams.Ids) -> None:
        """Base visits of the next day, in order: some are newcomers', some are passed on by who rests."""
        self._join(times, ids)
        if self._rest:
            self._pass_on(times, ids)

    def _pass_on(self, times: Times, ids: streams.Ids) -> None:
        shown = self._lottery.ends, self._lottery.guide, self.first_times, self.first_visits, self.lost
        key, rests = streams.key(self._seed, "luck"), (self._rest, self._rest_days, self._resting)
        users = _not_resting(key, ids, times, *shown, *rests)
        passed = users >= 0
        found = times[passed], ids[passed], users[passed]
        one, two, three = (np.concatenate(both) for both in zip(self.instead, found, strict=True))
        self.instead = one, two, three

    def _join(self, times: Times, ids: streams.Ids) -> None:
        if not self._newcomers:
            return
        new = np.flatnonzero(streams.uniforms(self._key, ids) < self._newcomers)[: len(self.first_times) - self._come]
        places = slice(self._come, self._come + len(new))
        self.first_times[places], self.first_visits[places] = times[new], ids[new]
        self.lost[self.there :][places] += times[new]
        self._come += len(new)

    def rates(self, random: np.random.Generator, shape: float) -> Times:
        """(N,) visit rates of mean 1, Gamma distributed."""
        return random.gamma(shape, 1 / shape, len(self))

    def present(self, day: float) -> npt.NDArray[np.bool_]:
        """(N,) who has come by this day and is not lost."""
        come = np.append(np.ones(self.there, bool), self.first_times <= day)
        return come & (self.lost > day)


def _room(scenario: Scenario, about: About) -> int:
    """More newcomers than a season brings, but for one in a million."""
    if about.newcomers == 0:
        return 0
    hours = np.arange(0, scenario.days, 1 / 24)
    expected = about.newcomers * scenario.arrivals.per_day / 24 * float(Profile(scenario).at(hours).sum())
    return int(expected + 5 * np.sqrt(expected) + 25)


@njit(cache=True, inline="always")
def who(
    luck: Any,
    word: Any,
    time: float,
    visit: Any,
    ends: Any,
    guide: Any,
    first_times: Any,
    first_visits: Any,
    lost: Any,
) -> Any:
    """Whose visit this is: a newcomer's own, or one's who is there, drawn by their rates until one is not lost."""
    new = np.searchsorted(first_times, time, side="right")
    there = len(lost) - len(first_times)
    if new > 0 and first_times[new - 1] == time and first_visits[new - 1] == visit:
        return there + new - 1
    within = ends[there + new - 1]
    user = 0
    for number in range(_TRIES):
        place = streams.unit(streams.mix(luck, word + np.uint64(number))) * within
        user = guide[int(place * len(ends))]
        while ends[user] <= place:
            user += 1
        if time < lost[user]:
            break
    return user


@njit(cache=True)
def _not_resting(
    key: Any,
    ids: Any,
    times: Any,
    ends: Any,
    guide: Any,
    first_times: Any,
    first_visits: Any,
    lost: Any,
    rest: float,
    rest_days: Any,
    resting: Any,
) -> Any:
    """(n,) who comes instead of somebody who rests, -1 where nobody has to; `resting` (N,) is moved on."""
    users = np.full(len(ids), -1)
    for i in range(len(ids)):
        luck, time = streams.mix(key, ids[i]), times[i]
        for number in range(_AGAIN):
            word = WHO + np.uint64(_TRIES * number)
            user = who(luck, word, time, ids[i], ends, guide, first_times, first_visits, lost)
            if resting[user] <= time:
                break
        if number > 0:
            users[i] = user
        if streams.unit(streams.mix(luck, REST)) < rest:
            resting[user] = time - rest_days[user] * np.log(streams.unit(streams.mix(luck, REST + np.uint64(1))))
    return users


@njit(cache=True, inline="always")
def instead(time: float, visit: Any, times: Any, ids: Any, users: Any) -> Any:
    """Who comes to this visit instead of somebody who rests; -1 where nobody has to."""
    place = np.searchsorted(times, time, side="right") - 1
    return users[place] if place >= 0 and times[place] == time and ids[place] == visit else -1
