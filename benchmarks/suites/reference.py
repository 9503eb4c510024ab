"""The reference, written from the code: every key of a scenario, every public class and function.

Run `make docs`. The pages live in docs/reference/ and a test holds them equal to what is written here.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

from simulator.keys import Key, Table, tables

_SCENARIO = """\
# Every key of a scenario

<!-- Written by `make docs` from simulator/scenario.py: edit that. -->

A scenario is a TOML file; `launchsim scenarios new my_shop.toml` writes one that plays at once, with all of this as
comments. A key that is not known, or a value that cannot be, is refused in one line. Days count from the beginning of
the season, which is day 0. Money is in euros. Utility is what draws a visitor to a product: 0.7 more of it doubles the
odds that it is bought rather than something else or nothing. What the numbers do is told in [the market](../market.md).
"""


def main() -> None:
    """Write the pages."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("docs/reference"))
    out = parser.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    for name, text in pages().items():
        (out / name).write_text(text, encoding="utf-8")


def pages() -> dict[str, str]:
    """The pages by the names of their files."""
    return {"scenario.md": scenario()}


def scenario() -> str:
    """Every key of a scenario, a table of the page for each table of the file."""
    return "\n".join([_SCENARIO, *(line for table in tables() for line in _table(table))])


def _table(table: Table) -> Iterator[str]:
    yield f"## {_heading(table)}\n"
    yield f"{table.about}{_presence(table)}\n"
    yield "| key | what may stand there | default | meaning and unit |"
    yield "|---|---|---|---|"
    yield from (f"| `{key.name}` | {key.kind} | {_default(key)} | {key.about} |" for key in table.keys)
    yield ""


def _heading(table: Table) -> str:
    if not table.path:
        return "The top of the file"
    return f"`[[{table.path}]]`" if table.listed else f"`[{table.path}]`"


def _presence(table: Table) -> str:
    return " A season without it has none of this." if table.optional else ""


def _default(key: Key) -> str:
    if key.default is None:
        return "must be given"
    if key.part is not None and key.default == "{}":
        return "its own"
    return f"`{key.default}`" if key.default else "left out"


if __name__ == "__main__":
    main()
