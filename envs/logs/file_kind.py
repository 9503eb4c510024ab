"""What a file is, by its first bytes: names and endings lie."""

from __future__ import annotations

import codecs
import gzip
from pathlib import Path
from typing import IO

from envs.logs.rows import LogError

_GZIP = b"\x1f\x8b"
_FOREIGN = {  # first bytes -> what it is, and what to do
    b"PK\x03\x04": "an Excel workbook or a ZIP archive: save it as CSV, or unpack it",
    b"SQLite format 3\x00": "a SQLite database: export the table as CSV",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook: save it as CSV",
    b"(\xb5/\xfd": "a file packed by zstd: unpack it, or pack it by gzip",
    b"BZh": "a file packed by bzip2: unpack it, or pack it by gzip",
    b"\xfd7zXZ": "a file packed by xz: unpack it, or pack it by gzip",
    b"%PDF": "a PDF document",
    b"ORC": "an ORC file: write it as Parquet",
    b"Obj\x01": "an Avro file: write it as Parquet",
    b"ARROW1": "an Arrow file: write it as Parquet",
}
_MARKS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}


def kind(file: Path) -> str:
    """One of "parquet", "duckdb", "json" (an object a line) or "csv".

    Raises:
        LogError: it is none of them, or empty.
    """
    first = _first(file)
    if not first:
        raise LogError(f"log must have rows, got an empty file {str(file)!r}")
    if first.startswith(b"PAR1"):
        return "parquet"
    if first[8:12] == b"DUCK":
        return "duckdb"
    for mark, what in _FOREIGN.items():
        if first.startswith(mark):
            raise LogError(f"log must be CSV, JSON lines, Parquet or a DuckDB database, got {str(file)!r}, {what}")
    text = _unpacked(file) if is_packed(file) else first
    begin = text.decode(marked(file) or "utf-8", "replace").lstrip()
    if begin.startswith("["):
        raise LogError(f"JSON must be one object a line, got a list in {str(file)!r}")
    return "json" if begin.startswith("{") else "csv"


def is_packed(file: Path) -> bool:
    """Whether it is packed by gzip."""
    return _first(file).startswith(_GZIP)


def marked(file: Path) -> str | None:
    """The encoding that a text file says it has in its first bytes."""
    first = _unpacked(file) if is_packed(file) else _first(file)
    return next((encoding for mark, encoding in _MARKS.items() if first.startswith(mark)), None)


def opened(file: Path, encoding: str, errors: str = "replace") -> IO[str]:
    """A text file, packed or not."""
    if is_packed(file):
        return gzip.open(file, "rt", encoding=encoding, errors=errors, newline="")
    return file.open(encoding=encoding, errors=errors, newline="")


def _first(file: Path) -> bytes:
    try:
        with file.open("rb") as opened_file:
            return opened_file.read(64)
    except OSError as reason:
        raise LogError(f"log must be a file that can be read, got {str(file)!r} ({reason.strerror})") from None


def _unpacked(file: Path) -> bytes:
    try:
        with gzip.open(file) as packed:
            return packed.read(64)
    except (OSError, EOFError) as reason:
        raise LogError(f"log must be a whole file, got {str(file)!r} ({reason})") from None
