"""Log rows as columns: the feedback, and what a log keeps beside it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from policies.policy import Decisions, Feedback, Floats, Integers

Words = npt.NDArray[np.uint64]
NOBODY = 0  # among users: it is not known who decided


class LogError(ValueError):
    """A log that cannot be used; the message is one line for the person who has it."""


@dataclass(slots=True, eq=False)
class Rows:
    """n log rows, in order of time; `feedback.decisions.actions` is how the products looked at the last of them."""

    feedback: Feedback
    known: Floats  # (n,) days, when the reward became known
    positions: Integers | None = None  # (n,) slot on the page, as logged
    users: Words | None = None  # (n,) pseudonyms
    snapshots: Integers | None = None  # (n,) row of `catalogue` that held; None where the products never changed
    catalogue: Floats | None = None  # (S, K, a) what the products looked like, one after the other
    weights: Floats | None = None  # (n,) visits that each row stands for, where the log was thinned out

    def __len__(self) -> int:
        return len(self.feedback)

    def take(self, rows: Any) -> Rows:
        """The rows of these indices, mask or slice."""
        return Rows(
            self.feedback.take(rows),
            self.known[rows],
            None if self.positions is None else self.positions[rows],
            None if self.users is None else self.users[rows],
            None if self.snapshots is None else self.snapshots[rows],
            self.catalogue,
            None if self.weights is None else self.weights[rows],
        )

    def parts(self, n: int) -> Iterator[Rows]:
        """At most n rows at a time, each with the products as they looked then."""
        for start, stop in self._spans():
            for first in range(start, stop, n):
                part = self.take(slice(first, min(first + n, stop)))
                if self.snapshots is not None and self.catalogue is not None:
                    part.feedback.decisions.actions = self.catalogue[self.snapshots[first]]
                    part.snapshots = part.catalogue = None
                yield part

    def _spans(self) -> list[tuple[int, int]]:
        """Stretches over which the products do not change."""
        if self.snapshots is None:
            return [(0, len(self))]
        cuts = [0, *(np.flatnonzero(np.diff(self.snapshots)) + 1).tolist(), len(self)]
        return list(pairwise(cuts))


def joined(parts: Sequence[Rows]) -> Rows:
    """The parts as one, in order of time."""
    feedbacks = [part.feedback for part in parts]
    snapshots, catalogue = _changes([feedback.decisions.actions for feedback in feedbacks], [len(f) for f in feedbacks])
    whole = Rows(
        join(feedbacks),
        _stack([part.known for part in parts]),
        _stack([part.positions for part in parts]),
        _stack([part.users for part in parts]),
        snapshots,
        catalogue,
        _stack([part.weights for part in parts]),
    )
    times = whole.feedback.decisions.times
    if np.all(times[1:] >= times[:-1]):
        return whole
    return whole.take(np.argsort(times, kind="stable"))


def join(feedbacks: Sequence[Feedback]) -> Feedback:
    """Several batches as one; the products as the last one saw them."""
    if len(feedbacks) == 1:
        return feedbacks[0]
    asked = [feedback.decisions for feedback in feedbacks]
    decisions = Decisions(
        _stack([d.times for d in asked]),
        _stack([d.contexts for d in asked]),
        asked[-1].actions,
        _stack([d.available for d in asked]),
        _stack([d.histories for d in asked]),
        _stack([d.ids for d in asked]),
    )
    return Feedback(
        decisions,
        _stack([f.chosen for f in feedbacks]),
        _stack([f.propensities for f in feedbacks]),
        _stack([f.rewards for f in feedbacks]),
    )


def _stack(columns: Sequence[Any]) -> Any:
    """One column of all, or None where some batch has none."""
    return None if any(column is None for column in columns) else np.concatenate(columns)


def _changes(actions: Sequence[Floats], lengths: Sequence[int]) -> tuple[Integers | None, Floats | None]:
    """Which of the distinct looks of the products each row saw; nothing where there is one only."""
    index: dict[bytes, int] = {}
    distinct: list[Floats] = []
    seen = []
    for look in actions:
        key = look.tobytes()
        if key not in index:
            index[key] = len(distinct)
            distinct.append(look)
        seen.append(index[key])
    if len(distinct) < 2:
        return None, None
    return np.repeat(np.asarray(seen, np.int32), lengths), np.stack(distinct)


def check(rows: Rows) -> None:
    """Whether the rows can be a log.

    Raises:
        LogError: the first row that cannot, with its rule and value. Row 0 is the first.
    """
    feedback, decisions = rows.feedback, rows.feedback.decisions
    n, K = decisions.available.shape
    if len(decisions.actions) != K:
        raise LogError(f"actions must have {K} rows like the availability has columns, got {len(decisions.actions)}")
    for name, column in (
        ("chosen", feedback.chosen),
        ("propensity", feedback.propensities),
        ("reward", feedback.rewards),
    ):
        if column.shape != (n,):
            raise LogError(f"{name} must have shape ({n},) like the decisions, got {column.shape}")
    _all(decisions.times >= 0, "time", "be 0 or more days", decisions.times)
    _all(np.isfinite(decisions.times), "time", "be finite", decisions.times)
    _all(np.isfinite(decisions.contexts).all(axis=1), "context", "be finite", decisions.contexts)
    _all((feedback.chosen >= 0) & (feedback.chosen < K), "action", f"be from 0 to {K - 1}", feedback.chosen)
    _all(decisions.available[np.arange(n), feedback.chosen], "action", "be available", feedback.chosen)
    _all(np.isfinite(feedback.rewards), "reward", "be finite", feedback.rewards)
    if rows.weights is not None:
        _all((rows.weights > 0) & np.isfinite(rows.weights), "weight", "be a finite number above 0", rows.weights)
    p = feedback.propensities
    _all(((p > 0) & (p <= 1)) | np.isnan(p).all(), "propensity", "be above 0 and at most 1", p)


def _all(good: Any, name: str, rule: str, values: Any) -> None:
    if not np.all(good):
        row = int(np.argmin(good))
        raise LogError(f"{name} must {rule}, got {values[row]} at row {row}")
