"""A shop's tables in DuckDB: read once, checked row by row; rows kept and set aside add up to those read.

All of it happens in a folder of its own that goes when it is done, so that tables may be larger than memory.
"""

from __future__ import annotations

import heapq
import os
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt
import pandas as pd

from envs.history import names
from envs.history.columns import Columns
from envs.history.goods import COLUMNS, Goods
from envs.history.lines import Lines
from envs.history.tables import Loaded
from envs.history.visits import Visits
from envs.logs.pseudonyms import pseudonymiser
from envs.logs.rows import LogError
from envs.logs.source import literal
from envs.logs.workplace import Workplace

_SETTINGS = (
    "TimeZone = 'UTC'",
    "memory_limit = '512MB'",
    "autoinstall_known_extensions = false",  # nothing is fetched from anywhere
    "autoload_known_extensions = false",
    "python_enable_replacements = false",  # a table of SQL text is no variable of ours
    "enable_progress_bar = false",
)
_PART = 1 << 16  # rows in memory at a time
Batch = dict[str, npt.NDArray[Any]]


class Reading:
    """A shop's tables as checked ones in DuckDB, until it is closed.

    Args:
        goods, behavior, invoices, columns: as of `envs.history.History.read`.
        secret: the key of the pseudonyms; None for ones that nobody can repeat.
        tell: is told what is being done.
    """

    def __init__(
        self,
        *,
        goods: Any = None,
        behavior: Any = None,
        invoices: Any = None,
        columns: Any = None,
        secret: bytes | None,
        tell: Callable[[str], None] = lambda _: None,
    ) -> None:
        if (behavior is None) == (invoices is None):
            raise LogError("history must be of either behavior or invoices (with goods, or without), got both or none")
        self._folder = Workplace()
        self.connection = duckdb.connect(str(self._folder.path / "history.duckdb"))
        self.keyed, self._tell = secret is not None, tell
        try:
            for setting in (*_SETTINGS, f"temp_directory = {literal(str(self._folder.path))}"):
                self.connection.execute(f"SET {setting}")
            word = pseudonymiser(secret or os.urandom(32))
            self.connection.create_function("pseudonym", word, ["VARCHAR"], "UBIGINT", type="arrow")
            self.columns = Columns.of(columns)
            self._take_in(goods, behavior, invoices)
        except BaseException:
            self.close()
            raise

    def _take_in(self, goods: Any, behavior: Any, invoices: Any) -> None:
        given = self.columns
        listed = None if goods is None else Loaded(self.connection, "goods", goods, given.goods, tuple(names.GOODS))
        kind, path = ("invoices", invoices) if behavior is None else ("behavior", behavior)
        self._tell(f"reading {kind}")
        self.table = Loaded(self.connection, kind, path, getattr(given, kind), tuple(names.LINES), given.nobody)
        self.listed = listed
        self._tell("checking, and pairing returns")
        self.goods = Goods(self.connection, listed, self._of_goods())
        self.lines = Lines(self.connection, self.table, given, goods=goods is not None)
        self.goods.complete()
        ((self.n_lines,),) = self.ask("SELECT count(*) FROM lines WHERE broken IS NULL")
        if not self.n_lines:
            raise LogError(f"{kind} must have lines that can be kept, got none{self._commonest()}")

    def _of_goods(self) -> dict[str, str]:
        """How missing values of goods are filled; features by their mean where it was not said."""
        features = dict.fromkeys(self._features(), "mean")
        return features | {k: v for k, v in self.columns.missing.items() if k not in ("quantity", "user")}

    def _features(self) -> list[str]:
        return self.listed.features if self.listed else []

    def _commonest(self) -> str:
        """Why most rows were set aside, with an example."""
        why = Counter((column, rule) for table, _, column, rule, _ in self.rejected() if table != "goods")
        if not why:
            return ""
        ((column, rule), n), *_ = why.most_common(1)
        row, value = next((row, value) for _, row, *broken, value in self.rejected() if broken == [column, rule])
        hint = ": set encoding" if "encoding" in rule else ""
        return f": of {sum(why.values()):,} rows {n:,} break '{column} must {rule}' (row {row}: {value!r}){hint}"

    def close(self) -> None:
        """Give back the connection and the folder."""
        self.connection.close()
        self._folder.close()

    def __enter__(self) -> Reading:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def ask(self, query: str) -> list[tuple[Any, ...]]:
        """The answer to some SQL."""
        answer: list[tuple[Any, ...]] = self.connection.sql(query).fetchall()
        return answer

    def meant(self) -> Columns:
        """What the columns were taken to mean, for a TOML file that says so."""
        tables: dict[str, Any] = {table.kind: table.meant() for table in (self.listed, self.table) if table}
        return replace(self.columns, **tables)

    def cleaning(self) -> pd.DataFrame:
        """What was done: table, rows, rule, happened. Of each table rows read = rows kept + rows set aside."""
        done = []
        for table, part, checked in ((self.listed, self.goods, "listed_goods"), (self.table, self.lines, "lines")):
            if table is not None:
                done += self._accounted(table, part, checked)
        if self.listed is None:
            done += [("goods", *what) for what in self.goods.done]
        return pd.DataFrame(done, columns=["table", "rows", "rule", "happened"])

    def _accounted(self, table: Loaded, part: Goods | Lines, checked: str) -> list[tuple[str, int, str, str]]:
        counts = dict(self.ask(f"SELECT broken, count(*) FROM {checked} GROUP BY broken"))
        unread: dict[str, int] = {}
        for _, rule in table.lines:
            unread[f"line must {rule}"] = unread.get(f"line must {rule}", 0) + 1
        rules = [(n, rule, "set aside") for rule, n in unread.items()]
        rules += [(counts[i], rule.text, "set aside") for i, rule in enumerate(part.rules) if counts.get(i)]
        read = sum(counts.values()) + len(table.lines)
        return [
            (table.kind, n, rule, happened)
            for n, rule, happened in [(read, "", "read"), *rules, *part.done, (counts.get(None, 0), "", "kept")]
        ]

    def rejected(self) -> Iterator[tuple[str, int, str, str, str]]:
        """(table, row, column, rule, value) of every row set aside. What is no row shows no value: it may hold ids."""
        for table, part in ((self.listed, self.goods), (self.table, self.lines)):
            if table is not None:
                unread = ((row, "line", rule, "") for row, rule in table.lines)
                for bad in heapq.merge(unread, part.rejected()):
                    yield (table.kind, *bad)

    def batches(self) -> Iterator[Batch]:
        """The lines kept, in order of time, as columns of `simulator.history.History.lines`; and `row`."""
        self._tell("putting lines in order of time")
        self._code("user")
        self._code("ord")
        visits = Visits(self.n_users, self.columns.visit_minutes, self.ask("SELECT count(*) FROM coded_ord")[0][0])
        found = self.connection.sql(
            'SELECT row, time, coalesce(u.code, -1)::INTEGER AS "user", k AS item, action, '
            'quantity::INTEGER AS quantity, price, coalesce(o.code, -1)::INTEGER AS "order" '
            'FROM lines JOIN placed USING (item) LEFT JOIN coded_user AS u ON u.name = lines."user" '
            "LEFT JOIN coded_ord AS o ON o.name = ord "
            "WHERE broken IS NULL ORDER BY time, row"
        )
        done = 0
        for batch in found.to_arrow_reader(_PART):
            columns = {name: batch.column(name).to_numpy(zero_copy_only=False) for name in batch.schema.names}
            columns["order"] = visits.of(columns["time"], columns["user"], columns["order"])
            yield columns
            done += batch.num_rows
            self._tell(f"{done:,} of {self.n_lines:,} lines")

    def _code(self, column: str) -> None:
        """Table `coded_<column>`: what lines kept have there, numbered from 0 in the order they are first met."""
        self.connection.execute(
            f'CREATE OR REPLACE TABLE coded_{column} AS SELECT "{column}" AS name, '
            f"(row_number() OVER (ORDER BY min(row)) - 1)::INTEGER AS code FROM lines "
            f'WHERE broken IS NULL AND "{column}" IS NOT NULL GROUP BY 1'
        )

    @property
    def n_users(self) -> int:
        """Different ones among the lines kept."""
        return int(self.ask('SELECT count(DISTINCT "user") FROM lines WHERE broken IS NULL')[0][0])

    def users(self) -> npt.NDArray[np.uint64] | None:
        """(n_users,) pseudonyms, by code; None where there was no key for them. After `batches`."""
        if not self.keyed:
            return None
        return np.asarray(
            self.connection.sql("SELECT name FROM coded_user ORDER BY code").fetchnumpy()["name"], np.uint64
        )

    def goods_frame(self) -> pd.DataFrame:
        """As `simulator.history.History.goods`."""
        cells = [f"feature{i}" for i in range(len(self.goods.features))]
        frame: pd.DataFrame = self.connection.sql(f"SELECT {', '.join([*COLUMNS, *cells])} FROM goods ORDER BY k").df()
        for column in ("listed", "delisted"):
            frame[column] = pd.to_datetime(frame[column], unit="us").astype("datetime64[ns]")
        numbers = ["price", "cost", "stock", *cells]
        frame[numbers] = frame[numbers].astype(float)
        return frame.rename(columns=dict(zip(cells, self.goods.features, strict=True)))

    def undone(self) -> npt.NDArray[np.int64]:
        """(m, 3) rows of purchases, rows of returns, pieces."""
        columns = self.connection.sql("SELECT buy, back, pieces FROM undone").fetchnumpy()
        return np.column_stack([columns[name] for name in ("buy", "back", "pieces")]).astype(np.int64)
