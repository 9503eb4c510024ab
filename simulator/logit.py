"""Logit: kernels that answer visits from what each considers; utilities are worked out one by one.

Noise belongs to (visit, want, product), as in `choice`, and the closed form of the first want's choice is the same.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numba import njit

from simulator import choice, streams
from simulator.baskets import MOST, further
from simulator.consideration import draw
from simulator.ownership import until
from simulator.pieces import expected, normal, size

# Words beside those of `choice`.
CONSIDER, WANTS, WANT, VISIT, LINE, PART, REFILL, ODD, DRAWS = (np.uint64(n << 32) for n in range(11, 20))
_ONE = np.uint64(1)
_FAR = 80.0


class People(NamedTuple):
    """Of N users."""

    tastes: Any  # (N, q)
    sensitivities: Any  # (N,) 1/euro
    pays: Any  # (N,) of the list price
    wants: Any  # (N,) mean number of further wants
    shapes: Any  # (N,) of that number
    shifts: Any  # (N,) of pieces


class Goods(NamedTuple):
    """Of K products, now."""

    styles: Any  # (K, q)
    levels: Any  # (K,) utility / nesting for everyone, of quality and lift
    prices: Any  # (K,) euros
    categories: Any  # (K,)
    shifts: Any  # (K,) of pieces
    refills: Any  # (K,) mean days until a buyer wants it again; infinity for a durable


class Owned(NamedTuple):
    """Who has what until when."""

    owners: Any
    pairs: Any
    until: Any
    n_products: int


class Fate(NamedTuple):
    """What becomes of what was bought."""

    returns: float  # share of lines
    days: float  # mean until they come back
    window: float  # days
    part: float  # share of them of which only a part does


class Habits(NamedTuple):
    """What never changes."""

    examination: Any  # (S,)
    leaving: float
    unmet: float  # utility of leaving a further want
    nesting: float
    table: Any  # of the noise that a category shares
    share: float  # of visits with further wants
    busy: Any  # (days,) factor on the mean number of further wants of each day; (1,) where all days are alike
    visits: float  # standard deviation of the shift of pieces between visits
    odd: float  # share of visits for which that is wider
    times: float  # by so many times
    fill: float  # shift of pieces for each e-fold of a visit's wants beyond what is usual
    thresholds: Any  # of sizes
    n_offered: int  # M


@njit(cache=True, inline="always")
def _utility(people: Any, goods: Any, user: Any, k: Any, nesting: float) -> Any:
    """Utility / nesting."""
    taste = np.float32(0.0)
    for j in range(goods.styles.shape[1]):
        taste += people.tastes[user, j] * goods.styles[k, j]
    return (taste - people.sensitivities[user] * goods.prices[k]) / nesting + goods.levels[k]


@njit(cache=True, inline="always")
def _felt(luck: Any, k: Any, c: Any, utility: float, best: float, habits: Any) -> Any:
    """Utility with its noise, or -inf where it is not better than the best.

    Noise is Gumbel, and what the category shares. Most are seen to be worse without a logarithm, as in `choice`: the
    noise -log(-log(u)) is at most -log(1 - u).
    """
    u = streams.unit(streams.mix(luck, np.uint64(k)))
    if habits.nesting == 1.0:
        if utility - best <= choice.log_at_least(1.0 - u):
            return -np.inf
        return utility - math.log(-math.log(u))
    return habits.nesting * (
        utility - math.log(-math.log(u)) + choice.log_shared(luck, c, habits.table, habits.nesting)
    )


@njit(cache=True, inline="always")
def _has(owned: Any, user: Any, k: Any, time: float) -> Any:
    return time < until(owned.owners, owned.pairs, owned.until, owned.n_products, user, k)


@njit(cache=True, inline="always")
def _draws(luck: Any, sample: Any) -> Any:
    """How many draws a want makes."""
    if sample.shape == 0.0:
        return sample.draws
    return 1 + further(luck, DRAWS, 1.0, sample.further, sample.shape)


@njit(cache=True, inline="always")
def _drawn(
    luck: Any, sample: Any, categories: Any, time: float, listing: Any, places: Any, seen: Any, drawn: Any
) -> Any:
    """Fill `drawn` with what a want draws; answers how many."""
    return draw(luck, CONSIDER, _draws(luck, sample), sample, categories, time, listing, places, seen, drawn)


@njit(cache=True, inline="always")
def _room(sample: Any, n_products: int) -> Any:
    """To draw in: places, and what is seen already."""
    return np.empty(sample.draws if sample.shape == 0.0 else MOST + 1), np.zeros(n_products, np.bool_)


@njit(cache=True)
def sampled(key: Any, ids: Any, times: Any, sample: Any, categories: Any, listing: Any) -> Any:
    """What the first wants of visits draw, one after the other (m,), and where what each draws begins and ends (n,)."""
    K, most = len(categories), 1
    for visit in ids:
        most += min(_draws(streams.mix(key, visit), sample), K)
    places, seen = _room(sample, K)
    drawn, ends = np.empty(most, np.int64), np.zeros(len(ids) + 1, np.int64)
    for i in range(len(ids)):
        luck, begin = streams.mix(key, ids[i]), ends[i]
        ends[i + 1] = begin + _drawn(luck, sample, categories, times[i], listing, places, seen, drawn[begin:])
    return drawn[: ends[-1]], ends[:-1], ends[1:]


@njit(cache=True, inline="always")
def _outside(luck: Any, leaving: float) -> Any:
    """Utility of leaving."""
    return leaving - math.log(-math.log(streams.unit(streams.mix(luck, choice.OUTSIDE))))


@njit(cache=True, inline="always")
def _further(luck: Any, user: Any, time: float, people: Any, habits: Any) -> Any:
    """How many further wants a visit comes with."""
    mean = people.wants[user] * habits.busy[min(int(time), len(habits.busy) - 1)]
    return further(luck, WANTS, habits.share, mean, people.shapes[user])


@njit(cache=True, inline="always")
def _filled(wants: Any, user: Any, people: Any, habits: Any) -> Any:
    """Shift of a visit's pieces, by how its wants compare with what is usual for the user."""
    return habits.fill * math.log((1.0 + wants) / (1.0 + habits.share * people.wants[user]))


