"""Somebody else's log becomes one of ours: read once, checked row by row, encoded, put in order of time.

All of it happens in a DuckDB table on disk, in a folder of its own that goes when it is done, so that a log may be
larger than memory. Rows kept and rows rejected add up to the rows read, always.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from envs.logs import log_file
from envs.logs.cells import Cells, given
from envs.logs.columns import MOST_ACTIONS, Columns, Context
from envs.logs.encoding import Encoding
from envs.logs.fitting import fitted
from envs.logs.items import Catalogue
from envs.logs.log_file import About, LogFile
from envs.logs.private import apart, write_csv
from envs.logs.proposal import Proposal
from envs.logs.pseudonyms import key, pseudonymiser
from envs.logs.rows import LogError, Rows
from envs.logs.rules import LINE_ADVICE, rules
from envs.logs.source import Source, files_of, literal, placed, plainly, quoted
from envs.logs.workplace import Workplace
from policies.policy import Booleans, Decisions, Feedback, Floats

_PART = 1 << 16  # rows in memory at a time
_SETTINGS = (
    "TimeZone = 'UTC'",
    "memory_limit = '512MB'",
    "autoinstall_known_extensions = false",  # nothing is fetched from anywhere
    "autoload_known_extensions = false",
    "python_enable_replacements = false",  # a table of SQL text is no variable of ours
)


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
    like: str | Path | None = None,
) -> LogFile:
    """A log of ours from somebody else's.

    Args:
        path: CSV, Parquet (file, folder or glob), a DuckDB database, SQL text, or a data frame.
        columns: a `Columns`, a mapping, or the path of a TOML file; proposed from their names where not given.
        into: the file to write; a temporary one where not given.
        rejects: a CSV file that gets the bad rows: row, column, rule, value. Row 1 is the first after the header.
        user_ids: whether the column of user ids becomes pseudonyms or is left out.
        key_file: a file (0600) with the key of the pseudonyms.
        encoding: of an earlier log, so that a policy trained on that one understands this one.
        products: (K, a) action features.
        like: an earlier log of ours: this one gets its actions, with new ones after them, and its encoding.

    Raises:
        LogError: the log cannot be read, a column is missing, no row is good, or one is bad and there is no `rejects`.
    """
    apart({"out": into, "rejects": rejects}, read_for(path, columns, key_file, like))
    earlier = None if like is None else LogFile(like).about
    with plainly(path), Opened(path, columns, secret=partial(key, key_file) if user_ids else None, like=earlier) as log:
        if rejects is not None:
            write_csv(rejects, ("row", "column", "rule", "value"), log.rejected())
        counts = log.counts()
        if not counts["kept"]:
            raise LogError(log.none_kept())
        if rejects is None and counts["rejected"]:
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
    items = Columns.of(columns).items if columns is not None else None
    beside = [*named, items.file if items and items.file else None]
    return [*files_of(path), *(Path(file) for file in beside if file is not None)]


class Opened:
    """Somebody else's log as a checked table in DuckDB, until it is closed.

    Args:
        path, columns: as of `ingested`.
        secret: gives the key of the pseudonyms, asked only where there are user ids; None leaves user ids out.
        like: of an earlier log of ours, whose actions and contexts this one is to have.

    Raises:
        LogError: as of `ingested`.
    """

    def __init__(
        self, path: Any, columns: Any = None, *, secret: Callable[[], bytes] | None, like: About | None = None
    ) -> None:
        self._folder = Workplace()
        self.connection = duckdb.connect(":memory:")
        try:
            for setting in (*_SETTINGS, f"temp_directory = {literal(str(self._folder.path))}"):
                self.connection.execute(f"SET {setting}")
            self.notes: list[str] = []  # on what was proposed
            self._like = like
            self.columns, source = self._found(path, columns, secret is not None)
            self._read(source, secret)
            self._cells = Cells(self.columns, self._types, self.ask)
            self.catalogue = Catalogue(self.connection, self.columns, self._types) if self.columns.items else None
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
        known = Columns.of(columns) if columns is not None else Columns("", "action", "reward")
        how = {"encoding": known.encoding, "delimiter": known.delimiter, "table": known.table}
        source = Source(self.connection, path, **how)
        if columns is None:
            proposal = Proposal(self.connection, source, is_csv=source.is_csv)
            known, self.notes = proposal.columns, proposal.notes
        if self._like is not None:
            known = replace(known, context=_contexts_of(self._like))
        if not user_ids:
            known = replace(known, user="")
        for role, column in self._placed(known).items():
            if column not in source.types:
                there = ", ".join(map(repr, list(source.types)[:50]))
                raise LogError(f"column {column!r} ({role.rstrip('0123456789')}) must be in the log, which has {there}")
        return known, source

    def _placed(self, columns: Columns) -> dict[str, str]:
        """Name in table `raw` -> column."""
        contexts = {f"context{i}": column for i, column in enumerate(columns.context)}
        return columns.roles() | contexts | {f"shown{i}": column for i, column in enumerate(columns.shown())}

    def _read(self, source: Source, secret: Callable[[], bytes] | None) -> None:
        """The columns that play a role, once, into table `raw`; user ids never get in."""
        there = self._placed(self.columns)
        self._types = {role: source.types[column] for role, column in there.items()}
        picked = {role: quoted(column) for role, column in there.items()}
        if self.columns.user and secret is not None:
            self.connection.create_function("pseudonym", pseudonymiser(secret()), ["VARCHAR"], "UBIGINT", type="arrow")
            picked["user"] = f"pseudonym({given('trim(' + picked['user'] + '::VARCHAR)', 'category')})"
        listed = ", ".join(f"{column} AS {quoted(role)}" for role, column in picked.items())
        self.connection.execute(
            f"CREATE TABLE raw AS SELECT row_number() OVER () AS row, {listed} FROM {source.keeping_rejects()}"
        )
        self._lines = source.rejected_lines()

    def _named(self) -> tuple[str, ...]:
        """The actions: those given or of the earlier log, then those in the log, numbers in their order."""
        fixed = self.columns.actions
        names = [str(k) for k in range(fixed)] if isinstance(fixed, int) else list(fixed or ())
        if self._like is not None:
            names = [*self._like.actions, *(name for name in names if name not in self._like.actions)]
        if fixed is None:
            names += self._seen(set(names))
        if len(names) > MOST_ACTIONS:
            raise LogError(f"actions must be at most {MOST_ACTIONS}, got more in column {self.columns.action!r}")
        self.connection.execute("CREATE TABLE actions (name VARCHAR, k INTEGER, chance DOUBLE)")
        if names:
            chances = self.columns.propensity if isinstance(self.columns.propensity, Mapping) else {}
            table = pa.table({
                "name": pa.array(names, pa.string()),
                "k": pa.array(range(len(names)), pa.int32()),
                "chance": pa.array([chances.get(name) for name in names], pa.float64()),
            })  # fmt: skip
            self.connection.register("named", table)
            self.connection.execute("INSERT INTO actions SELECT * FROM named")
        return tuple(names)

    def _seen(self, known: set[str]) -> list[str]:
        """Names in the log that are not known, of which a policy can be shown something."""
        query = f"SELECT DISTINCT {self._cells.action()} AS name FROM raw"
        if self.columns.available:
            query += f" UNION SELECT DISTINCT unnest({self._cells.available()}) FROM raw"
        found = self.ask(f"SELECT name FROM ({query}) WHERE name IS NOT NULL LIMIT {MOST_ACTIONS + 1}")
        in_catalogue = self.catalogue.names() if self.catalogue is not None else None
        names = [name for (name,) in found if name not in known and (in_catalogue is None or name in in_catalogue)]
        return sorted(names, key=lambda name: (0, int(name), "") if _is_whole(name) else (1, 0, name))

    def origin(self) -> str | None:
        """The date and time of day 0, where times are dates."""
        if not self._cells.as_dates:
            return None
        return str(np.datetime64(self._cells.first_date, "us")) + "Z"

    def _check(self) -> None:
        """Table `checked`: every role as what it means, and `broken`, the number of the first rule broken, or none."""
        cases = " ".join(f"WHEN {rule.broken} THEN {number}" for number, rule in enumerate(self.rules))
        known = "(SELECT list(name) FROM actions)"
        contexts = [f"context{i}" for i in range(len(self.columns.context))]
        cells = "".join(f", {given(name, self._types[name])} AS given{name[7:]}" for name in contexts)
        chance = ", chance AS propensity" if isinstance(self.columns.propensity, Mapping) else ""
        self.connection.execute(
            f"CREATE TABLE checked AS SELECT *, CASE {cases} END AS broken FROM (SELECT *{chance} FROM "
            f"(SELECT {', '.join(self._meant())}, {known} AS all_names FROM (SELECT *{cells} FROM raw)) "
            "LEFT JOIN actions USING (name))"
        )

    def _meant(self) -> list[str]:
        """What the cells of every role mean, as SQL."""
        columns, cells = self.columns, self._cells
        meant = ["row", f"{cells.days('time')} AS time", f"{cells.action()} AS name", f"{self._reward()} AS reward"]
        if isinstance(columns.propensity, (int, float)):
            meant.append(f"{float(columns.propensity)!r}::DOUBLE AS propensity")
        numbers = [role for role in ("propensity", "position", "weight") if role in columns.roles()]
        meant += [f"{cells.number(role, self._types[role])} AS {role}" for role in numbers]
        if columns.available:
            meant.append(f"{cells.available()} AS available")
        if columns.known:
            nothing = f"({given('known', self._types['known'])}) IS NULL"  # then nothing is still to come
            meant.append(f"CASE WHEN {nothing} THEN {cells.days('time')} ELSE {cells.days('known')} END AS known")
        if columns.user:
            meant.append('"user"')
        if columns.id:
            meant.append("id, row_number() OVER (PARTITION BY id ORDER BY row) AS times_seen")
        for i, how in enumerate(columns.context.values()):
            kind, text = self._types[f"context{i}"], f"given{i}"
            value = cells.number(text, kind) if how.kind == "number" else f"TRY_CAST({text} AS VARCHAR)"
            meant.append(f"{value} AS context{i}, {text} IS NULL AS missing{i}")
        return meant

    def _reward(self) -> str:
        truth = "TRY_CAST(TRY_CAST(reward AS BOOLEAN) AS DOUBLE)"
        reward = f"coalesce({self._cells.number('reward', self._types['reward'])}, {truth})"
        return f"0.0 - {reward}" if self.columns.negate else reward

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
        place = placed([row for row, _ in self._lines])
        shown = [(i, rule.role) for i, rule in enumerate(self.rules) if rule.role != "id"]  # ids may be of people
        values = " ".join(f"WHEN {i} THEN {self._cell(role)}::VARCHAR" for i, role in shown)
        found = self.connection.sql(
            f"SELECT row, broken, left(CASE broken {values} END, 100) FROM "
            "(SELECT row, broken FROM checked WHERE broken IS NOT NULL) JOIN raw USING (row) ORDER BY row"
        )
        for batch in found.to_arrow_reader(_PART):
            for row, i, value in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                yield place(row), self.rules[i].column, self.rules[i].rule, value or ""

    def _cell(self, role: str) -> str:
        """What stands in the log for a role, as SQL."""
        if role in self._types:
            return f"raw.{quoted(role)}"
        return "raw.action" if isinstance(self.columns.propensity, Mapping) else "NULL"

    def none_kept(self) -> str:
        """What is wrong with most rows, where none is good."""
        counts = self.counts()
        if not counts["rows"]:
            return "log must have at least one row, got a header only"
        rule = max(counts["by_rule"], key=counts["by_rule"].get)
        _, column, rule, value = next(found for found in self.rejected() if f"{found[1]} must {found[2]}" == rule)
        broken = next((one for one in self.rules if (one.column, one.rule) == (column, rule)), None)
        advice = broken.advice if broken else LINE_ADVICE.get(rule.partition(";")[0], "set delimiter")
        asked = [note for note in self.notes if broken and broken.role == "time" and "time_format" in note]
        return (
            f"log must have good rows, got none of {counts['rows']:,}, most often since {column} must {rule}, "
            f"got {value!r}: {'; '.join(asked) or advice}"
        )

    def first_rejected(self) -> str:
        """What is wrong with the first bad row, and how many more there are."""
        more = self.counts()["rejected"] - 1
        row, column, rule, value = next(self.rejected())
        return f"row {row}: {column} must {rule}, got {value!r}" + (f" ({more} more bad rows)" if more else "")

    def write(self, path: Path, encoding: Encoding | None = None, products: Floats | None = None) -> None:
        """The rows kept, as a log of ours."""
        if encoding is None:
            encoding = self._encoding()
        wanted, there = (
            [(f.column, f.kind) for f in encoding.features],
            [(column, how.kind) for column, how in self.columns.context.items()],
        )
        if wanted != there:
            raise LogError(f"encoding must be of the context columns {there}, got one of {wanted}")
        items = None
        if self.catalogue is not None:
            earlier = Encoding.of(self._like.items) if self._like is not None and self._like.items else None
            items, products = self.catalogue.features(self.actions, earlier)
        about = About(
            self.actions,
            tuple(encoding.names),
            n_action_features=0 if products is None else products.shape[1],
            propensities="logged" if self.columns.propensity else "missing",
            encoding=encoding.plain(),
            origin=self.origin(),
            ingest=self.counts(),
            items=None if items is None else items.plain(),
            timed=bool(self.columns.time),
        )
        log_file.write(path, about, self._parts(encoding, products))

    def _encoding(self) -> Encoding:
        if self._like is not None and self._like.encoding is not None:
            return Encoding.of(self._like.encoding)
        self.connection.execute("SET threads = 1")  # sums in one order give the same bits
        features = fitted(self.ask, self.columns.context)
        self.connection.execute("RESET threads")
        return Encoding(features, constant=True)

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
            weights=column("weight") if columns.weight else None,
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


def _contexts_of(like: About) -> dict[str, Context]:
    """The columns from which the contexts of an earlier log were made."""
    if like.encoding is None:
        raise LogError("an earlier log must be one that was converted, got one without an encoding of its contexts")
    features = Encoding.of(like.encoding).features
    return {f.column: Context(f.kind, f.missing, f.size or Context.size) for f in features}


def _is_whole(name: str) -> bool:
    return name.isdecimal() and len(name) < 19
