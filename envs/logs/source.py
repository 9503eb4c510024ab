"""Where somebody else's log lies: CSV, Parquet, a DuckDB database, SQL text or a pandas frame, as a DuckDB relation."""

from __future__ import annotations

import csv
import glob
import gzip
import io
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd

from envs.logs.rows import LogError

_NUMBERS = re.compile(r"U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?|FLOAT|DOUBLE|DECIMAL.*|BOOLEAN")
_GLOB = _SPECIAL = re.compile(r"[*?\[]")
_SQL = re.compile(r"\s*(select|with|from)\b", re.IGNORECASE)
_QUOTED = re.compile(r"'((?:[^']|'')*)'|\"((?:[^\"]|\"\")*)\"")
_KEPT_OF_LINE = 9_990  # bytes of a bad row's text that DuckDB keeps at least
_LONGEST_LINE = 2_000_000  # bytes of a CSV row; longer ones are rejected


class Source:
    """A log as DuckDB sees it: `relation` to select from, and `types`, column -> "number", "text", "time" or "list"."""

    def __init__(self, connection: Any, path: Any, *, encoding: str, delimiter: str, table: str) -> None:
        self._connection = connection
        self.is_csv = False
        if isinstance(path, pd.DataFrame):
            connection.register("frame", path)
            self.relation = "frame"
        elif is_sql(path):
            self.relation = f"({_query(connection, str(path))}\n)"  # which ends a comment
        elif Path(path).suffix in (".duckdb", ".ddb", ".db"):
            self.relation = self._database(_there(path), table)
        elif _is_parquet(path):
            self.relation = f"read_parquet({_listed(files_of(path))}, union_by_name=true)"
        else:
            self._csv([_there(file) for file in files_of(path)], encoding, delimiter)
            return
        described = connection.sql(f"DESCRIBE SELECT * FROM {self.relation}").fetchall()
        self.types = {name: _kind(kind) for name, kind, *_ in described}

    def _database(self, path: Path, table: str) -> str:
        """The table or view of that name, which needs its schema where several have one."""
        self._connection.sql(f"ATTACH {literal(str(path))} AS theirs (READ_ONLY)")
        there = self._connection.sql(
            "SELECT schema_name, table_name FROM duckdb_tables() WHERE database_name = 'theirs' UNION "
            "SELECT schema_name, view_name FROM duckdb_views() WHERE database_name = 'theirs' AND NOT internal "
            "ORDER BY 1, 2"
        ).fetchall()
        meant = [pair for pair in there if not table or table in (pair[1], ".".join(pair))]
        if len(meant) != 1:
            names = [pair[1] for pair in there]
            known = ", ".join(pair[1] if names.count(pair[1]) == 1 else ".".join(pair) for pair in there)
            raise LogError(f"table must be one of {known or '(none)'}, got {table!r} in {str(path)!r}")
        schema, name = meant[0]
        return f"theirs.{quoted(schema)}.{quoted(name)}"

    def _csv(self, files: list[Path], encoding: str, delimiter: str) -> None:
        self.is_csv = True
        self._files = files
        names, delimiter = _header(files[0], encoding, delimiter)
        for file in files[1:]:
            if (others := _header(file, encoding, delimiter)[0]) != names:
                raise LogError(f"column names must be {names} as in {files[0].name!r}, got {others} in {file.name!r}")
        self.types = dict.fromkeys(names, "text")
        columns = ", ".join(f"{literal(name)}: 'VARCHAR'" for name in names)
        self._options = (
            f"{_listed(files)}, auto_detect=false, header=true, "
            f"delim={literal(delimiter)}, quote='\"', escape='\"', columns={{{columns}}}, "
            f"encoding={literal(encoding)}, "
            f"max_line_size={_LONGEST_LINE}, ignore_errors=true"
        )
        self.relation = f"read_csv({self._options})"

    def keeping_rejects(self) -> str:
        """The relation, to be read once: what the CSV parser cannot take goes to `rejected_lines`."""
        return f"read_csv({self._options}, store_rejects=true)" if self.is_csv else self.relation

    def rejected_lines(self) -> list[tuple[int, str]]:
        """(row, rule) of what the parser could not take; row 1 is the line after the header, of the first of files.

        What stands between quotes is one row, however many lines it has; where quotes are not closed as they should be
        the rule tells how many lines went into that row.
        """
        if not self.is_csv:
            return []
        found = self._connection.sql(
            "SELECT file_path, line, min(error_type::VARCHAR), max(csv_line) FROM reject_errors JOIN reject_scans "
            "USING (scan_id, file_id) GROUP BY file_path, line ORDER BY file_path, line"
        ).fetchall()
        before = self._rows_before([file for file, *_ in found]) if found and len(self._files) > 1 else {}
        return sorted(
            (before.get(file, 0) + int(line) - 1, _PARSER_RULES.get(kind, kind.lower()) + _swallowed(text or ""))
            for file, line, kind, text in found
        )

    def _rows_before(self, rejected: list[str]) -> dict[str, int]:
        """File -> data lines in the files before it, those the parser could not take included."""
        query = f"SELECT filename, count(*) FROM read_csv({self._options}, filename=true) GROUP BY filename"
        taken = dict(self._connection.sql(query).fetchall())
        lines = [taken.get(str(file), 0) + rejected.count(str(file)) for file in self._files]
        return {str(file): sum(lines[:number]) for number, file in enumerate(self._files)}


