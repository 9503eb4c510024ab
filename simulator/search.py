"""Search: the best of many launch plans, by playing some of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import combinations

import numpy as np
import numpy.typing as npt

from simulator import streams

Floats = npt.NDArray[np.float64]
Windows = tuple[tuple[int, ...], ...]  # what is launched at each window
Play = Callable[[Windows], tuple[float, Floats]]  # what a plan is worth, and the part of it of each product (K,)

COUNTED_OUT = 200  # plans, up to which all are played
STARTS = 3  # climbs from different plans
_SURVEYED = 2  # random plans that every candidate is in, before the search looks where it sells
_SHAKEN = 0.3  # of what candidates add, in e-folds: how different the starts are
_RIDGE = 0.3  # exchanges that what a candidate sells itself is worth
_ASK_AGAIN = 50  # plays after which exchanges are ordered anew, by what was learned meanwhile


@dataclass(frozen=True)
class Found:
    """The best plan found."""

    windows: Windows
    value: float
    left: tuple[float, float]  # by how much the best of all plans may be better: 0 and 0 where all were played
    plays: int


def search(
    candidates: Sequence[int], windows: int, capacity: int, play: Play, *, plays: int = 2_000, seed: int = 0
) -> Found:
    """The best of the plans that fill `windows` with `capacity` candidates each.

    Where there are no more than 200, all are played. Otherwise it is a greedy randomised adaptive search (Feo & Resende
    1995): a greedy plan, and two greedy ones whose candidates are misjudged at random; from each, any two products
    are exchanged as long as that is better, those first from whose exchange most is expected. The first has half of
    the plays. What is left on the table is judged by how far apart the climbs end: see `left_on_the_table`.

    Args:
        candidates: product numbers, at least windows x capacity.
        windows: how many, at least 1.
        capacity: launches a window.
        play: what a plan is worth; asked once for each plan.
        plays: at most so many, or few more, where plans cannot all be played.
        seed: of what is random in the search.
    """
    ground = _Ground(tuple(candidates), windows, capacity, play)
    if ground.count() <= COUNTED_OUT:
        best = max(_all_plans(ground.candidates, windows, capacity), key=ground.value)
        return Found(best, ground.value(best), (0.0, 0.0), ground.played)
    random = streams.generator(seed, "plan search")
    _survey(ground, random)
    tops, ends = [], []
    for number in range(STARTS):
        share = 2 if number == 0 else STARTS - number  # half, then equal parts of the rest
        ground.allowed = ground.played + (plays - ground.played) // share
        start = _greedy(ground, np.exp(_SHAKEN * random.normal(size=len(candidates)) * (number > 0)))
        tops.append(_climb(ground, start))
        ends.append(ground.value(start if ground.played >= ground.allowed else tops[-1]))  # cut short, it tells less
    ground.allowed = plays
    best = _climb(ground, max(tops, key=ground.value))
    left = left_on_the_table([ground.value(best), *ends])
    return Found(best, ground.value(best), left, ground.played)


def left_on_the_table(tops: Sequence[float]) -> tuple[float, float]:
    """By how much the best of all may be better than the best of m independent local optima: lower and upper.

    Local optima, the largest of many values each, lie Weibull below the best of all, which is then within the scale
    of that distribution of the largest with chance 1 - e^-m (Golden & Alt 1979, Interval estimation of a global
    optimum). The distance between the largest and the smallest stands for the scale, which it hardly falls short of.
    """
    return 0.0, float(max(tops) - min(tops))


@dataclass
class _Ground:
    """The plans there are, and what is known of those that were played."""

    candidates: tuple[int, ...]
    windows: int
    capacity: int
    play: Play
    allowed: int = 0  # plays
    known: dict[Windows, tuple[float, Floats]] = field(default_factory=dict)

    @property
    def played(self) -> int:
        return len(self.known)

    @property
    def places(self) -> int:
        return self.windows * self.capacity

    def count(self) -> int:
        n, c, w = len(self.candidates), self.capacity, self.windows
        return int(math.factorial(n) // (math.factorial(c) ** w * math.factorial(n - c * w)))

    def plan(self, order: Sequence[int]) -> Windows:
        """The first places of an order as a plan; the order within a window has no meaning."""
        c = self.capacity
        return tuple(tuple(sorted(order[c * w : c * (w + 1)])) for w in range(self.windows))

    def value(self, plan: Windows) -> float:
        if plan not in self.known:
            self.known[plan] = self.play(plan)
        return self.known[plan][0]

    def order(self, plan: Windows) -> list[int]:
        """What a plan launches, then what it does not."""
        launched = [k for window in plan for k in window]
        return launched + [k for k in self.candidates if k not in set(launched)]

    def appeal(self) -> tuple[Floats, Floats]:
        """What each candidate sells, relative to others in the same windows, and what is sold of one in each window.

        Two factors, each in turn what makes the sums right given the other (iterative proportional fitting); a
        candidate is drawn to 1 as if it had been in a usual plan more.
        """
        who, when, sold = self._sales()
        appeal, window = np.ones(len(self.candidates)), np.ones(self.windows)
        some = max(float(sold.mean()), 1e-9)
        for _ in range(10):
            window = (_sums(when, sold, window) + 1e-9) / (_sums(when, appeal[who], window) + 1e-9)
            appeal = (_sums(who, sold, appeal) + some) / (_sums(who, window[when], appeal) + some)
        return appeal, window

    def _sales(self) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], Floats]:
        place = {k: i for i, k in enumerate(self.candidates)}
        rows = [
            (place[k], w, max(parts[k], 0.0))
            for plan, (_, parts) in self.known.items()
            for w, window in enumerate(plan)
            for k in window
        ]
        who, when, sold = zip(*rows, strict=True)
        return np.array(who), np.array(when), np.array(sold)


def _sums(groups: npt.NDArray[np.int64], amounts: Floats, like: Floats) -> Floats:
    return np.asarray(np.bincount(groups, amounts, len(like)), float)


def _all_plans(candidates: tuple[int, ...], windows: int, capacity: int) -> Iterator[Windows]:
    if windows == 0:
        yield ()
        return
    for first in combinations(candidates, capacity):
        rest = tuple(k for k in candidates if k not in first)
        for others in _all_plans(rest, windows - 1, capacity):
            yield (tuple(sorted(first)), *others)


def _survey(ground: _Ground, random: np.random.Generator) -> None:
    """Play random plans until every candidate was in some."""
    order: list[int] = []
    for _ in range(math.ceil(_SURVEYED * len(ground.candidates) / ground.places)):
        while len(order) < ground.places:
            order += [ground.candidates[i] for i in random.permutation(len(ground.candidates))]
        plan = list(dict.fromkeys(order))[: ground.places]
        for k in plan:
            order.remove(k)
        plan += [k for k in ground.candidates if k not in plan][: ground.places - len(plan)]
        ground.value(ground.plan([plan[i] for i in random.permutation(len(plan))]))


def _greedy(ground: _Ground, misjudged: Floats) -> Windows:
    """Window by window and place by place, what adds most while the places after it launch nothing.

    Where products take from each other, a candidate adds ever less; so only those are played again that led when last
    played (Minoux 1978).

    Args:
        ground: the plans there are.
        misjudged: (candidates,) factors by which a candidate seems to add more than it does.
    """
    order, factor = list(ground.candidates), dict(zip(ground.candidates, misjudged.tolist(), strict=True))
    adds = dict.fromkeys(order, math.inf)
    for place in range(ground.places):
        without, fresh = ground.value(ground.plan(order[:place])), -1
        while (best := max(order[place:], key=adds.__getitem__)) != fresh:
            adds[best] = factor[best] * (ground.value(ground.plan([*order[:place], best])) - without)
            fresh = best
        at = order.index(best)
        order[place], order[at] = order[at], order[place]
    return ground.plan(order)


def _climb(ground: _Ground, plan: Windows) -> Windows:
    """Exchange two products, the first of them launched, until no exchange is better or the plays are used up.

    Exchanges are tried in the order of what is expected of them, round and round: after one that is better the next
    in the order is tried, not the first again, most of which have just failed.
    """
    order, slopes, improved = ground.order(plan), _Slopes(ground), True
    while improved:
        improved, since = False, ground.played
        for i, j in slopes.pairs(order):
            if ground.played >= ground.allowed:
                return plan
            if ground.played - since >= _ASK_AGAIN:
                improved = True
                break
            other = ground.plan(_exchanged(order, i, j))
            gain = ground.value(other) - ground.value(plan)
            slopes.learn(order, i, j, gain)
            if gain > 0:
                order, plan, improved = _exchanged(order, i, j), other, True
    return plan


def _exchanged(order: list[int], i: int, j: int) -> list[int]:
    other = order.copy()
    other[i], other[j] = other[j], other[i]
    return other


class _Slopes:
    """What a candidate adds to a plan near this one, in a usual window: ridge regression of exchanges tried.

    It starts from what the candidate sells itself; where that is taken from other products, exchanges tell.
    """

    def __init__(self, ground: _Ground) -> None:
        appeal, window = ground.appeal()
        self._own = appeal * window.mean()
        self._at = {k: i for i, k in enumerate(ground.candidates)}
        self._worth = np.zeros(len(self._own))  # of each place
        self._worth[: ground.places] = np.repeat(window / window.mean(), ground.capacity)
        i, j = np.triu_indices(len(self._own), 1)
        apart = (i < ground.places) & ((j >= ground.places) | (i // ground.capacity != j // ground.capacity))
        self._pairs = i[apart], j[apart]
        self._precision = np.eye(len(self._own)) * _RIDGE
        self._missed = np.zeros(len(self._own))

    def learn(self, order: list[int], i: int, j: int, gain: float) -> None:
        """What came of exchanging places i and j of this order."""
        step = np.zeros(len(self._own))
        step[self._at[order[j]]] = self._worth[i] - self._worth[j]
        step[self._at[order[i]]] = self._worth[j] - self._worth[i]
        self._precision += np.outer(step, step)
        self._missed += step * (gain - step @ self._own)

    def pairs(self, order: list[int]) -> list[tuple[int, int]]:
        """Places to exchange, those first from which more is expected."""
        adds = (self._own + np.linalg.solve(self._precision, self._missed))[[self._at[k] for k in order]]
        i, j = self._pairs
        first = np.argsort((adds[i] - adds[j]) * (self._worth[i] - self._worth[j]), kind="stable")
        return list(zip(i[first].tolist(), j[first].tolist(), strict=True))
