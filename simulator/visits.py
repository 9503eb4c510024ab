"""Visits of one refresh interval, launch windows, and what became known between two refreshes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from simulator.streams import Ids

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]


@dataclass(slots=True, eq=False)
class Visits:
    """Visits that were met together: what is known of them, what they were offered, what came of it."""

    times: Floats  # (n,) days
    ids: Ids  # (n,) whoever decides, the same visit has the same id
    users: Indices  # (n,)
    contexts: Floats  # (n, d) user features
    histories: Indices  # (n, L) products last shown to the user, oldest first, -1 for none
    offered: Indices  # (n, S) actions; -1 for an empty slot
    product: Indices  # (n,) chosen to buy, -1 for none
    slot: Indices  # (n,) where it was seen, -1 for the shelf
    reached: Indices  # (n,) slots that were come to; in a cascade not all
    rewards: Floats  # (n, S) what each slot brought
    pending: npt.NDArray[np.bool_]  # (n,) the reward is not known yet
    wants: Indices  # (n,) further wants, met from the shelf
    asked_again: list[int] = field(default_factory=list)  # first rows of those who were, in turn
    baskets: dict[int, tuple[Any, ...]] = field(default_factory=dict)  # to be paid: row -> what is in them
    drawn: Any = None  # what the first wants draw of the shelf, and of which listing, once that is known
    buying: bool = False  # somebody has chosen something
    closed: int = 0  # rows, from the first on, whose offers are final
    note: Any = None  # the asker's own

    def __len__(self) -> int:
        return len(self.times)


@dataclass(slots=True, eq=False)
class Window:
    """A launch window: which of the candidates to launch, at most `capacity` of them."""

    time: float  # days
    candidates: npt.NDArray[np.bool_]  # (K,) not launched yet
    capacity: int
    context: Floats  # (d,) 1, share of the season gone, share of products launched, visits and sales of the last week


@dataclass(slots=True)
class Interval:
    """What became known between two refreshes."""

    visits: list[tuple[Visits, slice]] = field(default_factory=list)  # final now; rows not pending are settled
    settled: list[tuple[Visits, int]] = field(default_factory=list)  # rows of earlier visits, settled now
    judged: list[tuple[float, int, float]] = field(default_factory=list)  # launches: window's day, product, reward
