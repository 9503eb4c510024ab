"""A log that passes by, a slice at a time, with the answers of the policy under evaluation; as often as asked for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Protocol, TypeVar

import numpy as np

from benchmarks.off_policy.logging_model import LEAST, CrossFittedLogging
from benchmarks.off_policy.slots import Slots, beside, different
from envs.feedback import LoggedFeedback
from envs.logs.rows import Rows
from policies.policy import Feedback, Floats, Integers, Policy

Batch = TypeVar("Batch", Feedback, Rows)
ROWS = 16_384  # at a time: the columns of a slice stay in the processor's cache


@dataclass(frozen=True, slots=True, eq=False)
class Slice:
    """Consecutive rows of a log, the first of which is row `start` of it."""

    start: int
    feedback: Feedback
    probabilities: Floats  # (n, K) what the policy answers
    predictions: Floats | None = None  # (n, K) expected rewards, where somebody else's model gives them
    users: Any = None  # (n,) who decided, as uint64, where the log says so
    slots: Floats | None = None  # (n, S) one-hot, where the log says so
    counts: Floats | None = None  # (n,) visits that each row stands for, where the log was thinned out

    @property
    def seen(self) -> Feedback:
        """The rows as models see them: the slot is beside the context."""
        return beside(self.feedback, self.slots)


class Passes(Protocol):
    """Iterating is one pass; `len` is the number of rows; whether propensities are estimated is known beforehand."""

    estimated: bool

    def __len__(self) -> int: ...

    def __iter__(self) -> Iterator[Slice]: ...


class InMemory:
    """A log in memory, with the answers given."""

    estimated = False

    def __init__(
        self,
        feedback: Feedback,
        probabilities: Floats,
        predictions: Floats | None = None,
        users: Any = None,
        positions: Any = None,
        counts: Floats | None = None,
    ) -> None:
        self._feedback = feedback
        self._probabilities = probabilities
        self._predictions = predictions
        self._users = users
        self._slots = Slots(positions).of(positions)
        self._counts = counts

    def __len__(self) -> int:
        return len(self._feedback)

    def __iter__(self) -> Iterator[Slice]:
        for start in range(0, len(self), ROWS):
            rows = slice(start, start + ROWS)
            columns = self._predictions, self._users, self._slots, self._counts
            beside = (None if part is None else part[rows] for part in columns)
            yield Slice(start, self._feedback.take(rows), self._probabilities[rows], *beside)


class Streamed:
    """A log on disk, answered batch by batch, from row `first` on.

    Where the log has no propensities they are estimated by a cross-fitted logging model.
    """

    def __init__(self, log: LoggedFeedback, policy: Policy, first: int = 0) -> None:
        self._log = log
        self._policy = policy
        self._first = first
        self.estimated = log.propensities != "logged"
        self._slots = Slots(different(rows.positions for rows in log.parts()))
        self._logging: CrossFittedLogging | None = None
        if log.propensities == "missing":
            self._logging = CrossFittedLogging(len(self))
            for start, rows in self._rows():
                self._logging.add(beside(rows.feedback, self._slots.of(rows.positions)), start, rows.weights)

    def __len__(self) -> int:
        return max(len(self._log) - self._first, 0)

    def __iter__(self) -> Iterator[Slice]:
        for start, rows in self._rows():
            feedback, slots = rows.feedback, self._slots.of(rows.positions)
            if self._logging is not None:
                seen = beside(feedback, slots).decisions
                chances = self._logging.probabilities(seen, start)[np.arange(len(feedback)), feedback.chosen]
                feedback = replace(feedback, propensities=np.maximum(chances, LEAST))
            answers = self._policy.probabilities(feedback.decisions)
            yield Slice(start, feedback, answers, users=rows.users, slots=slots, counts=rows.weights)

    def _rows(self) -> Iterator[tuple[int, Rows]]:
        start = 0
        for rows in after(self._log.parts(ROWS), self._first):
            yield start, rows
            start += len(rows)


def after(batches: Iterator[Batch], first: int) -> Iterator[Batch]:
    """The batches without the first rows."""
    for batch in batches:
        kept = batch.take(slice(min(first, len(batch)), None))
        first = max(first - len(batch), 0)
        if len(kept):
            yield kept


def before(batches: Iterator[Batch], first: int) -> Iterator[Batch]:
    """The first rows only, batch by batch."""
    for batch in batches:
        if first <= 0:
            return
        yield batch.take(slice(0, first))
        first -= len(batch)


def lessons(log: LoggedFeedback, first: int, n: int) -> Iterator[Feedback]:
    """The first rows as a policy is to learn them, at most n a batch or so.

    Of a log that was thinned out each row comes as often as it stands for visits, as many in all as there are rows
    (systematic resampling: Kitagawa 1996), for what was kept of it does not earn what was shown.
    """
    counted = [part.weights.mean() * len(part) for part in before(log.parts(), first) if part.weights is not None]
    each = first / sum(counted) if counted else 1.0
    reached = 0.5
    for part in before(log.parts(n), first):
        if part.weights is None:
            yield part.feedback
            continue
        ends = reached + np.cumsum(part.weights) * each
        whole: Integers = np.floor(np.concatenate([[reached], ends])).astype(np.int64)
        reached = float(ends[-1])
        yield part.feedback.take(np.repeat(np.arange(len(part)), np.diff(whole)))
