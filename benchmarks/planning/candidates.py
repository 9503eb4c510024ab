"""Candidates: products that could be launched, as a shop lists them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from envs.history import names
from simulator.history import History
from simulator.scenario import ScenarioError

COST_SHARE = 0.5  # of the price, where a cost is not given
_TEXT = ("id", "title", "category")
_USUAL = {role: names.GOODS[role] for role in (*_TEXT, "price", "cost")}


def read(file: str | Path) -> pd.DataFrame:
    """A CSV or Parquet file with `title`, and where known `id`, `category`, `price`, `cost` and further columns, under
    the names that tables of goods have.

    Raises:
        ScenarioError: the file cannot be read, has no titles, or a price or cost that is no number of 0 or more.
    """
    try:
        table = pd.read_parquet(file) if str(file).endswith(".parquet") else _from_csv(file)
    except (OSError, ValueError) as error:
        raise ScenarioError(f"candidates must be a CSV or Parquet file, got {str(file)!r} ({error})") from None
    return checked(table, str(file))


def _from_csv(file: str | Path) -> pd.DataFrame:
    """Of codes and categories that are numbers, no digit is lost."""
    roles = names.recognised(pd.read_csv(file, nrows=0).columns, _USUAL)
    return pd.read_csv(file, dtype={column: str for role, column in roles.items() if role in _TEXT})


def checked(table: pd.DataFrame, where: str = "candidates") -> pd.DataFrame:
    """The table with columns that mean something, checked row by row; row 1 follows the header. Where there are no
    titles, ids are.
    """
    table = table.rename(columns=str)
    named = {column: role for role, column in names.recognised(table.columns, _USUAL).items()}
    table = table.rename(columns=lambda name: named.get(name, name.strip().lower())).reset_index(drop=True)
    if "title" not in table and "id" in table:
        table["title"] = table["id"]
    for column in set(_TEXT) & set(table):
        table[column] = _as_text(table[column])
    if "title" not in table or not len(table):
        raise ScenarioError(f"{where}: candidates must have a column title and a row, got {list(table.columns)}")
    for row, title in enumerate(table["title"], 1):
        if not isinstance(title, str) or not title.strip():
            raise ScenarioError(f"{where}, row {row}, title must be text, got {title!r}")
    for column in ("price", "cost"):
        if column in table:
            given = pd.to_numeric(table[column], errors="coerce")
            for bad in np.flatnonzero((given.isna() & table[column].notna()) | (given < 0)):
                raise ScenarioError(
                    f"{where}, row {bad + 1}, {column} must be a number of 0 or more, got {list(table[column])[bad]!r}"
                )
            table[column] = given
    return table


def _as_text(column: pd.Series) -> pd.Series:
    """Numbers as they would be written; what is missing stays so."""
    if not pd.api.types.is_numeric_dtype(column):
        return column
    whole = column.dropna() % 1 == 0
    told = column.astype("Int64") if whole.all() else column
    return told.astype("string").astype(object).where(column.notna(), None)


def completed(table: pd.DataFrame, history: History) -> tuple[pd.DataFrame, list[str]]:
    """Candidates without gaps, and what was put in place of what was missing, a sentence each."""
    table, notes = table.copy(), []
    for column in ("price", "cost"):
        if column not in table:
            table[column] = np.nan
    if "id" not in table:
        table["id"] = ""
    if "category" not in table:
        table["category"] = pd.NA
    missing = int(table["price"].isna().sum())
    if missing:
        table["price"] = table["price"].fillna(float(history.goods["price"].median()))
        notes.append(
            f"{_candidates(missing, 'has', 'have')} no price: planned at the shop's median price, which is a default."
        )
    missing = int(table["cost"].isna().sum())
    if missing:
        table["cost"] = table["cost"].fillna(COST_SHARE * table["price"])
        notes.append(
            f"{_candidates(missing, 'has', 'have')} no cost: taken to be {COST_SHARE:.0%} of the price, a default on "
            "which margin, stock and restocking rest."
        )
    above = int((table["cost"] >= table["price"]).sum())
    if above:
        notes.append(f"{_candidates(above, 'costs', 'cost')} as much as the price or more: nothing is stocked of that.")
    known = set(history.goods["category"].dropna())
    unknown = int((table["category"].notna() & ~table["category"].isin(known)).sum())
    if unknown:
        notes.append(
            f"{_candidates(unknown, 'is', 'are')} of a category that the shop has never sold: titles and prices speak."
        )
    again = table["title"].duplicated()
    if again.any():
        table["title"] = table["title"] + (" (" + (table.groupby("title").cumcount() + 1).astype(str) + ")").where(
            again, ""
        )
        notes.append("Titles are there more than once: they are numbered.")
    return table, notes


def _candidates(n: int, one: str, several: str) -> str:
    return f"{n} candidate {one}" if n == 1 else f"{n} candidates {several}"
