"""The table of products: as rows to edit, as CSV, and as changes of a scenario."""

from __future__ import annotations

import csv
import io
import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from envs.logs.private import unarmed
from policies.calls import nearest
from simulator.scenario import Scenario, ScenarioError

MOST_BYTES = 2_000_000  # of a CSV
_MOST_ROWS = 10_000
_MOST_TEXT = 200  # characters of a title
_MOST_FAULTS = 5  # told at once

Row = dict[str, Any]


class GoodsError(ScenarioError):
    """A table of products that cannot be; a line a fault: row, column, rule, value."""


def rows(scenario: Scenario) -> list[Row]:
    """The products of a scenario, the columns that are edited."""
    return [{column: getattr(product, column) for column in COLUMNS} for product in scenario.products]


def changes(scenario: Scenario, edited: Sequence[Row]) -> dict[str, Any]:
    """Overrides (as of benchmarks.sweeps.overrides) that make the products of a scenario the edited ones.

    Cell by cell where the products are the same; as a whole where some were added, removed, or called something else.
    """
    before = rows(scenario)
    if [row["title"] for row in before] != [row["title"] for row in edited]:
        return {"products": _whole(scenario, edited)}
    return {
        f"products.{_called(row['title'], number)}.{column}": row[column]
        for number, (row, old) in enumerate(zip(edited, before, strict=True))
        for column in COLUMNS
        if row[column] != old[column]
    }


def read(content: bytes, scenario: Scenario) -> list[Row]:
    """The rows of a CSV: comma, semicolon or tab; a column that it lacks is as in the scenario, or left out.

    Raises:
        GoodsError: it is none, or a cell cannot be what it says.
    """
    if len(content) > MOST_BYTES:
        raise GoodsError(f"CSV must have at most {MOST_BYTES:,} bytes, got {len(content):,}")
    table = _table(content)
    header = [name.strip().lower() for name in table[0]]
    _check_header(header)
    known, faults, found = {row["title"]: row for row in rows(scenario)}, [], []
    for number, cells in enumerate(table[1:], start=2):
        try:
            found.append(_row(number, header, cells, known))
        except GoodsError as fault:
            faults.append(str(fault))
    faults += [
        f"column title must be unique, got {title!r} {times} times"
        for title, times in Counter(row["title"] for row in found).items()
        if times > 1
    ]
    if faults:
        more = [f"and {len(faults) - _MOST_FAULTS} more"] if len(faults) > _MOST_FAULTS else []
        raise GoodsError("\n".join([*faults[:_MOST_FAULTS], *more]))
    return found


