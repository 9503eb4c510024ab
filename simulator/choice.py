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
from simulator.lifecycle import Lifecycle
from simulator.scenario import Scenario
from simulator.users import Array, Users

# Words under which a visit's luck is drawn; products have their own number, 0 .. K - 1.
OUTSIDE, NEST, LOOK, DELAY, RETURN, FRIENDS, FRIEND, WHO, PLAN = (np.uint64(n << 32) for n in range(1, 10))
_ONE = np.uint64(1)
_COMMON = 0.95
_NOTHING = np.float32(1e-30)  # no category is empty, so that every sum has a logarithm


class Appeal:
    """How each product appeals to each user now: exp(utility / nesting), split into what is theirs and what is its own.

    `weights` hold taste, quality and price of each user and product; `lift` is what novelty and social proof do for a
    product, for everyone, as of the last refresh. Where tastes drift, they do so in weekly steps.
    """

    def __init__(self, scenario: Scenario, catalogue: Catalogue, users: Users) -> None:
        self.about = scenario.choice
        self.leaving = float(np.exp(scenario.choice.leaving))  # weight of leaving, in the closed form
        self._lifecycle = Lifecycle(scenario)
        self._fixed = scenario.choice.novelty == 0 and scenario.choice.social_proof == 0 and self._lifecycle.constant
        self.prices = catalogue.prices  # (K,) euros, now
        self.lift = np.ones(len(catalogue))  # (K,)
        self.moves = 0  # changes of any of this
        self._catalogue = catalogue
        self._users = users
        self._drifts = scenario.users.drift > 0
        self._week = 0
        self.weights = np.empty((len(users), len(catalogue)), np.float32)  # (N, K)
        self._weigh()

    def refresh(self, now: float, launches: Array, sold: npt.NDArray[np.int64]) -> None:
        """Novelty wears off, sales are proof, tastes drift."""
        if not self._fixed:
            about = self.about
            begun = launches - self._lifecycle.ages
            _lift(now, begun, sold, about.novelty, about.novelty_days, about.social_proof, about.nesting, self.lift)
            if not self._lifecycle.constant:
                self.lift *= np.exp(self._lifecycle.utility(now, launches) / about.nesting)
            self.moves += 1
        if self._drifts and now >= 7 * (self._week + 1):
            self._week = int(now // 7)
            self._weigh()

    def reprice(self, prices: Array) -> None:
        """New prices (K,) for all."""
        if (prices != self.prices).any():
            self.prices = prices
            self._weigh()

    def _weigh(self) -> None:
        """exp(utility / nesting), in place; taste x style + quality - sensitivity x price is one matrix product."""
        users, catalogue = self._users, self._catalogue
        tastes = users.tastes(7.0 * self._week)
        people = np.column_stack([tastes, np.ones(len(users), np.float32), -users.sensitivities.astype(np.float32)])
        products = np.column_stack([catalogue.styles, catalogue.qualities, self.prices]) / self.about.nesting
        np.matmul(people, products.T.astype(np.float32), out=self.weights)
        np.exp(self.weights, out=self.weights)
        self.moves += 1


@njit(cache=True)
def _lift(
    now: float, launches: Any, sold: Any, novelty: float, days: float, proof: float, nesting: float, lift: Any
) -> None:
    for k in range(len(launches)):
        age = max(now - launches[k], 0.0) if launches[k] == launches[k] else 0.0
        lift[k] = np.exp((novelty * np.exp(-age / days) + proof * np.log1p(sold[k])) / nesting)


def stable_table(index: float) -> Array:
    """(1026,) for `_log_stable`: log A(x) + log(1 - x) / index at x = 0 .. 1, smooth where log A is not (see there).

    The last entry is the largest log S where neither uniform exceeds `_COMMON`.
    """
    if index == 1:
        return np.zeros(1026)
    x = np.linspace(0, 1, 1025)
    x[0], x[-1] = 1e-9, 1 - 1e-9
    log_a = np.log(np.sin(index * np.pi * x)) - np.log(np.sin(np.pi * x)) / index
    log_a += (1 - index) / index * np.log(np.sin((1 - index) * np.pi * x))
    smooth = log_a + np.log(1 - x) / index
    largest = smooth[x <= _COMMON + 1e-3].max() - np.log(1 - _COMMON) / index
    return np.append(smooth, largest - (1 - index) / index * np.log(-np.log(_COMMON)))


@njit(cache=True, inline="always")
def _log_stable(table: Any, x: float, y: float, index: float) -> Any:
    """Log of a positive stable variable S with E exp(-t S) = exp(-t^index), from two uniforms x and y.

    S = A(x) E^(-(1 - index) / index), E exponential, A(x) = sin(index pi x) sin((1 - index) pi x)^((1 - index) / index)
    / sin(pi x)^(1 / index) (Kanter 1975); A from a table, to within 1e-5.
    """
    place = x * (len(table) - 2)
    low = int(place)
    smooth = table[low] + (place - low) * (table[low + 1] - table[low])
    return smooth - np.log(1.0 - x) / index - (1.0 - index) / index * np.log(-np.log(y))


@njit(cache=True)
def respond(
    key: Any,
    first: int,
    last: int,
    ids: Any,
    users: Any,
    offered: Any,
    eligible: Any,
    shelf: Any,
    stock: Any,
    owned: Any,
    weights: Any,
    lift: Any,
    relief: Any,
    product: Any,
    slot: Any,
    pending: Any,
    sensitivities: Any,
    categories: Any,
    examination: Any,
    cascade: bool,
    leaving: float,
    nesting: float,
    table: Any,
) -> Any:
    """The answers of visits first .. last - 1: `product` (n,) or -1, the `slot` (n,) it was seen in, -1 for the shelf.

    Who has chosen is `pending` (n,). Offers (n, S) are actions a = product + K x level of discount, -1 for an empty
    slot; eligible (K x levels,) says which may be offered; relief (levels - 1, K) is the price cut in euros of each
    level above none.
    Answers how many have chosen, or, where an offer is not eligible, -1 less its row.
    """
    buyers = 0
    K, C = len(stock), categories.max() + 1
    weighed, found = np.empty((2, C)), np.empty((2, C), np.int64)
    best = weighed[0]  # of each category: weight / exponential noise, whose log is utility + Gumbel
    limit = weighed[1]  # what it must exceed to be better than leaving, or somewhat less
    which, where = found[0], found[1]
    common = np.exp(-table[len(table) - 1])
    for i in range(first, last):
        luck = streams.mix(key, ids[i])
        user = users[i]
        outside = leaving - np.log(-np.log(streams.unit(streams.mix(luck, OUTSIDE))))
        least = np.exp(outside / nesting)
        for c in range(C):
            best[c] = 0.0
            limit[c] = least if nesting == 1.0 else least * _least_shared(luck, c, table, nesting, common)
        going = True
        for s in range(offered.shape[1]):
            action = offered[i, s]
            if action >= len(eligible) or (action >= 0 and not eligible[action]):
                return -1 - i
            looks = going and streams.unit(streams.mix(luck, LOOK + np.uint64(s))) < examination[s]
            if cascade:
                going = looks
            k = action if action < K else action % K
            if action < 0 or not looks or owned[user, k] or stock[k] <= 0:
                continue
            weight = weights[user, k] * lift[k]
            if action >= K:
                weight *= np.exp(sensitivities[user] * relief[action // K - 1, k] / nesting)
            c = categories[k]
            score = _score(luck, k, weight, limit[c])
            if score > best[c]:
                best[c], which[c], where[c] = score, k, s
                if cascade and _utility(luck, c, score, table, nesting) > outside:
                    going = False
        for k in shelf:
            if owned[user, k] or stock[k] <= 0:
                continue
            c = categories[k]
            score = _score(luck, k, weights[user, k] * lift[k], limit[c])
            if score > best[c]:
                best[c], which[c], where[c] = score, k, -1
        product[i] = slot[i] = -1
        for c in range(C):
            if best[c] > 0.0:
                utility = _utility(luck, c, best[c], table, nesting)
                if utility > outside:
                    outside, product[i], slot[i] = utility, which[c], where[c]
        pending[i] = product[i] >= 0
        buyers += pending[i]
    return buyers


@njit(cache=True, inline="always")
def _score(luck: Any, k: Any, weight: float, limit: float) -> Any:
    """Weight / exponential noise, or 0 where it is below the limit.

    Most are, and are seen to be without a logarithm: the noise -log(u) is at least 1 - u.
    """
    u = streams.unit(streams.mix(luck, np.uint64(k)))
    if weight <= limit * (1.0 - u):
        return 0.0
    return weight / -np.log(u)


@njit(cache=True, inline="always")
def _least_shared(luck: Any, category: Any, table: Any, nesting: float, common: float) -> Any:
    """A factor that 1 / S of the category's shared noise S is not below; mostly the common one."""
    x, y = _shared(luck, category)
    if x <= _COMMON and y <= _COMMON:
        return common
    return np.exp(-_log_stable(table, x, y, nesting))


@njit(cache=True, inline="always")
def _shared(luck: Any, category: Any) -> Any:
    """The two uniforms of a category's shared noise."""
    word = NEST + np.uint64(2 * category)
    return streams.unit(streams.mix(luck, word)), streams.unit(streams.mix(luck, word + _ONE))


@njit(cache=True, inline="always")
def _utility(luck: Any, category: Any, score: float, table: Any, nesting: float) -> Any:
    """Utility of the best of a category, with the noise that its products share."""
    if nesting == 1.0:
        return np.log(score)
    x, y = _shared(luck, category)
    return nesting * (np.log(score) + _log_stable(table, x, y, nesting))


def chances(
    truth: npt.NDArray[np.float32],
    users: npt.NDArray[np.int64],
    live: npt.NDArray[np.int64],
    on_shelf: npt.NDArray[np.bool_],
    shelf: npt.NDArray[np.int64],
    owned: npt.NDArray[np.bool_],
    appeal: Appeal,
    catalogue: Catalogue,
    relief: Array,
    sensitivities: Array,
    value: Array,
) -> None:
    """Fill truth (n, A), zero before: expected reward of each live action were it looked at, beside the shelf alone.

    (Nested) logit: with D_c the sum of weights of category c on the shelf and w the action's weight in category c,
    P = w / D' x D'^nesting / (exp(leaving) + sum of the other D^nesting + D'^nesting), D' = D_c + w (McFadden 1978).
    `value` (A,) is what a purchase brings; what is owned brings 0.
    """
    nesting, categories, n_categories = appeal.about.nesting, catalogue.categories, catalogue.n_categories
    about = users, live, on_shelf, shelf, owned, appeal.weights, appeal.lift, categories, n_categories
    if nesting == 1:
        _logit(*about, relief, sensitivities, nesting, value, appeal.leaving, truth)
        return
    weights, sums = _sums(*about, relief, sensitivities, nesting)
    powers = np.log(sums)  # numpy's float32 powers are many times faster than a kernel's, one by one
    powers *= np.float32(nesting)
    np.exp(powers, out=powers)
    _combine(weights, sums, powers, live, value, categories, n_categories, appeal.leaving, truth)


@njit(cache=True)
def _logit(
    users: Any,
    live: Any,
    on_shelf: Any,
    shelf: Any,
    owned: Any,
    weights: Any,
    lift: Any,
    categories: Any,
    n_categories: int,
    relief: Any,
    sensitivities: Any,
    nesting: float,
    value: Any,
    leaving: float,
    truth: Any,
) -> None:
    w, sums = _sums(
        users, live, on_shelf, shelf, owned, weights, lift, categories, n_categories, relief, sensitivities, nesting
    )
    _combine(w, sums, sums, live, value, categories, n_categories, leaving, truth)


@njit(cache=True)
def _sums(
    users: Any,
    live: Any,
    on_shelf: Any,
    shelf: Any,
    owned: Any,
    weights: Any,
    lift: Any,
    categories: Any,
    n_categories: int,
    relief: Any,
    sensitivities: Any,
    nesting: float,
) -> Any:
    """(n, m) weights of live actions, 0 where owned; (n, C + m) sums D of each category on the shelf, D' with each."""
    K, C, m = len(lift), n_categories, len(live)
    products = _products(live, K)
    groups, counted = categories[products], on_shelf[products]
    compact = lift.astype(np.float32)
    own = np.empty(K, np.float32)  # weights of this user, 0 where owned
    w = np.empty((len(users), m), np.float32)
    sums = np.empty((len(users), C + m), np.float32)
    for i in range(len(users)):
        user = users[i]
        for k in range(K):
            own[k] = np.float32(0.0) if owned[user, k] else weights[user, k] * compact[k]
        sums[i, :C] = _NOTHING
        for k in shelf:
            sums[i, categories[k]] += own[k]
        for j in range(m):
            k = products[j]
            weight, base = own[k], sums[i, groups[j]]
            if counted[j]:
                base = max(base - weight, _NOTHING)
            if live[j] >= K:
                weight *= np.float32(np.exp(sensitivities[user] * relief[live[j] // K - 1, k] / nesting))
            w[i, j] = weight
            sums[i, C + j] = base + weight
    return w, sums


@njit(cache=True)
def _combine(
    weights: Any,
    sums: Any,
    powers: Any,
    live: Any,
    value: Any,
    categories: Any,
    n_categories: int,
    leaving: float,
    truth: Any,
) -> None:
    """Into truth: value x w / D' x D'^nesting / (exp(leaving) + the other categories' D^nesting + D'^nesting)."""
    C, m = n_categories, len(live)
    groups = categories[_products(live, len(categories))]
    values = value[live].astype(np.float32)
    others, most = np.empty(C, np.float32), np.empty(m, np.float32)
    for i in range(len(truth)):
        total = np.float32(leaving)
        for c in range(C):
            total += powers[i, c]
        for c in range(C):
            others[c] = total - powers[i, c]
        for j in range(m):
            most[j] = others[groups[j]]
        for j in range(m):
            power = powers[i, C + j]
            most[j] = values[j] * weights[i, j] * power / (sums[i, C + j] * (most[j] + power))
        for j in range(m):
            truth[i, live[j]] = most[j]


@njit(cache=True, inline="always")
def _products(actions: Any, n_products: int) -> Any:
    """The product of each action; by subtraction, for a remainder takes far longer."""
    products = actions.copy()
    for j in range(len(products)):
        while products[j] >= n_products:
            products[j] -= n_products
    return products


@njit(cache=True)
def thinking(
    key: Any,
    rows: Any,
    ids: Any,
    times: Any,
    prompt: float,
    minutes: float,
    days: float,
    word_of_mouth: float,
    returns: float,
    return_days: float,
    window: float,
    offered: Any,
    product: Any,
    slot: Any,
    prices: Any,
    levels: Any,
) -> Any:
    """What those in these rows, who have chosen, will do: time of purchase, price, friends, days until a return or inf.

    Time to think is a mixture of minutes and days; friends are Poisson; a return comes after exponential days, or,
    past the window, never.
    """
    n = len(rows)
    buys = np.empty(n)
    pays = np.empty(n)
    friends = np.empty(n, np.int64)
    back = np.full(n, np.inf)
    for i in range(n):
        row = rows[i]
        luck = streams.mix(key, ids[row])
        mean = minutes / 1440.0 if streams.unit(streams.mix(luck, DELAY)) < prompt else days
        buys[i] = times[row] + _exponential(luck, DELAY + _ONE, mean)
        friends[i] = _poisson(streams.unit(streams.mix(luck, FRIENDS)), word_of_mouth)
        if streams.unit(streams.mix(luck, RETURN)) < returns:
            after = _exponential(luck, RETURN + _ONE, return_days)
            if after < window:
                back[i] = after
        pays[i] = price(product[row], slot[row], offered[row], prices, levels)
    return buys, pays, friends, back


@njit(cache=True)
def price(product: Any, slot: Any, offered: Any, prices: Any, levels: Any) -> Any:
    """What is paid for a product seen in a slot of an offer (S,), or on the shelf."""
    level = offered[slot] // len(prices) if slot >= 0 else 0
    return prices[product] * (1.0 - levels[level])


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
