"""Slates: the decisions of a refresh interval, slot by slot, and those of them that still wait for their reward."""

from __future__ import annotations

from collections.abc import Iterator
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
    """S slots for each of n visits, as arrays (S, n, ...): what may go in, what went in, what was expected."""

    def __init__(self, visits: Visits, n_actions: int, n_slots: int) -> None:
        n = len(visits)
        self._visits = visits
        self.available = np.zeros((n_slots, n, n_actions), bool)
        self.truth = np.zeros((n_slots, n, n_actions))
        self.chosen = np.full((n_slots, n), -1)
        self.propensities = np.ones((n_slots, n))
        self.ids = visits.ids[None] if n_slots == 1 else _slot_ids(visits.ids, n_slots)
        self.looks: list[tuple[int, Floats]] = []  # first row, and what products looked like from there on

    def question(self, slot: int, rows: slice) -> Decisions:
        """What to put into a slot of these visits."""
        visits = self._visits
        histories = None if visits.histories is None else visits.histories[rows]
        actions, available = self.looks[-1][1], self.available[slot, rows]
        return Decisions(visits.times[rows], visits.contexts[rows], actions, available, histories, self.ids[slot, rows])

    def open(self, rows: slice, eligible: npt.NDArray[np.bool_], truth: Floats, actions: Floats) -> None:
        """Nothing is on the slates of these visits yet."""
        self.chosen[:, rows] = -1
        self.available[0, rows] = eligible
        self.truth[0, rows] = truth
        if not self.looks or self.looks[-1][1] is not actions:
            self.looks = [look for look in self.looks if look[0] < rows.start]
            self.looks.append((rows.start, actions))

    def next_slot(self, slot: int, rows: slice, n_products: int, reach: float) -> None:
        """What is on the slate may not come again; this slot is reached `reach` times as often as the last one."""
        _take_out(self.available, self.truth, self.chosen, slot, rows.start, rows.stop, n_products, reach)

    def put(self, slot: int, rows: slice, choices: Choices) -> None:
        """Fill a slot."""
        self.chosen[slot, rows] = choices.chosen
        self.propensities[slot, rows] = choices.propensities

    def rounds(self) -> list[tuple[Rounds, Rows]]:
        """All S x n decisions, empty slots among them, one Rounds for each look of the products.

        Beside each stand the places (slot x n + visit) of its decisions.
        """
        visits, (slots, n) = self._visits, self.chosen.shape
        decisions = Decisions(
            np.tile(visits.times, slots),
            np.tile(visits.contexts, (slots, 1)) if slots > 1 else visits.contexts,
            self.looks[0][1],
            self.available.reshape(slots * n, -1),
            None if visits.histories is None else np.tile(visits.histories, (slots, 1)),
            self.ids.reshape(-1),
        )
        feedback = Feedback(decisions, self.chosen.reshape(-1), self.propensities.reshape(-1), visits.rewards.T.ravel())
        whole, places = Rounds(feedback, self.truth.reshape(slots * n, -1)), np.arange(slots * n)
        return [(whole, places)] if len(self.looks) == 1 else self._by_look(whole, places)

    def _by_look(self, whole: Rounds, places: Rows) -> list[tuple[Rounds, Rows]]:
        look = np.searchsorted([first for first, _ in self.looks], places % self.chosen.shape[1], side="right") - 1
        parts = []
        for number, (_, actions) in enumerate(self.looks):
            rows = np.flatnonzero(look == number)
            part = take(whole, rows)
            part.feedback.decisions.actions = actions
            parts.append((part, rows))
        return parts


class Waiting:
    """Decisions whose reward is not known yet, in reused rows of growing columns."""

    def __init__(self) -> None:
        self._columns: list[Any] = []
        self._free: list[int] = []
        self._looks: list[Floats] = []  # what products looked like, by number
        self._look_of = np.empty(0, np.int64)

    def keep(self, rounds: Rounds) -> list[int]:
        """Places where these rounds now wait."""
        columns = _columns(rounds)
        n = len(columns[0])
        if not self._columns:
            self._columns = [None if c is None else np.empty((0, *c.shape[1:]), c.dtype) for c in columns]
        if len(self._free) < n:
            self._grow(n)
        places, self._free = self._free[:n], self._free[n:]
        for mine, theirs in zip(self._columns, columns, strict=True):
            if mine is not None:
                mine[places] = theirs
        actions = rounds.feedback.decisions.actions
        if not self._looks or self._looks[-1] is not actions:
            self._looks.append(actions)
        self._look_of[places] = len(self._looks) - 1
        return places

    def release(self, places: list[int], rewards: Floats) -> Iterator[Rounds]:
        """The rounds at these places with their rewards (m,), one Rounds for each look of the products."""
        looks = self._look_of[places]
        for number in range(int(looks.min()), int(looks.max()) + 1):
            rows = np.flatnonzero(looks == number)
            if len(rows):
                yield self._rounds(np.array(places)[rows], rewards[rows], self._looks[number])
        self._free.extend(places)

    def _rounds(self, places: Rows, rewards: Floats, actions: Floats) -> Rounds:
        found = [None if c is None else c[places] for c in self._columns]
        times, contexts, available, histories, ids, chosen, propensities, truth = found
        decisions = Decisions(times, contexts, actions, available, histories, ids)  # type: ignore[arg-type]
        return Rounds(Feedback(decisions, chosen, propensities, rewards), truth)  # type: ignore[arg-type]

    def _grow(self, n: int) -> None:
        size = len(self._look_of)
        larger = 2 * size + n
        self._columns = [None if c is None else np.resize(c, (larger, *c.shape[1:])) for c in self._columns]
        self._look_of = np.resize(self._look_of, larger)
        self._free.extend(range(size, larger))


def take(rounds: Rounds, rows: Rows) -> Rounds:
    """The rounds of these rows."""
    return Rounds(rounds.feedback.take(rows), None if rounds.truth is None else rounds.truth[rows])


def _columns(rounds: Rounds) -> tuple[Any, ...]:
    feedback = rounds.feedback
    asked = feedback.decisions
    return (
        asked.times,
        asked.contexts,
        asked.available,
        asked.histories,
        asked.ids,
        feedback.chosen,
        feedback.propensities,
        rounds.truth,
    )


@njit(cache=True)
def _slot_ids(ids: Any, slots: int) -> Any:
    named = np.empty((slots, len(ids)), np.uint64)
    for s in range(slots):
        for i in range(len(ids)):
            named[s, i] = ids[i] if s == 0 else streams.mix(ids[i], np.uint64(s))
    return named


@njit(cache=True)
def _take_out(
    available: Any, truth: Any, chosen: Any, slot: int, start: int, stop: int, n_products: int, reach: float
) -> None:
    A = available.shape[2]
    for i in range(start, stop):
        for a in range(A):
            available[slot, i, a] = available[slot - 1, i, a]
            truth[slot, i, a] = truth[slot - 1, i, a] * reach
        for a in range(chosen[slot - 1, i] % n_products, A, n_products):
            available[slot, i, a] = False
            truth[slot, i, a] = 0.0