@njit(cache=True)
def respond(
    key: Any,
    first: int,
    last: int,
    ids: Any,
    users: Any,
    times: Any,
    offered: Any,
    eligible: Any,
    shelf: Any,
    on_shelf: Any,
    stock: Any,
    relief: Any,
    product: Any,
    slot: Any,
    reached: Any,
    pending: Any,
    wants: Any,
    drawn: Any,
    begins: Any,
    ends: Any,
    people: Any,
    goods: Any,
    owned: Any,
    habits: Any,
    cascade: bool,
) -> Any:
    """First choices of rows first to last, filled into product, slot, reached, pending and wants.

    What each draws of the shelf is `drawn` (m,) between where that begins and ends (n,).

    Answers how many chose something or come with further wants, or, of a wrong offer, -1 less its row.
    """
    coming, S, M, nesting = 0, offered.shape[1], habits.n_offered, habits.nesting
    for i in range(first, last):
        luck, user, time = streams.mix(key, ids[i]), users[i], times[i]
        best = _outside(luck, habits.leaving)
        product[i] = slot[i] = -1
        reached[i] = S
        going = True
        for s in range(S):
            action = offered[i, s]
            if action >= len(eligible) or (action >= 0 and not eligible[action]):
                return -1 - i
            looks = going and streams.unit(streams.mix(luck, choice.LOOK + np.uint64(s))) < habits.examination[s]
            if cascade:
                if going and not looks:
                    reached[i] = s
                going = looks
            k = action if action < M else action % M
            if action < 0 or not looks or stock[k] <= 0 or _has(owned, user, k, time):
                continue
            utility = _utility(people, goods, user, k, nesting)
            if action >= M:
                utility += people.sensitivities[user] * relief[action // M - 1, k] / nesting
            felt = _felt(luck, k, goods.categories[k], utility, best, habits)
            if felt > best:
                best, product[i], slot[i] = felt, k, s
                if cascade:
                    reached[i] = s + 1
                    going = False
        for k in drawn[begins[i] : ends[i]]:
            if not on_shelf[k]:
                continue
            utility = _utility(people, goods, user, k, nesting)
            felt = _felt(luck, k, goods.categories[k], utility, best, habits)
            if felt > best and not _has(owned, user, k, time):
                best, product[i], slot[i] = felt, k, -1
        pending[i] = product[i] >= 0
        wants[i] = _further(luck, user, time, people, habits)
        coming += pending[i] or wants[i] > 0
    return coming


@njit(cache=True)
def fill(
    key: Any,
    ids: Any,
    users: Any,
    times: Any,
    firsts: Any,
    wants: Any,
    shelf: Any,
    on_shelf: Any,
    people: Any,
    goods: Any,
    sample: Any,
    listing: Any,
    owned: Any,
    habits: Any,
    fate: Any,
) -> Any:
    """The baskets of visits: what meets the first want (n,), if anything, then further ones (n,), no product twice.

    Answers where the lines of each end (n,), and their columns (m,): product, which size, what becomes of it.
    """
    most = len(ids) + wants.sum()
    room = np.empty(len(goods.prices) + 1, np.int64)
    places, seen = _room(sample, len(goods.prices))
    lines, sizes = np.empty(most, np.int64), np.empty(most, np.int64)
    backs, parts, uses = np.full(most, np.inf), np.zeros(most), np.empty(most)
    ends = np.empty(len(ids), np.int64)
    n = 0
    for i in range(len(ids)):
        luck, user = streams.mix(key, ids[i]), users[i]
        begin = n
        if firsts[i] >= 0:
            lines[n] = firsts[i]
            n += 1
        for want in range(wants[i]):
            own = streams.mix(luck, WANT + np.uint64(want))
            taken = lines[begin:n]
            drawn = shelf
            if sample.draws > 0:
                drawn = room[: _drawn(own, sample, goods.categories, times[i], listing, places, seen, room)]
            k = _want(own, user, times[i], taken, drawn, on_shelf, people, goods, owned, habits)
            if k >= 0:
                lines[n] = k
                n += 1
        shift = people.shifts[user]
        if habits.visits > 0.0:
            odd = habits.odd > 0.0 and streams.unit(streams.mix(luck, ODD)) < habits.odd
            shift += habits.visits * normal(luck, VISIT) * (habits.times if odd else 1.0)
        if habits.fill != 0.0:
            shift += _filled(wants[i], user, people, habits)
        for j in range(begin, n):
            line = streams.mix(luck, LINE + np.uint64(lines[j]))
            noise = normal(line, LINE) if len(habits.thresholds) else 0.0
            sizes[j] = size(habits.thresholds, shift + goods.shifts[lines[j]], noise)
            backs[j], parts[j], uses[j] = _becomes(line, goods.refills[lines[j]], fate)
        ends[i] = n
    return ends, lines[:n], sizes[:n], backs[:n], parts[:n], uses[:n]


@njit(cache=True, inline="always")
def _becomes(line: Any, refill: float, fate: Any) -> Any:
    """Days until a line comes back, luck of how much of it does, days until the buyer wants it again."""
    back, part, use = np.inf, 0.0, refill
    if fate.returns > 0.0 and streams.unit(streams.mix(line, choice.RETURN)) < fate.returns:
        after = _exponential(line, choice.RETURN + _ONE, fate.days)
        back = after if after < fate.window else np.inf
        if fate.part > 0.0 and streams.unit(streams.mix(line, PART)) < fate.part:
            part = streams.unit(streams.mix(line, PART + _ONE))
    if 0.0 < use < np.inf:
        use = _exponential(line, REFILL, use)
    return back, part, use


@njit(cache=True, inline="always")
def _exponential(luck: Any, word: Any, mean: float) -> Any:
    return -mean * math.log(streams.unit(streams.mix(luck, word)))


@njit(cache=True, inline="always")
def _want(
    luck: Any,
    user: Any,
    time: float,
    taken: Any,
    drawn: Any,
    on_shelf: Any,
    people: Any,
    goods: Any,
    owned: Any,
    habits: Any,
) -> Any:
    """What meets a further want, beside what is in the basket already; -1 for nothing."""
    best, found, nesting = _outside(luck, habits.unmet), -1, habits.nesting
    for k in drawn:
        if not on_shelf[k]:
            continue
        utility = _utility(people, goods, user, k, nesting)
        felt = _felt(luck, k, goods.categories[k], utility, best, habits)
        if felt > best and not _has(owned, user, k, time):
            known = False
            for line in taken:
                known |= line == k
            if not known:
                best, found = felt, k
    return found


@njit(cache=True)
def chances(
    key: Any,
    truth: Any,
    ids: Any,
    users: Any,
    times: Any,
    live: Any,
    on_shelf: Any,
    relief: Any,
    per_piece: Any,
    units: Any,
    paid: Any,
    drawn: Any,
    begins: Any,
    ends: Any,
    people: Any,
    goods: Any,
    owned: Any,
    habits: Any,
) -> None:
    """Weights of categories of what is considered in logarithms, then each action beside them; see `choice.chances`.

    What each visit draws is as in `respond`.

    Without nests all that is considered and leaving are one category.
    """
    M, K, nesting = habits.n_offered, len(goods.prices), habits.nesting
    nested = nesting < 1.0
    C = goods.categories.max() + 1 if nested else 1
    beside = np.zeros(K, np.bool_)  # considered already
    largest, sums, powers = np.empty(C), np.zeros(C), np.empty(C)
    for i in range(len(ids)):
        luck, user, time = streams.mix(key, ids[i]), users[i], times[i]
        shifted = people.shifts[user]
        if habits.fill != 0.0:
            shifted += _filled(_further(luck, user, time, people, habits), user, people, habits)
        considered = drawn[begins[i] : ends[i]]
        largest[:] = -np.inf
        sums[:] = 0.0
        if not nested:
            largest[0], sums[0] = habits.leaving, 1.0
        for k in considered:
            if not on_shelf[k] or _has(owned, user, k, time):
                continue
            weight = _utility(people, goods, user, k, nesting)
            c = goods.categories[k] if nested else 0
            if weight > largest[c]:
                sums[c] = sums[c] * math.exp(largest[c] - weight) + 1.0
                largest[c] = weight
            else:
                sums[c] += math.exp(weight - largest[c])
            beside[k] = True
        best, total = habits.leaving, 1.0  # total of leaving and categories, as a multiple of exp(best)
        if nested:
            for c in range(C):
                powers[c] = nesting * (largest[c] + math.log(sums[c])) if sums[c] > 0.0 else -np.inf
                best = max(best, powers[c])
            total = math.exp(habits.leaving - best)
            for c in range(C):
                total += math.exp(powers[c] - best)
        for j in range(len(live)):
            action = live[j]
            k = action if action < M else action % M
            if _has(owned, user, k, time):
                truth[i, action] = 0.0
                continue
            weight = _utility(people, goods, user, k, nesting)
            full = weight
            if action >= M:
                weight += people.sensitivities[user] * relief[action // M - 1, k] / nesting
            c = goods.categories[k] if nested else 0
            rest = sums[c]  # beside it
            if beside[k]:
                rest = max(rest - math.exp(full - largest[c]), 0.0)
            within = 1.0 + (rest * math.exp(min(largest[c] - weight, _FAR)) if rest > 0.0 else 0.0)
            chance = 1.0 / within
            if nested:
                others = max(total - math.exp(powers[c] - best), 0.0)
                chance /= 1.0 + others * math.exp(min(best - nesting * (weight + math.log(within)), _FAR))
            shift = shifted + goods.shifts[k]
            worth = per_piece[0, action] * expected(units, shift) if per_piece[0, action] != 0.0 else 0.0
            if per_piece[1, action] != 0.0:
                worth += per_piece[1, action] * people.pays[user] * expected(paid, shift)
            truth[i, action] = worth * chance
        for k in considered:
            beside[k] = False
