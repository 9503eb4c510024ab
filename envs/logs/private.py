"""Files that only their owner can read, whole or not there, and text that a spreadsheet cannot take for a formula."""

from __future__ import annotations

import csv
import errno
import os
import stat
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from glob import escape
from pathlib import Path
from typing import IO, Any

from envs.logs.rows import LogError
from envs.logs.workplace import lock, locked

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_PART = ".part"
_LONGEST_STEM = 50  # characters of a name that its part repeats


@contextmanager
def private(path: str | Path, mode: str = "w") -> Iterator[IO[Any]]:
    """A file to write with rights 0600. It is written beside and takes its place when it is whole.

    Until then, and where writing it fails, an earlier file of that name stays as it was. A link stays a link: what it
    points to is replaced. Parts that dead processes left are removed.

    Raises:
        LogError: there can be no such file, or no room for it.
    """
    target = Path(os.path.realpath(path))
    try:
        descriptor, part = _part(target)
    except OSError as reason:
        raise _unwritable(path, reason) from None
    try:
        with _opened(descriptor, mode) as file:
            yield file
            file.flush()
            if part is not None:
                os.replace(part, target)  # while the lock is held: nobody may take the part for one that was left
    except BaseException as reason:
        if part is not None:
            Path(part).unlink(missing_ok=True)
        if isinstance(reason, OSError) and reason.errno in _FULL:
            raise _unwritable(path, reason) from None
        raise


def _opened(descriptor: int, mode: str) -> IO[Any]:
    if "b" in mode:
        return os.fdopen(descriptor, mode)
    return os.fdopen(descriptor, mode, encoding="utf-8", newline="")


def _part(target: Path) -> tuple[int, str | None]:
    """What to write to, open, and its name; no name where the target is no file, such as /dev/stdout."""
    if target.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    if target.exists() and not target.is_file():
        return os.open(target, os.O_WRONLY), None
    _tidy(target)
    while True:  # until no other process took it for one that was left, between making and locking it
        descriptor, part = tempfile.mkstemp(_PART, _stem(target), target.parent)
        if locked(descriptor, part):
            return descriptor, part
        os.close(descriptor)


def _tidy(target: Path) -> None:
    for part in target.parent.glob(f"{escape(_stem(target))}*{_PART}"):
        if (descriptor := lock(part)) is not None:
            part.unlink(missing_ok=True)
            os.close(descriptor)


def _stem(target: Path) -> str:
    return f".{target.name[:_LONGEST_STEM]}."


def _unwritable(path: str | Path, reason: OSError) -> LogError:
    return LogError(f"output must be a file that can be written, got {str(path)!r} ({reason.strerror})")


def apart(outputs: Mapping[str, str | Path | None], inputs: Iterable[str | Path]) -> None:
    """Before any work: outputs can be written, and are none of what is read, nor one another, however they are named.

    Args:
        outputs: what each is called -> its path, or None.
        inputs: files that are read.

    Raises:
        LogError: one of them is not.
    """
    read = [Path(path) for path in inputs]
    written: list[Path] = []
    for name, path in outputs.items():
        if path is None:
            continue
        target = Path(os.path.realpath(path))
        if any(_same(target, other) for other in read):
            raise LogError(f"{name} must be another file than what is read, got {str(path)!r}")
        if any(_same(target, other) for other in written):
            raise LogError(f"{name} must be another file than the other outputs, got {str(path)!r}")
        _writable(name, path, target)
        written.append(target)


def _same(one: Path, other: Path) -> bool:
    try:
        return one == Path(os.path.realpath(other)) or one.samefile(other)
    except OSError:
        return False


def _writable(name: str, path: str | Path, target: Path) -> None:
    try:
        target.parent.stat()
        with suppress(FileNotFoundError):
            if stat.S_ISDIR(target.stat().st_mode):
                raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        if not os.access(target.parent, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    except OSError as reason:
        raise LogError(f"{name} must be a file that can be written, got {str(path)!r} ({reason.strerror})") from None


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
