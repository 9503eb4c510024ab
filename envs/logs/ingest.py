"""Somebody else's log becomes one of ours: read once, checked row by row, encoded, put in order of time.

All of it happens in a DuckDB table on disk, in a folder of its own that goes when it is done, so that a log may be
larger than memory. Rows kept and rows rejected add up to the rows read, always.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from envs.logs import log_file
from envs.logs.columns import EPOCHS, UNITS, Columns, propose
from envs.logs.encoding import Encoding
from envs.logs.fitting import fitted
from envs.logs.log_file import About, LogFile
from envs.logs.private import apart, write_csv
from envs.logs.pseudonyms import key, pseudonymiser
from envs.logs.rows import LogError, Rows
from envs.logs.rules import rules
from envs.logs.source import Source, files_of, literal, plainly, quoted
from envs.logs.workplace import Workplace
from policies.policy import Booleans, Decisions, Feedback, Floats

_PART = 1 << 16  # rows in memory at a time
_SAMPLE = 100_000  # rows from which roles are proposed
_MOST_ACTIONS = 4096
_SETTINGS = (
    "TimeZone = 'UTC'",
    "memory_limit = '512MB'",
    "autoinstall_known_extensions = false",  # nothing is fetched from anywhere
    "autoload_known_extensions = false",
    "python_enable_replacements = false",  # a table of SQL text is no variable of ours
)
_MISSING = "|NA|N/A|na|NaN|nan|null|NULL|None"  # as a regular expression: faster in DuckDB than a list


def ingested(
    path: Any,
    columns: Any = None,
    *,
    into: str | Path | None = None,
    rejects: str | Path | None = None,
    user_ids: bool = True,
    key_file: str | Path | None = None,
    encoding: Encoding | None = None,
    products: Floats | None = None,
) -> LogFile:
    """A log of ours from somebody else's.

    Args:
        path: CSV, Parquet (file, folder or glob), a DuckDB database, SQL text, or a pandas frame.
        columns: a `Columns`, a mapping, or the path of a TOML file; proposed from their names where not given.
        into: the file to write; a temporary one where not given.
        rejects: a CSV file that gets the bad rows: row, column, rule, value. Row 1 is the first after the header.
        user_ids: whether the column of user ids becomes pseudonyms or is left out.
        key_file: a file (0600) with the key of the pseudonyms.
        encoding: of an earlier log, so that a policy trained on that one understands this one.
        products: (K, a) action features.

    Raises:
        LogError: the log cannot be read, a column is missing, or a row is bad and there is no `rejects` file.
    """
    apart({"out": into, "rejects": rejects}, read_for(path, columns, key_file))
    with plainly(path), Opened(path, columns, secret=partial(key, key_file) if user_ids else None) as log:
        if rejects is not None:
            write_csv(rejects, ("row", "column", "rule", "value"), log.rejected())
        elif log.counts()["rejected"]:
            raise LogError(f"{log.first_rejected()}; a rejects file sets bad rows aside")
        folder = Workplace() if into is None else None
        file = folder.path / "log.parquet" if folder else Path(str(into))
        log.write(file, encoding, products)
    return LogFile(file, folder)


def read_for(path: Any, columns: Any = None, *more: str | Path | None) -> list[Path]:
    """All files that are read to take in a log, so that none is written over.

    Raises:
        LogError: there is no such log.
    """
    named = [columns, *more] if isinstance(columns, (str, Path)) else more
    return [*files_of(path), *(Path(file) for file in named if file is not None)]


class Opened:
    """Somebody else's log as a checked table in DuckDB, until it is closed.

    Args:
        path, columns: as of `ingested`.
        secret: gives the key of the pseudonyms, asked only where there are user ids; None leaves user ids out.
    """

    def __init__(self, path: Any, columns: Any = None, *, secret: Callable[[], bytes] | None) -> None:
        self._folder = Workplace()
        self.connection = duckdb.connect(":memory:")
        try:
            for setting in (*_SETTINGS, f"temp_directory = {literal(str(self._folder.path))}"):
                self.connection.execute(f"SET {setting}")
            self.columns, source = self._found(path, columns, secret is not None)
            self._read(source, secret)
            self.actions = self._named()
            self.rules = rules(self.columns, len(self.actions))
            self._check()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Give back the connection and the folder."""
        self.connection.close()
        self._folder.close()

    def __enter__(self) -> Opened:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def ask(self, query: str) -> list[tuple[Any, ...]]:
        """The answer to some SQL."""
        answer: list[tuple[Any, ...]] = self.connection.sql(query).fetchall()
        return answer

    def _found(self, path: Any, columns: Any, user_ids: bool) -> tuple[Columns, Source]:
        given = Columns.of(columns) if columns is not None else Columns("time", "action", "reward")
        how = {"encoding": given.encoding, "delimiter": given.delimiter, "table": given.table}
        source = Source(self.connection, path, **how)
        found = given if columns is not None else propose(*self._sampled(source))
        if not user_ids:
            found = replace(found, user="")
        for role, column in [*found.roles().items(), *(("context", name) for name in found.context)]:
            if column not in source.types:
                there = ", ".join(map(repr, source.types))
                raise LogError(f"column {column!r} ({role}) must be in the log, which has {there}")
        return found, source

    def _sampled(self, source: Source) -> tuple[dict[str, str], dict[str, int], dict[str, float]]:
        """Column -> kind, number of distinct values, and largest number, from the first rows."""
        self.connection.execute(f"CREATE TABLE sample AS SELECT * FROM {source.relation} LIMIT {_SAMPLE}")
        kinds, distinct, largest = dict(source.types), {}, {}
        for column, kind in source.types.items():
            ((n, numbers, distinct[column], top),) = self.ask(
                "SELECT count(x), count(number), count(DISTINCT x), max(number) FROM "
                "(SELECT x, TRY_CAST(x::VARCHAR AS DOUBLE) AS number FROM "
                f"(SELECT {_given(quoted(column), kind)} AS x FROM sample))"
            )
            if n and numbers >= 0.9 * n:
                kinds[column], largest[column] = "number", top
        self.connection.execute("DROP TABLE sample")
        return kinds, distinct, largest

    def _read(self, source: Source, secret: Callable[[], bytes] | None) -> None:
        """The columns that play a role, once, into table `raw`; user ids never get in."""
        picked = {role: quoted(column) for role, column in self.columns.roles().items()}
        if self.columns.user and secret is not None:
            self.connection.create_function("pseudonym", pseudonymiser(secret()), ["VARCHAR"], "UBIGINT", type="arrow")
            picked["user"] = f"pseudonym({_given('trim(' + picked['user'] + '::VARCHAR)', 'category')})"
        picked |= {f"context{i}": quoted(column) for i, column in enumerate(self.columns.context)}
        listed = ", ".join(f"{column} AS {quoted(role)}" for role, column in picked.items())
        self.connection.execute(
            f"CREATE TABLE raw AS SELECT row_number() OVER () AS row, {listed} FROM {source.keeping_rejects()}"
        )
        self._lines = source.rejected_lines()
        self._types = {
            role: source.types[column]
            for role, column in [
                *self.columns.roles().items(),
                *((f"context{i}", column) for i, column in enumerate(self.columns.context)),
            ]
        }

    def _named(self) -> tuple[str, ...]:
        """The names of the actions: those given, else those in the log, numbers in their order."""
        given = self.columns.actions
        if given is not None:
            names = [str(k) for k in range(given)] if isinstance(given, int) else list(given)
        else:
            query = f"SELECT DISTINCT {self._action()} AS name FROM raw"
            if self.columns.available:
                query += f" UNION SELECT DISTINCT unnest({self._available()}) FROM raw"
            found = self.ask(f"SELECT name FROM ({query}) WHERE name IS NOT NULL LIMIT {_MOST_ACTIONS + 1}")
            names = [name for (name,) in found]
            names.sort(key=lambda name: (0, int(name), "") if _is_whole(name) else (1, 0, name))
        if len(names) > _MOST_ACTIONS:
            raise LogError(f"actions must be at most {_MOST_ACTIONS}, got more in column {self.columns.action!r}")
        self.connection.execute("CREATE TABLE actions (name VARCHAR, k INTEGER)")
        if names:
            table = pa.table({"name": pa.array(names, pa.string()), "k": pa.array(range(len(names)), pa.int32())})
            self.connection.register("named", table)
            self.connection.execute("INSERT INTO actions SELECT * FROM named")
        return tuple(names)

    def _action(self) -> str:
        """The name of the action as SQL: ids that became fractions on their way (7.0) are whole again."""
        text = "nullif(trim(action::VARCHAR), '')"
        return f"regexp_replace({text}, '^(\\d+)\\.0$', '\\1')"

    def _available(self) -> str:
        """The available set as a SQL list of names."""
        if self._types["available"] == "list":
            return "available::VARCHAR[]"
        split = "regexp_split_to_array(trim(available::VARCHAR, '[](){} '), '\\s*[|,; ]\\s*')"
        return f"list_transform({split}, lambda name: trim(name, '''\" '))"

    def _days(self, role: str) -> str:
        """A time as SQL: days, of dates since the first of the log."""
        if self._as_dates():
            return f"({self._microseconds(role)} - {self._first_date()}) / 86400e6"
        return f"TRY_CAST({quoted(role)} AS DOUBLE) / {UNITS[self.columns.time_unit]}"

    def _microseconds(self, role: str) -> str:
        """A date as SQL: microseconds since 1970."""
        if self.columns.time_unit in EPOCHS:
            return f"(TRY_CAST({quoted(role)} AS DOUBLE) * {EPOCHS[self.columns.time_unit]})"
        return f"epoch_us(TRY_CAST({quoted(role)} AS TIMESTAMPTZ))"

    def _as_dates(self) -> bool:
        if self.columns.time_unit in EPOCHS:
            return True
        if self._types["time"] != "text":
            return self._types["time"] == "time"
        ((numbers, dates),) = self.ask(
            "SELECT count(TRY_CAST(time AS DOUBLE)), count(TRY_CAST(time AS TIMESTAMPTZ)) FROM raw"
        )
        return bool(dates > numbers)

    def _first_date(self) -> int:
        times = f"SELECT {self._microseconds('time')} AS t FROM raw"
        ((first,),) = self.ask(f"SELECT min(t) FILTER (isfinite(t::DOUBLE)) FROM ({times})")
        return int(first or 0)

    def origin(self) -> str | None:
        """The date and time of day 0, where times are dates."""
        if not self._as_dates():
            return None
        return str(np.datetime64(self._first_date(), "us")) + "Z"

    def _check(self) -> None:
        """Table `checked`: every role as what it means, and `broken`, the number of the first rule broken, or none."""
        cases = " ".join(f"WHEN {rule.broken} THEN {number}" for number, rule in enumerate(self.rules))
        known = "(SELECT list(name) FROM actions)"
        contexts = [f"context{i}" for i in range(len(self.columns.context))]
        given = "".join(f", {_given(name, self._types[name])} AS given{name[7:]}" for name in contexts)
        self.connection.execute(
            f"CREATE TABLE checked AS SELECT *, CASE {cases} END AS broken FROM (SELECT {', '.join(self._meant())}, "
            f"{known} AS all_names FROM (SELECT *{given} FROM raw)) LEFT JOIN actions USING (name)"
        )

    def _meant(self) -> list[str]:
        """What the cells of every role mean, as SQL."""
        columns = self.columns
        truth = "TRY_CAST(TRY_CAST(reward AS BOOLEAN) AS DOUBLE)"
        meant = ["row", f"{self._days('time')} AS time", f"{self._action()} AS name"]
        meant.append(f"coalesce(TRY_CAST(reward AS DOUBLE), {truth}) AS reward")
        if columns.propensity:
            meant.append("TRY_CAST(propensity AS DOUBLE) AS propensity")
        if columns.available:
            meant.append(f"{self._available()} AS available")
        if columns.position:
            meant.append("TRY_CAST(position AS DOUBLE) AS position")
        if columns.known:
            meant.append(f"{self._days('known')} AS known")
        if columns.user:
            meant.append('"user"')
        if columns.id:
            meant.append("id, row_number() OVER (PARTITION BY id ORDER BY row) AS times_seen")
        for i, how in enumerate(columns.context.values()):
            kind = "DOUBLE" if how.kind == "number" else "VARCHAR"
            meant.append(f"TRY_CAST(given{i} AS {kind}) AS context{i}, given{i} IS NULL AS missing{i}")
        return meant

    def counts(self) -> dict[str, Any]:
        """Rows read, kept, rejected, and rejected by rule; filled-in values by column."""
        by_rule = {self.rules[broken].text: n for broken, n in self.ask(
            "SELECT broken, count(*) FROM checked WHERE broken IS NOT NULL GROUP BY broken ORDER BY broken"
        )}  # fmt: skip
        for _, rule in self._lines:
            by_rule[f"line must {rule}"] = by_rule.get(f"line must {rule}", 0) + 1
        ((parsed,),) = self.ask("SELECT count(*) FROM raw")
        rejected, read = sum(by_rule.values()), parsed + len(self._lines)
        filled = {}
        for i, (column, how) in enumerate(self.columns.context.items()):
            ((n,),) = self.ask(f"SELECT count(*) FROM checked WHERE broken IS NULL AND missing{i}")
            if n:
                filled[column] = {"missing": n, "by": how.missing}
        return {"rows": read, "kept": read - rejected, "rejected": rejected, "by_rule": by_rule, "filled": filled}

    def rejected(self) -> Iterator[tuple[int, str, str, str]]:
        """(row, column, rule, value) of every bad row, in order. A line that is no row shows none: it may hold ids."""
        lines = ((row, "line", rule, "") for row, rule in self._lines)
        yield from heapq.merge(lines, self._rejected_rows())

    def _rejected_rows(self) -> Iterator[tuple[int, str, str, str]]:
        """Numbered as they stand in the file, where lines that are no rows stand between them."""
        bad_lines = np.array([row for row, _ in self._lines], np.int64)
        before = bad_lines - np.arange(len(bad_lines))
        shown = [(i, rule.role) for i, rule in enumerate(self.rules) if rule.role != "id"]  # ids may be of people
        values = " ".join(f"WHEN {i} THEN {role}::VARCHAR" for i, role in shown)
        found = self.connection.sql(
            f"SELECT row, broken, left(CASE broken {values} END, 100) FROM "
            "(SELECT row, broken FROM checked WHERE broken IS NOT NULL) JOIN raw USING (row) ORDER BY row"
        )
        for batch in found.to_arrow_reader(_PART):
            for row, i, value in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                place = row + int(np.searchsorted(before, row, "right"))
                yield place, self.rules[i].column, self.rules[i].rule, value or ""

    def first_rejected(self) -> str:
        """What is wrong with the first bad row, and how many more there are."""
        more = self.counts()["rejected"] - 1
        row, column, rule, value = next(self.rejected())
        return f"row {row}: {column} must {rule}, got {value!r}" + (f" ({more} more bad rows)" if more else "")

    def write(self, path: Path, encoding: Encoding | None = None, products: Floats | None = None) -> None:
        """The rows kept, as a log of ours."""
        if encoding is None:
            self.connection.execute("SET threads = 1")  # sums in one order give the same bits
            encoding = fitted(self.ask, self.columns.context)
            self.connection.execute("RESET threads")
        wanted, there = (
            [(f.column, f.kind) for f in encoding.features],
            [(column, how.kind) for column, how in self.columns.context.items()],
        )
        if wanted != there:
            raise LogError(f"encoding must be of the context columns {there}, got one of {wanted}")
        about = About(
            self.actions,
            tuple(encoding.names),
            n_action_features=0 if products is None else products.shape[1],
            propensities="logged" if self.columns.propensity else "missing",
            encoding=encoding.plain(),
            origin=self.origin(),
            ingest=self.counts(),
        )
        log_file.write(path, about, self._parts(encoding, products))

    def _parts(self, encoding: Encoding, products: Floats | None) -> Iterator[Rows]:
        order = "SELECT * FROM checked WHERE broken IS NULL ORDER BY time, row"
        first_seen = self._first_seen() if self.columns.launched == "first seen" else None
        look = np.zeros((len(self.actions), 0)) if products is None else products
        for batch in self.connection.sql(order).to_arrow_reader(_PART):
            yield self._rows(batch, encoding, first_seen, look)

    def _rows(self, batch: Any, encoding: Encoding, first_seen: Floats | None, look: Floats) -> Rows:
        def column(name: str, filled: Any = 0) -> Any:
            return batch.column(name).fill_null(filled).to_numpy(zero_copy_only=False)

        columns, n, times = self.columns, batch.num_rows, column("time")
        available: Booleans = np.ones((n, len(self.actions)), bool)
        if columns.available:
            available = self._sets(batch.column("available"))
        elif first_seen is not None:
            available = times[:, None] >= first_seen
        contexts = encoding.apply([batch.column(f"context{i}") for i in range(len(columns.context))], n)
        feedback = Feedback(
            Decisions(times, contexts, look, available),
            column("k").astype(np.int64),
            column("propensity") if columns.propensity else np.full(n, np.nan),
            column("reward"),
        )
        return Rows(
            feedback,
            column("known") if columns.known else times,
            column("position").astype(np.int64) if columns.position else None,
            column("user", 0) if columns.user else None,
        )

    def _sets(self, lists: Any) -> Booleans:
        """(n, K) from an Arrow array of lists of names."""
        sets = np.zeros((len(lists), len(self.actions)), bool)
        rows = np.repeat(np.arange(len(lists)), pc.list_value_length(lists).to_numpy(zero_copy_only=False))
        sets[rows, pc.index_in(pc.list_flatten(lists), value_set=pa.array(self.actions, pa.string())).to_numpy()] = True
        return sets

    def _first_seen(self) -> Floats:
        """(K,) days when each action was first taken, infinite if never."""
        first = np.full(len(self.actions), np.inf)
        for k, time in self.ask("SELECT k, min(time) FROM checked WHERE broken IS NULL GROUP BY k"):
            first[k] = time
        return first


def _given(name: str, kind: str) -> str:
    """A cell as SQL, null where it says that there is nothing."""
    if kind == "number":
        return f"CASE WHEN NOT isnan({name}::DOUBLE) THEN {name} END"
    return f"CASE WHEN NOT regexp_full_match({name}::VARCHAR, '{_MISSING}') THEN {name} END"


def _is_whole(name: str) -> bool:
    return name.isdecimal() and len(name) < 19
