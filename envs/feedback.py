"""Logged feedback: a log, checked once on the way in; all of it at once, or a batch at a time from disk."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from envs.logs import log_file, rows
from envs.logs.log_file import About, LogFile
from envs.logs.rows import LogError as LogError
from envs.logs.rows import Rows
from policies.policy import ContextFeature, Feedback, Floats, Integers, Problem

_PART = 1 << 16  # rows in memory at a time


class LoggedFeedback:
    """A log: rows in order of time, the names of its actions and contexts, and where its propensities come from.

    Made from feedback in memory, or by `read` from a file, which may be larger than memory.

    Args:
        feedback: all of it, or its batches in any order (their products may look different from batch to batch).
        actions: K names; "0", "1", ... where there are none.
        context: d names of the context features.
        propensities: "logged", "estimated" from the log itself, or "missing" (then they are all NaN).
        known: (n,) days when each reward became known; the time of the decision where not given.
        positions: (n,) slot on the page.
        users: (n,) pseudonyms as uint64; 0 where it is not known who decided.
        weights: (n,) visits that each row stands for, where the log was thinned out; 1 each where not given.

    Raises:
        LogError: a row that cannot be, with its rule and value.
    """

    def __init__(
        self,
        feedback: Feedback | Sequence[Feedback],
        actions: Sequence[str] | None = None,
        *,
        context: Sequence[str] | None = None,
        propensities: str = "logged",
        known: Floats | None = None,
        positions: Integers | None = None,
        users: Any = None,
        weights: Floats | None = None,
    ) -> None:
        batches = [feedback] if isinstance(feedback, Feedback) else list(feedback)
        if not sum(len(batch) for batch in batches):
            raise LogError("log must have at least one row, got none")
        parts = [Rows(batch, batch.decisions.times.astype(np.float64)) for batch in batches]
        beside = {"known": known, "positions": positions, "users": users, "weights": weights}
        parts = _beside(parts, {name: column for name, column in beside.items() if column is not None})
        for part in parts:
            rows.check(part)
        self._source: _Memory | LogFile = _Memory(rows.joined(parts), actions, context, propensities)

    @classmethod
    def read(cls, path: Any, columns: Any = None, **ingest: Any) -> LoggedFeedback:
        """Open a log, never all of it in memory until `feedback` is asked for.

        Args:
            path: a log of ours (Parquet), or, through DuckDB, somebody else's: CSV, Parquet (file, folder or glob),
                a DuckDB database, SQL text, a data frame (pandas, polars, pyarrow).
            columns: what the columns of somebody else's log mean: a `Columns`, a mapping, or the path of a TOML file;
                where not given it is proposed from their names.
            ingest: further arguments of `envs.logs.ingest.ingest`: rejects, user_ids, key_file, encoding.

        Raises:
            LogError: the log cannot be read, or a row is bad and there is no `rejects` file to set it aside in.
        """
        if isinstance(path, (str, Path)) and log_file.is_one(path):
            return cls._of(LogFile(path))
        from envs.logs.ingest import ingested

        return cls._of(ingested(path, columns, **ingest))

    @classmethod
    def _of(cls, source: _Memory | LogFile) -> LoggedFeedback:
        log = cls.__new__(cls)
        log._source = source
        return log

    def __len__(self) -> int:
        return len(self._source)

    @property
    def about(self) -> About:
        """All that the log knows of itself beside its rows."""
        return self._source.about

    @property
    def actions(self) -> tuple[str, ...]:
        """The K names."""
        return self.about.actions

    @property
    def propensities(self) -> str:
        """Where they come from: "logged", "estimated" or "missing"."""
        return self.about.propensities

    @property
    def problem(self) -> Problem:
        """What a policy that is to answer these decisions must know."""
        about = self.about
        scales = {feature["column"]: (feature["mean"], feature["scale"]) for feature in _numbers(about)}
        context = tuple(ContextFeature(name, *scales.get(name, (0.0, 1.0))) for name in about.context)
        sizes = len(about.actions), len(about.context), about.n_action_features, about.history_length
        return Problem(*sizes, tuple(about.actions), context)

    @cached_property
    def smallest_propensity(self) -> float:
        """Of the whole log."""
        return self._source.smallest_propensity()

    @cached_property
    def rows(self) -> Rows:
        """All of it in memory, with what the log keeps beside the feedback."""
        return rows.joined(list(self._source.parts(_PART)))

    @property
    def feedback(self) -> Feedback:
        """All of it in memory. Where products change their look, its `decisions.actions` is the last."""
        return self.rows.feedback

    @property
    def positions(self) -> Integers | None:
        """(n,) slot on the page, as logged; None where the log has none."""
        return self.rows.positions

    @property
    def users(self) -> Any:
        """(n,) pseudonyms; None where the log has none."""
        return self.rows.users

    @property
    def weights(self) -> Floats | None:
        """(n,) visits that each row stands for; None where each stands for one."""
        return self.rows.weights

    def batches(self, n: int = _PART) -> Iterator[Feedback]:
        """At most n rows at a time, in order of time."""
        for part in self.parts(n):
            yield part.feedback

    def parts(self, n: int = _PART) -> Iterator[Rows]:
        """At most n rows at a time, with what the log keeps beside the feedback."""
        return self._source.parts(n)

    def write(self, path: str | Path) -> None:
        """Write the log to one Parquet file, from which `read` gives it back bit for bit."""
        log_file.write(path, self.about, self.parts())

    def with_propensities(self, propensities: Floats) -> LoggedFeedback:
        """The same log in memory with these (n,) propensities, marked as estimated.

        Raises:
            LogError: one of them is no probability above 0.
        """
        whole = self.rows.take(slice(None))
        whole.feedback.propensities = np.asarray(propensities, np.float64)
        rows.check(whole)
        about = self.about
        return self._of(_Memory(whole, about.actions, about.context, "estimated", about))


class _Memory:
    """A log in memory."""

    def __init__(
        self,
        whole: Rows,
        actions: Sequence[str] | None,
        context: Sequence[str] | None,
        propensities: str,
        about: About | None = None,
    ) -> None:
        decisions = whole.feedback.decisions
        K, a = decisions.actions.shape
        d = decisions.contexts.shape[1]
        names = tuple(actions) if actions is not None else tuple(str(k) for k in range(K))
        features = tuple(context) if context is not None else tuple(str(j) for j in range(d))
        if len(names) != K or len(set(names)) != K:
            raise LogError(f"actions must be {K} different names, got {len(names)} ({len(set(names))} different)")
        if len(features) != d:
            raise LogError(f"context must be {d} names, got {len(features)}")
        history = 0 if decisions.histories is None else decisions.histories.shape[1]
        kept: Mapping[str, Any] = {} if about is None else {
            "encoding": about.encoding, "origin": about.origin, "ingest": about.ingest,
            "items": about.items, "timed": about.timed,
        }  # fmt: skip
        self.about = About(names, features, a, history, propensities, **kept)
        self._rows = whole

    def __len__(self) -> int:
        return len(self._rows)

    def smallest_propensity(self) -> float:
        return float(self._rows.feedback.propensities.min())

    def parts(self, n: int) -> Iterator[Rows]:
        return self._rows.parts(n)


_KINDS = {"known": np.float64, "positions": np.int64, "users": np.uint64, "weights": np.float64}


def _beside(parts: list[Rows], beside: Mapping[str, Any]) -> list[Rows]:
    """The parts with their slices of columns that were given for the whole."""
    n = sum(len(part) for part in parts)
    for name, column in beside.items():
        if len(column) != n:
            raise LogError(f"{name} must have length {n} like the feedback, got {len(column)}")
    start = 0
    for part in parts:
        for name, column in beside.items():
            setattr(part, name, np.asarray(column[start : start + len(part)], _KINDS[name]))
        start += len(part)
    return parts


def _numbers(about: About) -> list[dict[str, Any]]:
    """The context features that were standardised."""
    return [feature for feature in (about.encoding or {}).get("features", []) if feature["kind"] == "number"]
