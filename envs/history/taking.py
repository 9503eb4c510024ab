"""What is done with a shop's tables from outside: read, convert, write, read back."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, TypeVar

import pandas as pd

from envs.history import files
from envs.history.assembled import Streamed, assembled, taken_apart
from envs.history.reading import Reading
from envs.logs.private import write_csv
from envs.logs.pseudonyms import VARIABLE, key
from simulator.history import History

H = TypeVar("H", bound=History)
_REJECTS = ("table", "row", "column", "rule", "value")


def secret(key_file: str | Path | None) -> bytes | None:
    """The key of the pseudonyms, where there is one."""
    return key(key_file) if key_file is not None or os.environ.get(VARIABLE) else None


def read(kind: type[H], rejects: str | Path | None, key_file: str | Path | None, **tables: Any) -> H:
    """As `envs.history.History.read`."""
    with Reading(**tables, secret=secret(key_file)) as reading:
        if rejects is not None:
            write_csv(rejects, _REJECTS, reading.rejected())
        lines = Streamed(reading)
        history: H = assembled(kind, reading.n_lines, lines.batches(), lines.beside, lines.undone)
        return history


def convert(
    path: str | Path, rejects: str | Path | None, key_file: str | Path | None, encrypted: bool, **tables: Any
) -> pd.DataFrame:
    """Tables that may be larger than memory become a folder of ours; what was done on the way."""
    aes = files.parquet_key(key_file) if encrypted else None
    with Reading(**tables, secret=secret(key_file)) as reading:
        if rejects is not None:
            write_csv(rejects, _REJECTS, reading.rejected())
        lines = Streamed(reading)
        files.write(path, lines.batches(), lines.beside, lines.undone, aes)
        return reading.cleaning()


def read_back(kind: type[H], path: str | Path, key_file: str | Path | None) -> H:
    """As `envs.history.History.read`, of a folder that `write` wrote."""
    written = files.Written(path, key_file)
    history: H = assembled(kind, len(written), written.batches(), written.beside, written.undone)
    return history


def write(history: History, path: str | Path, encrypted: bool, key_file: str | Path | None) -> None:
    """As `envs.history.History.write`."""
    h = history
    beside = files.Beside(h.goods, h.features, h.n_users, h.listed_given, h.cleaning, h.users)
    aes = files.parquet_key(key_file) if encrypted else None
    files.write(path, taken_apart(h), lambda: beside, lambda: h.undone.to_numpy(), aes)
