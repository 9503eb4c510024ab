"""What they answer: examination of slots, then logit or nested logit with an outside option.

Every user has a utility for each product, U = weight + noise, and takes the best of what they looked at, or leaves.
The noise belongs to (visit, product): whoever decides, and whatever else is shown, this visit feels the same about this
product. For nested logit the noise of one category is dissimilarity x (Gumbel + log of a positive stable variable that
its products share), which has exactly the nested logit's distribution (Cardell 1997; Kanter 1975 for the draw).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

from simulator import streams
from simulator.catalogue import Catalogue
from simulator.scenario import Scenario
from simulator.users import Array, Users

# Words under which a visit's luck is drawn; products have their own number, 0 .. K - 1.
OUTSIDE, NEST, LOOK, DELAY, RETURN, FRIENDS, FRIEND, WHO, PLAN = (np.uint64(n << 32) for n in range(1, 10))
_ONE = np.uint64(1)


class Appeal:
    """How each product appeals to each user now: exp(utility / nesting), split into what is theirs and what is its own.

    A user's weights are worked out when they come, and again when tastes have drifted for a day. `lift` is what
    novelty and social proof do for a product, for everyone, as of the last refresh.
    """

    def __init__(self, scenario: Scenario, catalogue: Catalogue, users: Users) -> None:
        self.about = scenario.choice
        self.prices = catalogue.prices.copy()  # (K,) euros, now
        self.weights = np.empty((len(users), len(catalogue)), np.float32)  # (N, K)
        self.lift = np.ones(len(catalogue))  # (K,)
        self._felt = np.full(len(users), -1)  # (N,) day as of which the weights hold; -1 = never
        self._catalogue = catalogue
        self._users = users
        self._drifts = scenario.users.drift > 0
        self._day = 0

    def refresh(self, now: float, launches: Array, sold: npt.NDArray[np.int64]) -> None:
        """Novelty wears off, sales are proof, tastes drift (once a day)."""
        about = self.about
        _lift(now, launches, sold, about.novelty, about.novelty_days, about.social_proof, about.nesting, self.lift)
        if self._drifts:
            self._day = int(now)

    def feel(self, users: npt.NDArray[np.int64]) -> None:
        """Bring the weights of these users up to date."""
        tastes, now, later = self._users.tastes(self._day)
        _feel(
            users,
            self._day,
            self._felt,
            self.weights,
            tastes,
            now,
            later,
            self._catalogue.styles,
            self._catalogue.qualities,
            self._users.sensitivities,
            self.prices,
            self.about.nesting,
        )

    def reprice(self, prices: Array) -> None:
        """New prices (K,) for all."""
        changed = np.flatnonzero(prices != self.prices)
        relief = np.outer(self._users.sensitivities, self.prices[changed] - prices[changed])
        self.weights[:, changed] *= np.exp(relief / self.about.nesting)
        self.prices = prices


@njit(cache=True)
def _feel(
    users: Any,
    day: int,
    felt: Any,
    weights: Any,
    tastes: Any,
    now: float,
    later: float,
    styles: Any,
    qualities: Any,
    sensitivities: Any,
    prices: Any,
    nesting: float,
) -> None:
    """weights = exp((taste . style + quality - sensitivity x price) / nesting) of users not felt on this day."""
    K, q = styles.shape
    for user in users:
        if felt[user] == day:
            continue
        felt[user] = day
        for k in range(K):
            utility = qualities[k] - sensitivities[user] * prices[k]
            for j in range(q):
                utility += styles[k, j] * (now * tastes[user, j] + later * tastes[user, q + j])
            weights[user, k] = np.exp(utility / nesting)


@njit(cache=True)
def _lift(
    now: float, launches: Any, sold: Any, novelty: float, days: float, proof: float, nesting: float, lift: Any
) -> None:
    for k in range(len(launches)):
        age = max(now - launches[k], 0.0) if launches[k] == launches[k] else 0.0
        lift[k] = np.exp((novelty * np.exp(-age / days) + proof * np.log1p(sold[k])) / nesting)


@njit(cache=True)
def log_stable(first: float, second: float, index: float) -> Any:
    """Log of a positive stable variable with E exp(-t S) = exp(-t^index), from two uniforms (Kanter 1975)."""
    angle = np.pi * first
    if index == 1.0:
        return 0.0
    return (
        np.log(np.sin(index * angle))
        - np.log(np.sin(angle)) / index
        + (1.0 - index) / index * (np.log(np.sin((1.0 - index) * angle)) - np.log(-np.log(second)))
    )


@njit(cache=True)
def respond(
    key: Any,
    ids: Any,
    users: Any,
    offered: Any,
    eligible: Any,
    shelf: Any,
    stock: Any,
    owned: Any,
    weights: Any,
    lift: Any,
    categories: Any,
    examination: Any,
    cascade: bool,
    leaving: float,
    nesting: float,
    relief: Any,
    sensitivities: Any,
    product: Any,
    slot: Any,
) -> Any:
    """Each visit's answer: `product` (n,) or -1, and the `slot` (n,) it was seen in, -1 for the shelf.

    offered (n, S) are actions a = product + K x level of discount, -1 for an empty slot; eligible (K x levels,) says
    which may be offered; relief (levels - 1, K) is the price cut in euros of each level above none.
    Answers the first row with an offer that is not eligible, or -1.
    """
    K = len(stock)
    S = offered.shape[1]
    shared = np.empty(categories.max() + 1)
    for i in range(len(ids)):
        luck = streams.mix(key, ids[i])
        user = users[i]
        outside = leaving - np.log(-np.log(streams.unit(streams.mix(luck, OUTSIDE))))
        best = outside
        product[i] = -1
        slot[i] = -1
        if nesting < 1.0:
            shared[:] = np.nan
        going = True
        for s in range(S):
            action = offered[i, s]
            if action >= len(eligible) or (action >= 0 and not eligible[action]):
                return i
            looks = going and streams.unit(streams.mix(luck, LOOK + np.uint64(s))) < examination[s]
            if cascade:
                going = looks
            if action < 0 or not looks:
                continue
            k = action % K
            if owned[user, k] or stock[k] <= 0:
                continue
            weight = weights[user, k] * lift[k]
            if action >= K:
                weight *= np.exp(sensitivities[user] * relief[action // K - 1, k] / nesting)
            value = _utility(luck, k, weight, nesting, shared, categories)
            if value > best:
                best = value
                product[i] = k
                slot[i] = s
            if cascade and value > outside:
                going = False
        for k in shelf:
            if owned[user, k] or stock[k] <= 0:
                continue
            value = _utility(luck, k, weights[user, k] * lift[k], nesting, shared, categories)
            if value > best:
                best = value
                product[i] = k
                slot[i] = -1
    return -1


@njit(cache=True, inline="always")
def _utility(luck: Any, k: Any, weight: Any, nesting: float, shared: Any, categories: Any) -> Any:
    noise = -np.log(streams.unit(streams.mix(luck, np.uint64(k))))  # exponential; minus its log is Gumbel
    value = np.log(weight / noise)
    if nesting < 1.0:
        c = categories[k]
        if shared[c] != shared[c]:
            word = NEST + np.uint64(2 * c)
            first = streams.unit(streams.mix(luck, word))
            shared[c] = log_stable(first, streams.unit(streams.mix(luck, word + _ONE)), nesting)
        value = nesting * (value + shared[c])
    return value


@njit(cache=True)
def chances(
    users: Any,
    launched: Any,
    on_shelf: Any,
    shelf: Any,
    owned: Any,
    weights: Any,
    lift: Any,
    categories: Any,
    leaving: float,
    nesting: float,
    relief: Any,
    sensitivities: Any,
    value: Any,
) -> Any:
    """(n, A) expected reward of each action were it looked at, beside the shelf and nothing else, in closed form.

    (Nested) logit: with D_c the sum of weights of category c on the shelf and w the action's weight in category c,
    P = w / D' x D'^nesting / (exp(leaving) + sum of the other D^nesting + D'^nesting), D' = D_c + w (McFadden 1978).
    `value` (A,) is what a purchase brings; an action that is not launched, or owned, brings 0.
    """
    K = len(launched)
    A = len(value)
    truth = np.zeros((len(users), A))
    sums = np.zeros(categories.max() + 1)
    powers = np.zeros(categories.max() + 1)
    for i in range(len(users)):
        user = users[i]
        sums[:] = 0.0
        for k in shelf:
            if not owned[user, k]:
                sums[categories[k]] += weights[user, k] * lift[k]
        total = np.exp(leaving)
        for c in range(len(sums)):
            powers[c] = sums[c] if nesting == 1.0 else sums[c] ** nesting
            total += powers[c]
        for a in range(A):
            k = a % K
            if not launched[k] or owned[user, k]:
                continue
            w = weights[user, k] * lift[k]
            base = sums[categories[k]]
            if on_shelf[k]:
                base -= w
            if a >= K:
                w *= np.exp(sensitivities[user] * relief[a // K - 1, k] / nesting)
            inside = base + w
            power = inside if nesting == 1.0 else inside**nesting
            truth[i, a] = value[a] * w / inside * power / (total - powers[categories[k]] + power)
    return truth


@njit(cache=True)
def thinking(
    key: Any,
    ids: Any,
    times: Any,
    prompt: float,
    minutes: float,
    days: float,
    word_of_mouth: float,
    returns: float,
    return_days: float,
    window: float,
) -> Any:
    """What those who have chosen will do, all (n,): time of purchase, number of friends, days until a return (or inf).

    Time to think is a mixture of minutes and days; friends are Poisson; a return comes after exponential days, or,
    past the window, never.
    """
    n = len(ids)
    buys = np.empty(n)
    friends = np.empty(n, np.int64)
    back = np.full(n, np.inf)
    for i in range(n):
        luck = streams.mix(key, ids[i])
        mean = minutes / 1440.0 if streams.unit(streams.mix(luck, DELAY)) < prompt else days
        buys[i] = times[i] + _exponential(luck, DELAY + _ONE, mean)
        friends[i] = _poisson(streams.unit(streams.mix(luck, FRIENDS)), word_of_mouth)
        if streams.unit(streams.mix(luck, RETURN)) < returns:
            after = _exponential(luck, RETURN + _ONE, return_days)
            if after < window:
                back[i] = after
    return buys, friends, back


@njit(cache=True)
def friend(key: Any, visit: Any, number: Any, days: float) -> Any:
    """Days until this friend of a buyer comes, and the id of their visit."""
    word = FRIEND + np.uint64(number)
    return _exponential(streams.mix(key, visit), word, days), streams.mix(visit, word)


@njit(cache=True, inline="always")
def _exponential(luck: Any, word: Any, mean: float) -> Any:
    return -mean * np.log(streams.unit(streams.mix(luck, word)))


@njit(cache=True)
def _poisson(left: float, mean: float) -> Any:
    """A Poisson number from a uniform one, by inversion."""
    number = 0
    chance = np.exp(-mean)
    while left > chance and chance > 0.0:
        left -= chance
        number += 1
        chance *= mean / number
    return number
