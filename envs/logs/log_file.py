"""The project's own log format: one Parquet file that any tool can read, with what the columns mean in its schema."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from envs.logs.private import private
from envs.logs.rows import LogError, Rows
from policies.policy import Decisions, Feedback, Floats

FORMAT = 1
_GROUP = 1 << 16  # rows of a row group, at least
_KEY = b"launchsim"


@dataclass(frozen=True)
class About:
    """What a log knows of itself beside its rows."""

    actions: tuple[str, ...]  # K names
    context: tuple[str, ...]  # d names
    n_action_features: int = 0  # a
    history_length: int = 0  # L
    propensities: str = "logged"  # or "estimated", or "missing"
    encoding: dict[str, Any] | None = None  # how the contexts were made; see envs/encoding.py
    origin: str | None = None  # the date and time that is day 0
    ingest: dict[str, Any] = field(default_factory=dict)  # rows read, kept, rejected by rule, filled by column
    items: dict[str, Any] | None = None  # how the features of the actions were made, as `encoding`
    timed: bool = True  # else times are the order of the rows, one a second


def write(path: str | Path, about: About, parts: Iterable[Rows]) -> None:
    """Write rows as they come, never many of them in memory. The file is its owner's alone (0600)."""
    writer: Any = None
    with private(path, "wb") as file:
        for table in _gathered(_table(about, part) for part in parts):
            if writer is None:
                writer = pq.ParquetWriter(
                    file, table.schema, compression="zstd", dictionary_pagesize_limit=1 << 24, write_statistics=True
                )
            writer.write_table(table)
        if writer is None:
            raise LogError(f"log must have at least one row, got none to write to {str(path)!r}")
        writer.close()


def _gathered(tables: Iterable[Any]) -> Iterator[Any]:
    """Tables of a row group's size: products that change often must not make many small ones."""
    waiting: list[Any] = []
    for table in tables:
        waiting.append(table)
        if sum(map(len, waiting)) >= _GROUP:
            yield pa.concat_tables(waiting).unify_dictionaries()
            waiting = []
    if waiting:
        yield pa.concat_tables(waiting).unify_dictionaries()


def _table(about: About, rows: Rows) -> Any:
    feedback, decisions = rows.feedback, rows.feedback.decisions
    columns: dict[str, Any] = {
        "time": decisions.times,
        "known": rows.known,
        "action": feedback.chosen.astype(np.int32),
        "reward": feedback.rewards.astype(np.float64),
        "propensity": feedback.propensities.astype(np.float64),
        "available": _packed(decisions.available),
    }
    if decisions.ids is not None:
        columns["id"] = decisions.ids
    if rows.positions is not None:
        columns["position"] = rows.positions.astype(np.int32)
    if rows.users is not None:
        columns["user"] = rows.users
    if rows.weights is not None:
        columns["weight"] = rows.weights.astype(np.float64)
    if decisions.histories is not None:
        columns["history"] = _lists(decisions.histories.astype(np.int32))
    if about.n_action_features:
        look = pa.array([np.ascontiguousarray(decisions.actions, np.float64).tobytes()], pa.binary())
        columns["catalogue"] = pa.DictionaryArray.from_arrays(np.zeros(len(rows), np.int32), look)
    for j, name in enumerate(about.context):
        columns[f"context.{name}"] = np.ascontiguousarray(decisions.contexts[:, j])
    return pa.table(columns, metadata={_KEY: json.dumps({"format": FORMAT, **asdict(about)}).encode()})


def _packed(available: Any) -> Any:
    bits = np.packbits(available, axis=1, bitorder="little")
    return pa.FixedSizeBinaryArray.from_buffers(
        pa.binary(bits.shape[1]), len(bits), [None, pa.py_buffer(np.ascontiguousarray(bits))]
    )


def _lists(matrix: Any) -> Any:
    return pa.FixedSizeListArray.from_arrays(pa.array(matrix.ravel()), matrix.shape[1])


def is_one(path: str | Path) -> bool:
    """Whether this is a file that `write` wrote."""
    try:
        with open(path, "rb") as file:  # by name, Arrow would look for it on the network too
            return _KEY in (pq.read_schema(file).metadata or {})
    except (OSError, ValueError):
        return False