_PARSER_RULES = {
    "MISSING COLUMNS": "have as many values as the header has names, got fewer",
    "TOO MANY COLUMNS": "have as many values as the header has names, got more",
    "UNQUOTED VALUE": "close its quotes",
    "INVALID ENCODING": "be in the encoding of the file",
    "LINE SIZE OVER MAXIMUM": f"have at most {_LONGEST_LINE} bytes",
}


def _swallowed(text: str) -> str:
    """How many further lines went into a bad row, whose text DuckDB keeps up to 10,000 bytes of."""
    further = len(text.strip("\r\n").splitlines()) - 1
    if further < 1:
        return ""
    least = "at least " if len(text.encode()) >= _KEPT_OF_LINE else ""
    return f"; it swallowed {least}{further:,} further line{'s' * (further > 1)}"


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


def is_sql(path: Any) -> bool:
    """Whether this is SQL text: a name that exists is a file, whatever it is called."""
    return bool(_SQL.match(str(path))) and not os.path.exists(str(path))


def files_of(path: Any) -> list[Path]:
    """The files that are read for a log of that name; of SQL text all that its words name.

    Raises:
        LogError: there are none.
    """
    if isinstance(path, pd.DataFrame):
        return []
    if not str(path).strip():
        raise LogError(f"log must be a file, a folder, a glob or SQL text, got {str(path)!r}")
    if is_sql(path):
        quotes = [one or other for one, other in _QUOTED.findall(str(path))]
        plain = [word for word in re.split(r"[\s,;()]+", _QUOTED.sub(" ", str(path))) if os.path.isfile(word)]
        return [file for word in [*quotes, *map(glob.escape, plain)] for file in _named(word.replace("''", "'"))]
    if Path(path).is_dir():
        found = sorted(file for file in Path(path).rglob("*.parquet") if file.is_file())
        if not found:
            raise LogError(f"log must have Parquet files, got a folder without {str(path)!r}")
        return found
    found = _named(path)
    if not found:
        raise LogError(
            f"log must be files that exist, got none for {str(path)!r}"
            if _GLOB.search(str(path))
            else f"log must be a file that exists, got {str(path)!r}"
        )
    return found


def _named(path: Any) -> list[Path]:
    """The file of that name, or those that the glob finds, by name."""
    try:
        if os.path.isfile(path):
            return [Path(path)]
        return [Path(file) for file in sorted(glob.glob(str(path), recursive=True)) if os.path.isfile(file)]
    except (OSError, ValueError):  # no name of a file
        return []


def _query(connection: Any, text: str) -> str:
    """SQL text that reads, and does nothing else."""
    found = connection.extract_statements(text)
    if len(found) != 1 or found[0].type != duckdb.StatementType.SELECT:
        raise LogError(f"SQL must be one SELECT, got {text!r}")
    return str(found[0].query).strip().rstrip(";")


def _listed(files: list[Path]) -> str:
    """As a SQL list of files: a bracket or an asterisk in a name is no glob."""
    return "[" + ", ".join(literal(_SPECIAL.sub(r"[\g<0>]", str(file))) for file in files) + "]"


def _there(file: Path) -> Path:
    if not Path(file).is_file():
        raise LogError(f"log must be a file that exists, got {str(file)!r}")
    if Path(file).stat().st_size == 0:
        raise LogError(f"log must have rows, got an empty file {str(file)!r}")
    return Path(file)


def _is_parquet(path: Any) -> bool:
    return Path(path).suffix in (".parquet", ".pq") or Path(path).is_dir()


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
