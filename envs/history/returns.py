"""Which purchase a return undoes."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

Pair = tuple[int, int, int]  # row of the purchase, row of the return, pieces


def pairs(columns: dict[str, Any]) -> list[Pair]:
    """Returns beside what they undo: earlier purchases of the same user and product with pieces left.

    The latest of the same price and as many pieces comes first, then the latest ones of the same price, then others. A
    return may undo several purchases, a purchase may come back in parts.

    Args:
        columns: `row`, `group` (one user and product), `quantity`, `price`, `back` (is it a return); by group and time.
    """
    rows, groups, back = (np.asarray(columns[name]) for name in ("row", "group", "back"))
    starts = np.flatnonzero(np.diff(groups, prepend=-1)).tolist()
    lines = list(
        zip(rows.tolist(), columns["quantity"].tolist(), columns["price"].tolist(), back.tolist(), strict=True)
    )
    found: list[Pair] = []
    for start, stop in pairwise([*starts, len(lines)]):
        found += _of_one(lines[start:stop])
    return found


def _of_one(lines: list[tuple[int, float, float, bool]]) -> list[Pair]:
    """Of one user and product, in order of time."""
    bought: list[list[float]] = []  # row, pieces left, price; the latest first
    found: list[Pair] = []
    for row, quantity, price, back in lines:
        if not back:
            bought.insert(0, [row, quantity, price])
            continue
        left = quantity
        for line in sorted((line for line in bought if line[1]), key=lambda line: _unlike(line, quantity, price)):
            pieces = min(left, line[1])
            if pieces:
                found.append((int(line[0]), row, int(pieces)))
            line[1] -= pieces
            left -= pieces
    return found


def _unlike(line: list[float], quantity: float, price: float) -> tuple[bool, bool]:
    return not (line[1] == quantity and line[2] == price), line[2] != price
