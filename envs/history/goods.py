"""The goods of a shop in DuckDB: checked where there is a table of them, else derived from the lines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from envs.history.lines import BUY, RETURN
from envs.history.tables import Loaded
from envs.logs.rules import Rule

COLUMNS = ("id", "title", "category", "price", "cost", "listed", "delisted", "stock")
_NUMBERS = {"price": ("be above 0", "> 0"), "cost": ("be 0 or more", ">= 0"), "stock": ("be 0 or more", ">= 0")}
_KEPT = "FROM lines WHERE broken IS NULL"
_DAY = 86_400_000_000  # microseconds: a day on which something left is one of its days


class Goods:
    """Tables `goods`: k from 0, `COLUMNS` (times in microseconds), `feature0`, ...; and `placed`: item -> k."""

    def __init__(self, connection: Any, table: Loaded | None, missing: Mapping[str, str]) -> None:
        self._connection, self._table, self._missing = connection, table, missing
        self.features = table.features if table else []
        self.rules: list[Rule] = []
        self.done: list[tuple[int, str, str]] = []  # rows, rule, what happened
        if table is not None:
            self._check(table)

    @property
    def listed_given(self) -> bool:
        """Whether the table says when products came."""
        return self._table is not None and "listed" in self._table.table.roles

    def ask(self, query: str) -> list[tuple[Any, ...]]:
        """The answer to some SQL."""
        answer: list[tuple[Any, ...]] = self._connection.sql(query).fetchall()
        return answer

    def _check(self, table: Loaded) -> None:
        """Rows without an id, or with one that was there, are set aside; other cells that mean nothing are emptied."""
        name = table.table.name
        self.rules = [
            Rule("id", name("id"), "be there", "id IS NULL"),
            Rule("id", name("id"), "be there once", "seen > 1"),
        ]
        cells = ["row", *(f"{table.text(role)} AS {role}" for role in ("id", "title", "category"))]
        cells += [f"{table.number(role)} AS {role}" for role in (*_NUMBERS, *self._cells())]
        cells += [f"{table.micros(role)} AS {role}" for role in ("listed", "delisted")]
        roles = (*_NUMBERS, "listed", "delisted", *self._cells())
        cells += [f"{table.text(role)} AS given_{role}" for role in roles]
        table.execute(
            "CREATE TABLE listed_goods AS SELECT *, row_number() OVER (PARTITION BY id ORDER BY row) AS seen, "
            f"NULL::TINYINT AS broken FROM (SELECT {', '.join(cells)} FROM {table.relation})"
        )
        for number, rule in enumerate(self.rules):
            self._connection.execute(
                f"UPDATE listed_goods SET broken = {number} WHERE broken IS NULL AND ({rule.broken})"
            )
        for role in roles:
            self._empty(role)
        for role, how in self._missing.items():
            self._fill(role, how)
        self._connection.execute(
            "CREATE TABLE goods AS SELECT (row_number() OVER (ORDER BY row) - 1)::INTEGER AS k, "
            f"{', '.join([*COLUMNS, *self._cells()])} FROM listed_goods WHERE broken IS NULL"
        )

    def _set_aside(self, number: int, broken: str) -> None:
        self._connection.execute(f"UPDATE listed_goods SET broken = {number} WHERE broken IS NULL AND {broken}")

    def _cells(self) -> list[str]:
        return [f"feature{i}" for i in range(len(self.features))]

    def _called(self, role: str) -> str:
        if role.startswith("feature"):
            return self.features[int(role[7:])]
        return self._table.table.name(role) if self._table else role

    def _empty(self, role: str) -> None:
        """What is no number or no time, or cannot be, counts as missing."""
        rule, holds = _NUMBERS.get(role, ("be a time" if "listed" in role else "be a number", ""))
        bad = f"broken IS NULL AND given_{role} IS NOT NULL AND NOT coalesce({role} {holds or 'IS NOT NULL'}, false)"
        ((n,),) = self.ask(f"SELECT count(*) FROM listed_goods WHERE {bad}")
        if n:
            self._connection.execute(f"UPDATE listed_goods SET {role} = NULL WHERE {bad}")
            self.done.append((n, f"{self._called(role)} must {rule}", "cell emptied"))

    def _fill(self, role: str, how: str) -> None:
        """What is missing of a number or a category, as was asked; features get their mean unless asked otherwise."""
        cell = f"feature{self.features.index(role)}" if role in self.features else role
        if cell not in (*_NUMBERS, "category", *self._cells()) or how == "keep":
            return
        lack = f"broken IS NULL AND {cell} IS NULL"
        ((n,),) = self.ask(f"SELECT count(*) FROM listed_goods WHERE {lack}")
        if not n:
            return
        if how == "drop":
            self.rules.append(Rule(cell, self._called(cell), "not be missing", ""))
            self._set_aside(len(self.rules) - 1, lack)
            return
        usual = f"avg({cell})" if how == "mean" else f"{how}({cell})"
        self._connection.execute(
            f"UPDATE listed_goods SET {cell} = (SELECT {usual} FROM listed_goods WHERE broken IS NULL) WHERE {lack}"
        )
        self.done.append((n, f"{self._called(cell)} missing: {how}", "filled"))

    def complete(self) -> None:
        """Once the lines are checked: what they tell of goods."""
        counted = (
            f"SELECT item, price, action = {BUY} AND price IS NOT NULL AS bought, count(price) AS n, min(time) AS first"
        )
        self._connection.execute(
            "CREATE TABLE told AS SELECT item, min(first) AS first, max({'b': bought, 'n': n, 'p': price}).p AS usual "
            f"FROM ({counted} {_KEPT} GROUP BY ALL) GROUP BY item"
        )
        if self._table is None:
            self._derive()
            return
        self._connection.execute("CREATE TABLE placed AS SELECT item, k FROM items WHERE k IS NOT NULL")
        self._weigh()
        for role, told in (("price", "usual"), ("listed", "first")):
            self._complete(role, told)
        self._believe_lines()
        self._price_lines()
        self._connection.execute("UPDATE goods SET title = id WHERE title IS NULL")

    def _weigh(self) -> None:
        """What is sold by weight or length: price and cost of a piece, stock in pieces."""
        self._connection.execute(
            "UPDATE goods SET price = price * amount, cost = cost * amount, stock = stock / amount FROM weighed "
            "JOIN items USING (key) JOIN placed USING (item) WHERE placed.k = goods.k"
        )

    def _price_lines(self) -> None:
        """Purchases and returns without a price have the goods'."""
        priced = "SELECT item, price AS usual FROM goods JOIN placed USING (k) WHERE price IS NOT NULL"
        lack = f"broken IS NULL AND price IS NULL AND action IN ({BUY}, {RETURN})"
        ((n,),) = self.ask(f"SELECT count(*) FROM lines JOIN ({priced}) USING (item) WHERE {lack}")
        if n:
            self._connection.execute(
                f"UPDATE lines SET price = usual FROM ({priced}) AS priced WHERE priced.item = lines.item AND {lack}"
            )
            self.done.append((n, "lines without a price: the goods'", "filled"))

    def _complete(self, role: str, told: str) -> None:
        lack = f"{role} IS NULL AND k IN (SELECT k FROM placed JOIN told USING (item) WHERE {told} IS NOT NULL)"
        ((n,),) = self.ask(f"SELECT count(*) FROM goods WHERE {lack}")
        if n:
            usual = f"SELECT {told} FROM placed JOIN told USING (item) WHERE placed.k = goods.k"
            self._connection.execute(f"UPDATE goods SET {role} = ({usual}) WHERE {lack}")
            what = "its usual price" if role == "price" else "its first line"
            self.done.append((n, f"{self._called(role)} missing: {what}", "filled"))

    def _believe_lines(self) -> None:
        """Purchases rather than days: what was bought before it came was there, what was bought later had not left.

        Where nothing is bought, views are believed as purchases are.
        """
        ((bought,),) = self.ask(f"SELECT count(*) {_KEPT} AND action = {BUY}")
        which, what = (f"AND action = {BUY}", "purchase") if bought else ("", "line")
        self._connection.execute(
            f"CREATE TABLE seen AS SELECT k, min(time) AS first, max(time) AS last "
            f"FROM (SELECT item, time {_KEPT} {which}) JOIN placed USING (item) GROUP BY k"
        )
        self._correct("listed", "listed > first", "first", f"later than the first {what}: that {what}")
        self._correct("delisted", f"delisted + {_DAY} <= last", "NULL", f"earlier than the last {what}: not known")

    def _correct(self, role: str, contradicted: str, instead: str, what: str) -> None:
        ((n,),) = self.ask(f"SELECT count(*) FROM goods JOIN seen USING (k) WHERE {contradicted}")
        if n:
            cells = f"UPDATE goods SET {role} = {instead} FROM seen"
            self._connection.execute(f"{cells} WHERE seen.k = goods.k AND {contradicted}")
            self.done.append((n, f"{self._called(role)} {what}", "corrected"))

    def _derive(self) -> None:
        """By id, with the titles and categories that their lines have most often."""
        self._connection.execute(
            "CREATE TABLE placed AS SELECT item, (row_number() OVER (ORDER BY item) - 1)::INTEGER AS k FROM told"
        )
        self._connection.execute(
            "CREATE TABLE goods AS SELECT placed.k, id, coalesce(title, id) AS title, category, usual AS price, "
            "NULL::DOUBLE AS cost, first AS listed, NULL::BIGINT AS delisted, NULL::DOUBLE AS stock "
            "FROM placed JOIN told USING (item) JOIN items USING (item) LEFT JOIN called USING (item)"
        )

    def rejected(self) -> Iterator[tuple[int, str, str, str]]:
        """(row, column, rule, value) of what was set aside, but for lines that were no rows, in order."""
        if self._table is None:
            return
        values = " ".join(f"WHEN {i} THEN {rule.role}::VARCHAR" for i, rule in enumerate(self.rules))
        cells = f"row, broken, left(CASE broken {values} END, 100)"
        for row, i, value in self.ask(f"SELECT {cells} FROM listed_goods WHERE broken IS NOT NULL ORDER BY row"):
            yield int(self._table.place(np.int64(row))), self.rules[i].column, self.rules[i].rule, value or ""
