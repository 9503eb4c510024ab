"""What a neural policy remembers to train on: rows of feedback in plain arrays of fixed capacity."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

from policies.policy import Feedback, Floats, Problem

_GOLDEN = 0.6180339887498949  # the fractional parts of its multiples are spread evenly (Weyl 1916)
_REWARDED, _OTHERS = 0, 1


class ReplayBuffer:
    """Rows of the whole past: those with a reward and, beside them, a sample of the others, each with its weight.

    While there is room every row is kept. Then the rewarded ones may fill half of it, and both kinds are reservoirs
    (Vitter 1985): at any time a uniform sample of all that came of their kind. A row stands for as many as came for
    each that is kept, so that the expected weighted loss of what is remembered is the loss of all rows: negatives are
    sampled and predictions stay calibrated (He et al. 2014, "Practical lessons from predicting clicks on ads", 6.3).
    Which row goes depends on the numbers of the rows alone, not on how they are grouped.
    """

    def __init__(self, problem: Problem, capacity: int) -> None:
        self.seen = 0  # rows ever
        self._capacity = capacity
        self._arrays: dict[str, npt.NDArray[Any]] = {
            "contexts": np.zeros((capacity, problem.n_context_features)),
            "features": np.zeros((capacity, problem.n_action_features)),  # of the chosen item, as it then looked
            "chosen": np.zeros(capacity, np.int32),
            "histories": np.full((capacity, problem.history_length), -1, np.int32),
            "rewards": np.zeros(capacity),
            "arrivals": np.zeros(capacity, np.int64),  # the how-manieth row it was
            "times": np.zeros(capacity),  # days
        }
        self._kinds = np.zeros((2, capacity), np.int64)  # places of the rows of each kind
        self.kept = np.zeros(2, np.int64)  # rows of each kind that are remembered
        self.came = np.zeros(2, np.int64)  # rows of each kind ever

    def __len__(self) -> int:
        return min(self.seen, self._capacity)

    def __getitem__(self, name: str) -> npt.NDArray[Any]:
        """The rows there are, of one column."""
        return self._arrays[name][: len(self)]

    def whole(self, name: str) -> npt.NDArray[Any]:
        """(capacity, ...) one column with the rows that are still empty: its shape never changes."""
        return self._arrays[name]

    def weights(self, forgetting: float = 1.0) -> Floats:
        """(len,) how many of all rows each remembered one stands for, less what has been forgotten of it.

        Args:
            forgetting: weight left to a row after one day.
        """
        each = self.came / np.maximum(self.kept, 1)
        stands_for = np.where(self["rewards"] != 0.0, each[_REWARDED], each[_OTHERS])
        ages = self["times"].max(initial=0.0) - self["times"]
        weights: Floats = stands_for * forgetting**ages
        return weights

    def add(self, feedback: Feedback) -> None:
        """Take in rows in their order."""
        decisions, n = feedback.decisions, len(feedback)
        places = np.empty(n, np.int64)
        _places(self._kinds, self.kept, self.came, self.seen, feedback.rewards, places)
        new = np.flatnonzero(places >= 0)
        places = places[new]
        chosen = feedback.chosen[new]
        self._arrays["contexts"][places] = decisions.contexts[new]
        self._arrays["features"][places] = decisions.actions[chosen]
        self._arrays["chosen"][places] = chosen
        if decisions.histories is not None:
            self._arrays["histories"][places] = decisions.histories[new]
        self._arrays["rewards"][places] = feedback.rewards[new]
        self._arrays["arrivals"][places] = self.seen + new
        self._arrays["times"][places] = decisions.times[new]
        self.seen += n

    def held_out(self, fraction: float) -> npt.NDArray[np.bool_]:
        """(len,) rows set aside for validation: the same ones as long as they stay, evenly spread over time."""
        spread: npt.NDArray[np.bool_] = (self["arrivals"] * _GOLDEN) % 1.0 < fraction
        return spread

    def state(self) -> dict[str, npt.NDArray[Any]]:
        """The rows there are, and how many there have been."""
        counts = {"kinds": self._kinds[:, : len(self)], "kept": self.kept, "came": self.came}
        return {"seen": np.array(self.seen), **counts, **{name: self[name] for name in self._arrays}}

    def set_state(self, state: dict[str, npt.NDArray[Any]]) -> None:
        """Remember what the buffer with this state remembered."""
        self.seen = int(state["seen"])
        self._kinds[:, : len(self)] = state["kinds"]
        self.kept[:], self.came[:] = state["kept"], state["came"]
        for name, array in self._arrays.items():
            array[: len(self)] = state[name]


@njit(cache=True)
def _places(kinds: Any, kept: Any, came: Any, seen: int, rewards: Any, places: Any) -> None:
    """Where each new row goes, -1 where it is not kept; a place given twice belongs to the later row."""
    capacity = kinds.shape[1]
    for i in range(len(rewards)):
        kind = 0 if rewards[i] != 0.0 else 1
        other = 1 - kind
        came[kind] += 1
        if kept[0] + kept[1] < capacity:
            place = kept[0] + kept[1]
        elif 2 * kept[kind] < capacity and 2 * kept[other] > capacity:
            place = _taken(kinds[other], kept, other, _unit(seen + i, 1))
        elif _unit(seen + i, 0) * came[kind] < kept[kind]:
            place = _taken(kinds[kind], kept, kind, _unit(seen + i, 1))
        else:
            places[i] = -1
            continue
        kinds[kind, kept[kind]] = place
        kept[kind] += 1
        places[i] = place


@njit(cache=True)
def _taken(listed: Any, kept: Any, kind: int, luck: float) -> Any:
    """A random place of a kind, taken from its list."""
    which = int(luck * kept[kind])
    place = listed[which]
    kept[kind] -= 1
    listed[which] = listed[kept[kind]]
    return place


@njit(cache=True)
def _unit(number: int, purpose: int) -> float:
    """A number in [0, 1) that belongs to a row: SplitMix64 (Steele, Lea & Flood 2014)."""
    z = (np.uint64(number) * np.uint64(2) + np.uint64(purpose)) * np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return float((z ^ (z >> np.uint64(31))) >> np.uint64(11)) / 2.0**53


def centre_and_scale(rows: Floats) -> tuple[Floats, Floats]:
    """Mean and scale of each column: the standard deviation, or a quarter of the largest deviation where that is more.

    A rare category would otherwise become a huge number. Columns that never changed have scale 1.
    """
    centre, scale = np.empty(rows.shape[1]), np.empty(rows.shape[1])
    _centre_and_scale(rows, centre, scale)
    scale[scale < 1e-9] = 1.0
    return centre, scale


@njit(cache=True)
def _centre_and_scale(rows: Any, centre: Any, scale: Any) -> None:
    """Row after row: numpy's reductions over the long axis of a narrow array take several times as long."""
    n, width = rows.shape
    squares, farthest = np.zeros(width), np.zeros(width)
    centre[:] = 0.0
    for i in range(n):
        for j in range(width):
            centre[j] += rows[i, j]
    centre /= n
    for i in range(n):
        for j in range(width):
            apart = rows[i, j] - centre[j]
            squares[j] += apart * apart
            farthest[j] = max(farthest[j], abs(apart))
    for j in range(width):
        scale[j] = np.maximum(np.sqrt(squares[j] / n), farthest[j] / 4.0)