def written(edited: Iterable[Row]) -> str:
    """The rows as CSV that `read` reads back; text that a spreadsheet would run gets an apostrophe."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows([shown(unarmed(row[column])) for column in COLUMNS] for row in edited)
    return text.getvalue()


def edited(before: Sequence[Row], number: int, column: str, text: Any) -> list[Row]:
    """The rows with one cell typed anew.

    Raises:
        GoodsError: the cell cannot be that.
    """
    value = cell(number + 1, column, str(text))
    if column == "title" and value in [row["title"] for n, row in enumerate(before) if n != number]:
        raise GoodsError(f"row {number + 1}, column title must be unique, got {value!r}")
    return [row | {column: value} if n == number else row for n, row in enumerate(before)]


def cell(number: int, column: str, text: str) -> Any:
    """What a cell says.

    Raises:
        GoodsError: it cannot be that.
    """
    try:
        return COLUMNS[column](text.strip())
    except ValueError as rule:
        raise GoodsError(f"row {number}, column {column} must be {rule}, got {text.strip()[:60]!r}") from None


def _table(content: bytes) -> list[list[str]]:
    try:
        text = content.decode("utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise GoodsError(f"CSV line {line} must be UTF-8: save it as CSV UTF-8") from None
    first = text.partition("\n")[0]
    try:
        read = list(csv.reader(io.StringIO(text), delimiter=max(",;\t", key=first.count), strict=True))
    except csv.Error as reason:
        raise GoodsError(f"CSV must be a table of text, got something else ({reason})") from None
    table = [cells for cells in read if any(each.strip() for each in cells)]
    if len(table) < 2 or len(table) > _MOST_ROWS + 1:
        raise GoodsError(f"CSV must have a header and 1 to {_MOST_ROWS:,} products, got {max(len(table) - 1, 0):,}")
    return table


def _check_header(header: Sequence[str]) -> None:
    for name in header:
        if name not in COLUMNS:
            rule = f"CSV columns must be among {', '.join(COLUMNS)}"
            raise GoodsError(f"{rule}, got {name[:60]!r}{nearest(name, COLUMNS)}")
        if header.count(name) > 1:
            raise GoodsError(f"CSV columns must be unique, got {name!r} twice")
    if "title" not in header:
        raise GoodsError(f"CSV must have a column title, got {', '.join(header)}")


def _row(number: int, header: Sequence[str], cells: Sequence[str], known: Mapping[str, Row]) -> Row:
    if len(cells) > len(header):
        raise GoodsError(f"row {number} must have {len(header)} cells, got {len(cells)}")
    given = {name: cell(number, name, text) for name, text in zip(header, cells, strict=False)}
    default = known.get(given["title"], {"category": "", "price": None, "cost": 0.0, "quality": 0.0})
    row = {column: given.get(column, default.get(column)) for column in COLUMNS}
    for column in ("category", "price"):
        if row[column] in ("", None):
            raise GoodsError(f"row {number}, column {column} must be given for a new product, got none")
    row["incumbent"] = bool(row["incumbent"])
    return row


def _whole(scenario: Scenario, edited: Sequence[Row]) -> list[Row]:
    """Products as a scenario has them; what the table does not show stays with its title."""
    before = {product.title: product.model_dump(exclude_defaults=True) for product in scenario.products}
    return [before.get(row["title"], {}) | row for row in edited]


def _called(title: str, number: int) -> str:
    """How an override names a product: by its title, where that cannot be taken for something else."""
    return str(number) if title.isdigit() or title == "*" else title


def shown(value: Any) -> Any:
    """A cell as it is read and typed."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return int(value) if value.is_integer() else value
    return "" if value is None else value


def _text(text: str) -> str:
    if not 0 < len(text) <= _MOST_TEXT or not text.isprintable():
        raise ValueError(f"text of 1 to {_MOST_TEXT} characters")
    return text


def _number(rule: str, fits: Callable[[float], bool]) -> Callable[[str], float]:
    def read(text: str) -> float:
        try:
            value = float(text.replace(",", ".") if text.count(",") == 1 and "." not in text else text)
        except ValueError:
            raise ValueError(rule) from None
        if not math.isfinite(value) or not fits(value):
            raise ValueError(rule)
        return value

    return read


def _maybe(read: Callable[[str], Any]) -> Callable[[str], Any]:
    return lambda text: read(text) if text else None


def _yes(text: str) -> bool:
    if text.lower() not in _YES | _NO:
        raise ValueError("yes or no")
    return text.lower() in _YES


def _stock(text: str) -> int:
    return int(_number("a whole number from 0, or empty", lambda value: value >= 0 and value == int(value))(text))


_YES, _NO = {"yes", "true", "1", "y"}, {"no", "false", "0", "n", ""}
COLUMNS: dict[str, Callable[[str], Any]] = {
    "title": _text,
    "category": _text,
    "price": _number("a number above 0", lambda value: value > 0),  # euros
    "cost": _number("a number from 0", lambda value: value >= 0),  # euros
    "stock": _maybe(_stock),  # units at the start; empty: never sold out
    "incumbent": _yes,
    "launch": _maybe(_number("a day from 0, or empty", lambda value: value >= 0)),
    "quality": _number("a number", lambda value: True),  # utility
}
