"""What they answer: examination of slots, then logit or nested logit with an outside option.

Every user has a utility for each product, U = weight + noise, and takes the best of what they looked at, or leaves.
The noise belongs to (visit, product): whoever decides, and whatever else is shown, this visit feels the same about this
product. For nested logit the noise of one category is dissimilarity x (Gumbel + log of a positive stable variable that
its products share), which has exactly the nested logit's distribution (Cardell 1997; Kanter 1975 for the draw).
"""

from __future__ import annotations

import copy
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
OUTSIDE, NEST, LOOK, DELAY, RETURN, FRIENDS, FRIEND = (np.uint64(n << 32) for n in range(1, 8))
PLAN = np.uint64(9 << 32)  # 8 is that of `customers`
_ONE = np.uint64(1)
_COMMON = 0.95
_FAR = np.float32(80)  # so many e-folds behind is as good as never, and exp of it is still a float32
_LN_2 = np.log(2.0)


class Appeal:
    """How each product appeals to each user now: utility / nesting, split into what is theirs and what is its own.

    Everything stays in logarithms: exp(utility / nesting) leaves what a number can hold where nesting is small.
    `utilities` hold taste, quality and price of each user and product; `lift` is what novelty and social proof do for a
    product, for everyone, as of the last refresh. Where tastes drift, they do so in weekly steps.
    """

    def __init__(self, scenario: Scenario, catalogue: Catalogue, users: Users) -> None:
        self.about = scenario.choice
        self._lifecycle = Lifecycle(scenario)
        self._fixed = scenario.choice.novelty == 0 and scenario.choice.social_proof == 0 and self._lifecycle.constant
        self.prices = catalogue.prices  # (K,) euros, now
        self.lift = np.zeros(len(catalogue))  # (K,) utility / nesting
        self.moves = 0  # changes of any of this
        self._catalogue = catalogue
        self._users = users
        self._drifts = scenario.users.drift > 0
        self._week = 0
        self.utilities = np.empty(self._shape(), np.float32)  # (N, K) utility / nesting
        self._weigh()

    def _shape(self) -> tuple[int, int]:
        return len(self._users), len(self._catalogue)

    def refresh(self, now: float, launches: Array, sold: npt.NDArray[np.int64]) -> None:
        """Novelty wears off, sales are proof, tastes drift."""
        if not self._fixed:
            self._lift(now, launches, sold, self.lift)
            self.moves += 1
        if self._drifts and now >= 7 * (self._week + 1):
            self._week = int(now // 7)
            self._weigh()

    def over(self, times: Array, launches: Array, sold: npt.NDArray[np.int64]) -> Appeal:
        """A copy of this with the mean lift of these times (n,), were products launched on these days (K,)."""
        mean = copy.copy(self)
        if not self._fixed:
            lifts = np.empty((len(times), len(self.lift)))
            for time, lift in zip(times, lifts, strict=True):
                self._lift(time, launches, sold, lift)
            mean.lift = lifts.mean(axis=0)
        return mean

    def _lift(self, now: float, launches: Array, sold: npt.NDArray[np.int64], lift: Array) -> None:
        about, begun = self.about, launches - self._lifecycle.ages
        _lift(now, begun, sold, about.novelty, about.novelty_days, about.social_proof, about.nesting, lift)
        if not self._lifecycle.constant:
            lift += self._lifecycle.utility(now, launches) / about.nesting

    def reprice(self, prices: Array) -> None:
        """New prices (K,) for all."""
        if (prices != self.prices).any():
            self.prices = prices
            self._weigh()

    def _weigh(self) -> None:
        """Utility / nesting, in place; taste x style + quality - sensitivity x price is one matrix product."""
        users, catalogue = self._users, self._catalogue
        tastes = users.tastes(7.0 * self._week)
        people = np.column_stack([tastes, np.ones(len(users), np.float32), -users.sensitivities.astype(np.float32)])
        products = np.column_stack([catalogue.styles, catalogue.qualities, self.prices]) / self.about.nesting
        np.matmul(people, products.T.astype(np.float32), out=self.utilities)
        self.moves += 1


@njit(cache=True)
def _lift(
    now: float, launches: Any, sold: Any, novelty: float, days: float, proof: float, nesting: float, lift: Any
) -> None:
    for k in range(len(launches)):
        age = max(now - launches[k], 0.0) if launches[k] == launches[k] else 0.0
        lift[k] = (novelty * np.exp(-age / days) + proof * np.log1p(sold[k])) / nesting


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
    utilities: Any,
    lift: Any,
    relief: Any,
    product: Any,
    slot: Any,
    reached: Any,
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

    Who has chosen is `pending` (n,); in a cascade nobody looked beyond the first `reached` (n,) slots. Offers (n, S)
    are actions a = product + K x level of discount, -1 for an empty slot; eligible (K x levels,) says which may be
    offered; relief (levels - 1, K) is the price cut in euros of each level above none.
    Answers how many have chosen, or, where an offer is not eligible, -1 less its row.
    """
    buyers = 0
    K, C, S = len(stock), categories.max() + 1, offered.shape[1]
    weighed, found = np.empty((2, C)), np.empty((2, C), np.int64)
    best = weighed[0]  # of each category: utility / nesting + Gumbel noise
    limit = weighed[1]  # what it must exceed to be better than leaving, or somewhat less
    which, where = found[0], found[1]
    common = -table[len(table) - 1]
    for i in range(first, last):
        luck = streams.mix(key, ids[i])
        user = users[i]
        outside = leaving - np.log(-np.log(streams.unit(streams.mix(luck, OUTSIDE))))
        for c in range(C):
            best[c] = -np.inf
            limit[c] = outside / nesting + (0.0 if nesting == 1.0 else _least_shared(luck, c, table, nesting, common))
        reached[i] = S
        going = True
        for s in range(S):
            action = offered[i, s]
            if action >= len(eligible) or (action >= 0 and not eligible[action]):
                return -1 - i
            looks = going and streams.unit(streams.mix(luck, LOOK + np.uint64(s))) < examination[s]
            if cascade:
                if going and not looks:
                    reached[i] = s
                going = looks
            k = action if action < K else action % K
            if action < 0 or not looks or owned[user, k] or stock[k] <= 0:
                continue
            utility = utilities[user, k] + lift[k]
            if action >= K:
                utility += sensitivities[user] * relief[action // K - 1, k] / nesting
            c = categories[k]
            score = _score(luck, k, utility, limit[c])
            if score > best[c]:
                best[c], which[c], where[c] = score, k, s
                if cascade and _utility(luck, c, score, table, nesting) > outside:
                    reached[i] = s + 1
                    going = False
        for k in shelf:
            if owned[user, k] or stock[k] <= 0:
                continue
            c = categories[k]
            score = _score(luck, k, utilities[user, k] + lift[k], limit[c])
            if score > best[c]:
                best[c], which[c], where[c] = score, k, -1
        product[i] = slot[i] = -1
        for c in range(C):
            if best[c] > -np.inf:
                utility = _utility(luck, c, best[c], table, nesting)
                if utility > outside:
                    outside, product[i], slot[i] = utility, which[c], where[c]
        pending[i] = product[i] >= 0
        buyers += pending[i]
    return buyers


@njit(cache=True, inline="always")
def _score(luck: Any, k: Any, utility: float, limit: float) -> Any:
    """Utility + Gumbel noise -log(-log(u)), or -inf where it is not above the limit.

    Most are not, and are seen not to be without a logarithm: -log(u) is at least 1 - u, and the logarithm of that at
    least what its exponent and mantissa say, read as a straight line between powers of two.
    """
    u = streams.unit(streams.mix(luck, np.uint64(k)))
    if utility - limit <= log_at_least(1.0 - u):
        return -np.inf
    return utility - np.log(-np.log(u))


@njit(cache=True, inline="always")
def log_at_least(x: float) -> Any:
    """No more than log(x), and less by no more than 0.06, for x > 0."""
    return (np.float64(np.float64(x).view(np.int64)) * (1.0 / 4503599627370496.0) - 1023.0) * _LN_2


@njit(cache=True, inline="always")
def _least_shared(luck: Any, category: Any, table: Any, nesting: float, common: float) -> Any:
    """What -log S of the category's shared noise S is not below; mostly the common one."""
    x, y = _shared(luck, category)
    if x <= _COMMON and y <= _COMMON:
        return common
    return -_log_stable(table, x, y, nesting)


@njit(cache=True, inline="always")
def _shared(luck: Any, category: Any) -> Any:
    """The two uniforms of a category's shared noise."""
    word = NEST + np.uint64(2 * category)
    return streams.unit(streams.mix(luck, word)), streams.unit(streams.mix(luck, word + _ONE))


@njit(cache=True, inline="always")
def _utility(luck: Any, category: Any, score: float, table: Any, nesting: float) -> Any:
    """Utility of the best of a category, with the noise that its products share."""
    if nesting == 1.0:
        return score
    return nesting * (score + log_shared(luck, category, table, nesting))


@njit(cache=True, inline="always")
def log_shared(luck: Any, category: Any, table: Any, nesting: float) -> Any:
    """What a category's products share of the noise of utility / nesting."""
    x, y = _shared(luck, category)
    return _log_stable(table, x, y, nesting)


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
    """Fill truth (n, A): expected reward of each live action were it looked at, beside the shelf alone.

    (Nested) logit: with D_c the sum of weights exp(utility / nesting) of category c on the shelf, w that of the action
    and t = D_c / w, the chance is 1 / (1 + t) within its category, whose sum is D' = w (1 + t), times that of the
    category, 1 / (1 + (exp(leaving) + the other categories' D^nesting) / D'^nesting) (McFadden 1978). What is already
    on the shelf is not counted twice.
    `value` (A,) is what a purchase brings; what is owned brings 0.
    """
    nesting, leaving, categories = appeal.about.nesting, appeal.about.leaving, catalogue.categories
    about = users, live, on_shelf, shelf, owned, appeal.utilities, appeal.lift, relief, sensitivities
    if nesting == 1:
        _logit(*about, leaving, value, truth)
        return
    logs, largest, gaps = _logs(*about, categories, nesting)
    np.exp(gaps, out=gaps)  # numpy's of float32 are many times faster than a kernel's, one by one
    sums, within = _within(gaps, live, on_shelf, shelf, categories)
    beyond = _beyond(logs, largest, np.log(sums), np.log(within), nesting, leaving)
    np.exp(beyond, out=beyond)
    _combine(within, beyond, users, live, owned, categories, value, truth)


@njit(cache=True)
def _logit(
    users: Any,
    live: Any,
    on_shelf: Any,
    shelf: Any,
    owned: Any,
    utilities: Any,
    lift: Any,
    relief: Any,
    sensitivities: Any,
    leaving: float,
    value: Any,
    truth: Any,
) -> None:
    """Without nests, in one go: all on the shelf and leaving are one category."""
    K = len(lift)
    products, weights = _products(live, K), np.zeros(K, np.float32)
    own = np.empty(K)  # utilities of this user
    for i in range(len(users)):
        user = users[i]
        best = leaving
        for k in range(K):
            own[k] = utilities[user, k] + lift[k]
        for k in shelf:
            best = best if owned[user, k] else max(best, own[k])
        total = np.exp(np.float32(leaving - best))
        for k in shelf:
            weights[k] = np.float32(0.0) if owned[user, k] else np.exp(np.float32(own[k] - best))
            total += weights[k]
        for j in range(len(live)):
            k = products[j]
            if owned[user, k]:
                truth[i, live[j]] = 0.0
                continue
            rest = max(total - weights[k], np.float32(0.0)) if on_shelf[k] else total
            ahead = best - own[k]
            if live[j] >= K:
                ahead -= sensitivities[user] * relief[live[j] // K - 1, k]
            odds = rest * np.exp(min(np.float32(ahead), _FAR))
            truth[i, live[j]] = value[live[j]] / (np.float32(1.0) + odds)


@njit(cache=True)
def _logs(
    users: Any,
    live: Any,
    on_shelf: Any,
    shelf: Any,
    owned: Any,
    utilities: Any,
    lift: Any,
    relief: Any,
    sensitivities: Any,
    categories: Any,
    nesting: float,
) -> Any:
    """Logarithms of weights (n, m) of live actions; the largest (n, C) of each category on the shelf, -inf for none.

    And gaps (n, m + s): how far the largest is ahead of each live action, and how far, at most 0, each of the shelf is
    ahead of it.
    """
    K, C, m, s = len(lift), categories.max() + 1, len(live), len(shelf)
    products = _products(live, K)
    own = np.empty(K)  # of this user
    logs, largest = np.empty((len(users), m)), np.empty((len(users), C))
    gaps = np.empty((len(users), m + s), np.float32)
    for i in range(len(users)):
        user = users[i]
        for k in range(K):
            own[k] = utilities[user, k] + lift[k]
        largest[i] = -np.inf
        for k in shelf:
            if not owned[user, k]:
                largest[i, categories[k]] = max(largest[i, categories[k]], own[k])
        for j in range(m):
            k = products[j]
            weight = own[k]
            if live[j] >= K:
                weight += sensitivities[user] * relief[live[j] // K - 1, k] / nesting
            logs[i, j] = weight
            gaps[i, j] = min(np.float32(largest[i, categories[k]] - weight), _FAR)
        for j in range(s):
            k = shelf[j]
            gaps[i, m + j] = -np.inf if owned[user, k] else own[k] - largest[i, categories[k]]
    return logs, largest, gaps


@njit(cache=True)
def _within(ratios: Any, live: Any, on_shelf: Any, shelf: Any, categories: Any) -> Any:
    """Sums on the shelf (n, C), 1 for none, as multiples of the largest; and 1 + t (n, m) of each live action."""
    n, C, m, s = len(ratios), categories.max() + 1, len(live), len(shelf)
    products = _products(live, len(categories))
    groups, counted = categories[products], on_shelf[products]
    places = np.empty(len(categories), np.int64)  # where on the shelf
    for j in range(s):
        places[shelf[j]] = m + j
    sums, within = np.empty((n, C), np.float32), np.empty((n, m), np.float32)
    for i in range(n):
        sums[i] = 0.0
        for j in range(s):
            sums[i, categories[shelf[j]]] += ratios[i, m + j]
        for c in range(C):
            sums[i, c] = max(sums[i, c], np.float32(1.0))  # the largest of those that are there
        for j in range(m):
            rest = sums[i, groups[j]]
            if counted[j]:
                rest = max(rest - ratios[i, places[products[j]]], np.float32(0.0))
            within[i, j] = np.float32(1.0) + rest * ratios[i, j]
    return sums, within


@njit(cache=True)
def _beyond(
    logs: Any,
    largest: Any,
    log_sums: Any,
    log_within: Any,
    nesting: float,
    leaving: float,
) -> Any:
    """Logarithms (n, m + C + 1), less that of the best of the shelf and leaving.

    How far that is ahead of each live action's category with it; how far each category of the shelf and leaving are,
    at most 0.
    """
    (n, m), C = logs.shape, largest.shape[1]
    beyond = np.empty((n, m + C + 1), np.float32)
    powers = np.empty(C)
    for i in range(n):
        best = leaving
        for c in range(C):
            powers[c] = nesting * (largest[i, c] + log_sums[i, c])
            best = max(best, powers[c])
        for j in range(m):
            power = nesting * (logs[i, j] + log_within[i, j])
            beyond[i, j] = min(np.float32(best - power), _FAR)
        for c in range(C):
            beyond[i, m + c] = powers[c] - best
        beyond[i, m + C] = leaving - best
    return beyond


@njit(cache=True)
def _combine(
    within: Any, ratios: Any, users: Any, live: Any, owned: Any, categories: Any, value: Any, truth: Any
) -> None:
    """Into truth (n, A): value x chance within the category x chance of the category, 0 where owned."""
    (n, m), C = within.shape, ratios.shape[1] - within.shape[1] - 1
    products, values = _products(live, len(categories)), value[live].astype(np.float32)
    groups = categories[products]
    others = np.empty(C, np.float32)
    for i in range(n):
        own = owned[users[i]]
        total = ratios[i, m:].sum()
        for c in range(C):
            others[c] = max(total - ratios[i, m + c], np.float32(0.0))
        for j in range(m):
            chance = np.float32(1.0) / (within[i, j] * (np.float32(1.0) + others[groups[j]] * ratios[i, j]))
            truth[i, live[j]] = np.float32(0.0) if own[products[j]] else values[j] * chance


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
    n_offered: int,
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
        pays[i] = price(product[row], slot[row], offered[row], prices, levels, n_offered)
    return buys, pays, friends, back


@njit(cache=True)
def price(product: Any, slot: Any, offered: Any, prices: Any, levels: Any, n_offered: int) -> Any:
    """What is paid for a product seen in a slot of an offer (S,), or on the shelf."""
    level = offered[slot] // n_offered if slot >= 0 else 0
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
