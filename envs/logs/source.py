"""Where somebody else's log lies: CSV, Parquet, a DuckDB database, SQL text or a data frame, as a DuckDB relation."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import narwhals as nw
import numpy as np
import pandas as pd

from envs.logs.csv_files import LONGEST_LINE, Header, TextFiles
from envs.logs.file_kind import kind
from envs.logs.json_lines import fields
from envs.logs.rows import LogError

_NUMBERS = re.compile(r"U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?|FLOAT|DOUBLE|DECIMAL.*|BOOLEAN")
_GLOB = _SPECIAL = re.compile(r"[*?\[]")
_SQL = re.compile(r"\s*(select|with|from)\b", re.IGNORECASE)
_QUOTED = re.compile(r"'((?:[^']|'')*)'|\"((?:[^\"]|\"\")*)\"")
_KEPT_OF_LINE = 9_990  # bytes of a bad row's text that DuckDB keeps at least
_OBJECT = "CASE WHEN json_valid(line) THEN json_type(line) = 'OBJECT' ELSE false END"


class Source:
    """A log as DuckDB sees it: `relation` to select from, and `types`, column -> "number", "text", "time" or "list".

    Args:
        header: names of the columns of CSV files that have no line of names.
    """

    def __init__(
        self, connection: Any, path: Any, *, encoding: str, delimiter: str, table: str, header: Sequence[str] = ()
    ) -> None:
        self._connection, self._header = connection, header
        self._lines = ""  # of text files: what reads them, a row a line
        self._is_json = False
        if is_frame(path):
            connection.register("frame", path if isinstance(path, pd.DataFrame) else nw.from_native(path).to_arrow())
            self.relation = "frame"
        elif is_sql(path):
            self.relation = f"({_query(connection, str(path))}\n)"  # which ends a comment
        else:
            self._found(files_of(path), encoding, delimiter, table)
        if not self._lines:
            described = connection.sql(f"DESCRIBE SELECT * FROM {self.relation}").fetchall()
            self.types = {name: _kind(kind) for name, kind, *_ in described}

    def _found(self, files: list[Path], encoding: str, delimiter: str, table: str) -> None:
        kinds = {kind(file): file for file in files}
        if len(kinds) > 1 or ("duckdb" in kinds and len(files) > 1):
            listed = ", ".join(f"{what} in {file.name!r}" for what, file in kinds.items())
            raise LogError(f"files of a log must be of one kind, and a database one file, got {listed}")
        (what,) = kinds
        if what == "parquet":
            self.relation = f"read_parquet({_listed(files)}, union_by_name=true)"
        elif what == "duckdb":
            self.relation = self._database(files[0], table)
        elif what == "json":
            self._json(TextFiles(files, encoding))
        else:
            self._csv(TextFiles(files, encoding), delimiter)

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

    def _csv(self, text: TextFiles, delimiter: str) -> None:
        first = Header(text, 0, delimiter, self._header)
        for number, file in enumerate(text.named[1:], 1):
            other = Header(text, number, first.delimiter, self._header)
            if (other.names, other.skip) != (first.names, first.skip):
                got = f"{other.names} in {file.name!r}" if other.names != first.names else f"others in {file.name!r}"
                raise LogError(
                    f"column names and lines before them must be {first.names} as in {text.named[0].name!r}, got {got}"
                )
        self.types = dict.fromkeys(first.names, "text")
        columns = ", ".join(f"{literal(name)}: 'VARCHAR'" for name in first.names)
        named = not self._header
        self._read_by(text, first.skip + named, (
            f"header={named}, skip={first.skip}, delim={literal(first.delimiter)}, quote='\"', escape='\"', "
            f"columns={{{columns}}}"
        ))  # fmt: skip
        self.relation = f"read_csv({self._lines})"

    def _json(self, text: TextFiles) -> None:
        """Every line an object, its columns text under dotted names."""
        self._is_json = True
        found = fields(text)
        self.types = {name: "list" if field.is_list else "text" for name, field in found.items()}
        self._read_by(text, 0, "header=false, delim='\x01', quote='', escape='', columns={'line': 'VARCHAR'}")
        picked = ", ".join(f"{field.sql} AS {quoted(name)}" for name, field in found.items())
        objects = f"SELECT CASE WHEN {_OBJECT} THEN line END AS line FROM read_csv({self._lines})"
        self.relation = f"(SELECT {picked} FROM ({objects}) WHERE line IS NOT NULL)"

    def _read_by(self, text: TextFiles, before: int, how: str) -> None:
        self._text, self._before = text, before  # which also keeps its workplace
        self._lines = (
            f"{_listed(text.files)}, auto_detect=false, {how}, compression='{'gzip' if text.packed else 'none'}', "
            f"max_line_size={LONGEST_LINE}, ignore_errors=true"
        )

    @property
    def is_csv(self) -> bool:
        """Whether every cell is what somebody typed."""
        return bool(self._lines)

    def keeping_rejects(self) -> str:
        """The relation, to be read once: what the parser cannot take goes to `rejected_lines`."""
        if not self._lines:
            return self.relation
        return self.relation.replace(self._lines, f"{self._lines}, store_rejects=true", 1)

    def rejected_lines(self) -> list[tuple[int, str]]:
        """(row, rule) of what the parser could not take; row 1 is the line after the header, of the first of files.

        What stands between quotes is one row, however many lines it has; where quotes are not closed as they should be
        the rule tells how many lines went into that row.
        """
        if not self._lines:
            return []
        found = self._connection.sql(
            "SELECT file_path, line, min(error_type::VARCHAR), max(csv_line) FROM reject_errors JOIN reject_scans "
            "USING (scan_id, file_id) GROUP BY file_path, line ORDER BY file_path, line"
        ).fetchall()
        several = found and len(self._text.files) > 1
        earlier = self._rows_before([file for file, *_ in found]) if several else {}
        lines = sorted(
            (
                earlier.get(file, 0) + int(line) - self._before,
                _PARSER_RULES.get(error, error.lower()) + _swallowed(text or ""),
            )
            for file, line, error, text in found
        )
        return self._with_no_objects(lines) if self._is_json else lines

    def _with_no_objects(self, lines: list[tuple[int, str]]) -> list[tuple[int, str]]:
        """And the lines that the parser took, yet are no JSON objects."""
        parsed = f"SELECT row_number() OVER () AS row, line FROM read_csv({self._lines}) WHERE line IS NOT NULL"
        bad = self._connection.sql(f"SELECT row FROM ({parsed}) WHERE NOT ({_OBJECT}) ORDER BY row")
        place = placed([row for row, _ in lines])
        return sorted([*lines, *((place(row), "be a JSON object") for (row,) in bad.fetchall())])

    def _rows_before(self, rejected: list[str]) -> dict[str, int]:
        """File -> data lines in the files before it, those the parser could not take included."""
        query = f"SELECT filename, count(*) FROM read_csv({self._lines}, filename=true) GROUP BY filename"
        taken = dict(self._connection.sql(query).fetchall())
        lines = [taken.get(str(file), 0) + rejected.count(str(file)) for file in self._text.files]
        return {str(file): sum(lines[:number]) for number, file in enumerate(self._text.files)}


_PARSER_RULES = {
    "MISSING COLUMNS": "have as many values as the header has names, got fewer",
    "TOO MANY COLUMNS": "have as many values as the header has names, got more",
    "UNQUOTED VALUE": "close its quotes",
    "INVALID ENCODING": "be in the encoding of the file",
    "LINE SIZE OVER MAXIMUM": f"have at most {LONGEST_LINE} bytes",
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
        what = "a data frame" if is_frame(path) else repr(str(path))
        text = str(reason)
        if "CSV Parser state machine" in text:
            raise LogError(f"log must have one kind of line ending and whole quotes, got others in {what}") from None
        first = re.sub(r"^[\w ]*Error: ", "", text.strip().splitlines()[0])
        raise LogError(f"log must be readable, got {what}: {first}") from None


def is_frame(path: Any) -> bool:
    """Whether this is a data frame in memory: of pandas, polars, pyarrow or whatever else narwhals knows."""
    return bool(nw.dependencies.is_into_dataframe(path))


def is_sql(path: Any) -> bool:
    """Whether this is SQL text: a name that exists is a file, whatever it is called."""
    return bool(_SQL.match(str(path))) and not os.path.exists(str(path))


def files_of(path: Any) -> list[Path]:
    """The files that are read for a log of that name; of SQL text all that its words name.

    Raises:
        LogError: there are none.
    """
    if is_frame(path):
        return []
    if not str(path).strip():
        raise LogError(f"log must be a file, a folder, a glob or SQL text, got {str(path)!r}")
    if is_sql(path):
        quotes = [one or other for one, other in _QUOTED.findall(str(path))]
        plain = [word for word in re.split(r"[\s,;()]+", _QUOTED.sub(" ", str(path))) if os.path.isfile(word)]
        return [file for word in [*quotes, *map(glob.escape, plain)] for file in _named(word.replace("''", "'"))]
    if Path(path).is_dir():
        return _within(Path(path))
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


def _within(folder: Path) -> list[Path]:
    """The Parquet files of a folder; what begins with a dot or a line is somebody's notes."""
    seen = sorted(file for file in folder.rglob("[!._]*") if file.is_file() and file.stat().st_size)
    found = [file for file in seen if not _is_foreign(file)]
    if not found:
        raise LogError(f"log must have Parquet files, got a folder without {str(folder)!r}")
    return found


def _is_foreign(file: Path) -> bool:
    try:
        return kind(file) != "parquet"
    except LogError:
        return True


def _query(connection: Any, text: str) -> str:
    """SQL text that reads, and does nothing else."""
    found = connection.extract_statements(text)
    if len(found) != 1 or found[0].type != duckdb.StatementType.SELECT:
        raise LogError(f"SQL must be one SELECT, got {text!r}")
    return str(found[0].query).strip().rstrip(";")


def _listed(files: list[Path]) -> str:
    """As a SQL list of files: a bracket or an asterisk in a name is no glob."""
    return "[" + ", ".join(literal(_SPECIAL.sub(r"[\g<0>]", str(file))) for file in files) + "]"


def placed(bad: Sequence[int]) -> Callable[[int], int]:
    """From the number of a row among those that were taken to where it stands, `bad` lines between them included."""
    before = np.asarray(bad, np.int64) - np.arange(len(bad))
    return lambda row: row + int(np.searchsorted(before, row, "right"))


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
