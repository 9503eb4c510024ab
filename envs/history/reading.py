"""A shop's tables in DuckDB: read once, checked line by line; lines kept and set aside add up to those read."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any, TypeVar

import duckdb
import numpy as np
import pandas as pd

from envs.history import names
from envs.history.returns import pairs
from envs.logs.private import write_csv
from envs.logs.pseudonyms import VARIABLE, key, pseudonymiser
from envs.logs.rows import LogError
from envs.logs.source import Source, literal, plainly, quoted
from simulator.history import ACTIONS, History

H = TypeVar("H", bound=History)

_SETTINGS = (
    "TimeZone = 'UTC'",
    "memory_limit = '512MB'",
    "autoinstall_known_extensions = false",
    "enable_progress_bar = false",
)
_ROLES = ("order", "user", "item", "time", "action", "quantity", "price", "title", "category")
_NEEDED = ("item", "time")

_FEE_CODE = (
    r"(dot|.*post(age)?|carriage|freight|shipping|delivery|.*fees?|.*charges?|disc(ount)?|manual|adjust(ment)?\d*|samples?"
    r"|test\d*|.*voucher.*|gift|gift_.*|.*(运费|邮费|快递费|手续费|服务费|优惠券|代金券|礼品卡|补差价|差价).*)"
)
_FEE_TITLE = r".*(gift voucher|gift card|test product|bank charges|运费|邮费|手续费|代金券|礼品卡|补差价).*"


class Reading:
    """A shop's lines as a checked table in DuckDB, until it is closed."""

    def __init__(self, invoices: Any, secret: bytes | None) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="launchsim-")  # made with rights 0700
        self.connection = duckdb.connect(str(Path(self._folder.name) / "history.duckdb"))
        self.steps: list[tuple[str, int, str, str]] = []
        try:
            for setting in (*_SETTINGS, f"temp_directory = {literal(self._folder.name)}"):
                self.connection.execute(f"SET {setting}")
            self._read(invoices, secret)
            self._mean()
            self._check()
            self._pair()
            self._goods()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Give back the connection and the folder."""
        self.connection.close()
        self._folder.cleanup()

    def __enter__(self) -> Reading:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def ask(self, query: str) -> list[tuple[Any, ...]]:
        """The answer to some SQL."""
        answer: list[tuple[Any, ...]] = self.connection.sql(query).fetchall()
        return answer

    def _one(self, query: str) -> Any:
        return self.ask(query)[0][0]

    def _read(self, path: Any, secret: bytes | None) -> None:
        source = Source(self.connection, path, encoding="utf-8", delimiter="", table="")
        self.roles = names.recognised(source.types, names.LINES)
        for role in _NEEDED:
            if role not in self.roles:
                there = ", ".join(map(repr, source.types))
                raise LogError(f"columns must have one for {role}, found none among {there}: name it in a TOML file")
        word = pseudonymiser(secret or os.urandom(32))
        self.connection.create_function("pseudonym", word, ["VARCHAR"], "UBIGINT", type="arrow")
        picked = {role: quoted(self.roles[role]) if role in self.roles else "NULL" for role in _ROLES}
        if "user" in self.roles:
            user = f"nullif(trim({picked['user']}::VARCHAR), '')"
            picked["user"] = f"CASE WHEN {user} IS NOT NULL THEN pseudonym({user}) END"
        listed = ", ".join(f"{column} AS {quoted(role)}" for role, column in picked.items())
        self.connection.execute(
            f"CREATE TABLE raw AS SELECT row_number() OVER () AS row, {listed} FROM {source.keeping_rejects()}"
        )
        self.lines = source.rejected_lines()

    def _mean(self) -> None:
        """Table `meant`: every role as what it means."""
        text = "nullif(trim({}::VARCHAR), '')"
        self.connection.execute(
            "CREATE TABLE meant AS SELECT row, "
            f'{text.format(quoted("order"))} AS "order", "user", upper({text.format("item")}) AS item, '
            "TRY_CAST(time AS TIMESTAMP) AS time, TRY_CAST(quantity AS DOUBLE) AS quantity, "
            f"TRY_CAST(price AS DOUBLE) AS price, {text.format('title')} AS title, "
            f"{text.format('category')} AS category, "
            "CASE WHEN quantity < 0 OR \"order\" SIMILAR TO '[Cc]\\d+' THEN 'return' ELSE 'buy' END AS action FROM raw"
        )

    def _rules(self) -> list[tuple[str, str, str]]:
        """(role, rule, SQL that is true where it is broken), in the order they are tried."""
        digits = "length(regexp_replace(item, '[^0-9]', '', 'g')) >= 3"
        share = self._one(f"SELECT avg(({digits})::INT) FROM meant WHERE item IS NOT NULL") or 0.0
        fee = f"regexp_full_match(lower(item), {literal(_FEE_CODE)}) OR "
        fee += f"coalesce(regexp_full_match(lower(title), {literal(_FEE_TITLE)}), false)"
        if share > 0.95:
            fee += f" OR NOT {digits}"
        return [
            ("time", "be a time", "time IS NULL OR NOT isfinite(time)"),
            ("item", "be there", "item IS NULL"),
            ("item", "be a product, no fee, postage or correction", fee),
            ("quantity", "be a whole number, not 0", "quantity IS NULL OR quantity = 0 OR quantity != floor(quantity)"),
            ("price", "be above 0", "price IS NULL OR NOT price > 0 OR NOT isfinite(price)"),
            ("line", "not repeat an earlier one", "times_seen > 1"),
        ]

    def _check(self) -> None:
        self.rules = self._rules()
        cases = " ".join(f"WHEN {broken} THEN {number}" for number, (_, _, broken) in enumerate(self.rules))
        same = ", ".join(map(quoted, ("order", "user", "item", "time", "quantity", "price", "action")))
        self.connection.execute(
            f"CREATE TABLE checked AS SELECT *, CASE {cases} END AS broken FROM "
            f"(SELECT *, row_number() OVER (PARTITION BY {same} ORDER BY row) AS times_seen FROM meant)"
        )

    def _pair(self) -> None:
        """Table `undone`: rows of returns beside rows of what they undo; returns of nothing known are set aside."""
        self.rules.append(("line", "undo an earlier purchase of that user and product", "returned nothing"))
        kept = self.connection.sql(
            "SELECT row, \"user\", item, epoch_us(time) AS time, quantity, price, action = 'return' AS back "
            "FROM checked "
            'WHERE broken IS NULL AND ("user", item) IN '
            "(SELECT (\"user\", item) FROM checked WHERE broken IS NULL AND action = 'return') "
            'ORDER BY item, "user", time, row'
        ).df()
        self.undone = pairs(kept)
        self.connection.register("pairs", self.undone)
        self.connection.execute(
            f"UPDATE checked SET broken = {len(self.rules) - 1} WHERE broken IS NULL AND action = 'return' "
            "AND row NOT IN (SELECT back FROM pairs)"
        )

    def _goods(self) -> None:
        """Table `goods`: derived from the lines, by id."""
        self.connection.execute(
            "CREATE TABLE goods AS SELECT (row_number() OVER (ORDER BY item) - 1)::INTEGER AS k, item AS id, "
            "coalesce(mode(title), item) AS title, mode(category) AS category, mode(price) AS price, "
            "min(time) AS listed "
            "FROM checked WHERE broken IS NULL AND action = 'buy' GROUP BY item"
        )

    def cleaning(self) -> pd.DataFrame:
        """What was done: step, rows, rule, what happened."""
        found = dict(self.ask("SELECT broken, count(*) FROM checked GROUP BY broken"))
        done = [("read", sum(found.values()) + len(self.lines), "", "read")]
        if self.lines:
            done.append(("line", len(self.lines), "line must be a row", "set aside"))
        for number, (role, rule, _) in enumerate(self.rules):
            if found.get(number):
                done.append((role, found[number], f"{self.roles.get(role, role)} must {rule}", "set aside"))
        done.append(("returns", len(self.undone), "return beside what it undoes", "paired"))
        done.append(("kept", found.get(None, 0), "", "kept"))
        return pd.DataFrame(done, columns=["step", "rows", "rule", "happened"])

    def rejected(self) -> list[tuple[int, str, str, str]]:
        """(row, column, rule, value) of what was set aside."""
        values = " ".join(
            f"WHEN {i} THEN {quoted(role)}::VARCHAR" for i, (role, _, _) in enumerate(self.rules) if role != "line"
        )
        found = self.ask(
            f"SELECT row, broken, left(CASE broken {values} END, 100) FROM (SELECT row, broken FROM checked "
            "WHERE broken IS NOT NULL) JOIN raw USING (row) ORDER BY row"
        )
        return [
            (row, self.roles.get(self.rules[i][0], self.rules[i][0]), self.rules[i][1], value or "")
            for row, i, value in found
        ]

    def history(self, kind: type[H]) -> H:
        """The lines kept and their goods, as columns."""
        if not self._one("SELECT count(*) FROM checked WHERE broken IS NULL"):
            raise LogError("history must have lines, got none that can be kept: a rejects file tells why")
        self.connection.execute(
            'CREATE TABLE users AS SELECT "user", (row_number() OVER (ORDER BY min(row)) - 1)::INTEGER AS u '
            'FROM checked WHERE broken IS NULL AND "user" IS NOT NULL GROUP BY "user"'
        )
        self.connection.execute(
            'CREATE TABLE orders AS SELECT "order", (row_number() OVER (ORDER BY min(row)) - 1)::INTEGER AS o '
            'FROM checked WHERE broken IS NULL AND "order" IS NOT NULL GROUP BY "order"'
        )
        words = "[" + ", ".join(map(literal, ACTIONS)) + "]"
        columns = self.connection.sql(
            'SELECT row, epoch_us(time) AS time, coalesce(u, -1)::INTEGER AS "user", k AS item, '
            f"(list_position({words}, action) - 1)::TINYINT AS action, abs(quantity)::INTEGER AS quantity, "
            "checked.price, "
            'coalesce(o, -1)::INTEGER AS "order" FROM checked JOIN goods ON item = id LEFT JOIN users USING ("user") '
            'LEFT JOIN orders USING ("order") WHERE broken IS NULL ORDER BY time, row'
        ).fetchnumpy()
        rows = np.asarray(columns.pop("row"))
        lines = pd.DataFrame({name: np.asarray(column) for name, column in columns.items()}, copy=False)
        lines["time"] = (lines["time"].to_numpy() * 1000).astype("datetime64[ns]")
        lines["action"] = pd.Categorical.from_codes(lines["action"].to_numpy(), categories=pd.Index(ACTIONS))
        goods = self.connection.sql("SELECT id, title, category, price, listed FROM goods ORDER BY k").df()
        goods = goods.assign(cost=np.nan, delisted=pd.NaT, stock=np.nan)
        goods["listed"] = goods["listed"].astype("datetime64[ns]")
        goods["delisted"] = goods["delisted"].astype("datetime64[ns]")
        place = pd.Series(np.arange(len(rows)), index=rows)
        undone = self.undone.assign(
            buy=place[self.undone["buy"]].to_numpy(), back=place[self.undone["back"]].to_numpy()
        )
        users = self.connection.sql('SELECT "user" FROM users ORDER BY u').fetchnumpy()["user"]
        return kind(
            lines=lines,
            goods=goods[["id", "title", "category", "price", "cost", "listed", "delisted", "stock"]],
            features=(),
            n_users=len(users),
            listed_given=False,
            cleaning=self.cleaning(),
            undone=undone,
            users=np.asarray(users),
        )


def read(kind: type[H], *, invoices: Any, rejects: str | Path | None, key_file: str | Path | None) -> H:
    """As `envs.history.History.read`."""
    secret = key(key_file) if key_file is not None or os.environ.get(VARIABLE) else None
    with plainly(invoices), Reading(invoices, secret) as reading:
        if rejects is not None:
            write_csv(rejects, ("row", "column", "rule", "value"), reading.rejected())
        return reading.history(kind)
