"""Numbers that others have printed, each with its source: `published.toml`."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

_ABOUT = ("about", "measure", "source", "changed")


class Published(NamedTuple):
    """One number somebody printed."""

    value: float
    error: float | None  # theirs
    source: str
    changed: str  # what is not the same here; empty where nothing is known to be


def suites() -> dict[str, str]:
    """Every suite, and what it is about: a file of this folder with a section in `published.toml`."""
    return {name: str(table["about"]) for name, table in _file().items()}


def numbers(suite: str) -> dict[tuple[str, str], Published]:
    """What is printed for a suite, by case and contestant."""
    table = _file().get(suite, {})
    found = {}
    for contestant, cases in table.items():
        if contestant in _ABOUT:
            continue
        source, changed = (cases.get(key, table.get(key, "")) for key in ("source", "changed"))
        for case, number in cases.items():
            if case not in _ABOUT:
                found[case, contestant] = Published(number["value"], number.get("error"), source, changed)
    return found


def measure(suite: str) -> str:
    """What the numbers of a suite measure."""
    return str(_file()[suite]["measure"])


@cache
def _file() -> dict[str, Any]:
    return tomllib.loads((Path(__file__).with_suffix(".toml")).read_text(encoding="utf-8"))
