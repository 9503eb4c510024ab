"""What a policy can see of each action: features of a catalogue, in a second file or in the log's own columns."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from envs.logs.cells import given, name, number
from envs.logs.columns import Columns, Items
from envs.logs.encoding import Encoding
from envs.logs.fitting import fitted
from envs.logs.rows import LogError
from envs.logs.source import Source, quoted
from policies.policy import Floats


class Catalogue:
    """The rows of the items, a row an action, in table `items` of the connection.

    Args:
        connection: with table `raw` where the features are columns of the log itself.
        columns: of the log, with items.
        types: of the log's columns `shown0`, `shown1`, ...

    Raises:
        LogError: the file cannot be read, or an action has several rows.
    """

    def __init__(self, connection: Any, columns: Columns, types: dict[str, str]) -> None:
        assert columns.items is not None
        self._connection, self._columns, self._items = connection, columns, columns.items
        self.where = Path(self._items.file).name if self._items.file else "the log"
        if self._items.file:
            self._read(self._items)
        else:
            self._of_log(types)
        self._once()

    def _read(self, items: Items) -> None:
        columns = self._columns
        source = Source(self._connection, items.file, encoding=columns.encoding, delimiter="", table="")
        for column in (items.id, *items.features):
            if column not in source.types:
                there = ", ".join(map(repr, source.types))
                raise LogError(f"column {column!r} (items) must be in {self.where!r}, which has {there}")
        kinds = [source.types[column] for column in items.features]
        self._make(name(quoted(items.id)), [quoted(column) for column in items.features], kinds, source.relation)

    def _of_log(self, types: dict[str, str]) -> None:
        cells = [f"shown{i}" for i in range(len(self._items.features))]
        self._make(name("action"), cells, [types[cell] for cell in cells], "raw")

    def _make(self, action: str, cells: list[str], kinds: list[str], relation: str) -> None:
        """Table `items`: name, and what each cell says as context0, given0, missing0, ..."""
        meant = [f"{action} AS name"]
        for i, (cell, kind, how) in enumerate(zip(cells, kinds, self._items.features.values(), strict=True)):
            text = given(cell, kind)
            number_of = number(text, kind, self._columns.decimal, self._columns.thousands)
            value = number_of if how.kind == "number" else f"({text})::VARCHAR"
            meant.append(f"{value} AS context{i}, ({text})::VARCHAR AS given{i}, ({text}) IS NULL AS missing{i}")
        self._connection.execute(
            f"CREATE TABLE items AS SELECT DISTINCT {', '.join(meant)} FROM {relation} WHERE {action} IS NOT NULL"
        )

    def _ask(self, query: str) -> list[tuple[Any, ...]]:
        answer: list[tuple[Any, ...]] = self._connection.sql(query).fetchall()
        return answer

    def _once(self) -> None:
        found = self._ask("SELECT name, count(*) FROM items GROUP BY name HAVING count(*) > 1 ORDER BY name LIMIT 1")
        for action, n in found:
            raise LogError(f"items must have one look an action in {self.where!r}, got {n} of {action!r}")

    def names(self) -> set[str]:
        """Of the actions that have a row."""
        return {action for (action,) in self._ask("SELECT name FROM items")}

    def features(self, actions: tuple[str, ...], encoding: Encoding | None = None) -> tuple[Encoding, Floats]:
        """How they are encoded, and (K, a) in order of the actions; by an earlier encoding where given.

        Raises:
            LogError: an action has no value that may not be missing, or one that is no number.
        """
        self._check(actions)
        if encoding is None:
            encoding = Encoding(
                fitted(self._ask, self._items.features, "items WHERE name IN (SELECT name FROM actions)")
            )
        self._connection.register(
            "wanted", pa.table({"name": pa.array(actions, pa.string()), "k": range(len(actions))})
        )
        picked = ", ".join(f"context{i}" for i in range(len(self._items.features)))
        table = self._connection.sql(f"SELECT {picked} FROM wanted JOIN items USING (name) ORDER BY k").to_arrow_table()
        made = encoding.apply([column.combine_chunks() for column in table.columns], len(actions))
        return encoding, np.ascontiguousarray(made)

    def _check(self, actions: tuple[str, ...]) -> None:
        for i, (column, how) in enumerate(self._items.features.items()):
            bad = f"NOT missing{i} AND NOT coalesce(isfinite(context{i}), false)" if how.kind == "number" else "false"
            rule = "be a finite number" if how.kind == "number" else "be there"
            if how.missing == "drop":
                bad, rule = f"missing{i} OR ({bad})", f"{rule}: set missing, or mend it"
            shown = f"FROM items WHERE name IN (SELECT name FROM actions) AND ({bad})"
            for action, value in self._ask(f"SELECT name, given{i} {shown} ORDER BY 1 LIMIT 1"):
                raise LogError(f"{column} of {action!r} in {self.where!r} must {rule}, got {value or ''!r}")
