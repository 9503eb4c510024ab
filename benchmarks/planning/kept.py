"""Kept: tables that are finished, a file each, so that what was stopped goes on from there."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd

from simulator.calibration import kept
from simulator.history import History


class Kept:
    """A folder of finished tables of numbers; what is there already is read, not made again.

    Args:
        folder: where they lie; None keeps nothing.
        about: all that they follow from, beside our own code: another value is another file.
    """

    def __init__(self, folder: Path | None = None, *about: Any) -> None:
        self._folder, self._about = folder, about

    def part(self, *about: Any) -> Kept:
        """The same folder, for what follows from more."""
        return Kept(self._folder, *self._about, *about)

    def table(self, name: str, make: Callable[[], pd.DataFrame]) -> pd.DataFrame:
        """What `make` answers, or answered before: written whole or not at all, whatever happens meanwhile."""
        if self._folder is None:
            return make()
        files = kept.Kept(self._folder, self._key())
        return pd.DataFrame(files.arrays(name, lambda: {str(key): column.to_numpy() for key, column in make().items()}))

    def _key(self) -> str:
        text = "\0".join([_code(), *map(_text, self._about)])
        return hashlib.sha256(text.encode()).hexdigest()[:12]


def of_history(history: History) -> str:
    """Another one as soon as a line or a product is another."""
    return kept.key(history)


@cache
def _code() -> str:
    """A digest of all source that predicts and plays."""
    here = Path(__file__).parents[2]
    rooms = ("simulator", "policies", "envs", "benchmarks/planning")
    files = sorted(file for room in rooms for file in (here / room).rglob("*.py"))
    return hashlib.sha256(b"\0".join(file.read_bytes() for file in files)).hexdigest()


def _text(about: Any) -> str:
    return str(pd.util.hash_pandas_object(about).sum()) if isinstance(about, pd.DataFrame) else str(about)