class LogFile:
    """A log on disk, read a part at a time."""

    def __init__(self, path: str | Path, folder: Any = None) -> None:
        self.path = Path(path)
        self._folder = folder  # a temporary one goes with the log
        file = self._open()
        about = json.loads(file.schema_arrow.metadata[_KEY])
        if (found := about.pop("format")) != FORMAT:
            raise LogError(f"log format must be {FORMAT}, got {found} in {str(path)!r}: written by another version")
        self.about = About(**{**about, "actions": tuple(about["actions"]), "context": tuple(about["context"])})
        self._n: int = file.metadata.num_rows

    def __getstate__(self) -> dict[str, Any]:
        """For another process: a copy reads the same file, and does not take it with it when it goes."""
        return self.__dict__ | {"_folder": None}

    def __len__(self) -> int:
        return self._n

    def smallest_propensity(self) -> float:
        """Of all rows, one column read."""
        batches = self._open().iter_batches(batch_size=1 << 20, columns=["propensity"])
        return min(float(np.min(batch.column(0).to_numpy())) for batch in batches)

    def parts(self, n: int) -> Iterator[Rows]:
        """At most n rows at a time, each with the products as they looked then."""
        for batch in self._open().iter_batches(batch_size=n):
            for piece in _same_look(batch):
                yield self._rows(piece)

    def _open(self) -> Any:
        try:
            coded = ["catalogue"] if "catalogue" in pq.read_schema(self.path).names else None
            # read ahead, Arrow keeps what it has read until the last row: a long log would end up in memory
            return pq.ParquetFile(self.path, read_dictionary=coded, pre_buffer=False)
        except FileNotFoundError:
            raise LogError(f"log must be a file that exists, got {str(self.path)!r}") from None
        except (OSError, pa.ArrowInvalid) as reason:
            raise LogError(f"log must be a whole Parquet file, got {str(self.path)!r} ({_line(reason)})") from None

    def _rows(self, batch: Any) -> Rows:
        names = set(batch.schema.names)

        def column(name: str) -> Any:
            return batch.column(name).to_numpy(zero_copy_only=False) if name in names else None

        decisions = Decisions(
            column("time"), self._contexts(batch), self._look(batch), self._available(batch), self._histories(batch),
            column("id"),
        )  # fmt: skip
        chosen = column("action").astype(np.int64)
        feedback = Feedback(decisions, chosen, column("propensity"), column("reward"))
        return Rows(feedback, column("known"), column("position"), column("user"), weights=column("weight"))

    def _contexts(self, batch: Any) -> Floats:
        names = self.about.context
        if not names:
            return np.zeros((batch.num_rows, 0))
        first = batch.column(f"context.{names[0]}").to_numpy()
        contexts = np.empty((batch.num_rows, len(names)), first.dtype)
        for j, name in enumerate(names):
            contexts[:, j] = batch.column(f"context.{name}").to_numpy()
        return contexts

    def _available(self, batch: Any) -> Any:
        column = batch.column("available")
        width = column.type.byte_width
        bits = np.frombuffer(column.buffers()[1], np.uint8, batch.num_rows * width, column.offset * width)
        K = len(self.about.actions)
        return np.unpackbits(bits.reshape(-1, width), axis=1, count=K, bitorder="little").view(np.bool_)

    def _look(self, batch: Any) -> Floats:
        K, a = len(self.about.actions), self.about.n_action_features
        if not a:
            return np.zeros((K, 0))
        look = batch.column("catalogue")
        return np.frombuffer(look.dictionary[look.indices[0].as_py()].as_py(), np.float64).reshape(K, a)

    def _histories(self, batch: Any) -> Any:
        if not self.about.history_length:
            return None
        flat = batch.column("history").flatten().to_numpy()
        return flat.reshape(batch.num_rows, self.about.history_length).astype(np.int64)


def _same_look(batch: Any) -> Iterator[Any]:
    """The batch cut where the products change."""
    if "catalogue" not in batch.schema.names:
        yield batch
        return
    index = batch.column("catalogue").indices.to_numpy()
    cuts = [0, *(np.flatnonzero(np.diff(index)) + 1).tolist(), len(index)]
    for start, stop in pairwise(cuts):
        yield batch.slice(start, stop - start)


def _line(reason: BaseException) -> str:
    return str(reason).strip().splitlines()[0]
