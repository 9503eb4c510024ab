"""Logs as they are named on the command line: a file, or one of the Open Bandit Dataset's as `open-bandit:random/all`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from envs.feedback import LoggedFeedback, LogError

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


def title(text: str) -> str:
    """What to call it on a page: never a whole path."""
    return text if text.startswith(_PUBLIC) else Path(text).name
