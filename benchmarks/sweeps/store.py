"""A folder of finished runs: one file each, whole or not at all, whoever else writes there meanwhile."""

from __future__ import annotations

import io
import json
import os
import secrets
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
import pyarrow


class Recorded(NamedTuple):
    """What is kept of a run."""

    days: pd.DataFrame
    products: pd.DataFrame | None


class Store:
    """Records of runs by name, and why runs failed.

    Args:
        folder: made when something is first written.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def file(self, name: str) -> Path:
        """Where the record of a run is, once it is there."""
        return self.folder / f"{name}.parquet"

    def failure(self, name: str) -> Path:
        """Where it is written why a run failed."""
        return self.folder / "failed" / f"{name}.json"

    def products(self, name: str) -> Path:
        """Where it is kept what became of each product in a run."""
        return self.folder / "products" / f"{name}.parquet"

    def __contains__(self, name: str) -> bool:
        return self.file(name).exists()

    def read(self, name: str) -> Recorded | None:
        """A run's record, once it is there; a torn file is set aside as `.torn`, and the run counts as not played."""
        file, products = self.file(name), self.products(name)
        if not file.exists():
            return None
        try:
            return Recorded(pd.read_parquet(file), pd.read_parquet(products) if products.exists() else None)
        except (pyarrow.ArrowInvalid, OSError):
            file.replace(file.with_suffix(".torn"))
            print(f"launchsim: {file} is cut off: set aside as .torn, played again", file=sys.stderr)
            return None

    def write(self, name: str, record: Recorded) -> None:
        """Keep a run's record; it has not failed any more.

        Raises:
            OSError: it cannot be written, for instance because the disk is full; what was there is as it was.
        """
        if record.products is not None:
            put(self.products(name), parquet(record.products))
        put(self.file(name), parquet(record.days))  # last: where it is, both are
        self.failure(name).unlink(missing_ok=True)

    def fail(self, name: str, about: dict[str, Any]) -> None:
        """Keep why a run failed, as JSON."""
        put(self.failure(name), json.dumps(about, indent=1, default=str).encode())


def parquet(table: pd.DataFrame) -> bytes:
    """The table as a Parquet file."""
    held = io.BytesIO()
    table.to_parquet(held, index=False)
    return held.getvalue()


def is_part(file: Path) -> bool:
    """Whether it is what a kill left of a file that was being written."""
    return file.name.startswith(".") and file.suffix == ".part"


def put(file: Path, content: bytes) -> None:
    """All of the file or nothing of it, whatever happens meanwhile and whoever else writes the same.

    Raises:
        OSError: it cannot be written; its `filename` is the file.
    """
    part = file.parent / f".{file.name}.{secrets.token_hex(4)}.part"
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with part.open("xb") as written:
            written.write(content)
            written.flush()
            os.fsync(written.fileno())
        part.replace(file)
    except BaseException as reason:
        with suppress(OSError):
            part.unlink(missing_ok=True)
        if isinstance(reason, OSError) and reason.errno is not None:
            raise OSError(reason.errno, reason.strerror, str(file)) from None
        raise
