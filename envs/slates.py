"""Slates: the decisions of a refresh interval, slot by slot, and those of them that still wait for their reward."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

from envs.environment import Choices, Rounds
from policies.policy import Decisions, Feedback, Floats
from simulator import streams
from simulator.visits import Visits

Rows = npt.NDArray[np.intp]


class Slates:
    """S slots for each of n visits, as arrays (S, n, ...): what may go in, what went in, what was expected.

    `reach` (S,) is the chance that each slot is looked at. What is expected in a slot is noted as if it were.
    """

    def __init__(self, visits: Visits, eligible: npt.NDArray[np.bool_], actions: Floats, reach: Floats) -> None:
        n_slots = len(reach)
        self._visits = visits
        self._reach = reach.astype(np.float32)
        n, n_actions = len(visits.times), len(eligible)
        self.available = np.empty((n_slots, n, n_actions), np.bool_)
        self.truth = np.empty((n_slots, n, n_actions), np.float32)
        self.chosen = np.empty((n_slots, n), np.int64)
        self.propensities = np.empty((n_slots, n))
        self.ids = visits.ids[None] if n_slots == 1 else _slot_ids(visits.ids, n_slots)
        self.looks = [(0, actions)]  # first row, and what products looked like from there on
        self.full = True  # no slot of any visit is empty
        self._asked = 0  # the first so many rows
        self._about: tuple[Any, ...] = ()  # times, contexts and histories of the last question, and what marks it
        self.expected_at, self.expected_until, self.ahead = -1, 0, 1  # when, and of which rows, truth was worked out
        self._answered: Any = slice(0, 0), None, None  # the last question's rows, the question and the answer
        self._empty(0, eligible)

    def ask(self, rows: slice, eligible: npt.NDArray[np.bool_], actions: Floats) -> None:
        """Begin the slates of these visits, maybe again: what is eligible may go into the first slot."""
        if self.looks[-1][1] is not actions:
            self.looks = [look for look in self.looks if look[0] < rows.start]
            self.looks.append((rows.start, actions))
        if rows.start < self._asked or eligible is not self._eligible:
            self._empty(rows.start, eligible)
        self._asked = rows.stop

    def _empty(self, first: int, eligible: npt.NDArray[np.bool_]) -> None:
        self._eligible = eligible
        self.expected_at = -1
        self.chosen[:, first:] = -1
        self.available[0, first:] = eligible
        self.truth[0, first:] = 0.0

    def question(self, slot: int, rows: slice) -> Decisions:
        """What to put into a slot of these visits; every slot is the same question."""
        if slot == 0:
            visits = self._visits
            histories = visits.histories[rows] if visits.histories.shape[1] else None
            self._about = visits.times[rows], visits.contexts[rows], histories, object()
        times, contexts, histories, question = self._about
        available, ids = self.available[slot, rows], self.ids[slot, rows]
        return Decisions(times, contexts, self.looks[-1][1], available, histories, ids, question)

    def next_slot(self, slot: int, rows: slice, n_products: int) -> None:
        """What is on the slate may not come again."""
        _take_out(self.available, self.truth, self.chosen, slot, rows.start, rows.stop, n_products)

    def put(self, slot: int, rows: slice, asked: Decisions, choices: Choices) -> None:
        """Fill a slot with what was answered."""
        self.chosen[slot, rows] = choices.chosen
        self.propensities[slot, rows] = choices.propensities
        self._answered = rows, asked, choices

    def columns(self) -> tuple[Any, ...]:
        """All there is of the visits: times, contexts, histories (n, ...), and what is (S, n, ...)."""
        visits = self._visits
        about = visits.times, visits.contexts, visits.histories
        return *about, self.available, self.ids, self.chosen, self.propensities, self.truth

    def rounds(self, rows: slice) -> list[Rounds]:
        """The filled slots of those of these visits that are settled, one Rounds for each look of the products."""
        visits = self._visits
        answered, asked, choices = self._answered
        if self.full and len(self.chosen) == 1 and not visits.buying and answered == rows:
            feedback = Feedback(asked, choices.chosen, choices.propensities, visits.rewards[rows, 0])
            return [Rounds(feedback, _seen(self.truth[0, rows], self._reach[0]))]
        settled = rows.start + (~visits.pending[rows]).nonzero()[0]
        if not len(settled):
            return []
        columns = self.columns()
        ends = [*settled.searchsorted([first for first, _ in self.looks[1:]]).tolist(), len(settled)]
        parts = [
            (settled[begin:end], actions)
            for begin, end, (_, actions) in zip([0, *ends], ends, self.looks, strict=False)
        ]
        reach = self._reach
        return [_rounds(columns, some, reach, visits.rewards[some], actions) for some, actions in parts if len(some)]


class Waiting:
    """Visits whose reward is not known yet, in reused rows of growing columns; `reach` as of `Slates`."""

    def __init__(self, reach: Floats) -> None:
        self._reach = reach.astype(np.float32)
        self._columns: tuple[Any, ...] = ()
        self._free: list[int] = []
        self._places: dict[int, int] = {}  # of each visit, by its id
        self._looks: list[Floats] = []  # what products looked like, by number
        self._look = np.empty(0, np.int64)  # of each row

    def keep(self, slates: Slates, rows: Rows, visits: list[int]) -> None:
        """Copy the slates of these rows, of visits with these ids."""
        source = slates.columns()
        if not self._columns:
            self._columns = tuple(np.empty(_shape(c, number, 0), c.dtype) for number, c in enumerate(source))
        while len(self._free) < len(rows):
            self._grow()
        places = [self._free.pop() for _ in visits]
        _store(*source, rows, *self._columns, np.array(places, np.int64))
        for _, actions in slates.looks:
            if not self._looks or self._looks[-1] is not actions:
                self._looks.append(actions)
        self._look[places] = len(self._looks) - 1
        if len(slates.looks) > 1:
            later = [first for first, _ in slates.looks[1:]]
            self._look[places] += np.searchsorted(later, rows, side="right") - len(later)
        self._places.update(zip(visits, places, strict=True))

    def release(self, visits: list[int], rewards: Floats) -> list[Rounds]:
        """The rounds of the visits of these ids with their rewards (m, S), one Rounds for each look of products."""
        places = [self._places.pop(visit) for visit in visits]
        where, looks = np.array(places), self._look[places]
        self._free.extend(places)
        parts = [(number, (looks == number).nonzero()[0]) for number in sorted(set(looks.tolist()))]
        columns, reach = self._columns, self._reach
        return [_rounds(columns, where[rows], reach, rewards[rows], self._looks[number]) for number, rows in parts]

    def _grow(self) -> None:
        size = len(self._look)
        larger = max(2 * size, 64)
        self._free.extend(range(size, larger))
        self._look = np.resize(self._look, larger)
        grown = tuple(np.empty(_shape(c, number, larger), c.dtype) for number, c in enumerate(self._columns))
        _store(*self._columns, np.arange(size), *grown, np.arange(size))
        self._columns = grown


def _shape(column: Any, number: int, n: int) -> tuple[int, ...]:
    """Of a column for n visits: the first three are (n, ...), the others (S, n, ...)."""
    return (n, *column.shape[1:]) if number < 3 else (column.shape[0], n, *column.shape[2:])


def _seen(truth: Any, reach: Any) -> Any:
    return truth if reach == 1 else truth * reach


def _rounds(columns: tuple[Any, ...], rows: Rows, reach: Any, rewards: Floats, actions: Floats) -> Rounds:
    fetched = _fetch(*columns, rows, reach, rewards)
    times, contexts, histories, available, ids, chosen, propensities, truth, reward = fetched
    past = histories if histories.shape[1] else None
    decisions = Decisions(times, contexts, actions, available, past, ids)
    return Rounds(Feedback(decisions, chosen, propensities, reward), truth)


@njit(cache=True)
def _store(
    times: Any,
    contexts: Any,
    histories: Any,
    available: Any,
    ids: Any,
    chosen: Any,
    propensities: Any,
    truth: Any,
    rows: Any,
    to_times: Any,
    to_contexts: Any,
    to_histories: Any,
    to_available: Any,
    to_ids: Any,
    to_chosen: Any,
    to_propensities: Any,
    to_truth: Any,
    places: Any,
) -> None:
    """Copy visits into their places, all columns in one go."""
    S, K, d, L = len(chosen), truth.shape[2], contexts.shape[1], histories.shape[1]
    for i in range(len(rows)):
        row, place = rows[i], places[i]
        to_times[place] = times[row]
        for j in range(d):  # by numbers: numba takes seconds to compile what copies a slice
            to_contexts[place, j] = contexts[row, j]
        for j in range(L):
            to_histories[place, j] = histories[row, j]
        for s in range(S):
            for k in range(K):
                to_available[s, place, k] = available[s, row, k]
            for k in range(K):
                to_truth[s, place, k] = truth[s, row, k]
            to_ids[s, place] = ids[s, row]
            to_chosen[s, place] = chosen[s, row]
            to_propensities[s, place] = propensities[s, row]


@njit(cache=True)
def _fetch(
    times: Any,
    contexts: Any,
    histories: Any,
    available: Any,
    ids: Any,
    chosen: Any,
    propensities: Any,
    truth: Any,
    rows: Any,
    reach: Any,
    rewards: Any,
) -> Any:
    """The filled slots of these visits, as columns of decisions; what is expected of them as often as they are seen."""
    S, K, d, L = len(chosen), truth.shape[2], contexts.shape[1], histories.shape[1]
    n = 0
    for row in rows:
        for s in range(S):
            n += chosen[s, row] >= 0
    to_times, to_contexts = np.empty(n), np.empty((n, d))
    to_histories, to_available = np.empty((n, L), np.int64), np.empty((n, K), np.bool_)
    to_ids, to_chosen, to_propensities = np.empty(n, np.uint64), np.empty(n, np.int64), np.empty(n)
    to_truth, to_rewards = np.empty((n, K), np.float32), np.empty(n)
    at = 0
    for s in range(S):
        for i in range(len(rows)):
            row = rows[i]
            if chosen[s, row] < 0:
                continue
            to_times[at], to_ids[at], to_chosen[at] = times[row], ids[s, row], chosen[s, row]
            to_propensities[at], to_rewards[at] = propensities[s, row], rewards[i, s]
            for j in range(d):  # element by element: three times as fast as row by row
                to_contexts[at, j] = contexts[row, j]
            for j in range(L):
                to_histories[at, j] = histories[row, j]
            for k in range(K):
                to_available[at, k] = available[s, row, k]
            for k in range(K):
                to_truth[at, k] = truth[s, row, k] * reach[s]
            at += 1
    return (
        to_times,
        to_contexts,
        to_histories,
        to_available,
        to_ids,
        to_chosen,
        to_propensities,
        to_truth,
        to_rewards,
    )


@njit(cache=True)
def _slot_ids(ids: Any, slots: int) -> Any:
    """(S, n) ids of the slots of visits, the first slot's that of the visit."""
    named = np.empty((slots, len(ids)), np.uint64)
    for s in range(slots):
        for i in range(len(ids)):
            named[s, i] = ids[i] if s == 0 else streams.mix(ids[i], np.uint64(s))
    return named


@njit(cache=True)
def _take_out(available: Any, truth: Any, chosen: Any, slot: int, start: int, stop: int, n_products: int) -> None:
    A = available.shape[2]
    for i in range(start, stop):
        for a in range(A):
            available[slot, i, a] = available[slot - 1, i, a]
            truth[slot, i, a] = truth[slot - 1, i, a]
        for a in range(chosen[slot - 1, i] % n_products, A, n_products):
            available[slot, i, a] = False
            truth[slot, i, a] = 0.0
