"""Where results go, checked before the work that makes them."""

from __future__ import annotations

import os
import tempfile
from importlib.util import find_spec
from pathlib import Path


class OutputError(OSError):
    """A place that cannot be written; the message is one line."""


def folder(path: Path) -> Path:
    """The folder, once it is known that it can be made and that files can be written there; nothing is made yet.

    Raises:
        OutputError: they cannot.
    """
    try:
        there = path
        while not there.exists():
            there = there.parent
        with tempfile.TemporaryFile(dir=there):
            return path
    except OSError as reason:
        raise OutputError(f"output must be a folder that can be written, got {_short(path)} ({_why(reason)})") from None


def optional_folder(path: Path | None) -> Path | None:
    """As `folder`, where none may be asked for."""
    return None if path is None else folder(path)


def file(path: Path | None) -> Path | None:
    """The file's path, once it is known that it can be written; what is there stays as it is.

    Raises:
        OutputError: it cannot.
    """
    if path is None:
        return None
    try:
        if path.is_dir():
            raise IsADirectoryError(21, "it is a folder")
        if path.exists():
            path.open("r+b").close()
    except OSError as reason:
        raise OutputError(f"output must be a file that can be written, got {_short(path)} ({_why(reason)})") from None
    folder(path.parent)
    return path


def parquet(path: Path | None) -> Path | None:
    """As `file`, for what is written as Parquet whatever it is called.

    Raises:
        OutputError: it is called something else, or cannot be written.
    """
    if path is not None and path.suffix.lower() not in (".parquet", ".pq", ".parq"):
        raise OutputError(f"output must end in .parquet, got {_short(path)}")
    return file(path)


def tensorboard(path: Path | None) -> Path | None:
    """As `optional_folder`; every training from now on, also of processes started later, writes its scalars there.

    Raises:
        OutputError: it cannot be written, or the extra `tensorboard` is not installed.
    """
    if path is not None:
        if find_spec("tensorboardX") is None:
            raise OutputError(
                "TensorBoard scalars require tensorboardX. Install it with pip install launchsim[tensorboard]"
            )
        os.environ["LAUNCHSIM_TENSORBOARD"] = str(folder(path).resolve())
    return path


def _why(reason: OSError) -> str:
    return (reason.strerror or str(reason)).lower()


def _short(path: Path) -> str:
    text = str(path)
    return repr(text if len(text) <= 80 else f"{text[:60]}...{text[-15:]}")
