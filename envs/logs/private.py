"""Files that only their owner can read, and text that a spreadsheet cannot take for a formula."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import IO, Any


def private(path: str | Path, mode: str = "w") -> IO[Any]:
    """Open a new file for writing with rights 0600; one that is already there is replaced and gets them too."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    os.fchmod(handle, 0o600)
    return os.fdopen(handle, mode) if "b" in mode else os.fdopen(handle, mode, encoding="utf-8", newline="")


def private_folder(path: str | Path) -> Path:
    """The folder, made with rights 0700 where there is none."""
    folder = Path(path)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def unarmed(value: Any) -> Any:
    """Text that a spreadsheet would run as a formula gets an apostrophe before it; numbers stay numbers."""
    if not isinstance(value, str) or not value.startswith(("=", "+", "-", "@", "\t", "\r", "\n")):
        return value
    try:
        float(value)
    except ValueError:
        return f"'{value}"
    return value


def write_csv(path: str | Path, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """A CSV file with rights 0600 whose text no spreadsheet will run."""
    with private(path) as file:
        writer = csv.writer(file)
        writer.writerow([unarmed(name) for name in header])
        writer.writerows([unarmed(value) for value in row] for row in rows)
