"""Histories of ours on disk: a folder of Parquet files that only their owner can read, encrypted if wanted."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pyarrow.parquet.encryption as pe

from envs.logs.private import private, private_folder
from envs.logs.pseudonyms import VARIABLE, key
from envs.logs.rows import LogError
from envs.logs.workplace import Workplace
from simulator.history import ACTIONS

_NAME = "launchsim.history"  # of the metadata that make a folder of Parquet files a history
_MAGIC = b"PARE"  # begins an encrypted Parquet file
_PART = 1 << 20  # rows of a row group
_LINES = pa.schema(
    [
        ("time", pa.timestamp("us")),
        ("user", pa.int32()),
        ("item", pa.int32()),
        ("action", pa.dictionary(pa.int8(), pa.string())),
        ("quantity", pa.int32()),
        ("price", pa.float64()),
        ("order", pa.int32()),
    ]
)
_FILES = ("goods", "undone", "users", "cleaning", "lines")
Batch = dict[str, npt.NDArray[Any]]


@dataclass(frozen=True)
class Beside:
    """What a history is beside its lines."""

    goods: pd.DataFrame
    features: tuple[str, ...]
    n_users: int
    listed_given: bool
    cleaning: pd.DataFrame
    users: npt.NDArray[np.uint64] | None


def parquet_key(file: str | Path | None = None) -> bytes:
    """(32 bytes) AES key of a history's Parquet files, from the secret that makes pseudonyms.

    Raises:
        LogError: there is no secret, or others may read it.
    """
    if file is None and not os.environ.get(VARIABLE):
        raise LogError(f"encryption must have a key, got none: set {VARIABLE} or name a key file (0600)")
    return hashlib.blake2b(b"history", key=key(file), digest_size=32).digest()


def is_one(path: Any) -> bool:
    """Whether this is a folder that `write` wrote."""
    return isinstance(path, (str, Path)) and all((Path(path) / f"{name}.parquet").is_file() for name in _FILES)


def checked(path: str | Path) -> Path:
    """Before any work: whether a history can go there.

    Raises:
        LogError: there is something else of that name.
    """
    target = Path(path)
    if target.exists() and not is_one(target) and not (target.is_dir() and not any(target.iterdir())):
        raise LogError(f"out must be a folder that is not there yet, or a history, got {str(path)!r}")
    return target


def write(path: str | Path, lines: Iterable[Batch], beside: Any, undone: Any, secret: bytes | None) -> None:
    """A history as a folder; whole or not at all.

    Args:
        lines: columns as of `History.lines`, `time` in microseconds, `action` as codes; in order of time.
        beside, undone: give a `Beside` and (m, 3) pairs once the lines have gone by.
        secret: AES key; None for files that are not encrypted.

    Raises:
        LogError: there is something else of that name.
    """
    target = checked(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    with Workplace(within=target.parent) as folder:  # beside it, so that it is moved and not copied
        part = private_folder(folder / "new")
        _write_lines(part / "lines.parquet", lines, secret)
        _write_beside(part, beside(), undone(), secret)
        if target.exists():
            target.rename(folder / "old")
        part.rename(target)


def _write_lines(file: Path, lines: Iterable[Batch], secret: bytes | None) -> None:
    words = pa.array(ACTIONS)
    with _writer(file, _LINES, secret) as writer:
        for batch in _joined(lines):
            columns = {name: batch[name] for name in _LINES.names}
            columns["time"] = pa.array(columns["time"], pa.timestamp("us"))
            columns["action"] = pa.DictionaryArray.from_arrays(pa.array(columns["action"], pa.int8()), words)
            columns["price"] = pa.array(columns["price"], pa.float64(), from_pandas=True)
            writer.write_table(pa.table(columns, schema=_LINES))


def _joined(batches: Iterable[Batch]) -> Iterator[Batch]:
    """Batches of a row group's size, about."""
    held: list[Batch] = []
    for batch in batches:
        held.append(batch)
        if sum(len(part["time"]) for part in held) >= _PART:
            yield {name: np.concatenate([part[name] for part in held]) for name in held[0]}
            held = []
    if held:
        yield {name: np.concatenate([part[name] for part in held]) for name in held[0]}


