"""Where somebody else's log lies: CSV, Parquet, a DuckDB database, SQL text or a pandas frame, as a DuckDB relation."""

from __future__ import annotations

import csv
import gzip
import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd

from envs.rows import LogError

_NUMBERS = re.compile(r"U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?|FLOAT|DOUBLE|DECIMAL.*|BOOLEAN")
_LONGEST_LINE = 2_000_000  # bytes of a CSV row; longer ones are rejected


class Source:
    """A log as DuckDB sees it: `relation` to select from, and `types`, column -> "number", "text", "time" or "list"."""

    def __init__(self, connection: Any, path: Any, *, encoding: str, delimiter: str, table: str) -> None:
        self._connection = connection
        self.is_csv = False
        if isinstance(path, pd.DataFrame):
            connection.register("frame", path)
            self.relation = "frame"
        elif re.match(r"\s*(select|with|from)\b", str(path), re.IGNORECASE):
            self.relation = f"({str(path).strip().rstrip(';')})"
        elif Path(path).suffix in (".duckdb", ".ddb", ".db"):
            self.relation = self._database(_there(path), table)
        elif _is_parquet(path):
            self.relation = f"read_parquet({literal(_parquet(path))}, union_by_name=true)"
        else:
            self._csv(_there(path), encoding, delimiter)
            return
        described = connection.sql(f"DESCRIBE SELECT * FROM {self.relation}").fetchall()
        self.types = {name: _kind(kind) for name, kind, *_ in described}

    def _database(self, path: Path, table: str) -> str:
        self._connection.sql(f"ATTACH {literal(str(path))} AS theirs (READ_ONLY)")
        query = "SELECT schema_name, table_name FROM duckdb_tables() WHERE database_name = 'theirs'"
        tables = {
            name: f"theirs.{quoted(schema)}.{quoted(name)}" for schema, name in self._connection.sql(query).fetchall()
        }
        if not table and len(tables) == 1:
            return next(iter(tables.values()))
        if table not in tables:
            raise LogError(f"table must be one of {', '.join(tables) or '(none)'}, got {table!r} in {str(path)!r}")
        return tables[table]

    def _csv(self, path: Path, encoding: str, delimiter: str) -> None:
        self.is_csv = True
        names, delimiter = _header(path, encoding, delimiter)
        self.types = dict.fromkeys(names, "text")
        columns = ", ".join(f"{literal(name)}: 'VARCHAR'" for name in names)
        self._options = (
            f"{literal(str(path))}, auto_detect=false, header=true, delim={literal(delimiter)}, quote='\"', "
            f"escape='\"', columns={{{columns}}}, encoding={literal(encoding)}, "
            f"max_line_size={_LONGEST_LINE}, ignore_errors=true"
        )
        self.relation = f"read_csv({self._options})"

    def keeping_rejects(self) -> str:
        """The relation, to be read once: what the CSV parser cannot take goes to `rejected_lines`."""
        return f"read_csv({self._options}, store_rejects=true)" if self.is_csv else self.relation

    def rejected_lines(self) -> list[tuple[int, str]]:
        """(row, rule) of what the parser could not take; row 1 is the line after the header."""
        if not self.is_csv:
            return []
        query = "SELECT line, min(error_type::VARCHAR) FROM reject_errors GROUP BY line ORDER BY line"
        return [
            (int(line) - 1, _PARSER_RULES.get(kind, kind.lower()))
            for line, kind in self._connection.sql(query).fetchall()
        ]


_PARSER_RULES = {
    "MISSING COLUMNS": "have as many values as the header has names, got fewer",
    "TOO MANY COLUMNS": "have as many values as the header has names, got more",
    "UNQUOTED VALUE": "close its quotes",
    "INVALID ENCODING": "be in the encoding of the file",
    "LINE SIZE OVER MAXIMUM": f"have at most {_LONGEST_LINE} bytes",
}


@contextmanager
def plainly(path: Any) -> Iterator[None]:
    """Turns what DuckDB says into one line."""
    try:
        yield
    except duckdb.Error as reason:
        what = "a pandas frame" if isinstance(path, pd.DataFrame) else repr(str(path))
        text = str(reason)
        if "CSV Parser state machine" in text:
            raise LogError(f"log must have one kind of line ending and whole quotes, got others in {what}") from None
        first = re.sub(r"^[\w ]*Error: ", "", text.strip().splitlines()[0])
        raise LogError(f"log must be readable, got {what}: {first}") from None


def _there(path: Any) -> Path:
    file = Path(path)
    if not file.is_file():
        raise LogError(f"log must be a file that exists, got {str(path)!r}")
    if file.stat().st_size == 0:
        raise LogError(f"log must have rows, got an empty file {str(path)!r}")
    return file


def _is_parquet(path: Any) -> bool:
    return Path(path).suffix in (".parquet", ".pq") or Path(path).is_dir()


def _parquet(path: Any) -> str:
    if Path(path).is_dir():
        if not any(Path(path).rglob("*.parquet")):
            raise LogError(f"log must have Parquet files, got a folder without {str(path)!r}")
        return str(Path(path) / "**" / "*.parquet")
    if not re.search(r"[*?\[]", str(path)):
        _there(path)
    return str(path)


def _header(path: Path, encoding: str, delimiter: str) -> tuple[list[str], str]:
    """The names in the first line, and what stands between them."""
    try:
        codec = "utf-8-sig" if encoding == "utf-8" else encoding
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            line = io.TextIOWrapper(file, codec, errors="replace").readline(_LONGEST_LINE).strip("\r\n")
    except (UnicodeError, LookupError, OSError, EOFError) as reason:
        raise LogError(f"log must be text in {encoding}, got {str(path)!r} ({reason}): set encoding") from None
    if not line.strip() or "\x00" in line or "\ufffd" in line:
        got = f"{line[:40]!r} in {str(path)!r}: set encoding"
        raise LogError(f"log must begin with a line of column names in {encoding}, got {got}")
    delimiter = delimiter or max(",;\t|", key=line.count)
    names = [name.strip() or f"column{i}" for i, name in enumerate(next(csv.reader([line], delimiter=delimiter)))]
    for name in names:
        if names.count(name) > 1:
            raise LogError(f"column names must differ, got {name!r} more than once in {str(path)!r}")
    return names, delimiter


def _kind(duckdb_type: Any) -> str:
    text = str(duckdb_type)
    if text.endswith("]"):
        return "list"
    if text.startswith(("TIMESTAMP", "DATE")):
        return "time"
    return "number" if _NUMBERS.fullmatch(text) else "text"


def literal(text: str) -> str:
    """As a SQL string."""
    return "'" + text.replace("'", "''") + "'"


def quoted(name: str) -> str:
    """As a SQL identifier."""
    return '"' + name.replace('"', '""') + '"'
