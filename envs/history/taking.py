"""What is done with a shop's tables from outside: read, convert, write, read back."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import pandas as pd

from envs.history import files
from envs.history.account import Account
from envs.history.assembled import Streamed, assembled, taken_apart
from envs.history.columns import Columns
from envs.history.errors import about
from envs.history.reading import Reading
from envs.logs import pseudonyms
from envs.logs.private import apart, write_csv
from envs.logs.source import files_of, plainly
from simulator.history import History

H = TypeVar("H", bound=History)


@dataclass(frozen=True)
class Description:
    """Tables, described: what their columns mean (None of a history of ours), figures, goods and cleaning."""

    columns: Columns | None
    account: Account
    beside: files.Beside
    fees: list[tuple[str, int]]  # codes that are no products, and how many lines have them


_REJECTS = ("table", "row", "column", "rule", "value")


def secret(key_file: str | Path | None) -> bytes | None:
    """The key of the pseudonyms, where there is one."""
    return pseudonyms.key(key_file) if key_file is not None or os.environ.get(pseudonyms.VARIABLE) else None


def read(kind: type[H], rejects: str | Path | None, key_file: str | Path | None, **tables: Any) -> H:
    """As `envs.history.History.read`."""
    with _reading(rejects, secret(key_file), tables) as reading:
        lines = Streamed(reading)
        history: H = assembled(kind, reading.n_lines, lines.batches(), lines.beside, lines.undone)
        return history


def _read(tables: dict[str, Any]) -> list[Path]:
    """The files that are read."""
    found = []
    for name, table in tables.items():
        if isinstance(table, str | Path):
            with about(name):
                found += files_of(table)
    return found


@contextmanager
def _reading(rejects: str | Path | None, key: bytes | None, tables: dict[str, Any]) -> Iterator[Reading]:
    """Tables, checked, and what was set aside of them written down."""
    named = [tables.get(name) for name in ("behavior", "invoices", "goods")]
    if rejects is not None:
        apart({"rejects": rejects}, _read(tables))
    with (
        about("history"),
        plainly(next((table for table in named if table is not None), None)),
        Reading(**tables, secret=key) as reading,
    ):
        if rejects is not None:
            write_csv(rejects, _REJECTS, reading.rejected())
        yield reading


def convert(
    path: str | Path, rejects: str | Path | None, key_file: str | Path | None, encrypted: bool, **tables: Any
) -> pd.DataFrame:
    """Tables that may be larger than memory become a folder of ours; what was done on the way."""
    files.checked(path)
    aes = files.parquet_key(key_file) if encrypted else None
    with _reading(rejects, secret(key_file), tables) as reading:
        lines = Streamed(reading)
        files.write(path, lines.batches(), lines.beside, lines.undone, aes)
        return reading.cleaning()


def describe(rejects: str | Path | None = None, key_file: str | Path | None = None, **tables: Any) -> Description:
    """What tables mean, and what they hold, without keeping any of it.

    Args:
        tables: as of `envs.history.History.read`.
    """
    if files.is_one(tables.get("invoices")):
        written = files.Written(tables["invoices"], key_file)
        beside = written.beside()
        return Description(None, _accounted(written.batches(), len(beside.goods)), beside, [])
    with _reading(rejects, None, tables) as reading:
        lines = Streamed(reading)
        account = _accounted(lines.batches(), len(reading.goods_frame()))
        return Description(reading.meant(), account, lines.beside(), reading.lines.fees())


def _accounted(batches: Iterable[files.Batch], n_goods: int) -> Account:
    account = Account(n_goods)
    for batch in batches:
        account.add(batch)
    return account


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
