"""Lines that stream by become the columns of a history, or a folder of files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from envs.history.files import Batch, Beside
from envs.history.reading import Reading
from simulator.history import ACTIONS, History

_KINDS: dict[str, Any] = {"time": np.int64, "user": np.int32, "item": np.int32, "action": np.int8}
_KINDS |= {"quantity": np.int32, "price": np.float64, "order": np.int32}


class Streamed:
    """A reading's lines as they go by; afterwards it knows at which places purchases and their returns stand."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        self._pairs = reading.undone()
        self._wanted = np.unique(self._pairs[:, :2])
        self._places = np.zeros(len(self._wanted), np.int64)

    def batches(self) -> Iterator[Batch]:
        """As of `Reading.batches`."""
        before = 0
        for batch in self._reading.batches():
            rows = batch.pop("row")
            found = np.flatnonzero(np.isin(rows, self._wanted))
            self._places[np.searchsorted(self._wanted, rows[found])] = before + found
            before += len(rows)
            yield batch

    def undone(self) -> npt.NDArray[np.int64]:
        """(m, 3) places of purchases, places of returns, pieces; in order of the returns."""
        pairs = self._pairs.copy()
        pairs[:, :2] = self._places[np.searchsorted(self._wanted, pairs[:, :2])]
        return pairs[np.lexsort((pairs[:, 0], pairs[:, 1]))]

    def beside(self) -> Beside:
        """All but the lines."""
        reading = self._reading
        return Beside(
            goods=reading.goods_frame(),
            features=tuple(reading.goods.features),
            n_users=reading.n_users,
            listed_given=reading.goods.listed_given,
            cleaning=reading.cleaning(),
            users=reading.users(),
        )


def assembled(kind: type[Any], n: int, batches: Iterable[Batch], beside: Any, undone: Any) -> Any:
    """A history of n lines that come in batches; `beside` and `undone` are asked once they have gone by."""
    columns = {name: np.empty(n, dtype) for name, dtype in _KINDS.items()}
    first = 0
    for batch in batches:
        stop = first + len(batch["time"])
        for name, column in columns.items():
            column[first:stop] = batch[name]
        first = stop
    about: Beside = beside()
    return kind(
        lines=_frame(columns),
        goods=about.goods,
        features=about.features,
        n_users=about.n_users,
        listed_given=about.listed_given,
        cleaning=about.cleaning,
        undone=pd.DataFrame(undone(), columns=["buy", "back", "pieces"]),
        users=about.users,
    )


def _frame(columns: Batch) -> pd.DataFrame:
    times = columns["time"]
    times *= 1000
    columns["time"] = times.view("datetime64[ns]")
    codes = columns["action"]
    columns["action"] = pd.Categorical.from_codes(codes, categories=pd.Index(ACTIONS))  # type: ignore[assignment]
    return pd.DataFrame(columns, copy=False)


def taken_apart(history: History) -> Iterator[Batch]:
    """The lines of a history, as `envs.history.files.write` takes them."""
    lines = history.lines
    for first in range(0, len(lines), 1 << 20):
        part = lines.iloc[first : first + (1 << 20)]
        batch = {name: part[name].to_numpy() for name in _KINDS if name not in ("time", "action")}
        batch["time"] = part["time"].to_numpy().astype("datetime64[us]").astype(np.int64)
        batch["action"] = part["action"].cat.codes.to_numpy()
        yield batch
