"""Public data sets that users bring by hand: a link in the cache says where their copy lies."""

from __future__ import annotations

import os
from pathlib import Path

from envs.feedback import LogError
from envs.logs.private import private_folder

_SUFFIXES = (".parquet", ".csv", ".csv.gz")


def cache(name: str) -> Path:
    """Where the data set of that name is found, once it was adopted."""
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "launchsim" / name.replace("-", "_")


def adopt(name: str, path: str | Path) -> list[Path]:
    """Remember where a copy of a data set lies: a folder with tables in it. Answers the tables, as they are found now.

    Raises:
        LogError: there is no such folder, or no table in it.
    """
    folder = Path(path).expanduser().resolve()
    folder = folder.parent if folder.is_file() else folder
    if not _tables(folder):
        raise LogError(f"path must be a folder with Parquet or CSV tables of {name}, got {str(path)!r}")
    here = cache(name)
    private_folder(here.parent)
    if here.exists() and not here.is_symlink():
        raise LogError(f"cache must have no copy of its own beside the one adopted, got one in {str(here)!r}")
    here.unlink(missing_ok=True)
    here.symlink_to(folder, target_is_directory=True)
    return _tables(here)


def table(name: str, stem: str) -> Path:
    """The table of that name in an adopted data set.

    Raises:
        LogError: the data set was not adopted, or has no such table.
    """
    there = {each.name.partition(".")[0]: each for each in _tables(cache(name))}
    if not there:
        raise LogError(f"{name} must be brought first: launchsim data {name} --path FOLDER")
    if stem not in there:
        raise LogError(f"table of {name} must be one of {', '.join(there)}, got {stem!r}")
    return there[stem]


def _tables(folder: Path) -> list[Path]:
    files = sorted(folder.iterdir()) if folder.is_dir() else []
    return [file for file in files if file.name.endswith(_SUFFIXES)]
