"""What a calibration has finished, kept in a folder, so that one that was stopped goes on where it was."""

from __future__ import annotations

import hashlib
import os
import sys
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from simulator.history import History

Arrays = dict[str, npt.NDArray[Any]]


@dataclass(frozen=True)
class Kept:
    """Finished pieces of work by name: a file of arrays each, written whole or not at all."""

    folder: Path | None = None  # None keeps nothing
    key: str = ""  # of all that the pieces follow from: another key is another piece

    def arrays(self, name: str, make: Callable[[], Arrays]) -> Arrays:
        """What `make` answers, or answered before; a torn file is set aside as `.torn`, and its piece made again."""
        if self.folder is None:
            return make()
        file = self.folder / f"{name}-{self.key}.npz"
        found = _read(file)
        if found is None:
            found = make()
            _write(found, file)
        return found

    def __len__(self) -> int:
        return len(list(self.folder.glob(f"*-{self.key}.npz"))) if self.folder is not None else 0


def key(history: History, *settings: Any) -> str:
    """Another one as soon as a line or a product of the history, a setting or the code is another."""
    digest = hashlib.sha256(f"{settings!r}\0{code()}".encode())
    for table in (history.lines, history.goods, history.undone):
        digest.update("\0".join(map(str, table.columns)).encode())
        digest.update(pd.util.hash_pandas_object(table, index=False).to_numpy().tobytes())
    return digest.hexdigest()[:12]


@cache
def code(*files: Path) -> str:
    """A digest of the market's source, of these files, and of the versions of what computes."""
    here = Path(__file__).parents[1]
    digest = hashlib.sha256(f"{np.__version__} {pd.__version__}".encode())
    for file in [*sorted(here.rglob("*.py")), *files]:
        digest.update(file.read_bytes())
    return digest.hexdigest()[:12]


def _read(file: Path) -> Arrays | None:
    if not file.exists():
        return None
    try:
        with np.load(file, allow_pickle=False) as found:
            return dict(found)
    except (zipfile.BadZipFile, ValueError, EOFError, OSError):
        file.replace(file.with_suffix(".torn"))
        print(f"launchsim: {file} is cut off: set aside as .torn, made again", file=sys.stderr)
        return None


def _write(arrays: Arrays, file: Path) -> None:
    """All of the file or nothing of it, whatever happens meanwhile; for its owner alone."""
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_suffix(".part")
    part.unlink(missing_ok=True)
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as written:
        np.savez_compressed(written, **arrays)  # type: ignore[arg-type]
        written.flush()
        os.fsync(written.fileno())
    part.replace(file)
