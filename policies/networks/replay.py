"""What a neural policy remembers to train on: the latest rows of feedback in plain arrays of fixed capacity."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

from policies.policy import Feedback, Floats, Problem

_GOLDEN = 0.6180339887498949  # the fractional parts of its multiples are spread evenly (Weyl 1916)


class ReplayBuffer:
    """A ring of the latest `capacity` rows (Lin 1992), the oldest overwritten first."""

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
        }

    def __len__(self) -> int:
        return min(self.seen, self._capacity)

    def __getitem__(self, name: str) -> npt.NDArray[Any]:
        """The rows there are, of one column."""
        return self._arrays[name][: len(self)]

    def whole(self, name: str) -> npt.NDArray[Any]:
        """(capacity, ...) one column with the rows that are still empty: its shape never changes."""
        return self._arrays[name]

    def add(self, feedback: Feedback) -> None:
        """Take in rows in their order."""
        too_many = max(len(feedback) - self._capacity, 0)
        feedback = feedback.take(slice(too_many, None))
        self.seen += too_many
        decisions, n = feedback.decisions, len(feedback)
        arrivals = self.seen + np.arange(n)
        places = self.places(arrivals)
        self._arrays["contexts"][places] = decisions.contexts
        self._arrays["features"][places] = decisions.actions[feedback.chosen]
        self._arrays["chosen"][places] = feedback.chosen
        if decisions.histories is not None:
            self._arrays["histories"][places] = decisions.histories
        self._arrays["rewards"][places] = feedback.rewards
        self._arrays["arrivals"][places] = arrivals
        self.seen += n

    def places(self, arrivals: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Where the rows of these numbers lie, as long as they are remembered."""
        places: npt.NDArray[np.int64] = arrivals % self._capacity
        return places

    def held_out(self, fraction: float) -> npt.NDArray[np.bool_]:
        """(len,) rows set aside for validation: the same ones as long as they stay, evenly spread over time."""
        spread: npt.NDArray[np.bool_] = (self["arrivals"] * _GOLDEN) % 1.0 < fraction
        return spread

    def state(self) -> dict[str, npt.NDArray[Any]]:
        """The rows there are, and how many there have been."""
        return {"seen": np.array(self.seen), **{name: self[name] for name in self._arrays}}

    def set_state(self, state: dict[str, npt.NDArray[Any]]) -> None:
        """Remember what the buffer with this state remembered."""
        self.seen = int(state["seen"])
        for name, array in self._arrays.items():
            array[: len(self)] = state[name]


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
    scale[:] = np.maximum(np.sqrt(squares / n), farthest / 4.0)
