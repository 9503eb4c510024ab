"""Temporary folders that hold parts of somebody's log, of which nothing may stay behind.

Each is locked by the process that made it for as long as that lives (the kernel lets go of a lock however a process
dies), so whoever comes next can tell a folder that is in use from one that was left, and removes the latter.
"""

from __future__ import annotations

import atexit
import fcntl
import os
import shutil
import tempfile
import weakref
from contextlib import suppress
from pathlib import Path

_PREFIX = "launchsim-log-"
_open: dict[int, Path] = {}  # descriptor that holds the lock -> folder


class Workplace:
    """A new folder with rights 0700. It goes with `close`, with the object, or with the process.

    Args:
        within: the folder in which to make it; the temporary one of this machine where not given.
    """

    def __init__(self, within: Path | None = None) -> None:
        tidy(within)
        self.path, descriptor = _made(within)
        self._goes = weakref.finalize(self, _remove, descriptor)

    def close(self) -> None:
        """Remove it with all that it holds."""
        self._goes()

    def __enter__(self) -> Path:
        return self.path

    def __exit__(self, *_: object) -> None:
        self.close()


def locked(descriptor: int, path: str | Path) -> bool:
    """Lock an open file or folder; not where another process holds it, or it was removed before it could be locked."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return os.path.samestat(os.stat(descriptor), os.lstat(path))
    except OSError:
        return False


def lock(path: str | Path) -> int | None:
    """A descriptor that holds the lock of a file or folder; None where it cannot be had."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    except OSError:
        return None
    if locked(descriptor, path):
        return descriptor
    os.close(descriptor)
    return None


def tidy(within: Path | None = None) -> None:
    """Remove the folders of processes that are dead."""
    for folder in Path(within or tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        if (descriptor := lock(folder)) is not None:
            shutil.rmtree(folder, ignore_errors=True)
            os.close(descriptor)


def close_all() -> None:
    """Remove all folders of this process, before it ends without the usual ceremony."""
    for descriptor in list(_open):
        _remove(descriptor)


def _made(within: Path | None) -> tuple[Path, int]:
    while True:  # until no other process took it for one that was left, between making and locking it
        path = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=within))
        if (descriptor := lock(path)) is not None:
            _open[descriptor] = path
            return path, descriptor


def _remove(descriptor: int) -> None:
    path = _open.pop(descriptor, None)
    if path is not None:
        shutil.rmtree(path, ignore_errors=True)
        with suppress(OSError):
            os.close(descriptor)


atexit.register(tidy)  # what worker processes left that were killed
