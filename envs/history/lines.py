"""The lines of a shop's past in DuckDB: what each means, which are set aside, what returns undo."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa

from envs.history.columns import Columns
from envs.history.names import WORDS
from envs.history.returns import Pair, pairs
from envs.history.rules import DIGITS, fee, of_lines
from envs.history.tables import Loaded
from envs.logs.rules import Rule
from envs.logs.source import literal
from simulator.history import ACTIONS

VIEW, SEARCH, CART, FAVOURITE, BUY, RETURN = range(len(ACTIONS))
_BOUGHT = f"action IN ({BUY}, {RETURN})"
_SEVERAL = f"action IN ({CART}, {BUY}, {RETURN})"  # may be of several pieces
_SCALED = (
    "count(*) >= 10 AND median(quantity) >= 100 AND count(DISTINCT quantity) > 0.5 * count(*) "
    "AND avg((quantity % 10 != 0)::TINYINT) > 0.5 "
    "OR median(quantity) >= 100 AND median(price) FILTER (price > 0) < 0.01"
)
_CANCELLED = "regexp_full_match(coalesce(ord, ''), '[Cc][0-9]+')"  # an invoice that undoes one
_SAME = 'ord, "user", item, time, action, quantity, price, whole'
_KEPT = "FROM lines WHERE broken IS NULL"


class Lines:
    """Table `lines`: row, item (of `items`), user, time (microseconds), action, quantity, price, ord, whole (a hash of
    the whole row), and `broken`, the number of the rule that it breaks, or none.

    Args:
        connection: DuckDB, with the loaded tables; and `goods`, by k, where there is a table of goods.
        table: of behavior or invoices.
    """

    def __init__(self, connection: Any, table: Loaded, columns: Columns, *, goods: bool) -> None:
        self._connection, self._table, self._columns, self._goods = connection, table, columns, goods
        self._key = "name" if goods else "upper(name)"  # of a table of goods ids are taken as they stand
        self.rules = of_lines(table, columns.missing, goods=goods)
        self.done: list[tuple[int, str, str]] = []  # rows, rule, what happened
        self._find_items()
        self._tell_nobody()
        self._weigh()
        self._mean()
        if columns.duplicates == "drop" and {"user", "order"} & set(table.table.roles):
            self._drop_repeated()
        self._fill("quantity", "round(avg(quantity))", "1")
        self._pair()
        self._fill("price", "avg(price)", "NULL")
        if not goods:
            self._name()
            self._tell_merged()

    def ask(self, query: str) -> list[tuple[Any, ...]]:
        """The answer to some SQL."""
        return self._table.ask(query)

    def _policy(self, role: str) -> str:
        """What is done where a purchase has none."""
        return self._columns.missing.get(role, "drop" if self._table.kind == "invoices" else "keep")

    def _find_items(self) -> None:
        """Table `items`: what the lines call products, and whether that is a fee."""
        cells = f"{self._table.text('item')} AS name, {self._table.text('title')} AS title"
        self._connection.execute(
            f"CREATE TABLE named AS SELECT {self._key} AS key, max({{'n': n, 'x': name}}).x AS id, sum(n) AS n, "
            "max({'n': n, 'x': title}).x AS title FROM (SELECT name, title, count(*) AS n FROM "
            f"(SELECT {cells} FROM {self._table.relation}) WHERE name IS NOT NULL GROUP BY ALL) GROUP BY key"
        )
        ((numbered,),) = self.ask(f"SELECT sum(n) FILTER ({DIGITS}) / sum(n) FROM named")
        found = fee(self._columns.fees, numbered or 0.0)
        listed = "LEFT JOIN (SELECT id AS key, k FROM goods) USING (key)" if self._goods else ""
        self._connection.execute(
            "CREATE TABLE items AS SELECT (row_number() OVER (ORDER BY key) - 1)::INTEGER AS item, key, id, "
            f"({found}) AS fee, {'k' if self._goods else 'NULL::INTEGER AS k'} FROM named {listed}"
        )

    def _mean(self) -> None:
        """Every role as what it means, and the first rule broken."""
        cases = " ".join(f"WHEN {rule.broken} THEN {number}" for number, rule in enumerate(self.rules))
        pieces = "CASE WHEN amount IS NULL THEN quantity ELSE sign(quantity) END AS quantity"
        prices = "CASE WHEN amount IS NULL THEN price ELSE round(price * amount, 4) END AS price"
        meant = (
            f"SELECT * REPLACE ({pieces}, {prices}), coalesce({_BOUGHT}, false) AS bought FROM ({self._acted()}) "
            f"LEFT JOIN (SELECT key AS of, amount FROM weighed) ON of = {self._key}"
        )
        self._table.execute(
            f'CREATE TABLE lines AS SELECT row, item, "user", time, action, price, ord, whole, '
            f"CASE WHEN {_SEVERAL} THEN abs(quantity) ELSE 1 END AS quantity, (CASE {cases} END)::TINYINT AS broken "
            f"FROM ({meant}) AS meant LEFT JOIN items ON items.key = {self._key}"
        )

    def _acted(self) -> str:
        """As SQL: every role as its cells say, and the action."""
        return f"SELECT *, {self._action()} AS action FROM (SELECT {self._cells()} FROM {self._table.relation})"

    def _weigh(self) -> None:
        """Table `weighed`: what is sold by weight or length, and the mean amount of a line, which counts as a piece.

        Those are the products of which most lines have a fraction (where few have, those are errors), or hundreds
        of a smaller unit, such as grams: numbers of which hardly two are the same, and most no tens, are a scale's; and
        no piece costs less than a cent.
        """
        given = "quantity" in self._table.table.roles  # else nothing need be read
        which = f"WHERE {given} AND {_BOUGHT}"
        bought = f"SELECT {self._key} AS key, abs(quantity) AS quantity, price FROM ({self._acted()}) {which}"
        self._table.execute(
            f"CREATE TABLE weighed AS SELECT key, avg(quantity) AS amount, count(*) AS n FROM ({bought}) "
            f"WHERE quantity > 0 GROUP BY key HAVING avg((quantity != floor(quantity))::TINYINT) > 0.5 OR ({_SCALED})"
        )
        ((products, n),) = self.ask("SELECT count(*), sum(n) FROM weighed")
        if products:
            what = f"{products:,} products sold by weight or length: the mean amount of a line is a piece"
            self.done.append((int(n), what, "counted in pieces"))

    def _cells(self) -> str:
        table = self._table
        quantity = table.number("quantity") if "quantity" in table.table.roles else "1.0"
        return ", ".join(
            [
                "row",
                '"user"',
                "whole",
                f"{table.text('order')} AS ord",
                f"{table.text('item')} AS name",
                f"{table.micros('time')} AS time",
                f"{quantity} AS quantity",
                f"{table.text('quantity')} AS given_quantity",
                f"{self._policy('quantity') != 'drop'} AS fill_quantity",
                f"{self._price(quantity)} AS price",
                f"{table.text(table.table.priced)} AS given_price",
                f"{self._policy('price') != 'drop'} AS fill_price",
                f"regexp_replace(lower({table.text('action')}), '[\\s_-]', '', 'g') AS word",
            ]
        )

    def _price(self, quantity: str) -> str:
        """As SQL: of a piece; a line that takes pieces back may say its money with either sign."""
        if self._table.table.priced == "price":
            return self._table.number("price")
        total = self._table.number("total")
        each = f"({total}) / nullif({quantity}, 0)"
        return f"round(CASE WHEN {quantity} < 0 THEN abs({each}) ELSE {each} END, 4)"

    def _action(self) -> str:
        """As SQL: the code of the action, null where its word means nothing."""
        if self._table.table.every_row:
            return str(ACTIONS.index(self._table.table.every_row))
        if "action" not in self._table.table.roles:
            return f"(CASE WHEN quantity < 0 OR {_CANCELLED} THEN {RETURN} ELSE {BUY} END)"
        taught = {word.lower().replace(" ", ""): action for word, action in self._columns.words.items()}
        words = {**WORDS, **taught}
        cases = " ".join(f"WHEN {literal(word)} THEN {ACTIONS.index(action)}" for word, action in words.items())
        bought = ", ".join(literal(word) for word, action in words.items() if action == "buy")
        return f"(CASE WHEN word IN ({bought}) AND quantity < 0 THEN {RETURN} ELSE CASE word {cases} END END)"

    def _set_aside(self, rule: str, rows: str) -> None:
        """One more rule, that these rows break."""
        self.rules.append(Rule("line", "line", rule, ""))
        self._connection.execute(f"UPDATE lines SET broken = {len(self.rules) - 1} WHERE row IN ({rows})")

    def _drop_repeated(self) -> None:
        """Of rows alike in every column the first stays; those of nobody known are not alike."""
        kept = f'{_KEPT} AND (ord IS NOT NULL OR "user" IS NOT NULL)'
        self._connection.execute(f"CREATE TABLE alike AS SELECT whole {kept} GROUP BY 1 HAVING count(*) > 1")
        self._set_aside(
            "not repeat an earlier one",
            f"SELECT row FROM (SELECT row, row_number() OVER (PARTITION BY {_SAME} ORDER BY row) AS seen "
            f"{kept} AND whole IN (SELECT whole FROM alike)) WHERE seen > 1",
        )

    def _fill(self, role: str, mean: str, otherwise: str) -> None:
        """Purchases and returns without: what is usual for that product, else for all."""
        how = self._policy(role)
        lack = f"broken IS NULL AND {_BOUGHT} AND {role} IS NULL"
        ((n,),) = self.ask(f"SELECT count(*) FROM lines WHERE {lack}")
        if not n or how == "drop" or (how == "keep" and role == "price"):
            return
        usual = {"mean": mean, "keep": "1.0"}.get(how, f"{how}({role})")
        there = f"SELECT {usual} {_KEPT} AND action = {BUY} AND {role} IS NOT NULL"
        self._connection.execute(
            f"UPDATE lines SET {role} = coalesce(({there} AND item = lines.item), ({there}), {otherwise}) WHERE {lack}"
        )
        self.done.append((n, f"{self._called(role)} missing: {'1' if how == 'keep' else how}", "filled"))

    def _called(self, role: str) -> str:
        table = self._table.table
        return table.name(table.priced if role == "price" else role)

    def _pair(self) -> None:
        """Table `undone`; returns of nothing known are set aside."""
        same = "item, coalesce(\"user\"::VARCHAR, 'order ' || ord)"
        found = self._connection.sql(
            f'SELECT row, dense_rank() OVER (ORDER BY {same}) AS "group", quantity, coalesce(price, 0) AS price, '
            f"action = {RETURN} AS back {_KEPT} AND {_BOUGHT} AND ({same}) IN "
            f'(SELECT ({same}) {_KEPT} AND action = {RETURN}) ORDER BY "group", time, row'
        ).fetchnumpy()
        self._keep(pairs(found))
        self._set_aside(
            "undo an earlier purchase of that user and product",
            f"SELECT row {_KEPT} AND action = {RETURN} AND row NOT IN (SELECT back FROM undone)",
        )

    def _keep(self, found: list[Pair]) -> None:
        buys, backs, pieces = np.array(found, np.int64).reshape(-1, 3).T
        self._connection.register("paired", pa.table({"buy": buys, "back": backs, "pieces": pieces}))
        self._connection.execute("CREATE TABLE undone AS SELECT * FROM paired")
        self._connection.unregister("paired")
        if found:
            what = f"returns beside what they undo ({len(np.unique(buys)):,} purchases)"
            self.done.append((len(np.unique(backs)), what, "paired"))

    def _tell_nobody(self) -> None:
        if "user" not in self._table.table.roles:
            return
        ((n,),) = self.ask(f"SELECT count(*) FROM {self._table.relation} WHERE nobody")
        if n:
            self.done.append((n, "a customer for everybody, such as a till's: nobody known", "user left out"))

    def _name(self) -> None:
        """Tables `calling`, each line kept with what it calls its product; `called`, what each is called most often."""
        cells = ", ".join(f"{self._table.text(role)} AS {role}" for role in ("title", "category"))
        self._connection.execute(
            f"CREATE TABLE calling AS SELECT code AS item, {cells}, {self._table.text('item')} AS name FROM "
            f"(SELECT row, item AS code {_KEPT}) JOIN {self._table.relation} USING (row)"
        )
        self._connection.execute(
            f"CREATE TABLE called AS SELECT * FROM ({_commonest('title')}) JOIN ({_commonest('category')}) USING (item)"
        )

    def _tell_merged(self) -> None:
        for differs, what in (
            ("calling.title != called.title", "products whose title changes: the commonest"),
            ("name != id", "products spelt in capitals and small letters: one product"),
        ):
            ((n, products),) = self.ask(
                "SELECT count(*), count(DISTINCT item) FROM calling JOIN items USING (item) "
                f"LEFT JOIN called USING (item) WHERE {differs}"
            )
            if n:
                self.done.append((n, f"{products:,} {what}", "merged"))

    def fees(self) -> list[tuple[str, int]]:
        """Codes that are no products, and how many lines have them; the commonest first."""
        return [(code, int(n)) for code, n in self.ask(
            "SELECT items.id, n FROM items JOIN named USING (key) WHERE fee ORDER BY n DESC, key"
        )]  # fmt: skip

    def rejected(self) -> Iterator[tuple[int, str, str, str]]:
        """(row, column, rule, value) of what was set aside, but for lines that were no rows, in order."""
        shown = [(i, rule.role) for i, rule in enumerate(self.rules) if rule.role not in ("line", "user")]
        values = " ".join(f"WHEN {i} THEN {role}::VARCHAR" for i, role in shown)
        found = self._connection.sql(
            f"SELECT row, broken, left(CASE broken {values} END, 100) FROM (SELECT row, broken FROM lines "
            f"WHERE broken IS NOT NULL) JOIN {self._table.relation} USING (row) ORDER BY row"
        )
        for batch in found.to_arrow_reader(1 << 16):
            rows, broken, cells = (column.to_pylist() for column in batch.columns)
            places = self._table.place(np.array(rows, np.int64)).tolist()
            for row, i, value in zip(places, broken, cells, strict=True):
                yield row, self.rules[i].column, self.rules[i].rule, value or ""


def _commonest(column: str) -> str:
    """As SQL: the commonest value of each item; of several as common ones the last, whatever order rows come in."""
    counted = f"SELECT item, {column}, count({column}) AS n FROM calling GROUP BY ALL"
    return f"SELECT item, max({{'n': n, 'x': {column}}}).x AS {column} FROM ({counted}) GROUP BY item"
