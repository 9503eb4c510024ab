"""Kept: pieces of work that are finished, a file each, so that what was stopped goes on from there."""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow

from simulator.history import History


class Kept:
    """A folder of finished pieces; work that its file holds already is read, not done again.

    Args:
        folder: where they lie; None keeps nothing.
        about: all that the work depends on, beside our own code: another value is another file.
    """

    def __init__(self, folder: Path | None = None, *about: Any) -> None:
        self._folder, self._about = folder, about

    def part(self, *about: Any) -> Kept:
        """The same folder, for work that depends on more."""
        return Kept(self._folder, *self._about, *about)

    def table(self, name: str, work: Callable[[], pd.DataFrame]) -> pd.DataFrame:
        """What the work of that name answers: written whole or not at all, whatever happens meanwhile."""
        if self._folder is None:
            return work()
        file = self._folder / f"{name}-{self._digest(name)}.parquet"
        found = _read(file)
        return found if found is not None else _written(work(), file)

    def folder(self, name: str) -> Path | None:
        """A folder of that name for what keeps itself."""
        return None if self._folder is None else self._folder / f"{name}-{self._digest(name)}"

    def _digest(self, name: str) -> str:
        text = "\0".join([name, code(), *(_text(about) for about in self._about)])
        return hashlib.sha256(text.encode()).hexdigest()[:12]


def of_history(history: History) -> str:
    """Another one as soon as a line or a product is another."""
    sums = [pd.util.hash_pandas_object(table, index=False).sum() for table in (history.lines, history.goods)]
    return f"{history.listed_given} {len(history.undone)} {sums}"


@cache
def code() -> str:
    """A digest of all source that predicts and plays."""
    here = Path(__file__).parents[2]
    rooms = ("simulator", "policies", "envs", "benchmarks/planning")
    files = sorted(file for room in rooms for file in (here / room).rglob("*.py"))
    return hashlib.sha256(b"\0".join(file.read_bytes() for file in files)).hexdigest()


def _text(about: Any) -> str:
    if isinstance(about, pd.DataFrame):
        return str(pd.util.hash_pandas_object(about.astype(str)).sum())
    return about.model_dump_json() if hasattr(about, "model_dump_json") else str(about)


def _read(file: Path) -> pd.DataFrame | None:
    """The table; a torn file is set aside as `.torn`, and its work counts as not done."""
    if not file.exists():
        return None
    try:
        return pd.read_parquet(file)
    except (pyarrow.ArrowInvalid, OSError):
        file.replace(file.with_suffix(".torn"))
        print(f"launchsim: {file} is cut off: set aside as .torn, done again", file=sys.stderr)
        return None


def _written(table: pd.DataFrame, file: Path) -> pd.DataFrame:
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_suffix(".part")
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as written:
        table.to_parquet(written, index=False)
        written.flush()
        os.fsync(written.fileno())
    part.replace(file)
    return table
