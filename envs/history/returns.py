"""Which purchase a return undoes."""

from __future__ import annotations

import pandas as pd


def pairs(lines: pd.DataFrame) -> pd.DataFrame:
    """Returns beside what they undo: the latest earlier purchase of the same user and product that fits.

    A purchase of the same price and as many pieces comes first, then the latest ones with pieces left, at the same
    price before others; a return may undo several, a purchase may come back in parts.

    Args:
        lines: `row`, `user`, `item`, `time`, `quantity`, `price`, `back` (is it a return), by item, user and time.

    Returns:
        `buy`, `back` (rows) and `pieces`.
    """
    found: list[tuple[int, int, int]] = []
    for _, same in lines.groupby(["item", "user"], sort=False):
        found += _of_one(same)
    return pd.DataFrame(found, columns=["buy", "back", "pieces"]).astype("int64")


def _of_one(lines: pd.DataFrame) -> list[tuple[int, int, int]]:
    """Of one user and product, in order of time."""
    bought: list[list[float]] = []  # row, pieces left, price; the latest first
    found = []
    for row, quantity, price, back in lines[["row", "quantity", "price", "back"]].itertuples(index=False):
        if not back:
            bought.insert(0, [row, quantity, price])
            continue
        left = abs(quantity)
        for line in _candidates(bought, left, price):
            pieces = min(left, line[1])
            if pieces > 0:
                found.append((int(line[0]), int(row), int(pieces)))
                line[1] -= pieces
                left -= pieces
    return found


def _candidates(bought: list[list[float]], pieces: float, price: float) -> list[list[float]]:
    """The likeliest first: what matches in price and pieces, then in price, then the rest."""
    return sorted(bought, key=lambda line: (not (line[1] == pieces and line[2] == price), line[2] != price))
