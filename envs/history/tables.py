"""A table of a shop, read once into DuckDB: the columns that play a role as they stand, row by row."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import duckdb
import numpy as np

from envs.history import names, values
from envs.history.columns import Table, proposed
from envs.history.errors import about
from envs.logs.rows import LogError
from envs.logs.source import Source, literal, plainly, quoted

_NO_FEATURE = re.compile(r"column\d*|index|unnamed.*|row.*|.*_?(id|url|uri|barcode|phone|编号|链接)", re.IGNORECASE)
_MOST_FEATURES = 4096
_LOOKED_AT = 100  # cells of a column that may be hours
_SOME, _SHARED = 100_000, 0.5  # rows that are looked at; orders of several users, beyond which they are none
_FLAG = re.compile("[01]|true|false|t|f|yes|no|y|n|是|否", re.IGNORECASE)
_CLOCK = re.compile(r"\d{1,2}:\d{2}(:\d{2}([.,]\d+)?)?( ?[ap]m)?", re.IGNORECASE)


class Loaded:
    """Table `raw_<kind>`: row (1 follows the header), roles as they stand (NULL where there is none), features.

    Args:
        connection: DuckDB; a function `pseudonym` of text is there.
        kind: "goods", "behavior" or "invoices".
        given: what its columns mean; by their names where not given.
        roles: that there are.
        nobody: ids of users that are nobody known; by their looks where not given.

    Raises:
        LogError: the table cannot be read, or a column is missing.
    """

    def __init__(
        self,
        connection: Any,
        kind: str,
        path: Any,
        given: Table | None,
        roles: tuple[str, ...],
        nobody: tuple[str, ...] | None = None,
    ) -> None:
        self.kind, self.path, self.relation = kind, path, f"raw_{kind}"
        self._connection = connection.cursor()  # the rejects of a connection's scans are told together
        how = given or Table({})
        self._set_clock(how.time_zone)
        with about(kind), plainly(path):
            where = {"encoding": how.encoding, "delimiter": how.delimiter, "table": how.table}
            source = Source(self._connection, path, **where, header=how.header)
            self.table = proposed(kind, given, source.types)
            if kind == "goods":
                self.table = self._dated(source, how)
            else:
                self.table = self._ordered(source, how)
                self.table = self.table if how.roles else self._clocked(source)
            self._kinds = {role: source.types[self.table.roles[role][0]] for role in self.table.roles}
            self._read(source, roles, nobody)
            self.lines = source.rejected_lines()
            self._write_down(source)
        self._connection.execute("DETACH DATABASE IF EXISTS theirs")

    def _clocked(self, source: Source) -> Table:
        """As proposed; where the day stands in one column and the hour in another, the time is of both."""
        said = {name: self._first(source, name) for name in names.alike(source.types, names.LINES["time"])}
        hours = [name for name, cells in said.items() if cells and all(map(_CLOCK.fullmatch, cells))]
        others = [name for name, cells in said.items() if cells and name not in hours]
        if not hours or not others:
            return self.table
        day, *_ = others
        has_hours = any(":" in cell for cell in said[day])
        return replace(self.table, roles={**self.table.roles, "time": (day,) if has_hours else (day, hours[0])})

    def _dated(self, source: Source, given: Table) -> Table:
        """As proposed; a column of flags, such as 0 and 1 for what is discontinued, is not taken for one of dates."""
        guessed = [role for role in ("listed", "delisted") if role in self.table.roles and role not in given.roles]
        flags = [role for role in guessed if all(map(_FLAG.fullmatch, self._first(source, self.table.roles[role][0])))]
        return replace(self.table, roles={role: of for role, of in self.table.roles.items() if role not in flags})

    def _ordered(self, source: Source, given: Table) -> Table:
        """As proposed; a column called order whose numbers many users share, such as that of a click within a visit, is
        not taken for one of orders.
        """
        roles = self.table.roles
        if "order" in given.roles or not {"order", "user"} <= set(roles):
            return self.table
        order, user = (quoted(roles[role][0]) for role in ("order", "user"))
        head = f"SELECT {order} AS o, {user} AS u FROM {source.relation} WHERE {order} IS NOT NULL LIMIT {_SOME}"
        ((shared,),) = self._connection.sql(
            f"SELECT avg((n > 1)::TINYINT) FROM (SELECT count(DISTINCT u) AS n FROM ({head}) GROUP BY o)"
        ).fetchall()
        kept = {role: of for role, of in roles.items() if role != "order" or (shared or 0.0) <= _SHARED}
        return replace(self.table, roles=kept)

    def _first(self, source: Source, column: str) -> list[str]:
        """The first cells of a column that say something."""
        cell = values.text(f"{quoted(column)}::VARCHAR")
        asked = f"SELECT x FROM (SELECT {cell} AS x FROM {source.relation}) WHERE x IS NOT NULL LIMIT {_LOOKED_AT}"
        return [text for (text,) in self._connection.sql(asked).fetchall()]

    def _set_clock(self, zone: str) -> None:
        try:
            self._connection.execute(f"SET TimeZone = {literal(zone)}")
        except duckdb.Error:
            raise LogError(f"time_zone must be one such as 'UTC' or 'Asia/Shanghai', got {zone!r}") from None

    def _read(self, source: Source, roles: tuple[str, ...], nobody: tuple[str, ...] | None) -> None:
        """Once; user ids never get in."""
        picked = {role: self._picked(role) for role in roles}
        if "user" in self.table.roles:
            user = values.text(picked["user"])
            words = nobody if nobody is not None or self._kinds["user"] != "number" else ()  # no number is a word
            picked["nobody"] = f"coalesce({_is_nobody(user, words)}, false)"
            picked["user"] = f"CASE WHEN {user} IS NOT NULL AND NOT {picked['nobody']} THEN pseudonym({user}) END"
        listed = [f"{cell} AS {quoted(role)}" for role, cell in picked.items()]
        if self.kind != "goods":
            listed.append(f"hash({', '.join(map(quoted, source.types))}) AS whole")
        listed += [f"{cell} AS feature{i}" for i, cell in enumerate(self._features(source))]
        self._connection.execute(
            f"CREATE TABLE {self.relation} AS SELECT row_number() OVER () AS row, {', '.join(listed)} "
            f"FROM {source.keeping_rejects()}"
        )

    def _picked(self, role: str) -> str:
        columns = self.table.roles.get(role, ())
        if len(columns) < 2:
            return quoted(columns[0]) if columns else "NULL::VARCHAR"
        self._kinds[role] = "text"
        return f"concat_ws(' ', {', '.join(f'{quoted(column)}::VARCHAR' for column in columns)})"

    def _features(self, source: Source) -> list[str]:
        """Further numeric columns, as they stand; a list of numbers is as many columns. Sets `features`."""
        self.features: list[str] = []
        if self.kind != "goods":
            return []
        taken = {column for columns in self.table.roles.values() for column in columns}
        wanted = self.table.features
        cells, found = [], []
        for column, kind in source.types.items():
            if column in taken or (wanted is not None and column not in wanted):
                continue
            if wanted is None and (_NO_FEATURE.fullmatch(column) or not self._is_numeric(source, column, kind)):
                continue
            found.append(column)
            parts = self._parts(source, column) if kind == "list" else 0
            self.features += [f"{column}_{i}" for i in range(parts)] or [column]
            cells += [f"{quoted(column)}[{i + 1}]" for i in range(parts)] or [quoted(column)]
        if self.table.features is None:
            self.table = replace(self.table, features=tuple(found))
        return cells[:_MOST_FEATURES]

    def _is_numeric(self, source: Source, column: str, kind: str) -> bool:
        if kind == "text":
            cell = values.text(quoted(column))
            ((n, numbers, different),) = self._connection.sql(
                f"SELECT count(x), count(TRY_CAST(x AS DOUBLE)), count(DISTINCT x) "
                f"FROM (SELECT {cell} AS x FROM {source.relation})"
            ).fetchall()
            return bool(n and numbers >= 0.9 * n and different > 1)
        return kind == "number" or (kind == "list" and self._parts(source, column) > 0)

    def _parts(self, source: Source, column: str) -> int:
        """Length of a column's lists of numbers; 0 where they are of text."""
        cell = quoted(column)
        ((longest,),) = self._connection.sql(
            f"SELECT max(len({cell})) FROM {source.relation} WHERE TRY_CAST({cell}[1]::VARCHAR AS DOUBLE) IS NOT NULL"
        ).fetchall()
        return int(longest or 0)

    def _write_down(self, source: Source) -> None:
        """How numbers and times are written, found where it was not said."""
        numeric = [role for role in ("quantity", "price", "total", "cost", "stock") if self._kinds.get(role) == "text"]
        cells = {quoted(role): self.table.name(role) for role in numeric}
        cells |= {f"feature{i}": name for i, name in enumerate(self.features) if source.types.get(name) == "text"}
        if not self.table.decimal and not self.table.thousands:
            decimal, thousands = values.writing(self.ask, self.relation, cells)
            self.table = replace(self.table, decimal=decimal, thousands=thousands)
        self._dates: dict[str, str] = {
            role: self.table.time_format or self._dating(role)
            for role in ("time", "listed", "delisted")
            if role in self._kinds
        }

    def _dating(self, role: str) -> str:
        return values.dating(self.ask, self.relation, quoted(role), self._kinds[role], self.table.name(role))

    def meant(self) -> Table:
        """What its columns were taken to mean."""
        found = set(self._dates.values()) - {"", "iso"}
        return replace(self.table, time_format=found.pop()) if len(found) == 1 else self.table

    def ask(self, query: str) -> list[tuple[Any, ...]]:
        """The answer to some SQL."""
        answer: list[tuple[Any, ...]] = self._connection.sql(query).fetchall()
        return answer

    def execute(self, statement: str) -> None:
        """Some SQL, by the shop's clock."""
        self._connection.execute(statement)

    def text(self, role: str) -> str:
        """A role's cell as SQL text."""
        return values.text(f"{self.relation}.{quoted(role)}")

    def number(self, role: str) -> str:
        """A role's cell, or a feature's, as a SQL number."""
        return values.number(quoted(role), self._kinds.get(role, "text"), self.table.decimal, self.table.thousands)

    def micros(self, role: str) -> str:
        """A role's cell as SQL: microseconds since 1970."""
        return values.micros(quoted(role), self._kinds.get(role, "text"), self._dates.get(role, "iso"))

    def place(self, rows: Any) -> Any:
        """Rows of `raw_<kind>` as they stand in the file, where lines that are no rows stand between them."""
        bad = np.array([row for row, _ in self.lines], np.int64)
        return rows + np.searchsorted(bad - np.arange(len(bad)), rows, "right")


def _is_nobody(user: str, nobody: tuple[str, ...] | None) -> str:
    if nobody is None:
        return f"regexp_full_match(lower({user}), {literal(names.NOBODY)})"
    return f"{user} IN ({', '.join(map(literal, nobody))})" if nobody else "false"
