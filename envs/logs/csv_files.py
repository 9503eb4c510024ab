"""CSV files of one kind: where their header is, what stands between cells, and what DuckDB is to be told of it."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from functools import partial
from itertools import islice
from pathlib import Path

from envs.logs.file_kind import is_packed, marked, opened
from envs.logs.rows import LogError
from envs.logs.workplace import Workplace

LONGEST_LINE = 2_000_000  # bytes of a row; longer ones are rejected
_MOST_COLUMNS = 10_000
_BEFORE_HEADER = 50  # lines among which it is looked for
_CHUNK = 1 << 20  # characters
_NUMBER = re.compile(r"[+-]?[0-9]+([.,][0-9]+)?")
_ONCE = re.compile(r"sep=(.)\s*", re.IGNORECASE)  # Excel's line that names the delimiter


class TextFiles:
    """Text files as DuckDB can read them: UTF-8, packed alike. Others are rewritten in a workplace, line by line.

    Bytes that mean nothing in their encoding stay bytes that mean nothing, so that their rows are rejected.
    """

    def __init__(self, files: list[Path], encoding: str) -> None:
        self.named = files
        self.encoding = encoding
        self.packed = is_packed(files[0])
        if encoding == "utf-8" and any(marked(file) == "utf-16" for file in files):
            self.encoding = "utf-16"
        if self.encoding.lower().replace("_", "-") in ("utf-8", "utf8", "utf-8-sig"):
            self.encoding = "utf-8-sig"
        self.files = files
        if self.encoding != "utf-8-sig" or any(is_packed(file) != self.packed for file in files):
            self._workplace = Workplace()
            self.files = [self._rewritten(number, file) for number, file in enumerate(files)]
            self.packed = False

    def _rewritten(self, number: int, file: Path) -> Path:
        path = self._workplace.path / f"{number}.csv"
        encoding = marked(file) or self.encoding  # what its first bytes say, whatever else was said of it
        with opened(file, encoding, "surrogateescape") as text, path.open("wb") as written:
            try:
                while chunk := text.read(_CHUNK):
                    written.write(chunk.encode("utf-8", "surrogateescape"))
            except (UnicodeError, OSError, EOFError) as reason:
                raise not_text(file, encoding, str(reason)) from None
        return path

    def lines(self, number: int) -> list[str]:
        """The first lines of a file."""
        try:
            with opened(self.files[number], "utf-8-sig") as text:
                lines = iter(partial(text.readline, LONGEST_LINE), "")
                return [line.rstrip("\r\n") for line in islice(lines, _BEFORE_HEADER)]
        except (OSError, EOFError, UnicodeError) as reason:
            raise not_text(self.named[number], self.encoding, str(reason)) from None


class Header:
    """The names in the first line that has several cells, what stands between them, and how many lines come before.

    Before it may stand lines like `sep=;`, comments after `#`, empty ones, and titles: lines with one cell that is
    not empty.

    Args:
        names: of the columns of files whose first line has none.
    """

    def __init__(self, files: TextFiles, number: int, delimiter: str, names: Sequence[str] = ()) -> None:
        self._path = files.named[number]
        lines = files.lines(number)
        if lines and (once := _ONCE.fullmatch(lines[0])):
            delimiter = delimiter or once[1]
        self.skip, line = next(
            ((i, line) for i, line in enumerate(lines) if _is_header(line, delimiter)), (0, lines[0] if lines else "")
        )
        if not line.strip():
            raise LogError(f"log must begin with a line of column names, got none in {str(self._path)!r}")
        if "\x00" in line or "\ufffd" in line:
            raise not_text(self._path, files.encoding.removesuffix("-sig"), repr(line[:40]))
        self.delimiter = delimiter or _delimiter(line)
        cells = _cells(line, self.delimiter)
        if len(cells) > _MOST_COLUMNS:
            raise LogError(f"log must have at most {_MOST_COLUMNS} columns, got {len(cells)} in {str(self._path)!r}")
        if names and len(names) != len(cells):
            raise LogError(f"header must name the {len(cells)} columns of {str(self._path)!r}, got {len(names)}")
        self.names = list(names) or [name.strip() or f"column{i}" for i, name in enumerate(cells)]
        hint = ": its first line is a row; put a line of names before it" if any(map(is_number, self.names)) else ""
        met: set[str] = set()
        for name in self.names:
            if name.lower() in met:  # SQL takes no notice of case
                raise LogError(f"column names must differ, got {name!r} more than once in {str(self._path)!r}{hint}")
            met.add(name.lower())


def not_text(file: Path, encoding: str, got: str) -> LogError:
    """What to say where it is not what it should be."""
    what = "log must begin with a line of column names"
    return LogError(f"{what} in {encoding}, got {got} in {str(file)!r}: set encoding, such as cp1252, gbk or utf-16-le")


def is_number(name: str) -> bool:
    """Whether what should be a name is a number: then the file has no line of names."""
    return bool(_NUMBER.fullmatch(name))


def _delimiter(line: str) -> str:
    return max(",;\t|", key=line.count)


def _cells(line: str, delimiter: str) -> list[str]:
    try:
        return next(csv.reader([line], delimiter=delimiter), [])
    except csv.Error:  # a cell longer than any name
        return [line]


def _is_header(line: str, delimiter: str) -> bool:
    if _ONCE.fullmatch(line) or line.startswith("#"):
        return False
    return sum(bool(cell.strip()) for cell in _cells(line, delimiter or _delimiter(line))) > 1
