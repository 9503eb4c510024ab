"""A picture's file, as it is named on the command line."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import outputs
from benchmarks.outputs import OutputError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_KINDS = (".png", ".svg")


def checked(path: Path | None) -> Path | None:
    """The path, if it names a kind of picture that can be written."""
    if path is not None and path.suffix.lower() not in _KINDS:
        raise OutputError(f"picture must end in {' or '.join(_KINDS)}, got {str(path)!r}")
    return outputs.file(path)


def save(figure: Figure, path: Path) -> None:
    """Write the figure; its folder is made if absent."""
    from benchmarks.pages.figures import render

    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(render(figure, path.suffix.lower().removeprefix(".")))
