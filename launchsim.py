"""The command `launchsim`: finds the rooms of this house, or says which folder of the user's stands in the way."""

from __future__ import annotations

import os
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

_ROOMS = ("simulator", "policies", "envs", "benchmarks")


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


def _settle() -> None:
    """What surroundings must not decide: a notebook's drawing backend, and a place for compiled code.

    numba keeps compiled code beside ours, or in the user's cache. Where neither can be written it would not even
    import; a folder of temporary files serves then, the user's alone.
    """
    os.environ.pop("MPLBACKEND", None)
    places = [Path(__file__).resolve().parent / room / "__pycache__" for room in _ROOMS]
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "numba"
    if "NUMBA_CACHE_DIR" in os.environ or all(map(_writable, places)) or _writable(cache):
        return
    kept = Path(tempfile.gettempdir()) / f"launchsim-compiled-{os.getuid()}"
    kept.mkdir(mode=0o700, exist_ok=True)
    if kept.stat().st_uid != os.getuid():  # somebody else's code must not be run
        kept = Path(tempfile.mkdtemp(prefix="launchsim-compiled-"))
    os.environ["NUMBA_CACHE_DIR"] = str(kept)
    print(
        f"launchsim: compiled code is kept in {kept}, since neither {places[0]} nor {cache} can be written",
        file=sys.stderr,
    )


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
