"""The command `launchsim`: finds the rooms of this house, or says which folder of the user's stands in the way."""

from __future__ import annotations

import os
import platform
import sys
import tempfile
import warnings
import zlib
from importlib.util import find_spec
from pathlib import Path

_ROOMS = ("simulator", "policies", "envs", "benchmarks")
_TORN = (
    "Error reading persistent compilation cache"  # half written by another process, or cut off by a kill: compiled anew
)


def main() -> None:
    """Entry point."""
    for room in _ROOMS:
        if blocking := _blocking(room):
            print(
                f"launchsim: {blocking} stands in the way of our own package {room!r}: "
                "rename it, or take its folder off PYTHONPATH",
                file=sys.stderr,
            )
            raise SystemExit(2)
    _settle()
    from benchmarks.cli import main as run

    run()


def _blocking(room: str) -> Path | None:
    """Somebody else's package of that name that Python would take for ours."""
    spec = find_spec(room)
    places = list(spec.submodule_search_locations or [spec.origin or ""]) if spec else []
    ours = Path(__file__).resolve().parent / room
    return None if not places or Path(places[0]).resolve() == ours else Path(places[0])


def dask_setup(_: object) -> None:
    """What `dask worker --preload launchsim` calls: a worker keeps compiled code as the command does."""
    _settle()


def _settle() -> None:
    """What surroundings must not decide: a notebook's drawing backend, and places for compiled code.

    numba keeps compiled code beside ours, or in the user's cache, where JAX's is kept too. Where neither can be written
    numba would not even import; a folder of temporary files serves then, the user's alone.
    """
    os.environ.pop("MPLBACKEND", None)
    places = [Path(__file__).resolve().parent / room / "__pycache__" for room in _ROOMS]
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    numba = "NUMBA_CACHE_DIR" in os.environ or all(map(_writable, places)) or _writable(cache / "numba")
    jax = "JAX_COMPILATION_CACHE_DIR" in os.environ or _writable(cache / "launchsim")
    if not (numba and jax):
        cache = _temporary(f"neither {places[0]} nor {cache}" if not numba else str(cache))
    if not numba:
        os.environ["NUMBA_CACHE_DIR"] = str(cache)
    os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(cache / "launchsim" / f"jax-{_machine()}"))
    os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0.05")
    os.environ.setdefault("PYTHONWARNINGS", f"ignore:{_TORN}")  # of processes that are started from here
    warnings.filterwarnings("ignore", _TORN)


def _temporary(unwritable: str) -> Path:
    """A folder of the user's alone; told of in one line."""
    kept = Path(tempfile.gettempdir()) / f"launchsim-compiled-{os.getuid()}"
    kept.mkdir(mode=0o700, exist_ok=True)
    if kept.stat().st_uid != os.getuid():  # somebody else's code must not be run
        kept = Path(tempfile.mkdtemp(prefix="launchsim-compiled-"))
    verb = "can" if unwritable.startswith("neither") else "cannot"
    print(f"launchsim: compiled code is kept in {kept}, since {unwritable} {verb} be written", file=sys.stderr)
    return kept


def _machine() -> str:
    """Another one where processors are: code that is compiled for one does not run on every other."""
    try:
        told = Path("/proc/cpuinfo").read_text(encoding="utf-8")
        flags = next((line for line in told.splitlines() if line.startswith(("flags", "Features"))), "")
    except OSError:
        flags = ""
    return f"{zlib.crc32(f'{platform.machine()} {platform.processor()} {flags}'.encode()):08x}"


def _writable(folder: Path) -> bool:
    """Whether a file can be made in a folder, or in what would become it; some file systems lie about permissions."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    try:
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False


if __name__ == "__main__":
    main()
