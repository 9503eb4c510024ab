"""A first guess at what the columns of a log mean, from their names and first rows; what is not clear is asked."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from envs.logs.cells import MISSING, number_pattern
from envs.logs.columns import Columns, Context, Items
from envs.logs.date_formats import COMPACT, fits, formats
from envs.logs.rows import LogError
from envs.logs.source import Source

NAMES = {  # what columns of such a role are usually called, the likeliest first
    "time": r"time|timestamp|t|date|datetime|ts|time_?stamp|event_?time|day|created_?at",
    "known": r"known|reward_?time|known_?at|conversion_?time|purchase_?time",
    "action": r"action|_label_Action|item_?id|action_?id|item|arm|arm_?id|chosen|product|product_?id|sku|article_?id",
    "reward": r"reward|_?label_cost|click|clicked|clicks|purchase|purchased|conversion|revenue|sales|label",
    "propensity": r"propensity|_?label_probability|propensity_?score|pscore|probability|prob|action_?probability|p",
    "available": r"available|available_?actions|candidates|action_?set|arms",
    "position": r"position|slot|rank",
    "user": r"user|user_?id|customer|customer_?id|visitor|visitor_?id|session_?user",
    "weight": r"sample_?weight|importance_?weight|inverse_?sampling_?rate",
    "id": r"id|row_?id|event_?id|impression_?id|request_?id",
}


_NO_CONTEXT = re.compile(r"column\d*|index|unnamed.*|.*_?(id|email|phone|name|address|ip)", re.IGNORECASE)
_OUTCOMES = re.compile(
    r"(total_?)?(reward|cost|clicks?|clicked|purchases?|purchased|conversions?|converted|revenue|sales?|sold|bought|orders?"
    r"|ordered|quantity|qty|units|gmv|spend|spent|profit|margin|refund(ed)?|returned|label|outcome|response|dwell(_?time)?)",
    re.IGNORECASE,
)
_CELLS = 2_000_000  # that a proposal rests on, at most
_ROWS = 100_000
_TEXTS, _FEW = 1_000, 20  # dates that are tried in every format, and those that most formats fail by
_MOST_CONTEXTS = 200
_MOST = 0.9  # of the cells must be so
_ENOUGH = 20  # rows that must say so
_SELDOM = 0.1  # so often as between different actions a moving feature differs within one
_YEAR_FIRST = r"(?i)(?!.*[ap]m$)\d{4}[-/]\d\d?[-/]\d\d?([T ].*)?"  # can be read one way only
_NUMBERS = ((".", ""), (",", ""), (",", "."), (",", " "), (",", "\u00a0"), (".", ","), (".", " "), (".", "'"))


class Proposal:
    """Columns as they are proposed, and notes on what was left out or has to be decided.

    Args:
        connection: of DuckDB.
        source: the log.
        is_csv: whether all its cells are text, so that numbers may be written in many ways.

    Raises:
        LogError: no column looks like an action or a reward.
    """

    def __init__(self, connection: Any, source: Source, *, is_csv: bool) -> None:
        self._types = source.types
        self.notes: list[str] = []
        rows = max(1_000, min(_ROWS, _CELLS // max(len(source.types), 1)))
        sample = connection.sql(f"SELECT * FROM {source.relation} LIMIT {rows}").to_arrow_table()
        self._n = len(sample)
        self._cells = {name: _text(column) for name, column in zip(source.types, sample.columns, strict=True)}
        roles = self._roles()
        marks = self._number_marks(roles) if is_csv else _NUMBERS[0]
        settings: dict[str, Any] = {"decimal": marks[0], "thousands": marks[1], **self._times(roles.get("time"))}
        settings["negate"] = roles["reward"].lower().endswith("cost")
        context, shown = self._contexts(roles, marks)
        named: dict[str, Any] = {"time": "", **roles}
        self.columns = Columns(**named, context=context, items=Items(shown) if shown else None, **settings)

    def _is_number(self, column: str, marks: tuple[str, str] = (".", "")) -> bool:
        if self._types[column] != "text":
            return self._types[column] == "number"
        return _share(self._cells[column], number_pattern(*marks)) >= _MOST

    def _roles(self) -> dict[str, str]:
        """The likeliest column of each role."""
        roles: dict[str, str] = {}
        for role, names in NAMES.items():
            for name in names.split("|"):
                match = [c for c in self._types if c not in roles.values() and re.fullmatch(name, c.strip(), re.I)]
                if role == "id":
                    match = [column for column in match if self._cells[column].nunique() == self._n]
                if match and role not in roles:
                    roles[role] = match[0]
        for role in ("action", "reward"):
            if role not in roles:
                there = ", ".join(map(repr, list(self._types)[:50]))
                raise LogError(f"columns must have one for {role}, found none among {there}: name it in a TOML file")
        if "time" not in roles:
            self.notes.append("no column looks like a time: rows count in their order, one a second")
            roles.pop("known", None)
        return roles

    def _number_marks(self, roles: Mapping[str, str]) -> tuple[str, str]:
        """What stands before fractions and between thousands: what all columns of numbers agree to."""
        free = [column for column in self._types if column not in _no_numbers(roles)]
        plain = [column for column in free if self._is_number(column)]
        agreed = list(_NUMBERS[1:])
        found = [
            [marks for marks in agreed if self._is_number(column, marks)] for column in free if column not in plain
        ]
        if not any(found):
            return _NUMBERS[0]
        found += [[marks for marks in agreed if self._is_number(column, marks)] for column in plain]
        agreed = [marks for marks in agreed if all(marks in fit for fit in found if fit)]
        if not agreed:
            return _NUMBERS[0]
        if len({decimal for decimal, _ in agreed}) == 1:
            return agreed[0]
        self.notes.append(
            'numbers are written with a comma that may stand before fractions (decimal = ",") or between thousands '
            '(thousands = ","): set one of them'
        )
        return _NUMBERS[0]

    def _times(self, column: str | None) -> dict[str, str]:
        """How times are written."""
        if column is None or self._types[column] == "time":
            return {}
        texts = self._cells[column].dropna().str.strip()
        if self._is_number(column):
            whole = texts.str.removesuffix(".0")
            for digits, shape in COMPACT.items():
                if (
                    len(whole)
                    and (whole.str.len() == digits).all()
                    and fits(shape, whole.unique()[:_TEXTS].tolist(), 1.0)
                ):
                    return {"time_format": shape}
            largest = pd.to_numeric(texts, errors="coerce").max()
            return {"time_unit": _unit(largest if largest == largest else 0.0)}
        return {} if _share(texts, _YEAR_FIRST) >= _MOST else self._written(texts.unique()[:_TEXTS].tolist())

    def _written(self, texts: list[str]) -> dict[str, str]:
        """The one way in which all dates can be read."""
        fit = [shape for shape in formats() if fits(shape, texts[:_FEW]) and fits(shape, texts)] if texts else []
        if len(fit) == 1:
            return {"time_format": fit[0]}
        if fit:
            self.notes.append(
                f"dates such as {min(texts)!r} can be read in several ways: set time_format to one of "
                + ", ".join(map(repr, fit))
            )
        return {}

    def _contexts(
        self, roles: Mapping[str, str], marks: tuple[str, str]
    ) -> tuple[dict[str, Context], dict[str, Context]]:
        """Columns of the visitor, and columns of the action; what is known only afterwards is neither."""
        free = [
            column for column in self._types
            if column not in roles.values() and self._types[column] in ("number", "text")
            and not _NO_CONTEXT.fullmatch(column) and self._cells[column].nunique() > 1
        ]  # fmt: skip
        if len(free) > _MOST_CONTEXTS:
            self.notes.append(f"{len(free)} columns may be contexts: the first {_MOST_CONTEXTS} are proposed")
            free = free[:_MOST_CONTEXTS]
        nothing = pd.to_numeric(self._cells[roles["reward"]], errors="coerce").fillna(0.0) == 0
        outcomes = {c for c in free if _OUTCOMES.fullmatch(c.strip()) or _comes_of(self._cells[c], nothing)}
        of_action = {c for c in free if c not in outcomes and _follows(self._cells[c], self._cells[roles["action"]])}
        moving = self._moving(free, roles) - outcomes - of_action
        self._tell(outcomes, "known only after the action: left out of the contexts")
        self._tell(of_action, "the same in all rows of an action: features of the items, not of the visitor")
        self._tell(
            moving,
            "of the item though not always the same, and as a context it would tell what was shown: left out; a second "
            "file ([items]) can give each item one",
        )
        kept = {column: self._guess(column, marks) for column in free if column not in outcomes | moving}
        return (
            {column: how for column, how in kept.items() if column not in of_action},
            {column: how for column, how in kept.items() if column in of_action},
        )

    def _moving(self, columns: Iterable[str], roles: Mapping[str, str]) -> set[str]:
        """Those that follow the item from row to row, as a price does that is changed now and then."""
        order = self._in_time(roles.get("time"))
        action = self._cells[roles["action"]].fillna("").to_numpy()[order]
        user = self._cells[roles["user"]].to_numpy()[order] if "user" in roles else None
        return {c for c in columns if _moves(self._cells[c].fillna("").to_numpy()[order], action, user)}

    def _in_time(self, column: str | None) -> Any:
        """The rows of the sample in order of time, as far as it can be told before dates are read."""
        if column is None:
            return np.arange(self._n)
        texts = self._cells[column].fillna("")
        numbers = pd.to_numeric(texts, errors="coerce")
        sortable = numbers if numbers.notna().all() else texts if _share(texts, _YEAR_FIRST) >= _MOST else None
        return np.arange(self._n) if sortable is None else np.argsort(sortable.to_numpy(), kind="stable")

    def _tell(self, columns: Iterable[str], what: str) -> None:
        if columns:
            self.notes.append(f"{', '.join(sorted(columns))}: {what}")

    def _guess(self, column: str, marks: tuple[str, str]) -> Context:
        if self._is_number(column, marks):
            return Context("number", "mean")
        return (
            Context("one-hot", "indicator") if self._cells[column].nunique() <= 32 else Context("hash", "indicator", 32)
        )


def _text(column: Any) -> pd.Series[str]:
    """What stands in the cells, missing where that says that there is nothing."""
    try:
        cells = pd.Series(column.cast("string").to_pylist(), dtype=object)
    except pa.ArrowNotImplementedError:  # lists
        cells = pd.Series([None if cell is None else str(cell) for cell in column.to_pylist()], dtype=object)
    return cells.mask(cells.str.fullmatch(MISSING).fillna(False).astype(bool)) if len(cells) else cells


def _share(cells: pd.Series[str], pattern: str) -> float:
    """Of the cells that are given, those that match."""
    texts = cells.dropna().unique()[:_TEXTS]
    return sum(bool(re.fullmatch(pattern, text.strip())) for text in texts) / len(texts) if len(texts) else 0.0


def _follows(cells: pd.Series[str], action: pd.Series[str]) -> bool:
    """Whether there is one value an action, and different ones for different actions."""
    seen = pd.DataFrame({"action": action, "cell": cells.fillna("")}).dropna().groupby("action")["cell"]
    looks = seen.agg(["size", "nunique", "first"])
    looks = looks[looks["size"] > 1]
    rows = (looks["size"] - 1).sum()
    return bool(rows >= _ENOUGH and (looks["nunique"] == 1).all() and looks["first"].nunique() > 1)


def _moves(cells: Any, action: Any, user: Any) -> bool:
    """Whether it hardly ever differs from one row of an action to the next of it (by another user, where users are
    known), though it does between rows of different actions.

    Args:
        cells, action, user: (n,) of rows in order of time.
    """
    again = np.argsort(action, kind="stable")
    same = action[again][1:] == action[again][:-1]
    if user is not None:
        same &= user[again][1:] != user[again][:-1]
    other = action[1:] != action[:-1]
    if min(same.sum(), other.sum()) < _ENOUGH:
        return False
    of_same = float((cells[again][1:] != cells[again][:-1])[same].mean())
    return of_same <= _SELDOM * float((cells[1:] != cells[:-1])[other].mean()) and of_same < _SELDOM


def _comes_of(cells: pd.Series[str], nothing: pd.Series[bool]) -> bool:
    """Whether it says one thing where there was no reward, and mostly another where there was one."""
    text = cells.fillna("")
    without, with_one = text[nothing], text[~nothing]
    if len(without) < _ENOUGH or len(with_one) < _ENOUGH or without.nunique() != 1:
        return False
    return bool((with_one != without.iloc[0]).mean() >= 0.5)


def _no_numbers(roles: Mapping[str, str]) -> set[str]:
    """Columns whose commas and dots say nothing of numbers."""
    return {roles[role] for role in ("time", "known", "action", "available", "user", "id") if role in roles}


def _unit(largest: float) -> str:
    """Numbers this large (1973 in seconds) are no days of a season."""
    for least, unit in ((1e17, "nanoseconds"), (1e14, "microseconds"), (1e11, "milliseconds"), (1e8, "seconds")):
        if largest > least:
            return f"epoch {unit}"
    return "days"
