"""Encodings from the rows kept of a log: means, spreads, fillings and categories, asked in SQL."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from envs.logs.columns import Context
from envs.logs.encoding import Feature
from envs.logs.rows import LogError

_MOST_CATEGORIES = 512
Ask = Callable[[str], list[tuple[Any, ...]]]


def fitted(ask: Ask, context: Mapping[str, Context], rows: str = "checked WHERE broken IS NULL") -> tuple[Feature, ...]:
    """Of columns `context0`, `context1`, ... of these rows, missing where `missing0`, `missing1`, ... say so."""
    return tuple(
        _feature(ask, f"FROM {rows} AND NOT missing{i}", f"context{i}", *how) for i, how in enumerate(context.items())
    )


def _feature(ask: Ask, present: str, cell: str, column: str, how: Context) -> Feature:
    if how.kind == "number":
        ((mean, spread),) = ask(f"SELECT avg({cell}), stddev_pop({cell}) {present}")
        fill = mean if how.missing in ("mean", "indicator") else _fill(ask, cell, present, how.missing)
        if not spread:  # what does not vary stays as it is: standardised, it would be nothing
            return Feature(column, "number", how.missing, fill or 0.0)
        return Feature(column, "number", how.missing, fill or 0.0, mean, spread)
    fill = _fill(ask, cell, present, how.missing)
    if how.kind == "hash":
        return Feature(column, "hash", how.missing, fill, size=how.size)
    return Feature(column, "one-hot", how.missing, fill, categories=_categories(ask, cell, present, column))


def _fill(ask: Ask, cell: str, present: str, by: str) -> Any:
    """What stands for a missing value; of several as frequent ones the smallest."""
    if by == "median":
        return ask(f"SELECT median({cell}) {present}")[0][0]
    if by == "mode":
        found = ask(f"SELECT {cell} {present} GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT 1")
        return found[0][0] if found else None
    return None


def _categories(ask: Ask, cell: str, present: str, column: str) -> tuple[str, ...]:
    found = ask(f"SELECT DISTINCT {cell} {present} ORDER BY 1 LIMIT {_MOST_CATEGORIES + 1}")
    if len(found) > _MOST_CATEGORIES:
        most = f"at most {_MOST_CATEGORIES} categories"
        raise LogError(f"one-hot column must have {most}, got more in {column!r}: hash it")
    return tuple(category for (category,) in found)
