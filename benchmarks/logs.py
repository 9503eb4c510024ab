"""Logs as they are named on the command line: a file, or a public one as `open-bandit:random/all`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from envs.feedback import LogError, LoggedFeedback
from envs.logs.ingest import ingested
from envs.logs.log_file import is_one
from envs.logs.private import apart
from envs.logs.rows import check
from envs.logs.source import files_of
from policies.policy import Integers

_PUBLIC = "open-bandit:"


def named(text: str, columns: Any = None, **ingest: Any) -> LoggedFeedback:
    """The log of that name.

    Args:
        text: a path, a glob or SQL text, or `open-bandit:BEHAVIOR/CAMPAIGN`.
        columns, ingest: as of `LoggedFeedback.read`; logs of the Open Bandit Dataset need none.

    Raises:
        LogError: there is no such log, or it has a bad row.
    """
    if not text.startswith(_PUBLIC):
        return LoggedFeedback.read(text, columns, **ingest)
    from envs.open_bandit import load

    behavior, slash, campaign = text.removeprefix(_PUBLIC).partition("/")
    if not slash:
        raise LogError(f"log must be named like open-bandit:random/all, got {text!r}")
    return load(behavior, campaign)


def taken_in(
    text: str, columns: Any = None, *, into: str | Path | None = None, like: str | Path | None = None, **ingest: Any
) -> dict[str, Any]:
    """Check every row of the log of that name, and write it as one of ours where there is an `into`.

    Args:
        text, columns, ingest: as of `named`.
        into: the file to write.
        like: an earlier log of ours, whose actions and encoding this one is to have: a policy trained on that one can
            then be asked about this one.

    Returns:
        rows (read), kept, rejected, by_rule (rule -> rows), filled (column -> missing, by).

    Raises:
        LogError: as of `named`.
    """
    apart({"out": into, "rejects": ingest.get("rejects")}, files_read(text, columns, like))
    if not (text.startswith(_PUBLIC) or is_one(text)):
        return ingested(text, columns, into=into, like=like, **ingest).about.ingest
    log = named(text) if text.startswith(_PUBLIC) else LoggedFeedback.read(text)
    for part in log.parts():
        check(part)
    if into is not None:
        log.write(into)
    return {"rows": len(log), "kept": len(log), "rejected": 0, "by_rule": {}, "filled": {}}


def files_read(text: str, *more: Any) -> list[Path]:
    """The files that are read for the log of that name, and those of `more` that are files."""
    beside = [Path(file) for file in more if isinstance(file, (str, Path))]
    return beside if text.startswith(_PUBLIC) else [*files_of(text), *beside]


def caveats(log: LoggedFeedback) -> list[str]:
    """What everybody who reads numbers off the log must be told of it, a sentence each."""
    told = []
    if not log.about.timed:
        told.append("The log has no times: its rows were taken in their order, one a second.")
    visits = sum(float(part.weights.sum()) for part in log.parts() if part.weights is not None)
    if visits:
        told.append(f"The log was thinned out: its {len(log):,} rows stand for {visits:,.0f} visits, by their weights.")
    return told


def users_behind(log: LoggedFeedback, least: int, first: int = 0) -> Integers | None:
    """(K,) different users behind the rows of each action, counted no further than `least`.

    Rows count from row `first` on. None where the log has no users.
    """
    behind: Integers = np.zeros(len(log.actions), np.int64)
    met: Any = np.empty((0, 2), np.uint64)  # (action, user) of the actions that have too few
    for part in log.parts():
        if part.users is None:
            return None
        pairs = np.column_stack([part.feedback.chosen.astype(np.uint64), part.users])[first:]
        first = max(first - len(part), 0)
        few = behind[pairs[:, 0].astype(np.int64)] < least
        met = np.unique(np.concatenate([met, pairs[few]]), axis=0)
        seen = np.bincount(met[:, 0].astype(np.int64), minlength=len(behind))
        behind = np.maximum(behind, np.minimum(seen, least))
        met = met[behind[met[:, 0].astype(np.int64)] < least]
    return behind


def title(text: str) -> str:
    """What to call it on a page: never a whole path."""
    return text if text.startswith(_PUBLIC) else Path(text).name