def _write_beside(folder: Path, beside: Beside, undone: npt.NDArray[np.int64], secret: bytes | None) -> None:
    about = {"n_users": beside.n_users, "listed_given": beside.listed_given, "features": beside.features}
    tables = {
        "goods": pa.Table.from_pandas(beside.goods, preserve_index=False),
        "undone": pa.table(dict(zip(("buy", "back", "pieces"), undone.T, strict=True))),
        "users": pa.table({"user": [] if beside.users is None else beside.users}),
        "cleaning": pa.Table.from_pandas(beside.cleaning, preserve_index=False),
    }
    tables["goods"] = tables["goods"].replace_schema_metadata({_NAME: json.dumps(about)})
    for name, table in tables.items():
        with _writer(folder / f"{name}.parquet", table.schema, secret) as writer:
            writer.write_table(table)


@contextmanager
def _writer(file: Path, schema: Any, secret: bytes | None) -> Iterator[Any]:
    properties = None if secret is None else pe.create_encryption_properties(footer_key=secret)
    with private(file, "wb") as stream, pq.ParquetWriter(stream, schema, encryption_properties=properties) as writer:
        yield writer


class Written:
    """A folder that `write` wrote.

    Args:
        key_file: the secret's file, else the environment's; asked only where the history is encrypted.

    Raises:
        LogError: it is encrypted and there is no key, or another one; or it is no history.
    """

    def __init__(self, path: str | Path, key_file: str | Path | None = None) -> None:
        self.path = Path(path)
        if not is_one(path):
            raise LogError(f"history must be a folder with {', '.join(_FILES)}, got {str(path)!r}")
        self.encrypted = (self.path / "goods.parquet").read_bytes()[:4] == _MAGIC
        self._secret = self._key(key_file) if self.encrypted else None

    def _key(self, key_file: str | Path | None) -> bytes:
        try:
            return parquet_key(key_file)
        except LogError as reason:
            raise LogError(f"history {str(self.path)!r} is encrypted and must have its key: {reason}") from None

    @contextmanager
    def _open(self, name: str) -> Iterator[Any]:
        properties = None if self._secret is None else pe.create_decryption_properties(footer_key=self._secret)
        try:
            with (self.path / f"{name}.parquet").open("rb") as file:
                yield pq.ParquetFile(file, decryption_properties=properties, pre_buffer=False)
        except (pa.ArrowException, OSError) as reason:
            first = str(reason).splitlines()[0]
            what = "with the key that it was written with" if self.encrypted else "whole"
            raise LogError(f"history must be readable {what}, got {str(self.path)!r}: {first}") from None

    def beside(self) -> Beside:
        """All but the lines."""
        with self._open("goods") as file:
            about = json.loads(file.schema_arrow.metadata[_NAME.encode()])
            goods = file.read().to_pandas()
        with self._open("cleaning") as file:
            cleaning = file.read().to_pandas()
        with self._open("users") as file:
            users = file.read().column("user").to_numpy()
        return Beside(
            goods,
            tuple(about["features"]),
            about["n_users"],
            about["listed_given"],
            cleaning,
            users.astype(np.uint64) if len(users) else None,
        )

    def undone(self) -> npt.NDArray[np.int64]:
        """(m, 3) rows of purchases, rows of returns, pieces."""
        with self._open("undone") as file:
            return np.column_stack([column.to_numpy() for column in file.read().columns])

    def __len__(self) -> int:
        with self._open("lines") as file:
            return int(file.metadata.num_rows)

    def batches(self) -> Iterator[Batch]:
        """The lines, as `write` takes them."""
        with self._open("lines") as file:
            for batch in file.iter_batches(1 << 16):
                columns = {name: batch.column(name) for name in batch.schema.names}
                columns["time"] = columns["time"].cast(pa.int64())
                columns["action"] = columns["action"].indices
                yield {name: column.to_numpy(zero_copy_only=False) for name, column in columns.items()}
