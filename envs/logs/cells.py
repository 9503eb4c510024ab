"""What the cells of a log mean, in SQL: times, numbers, names of actions and sets of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any

from envs.logs.columns import EPOCHS, UNITS, Columns
from envs.logs.source import literal, quoted

Ask = Callable[[str], list[tuple[Any, ...]]]

MISSING = "|NA|N/A|na|NaN|nan|null|NULL|None"  # as a regular expression: faster in DuckDB than a list
FIRST_YEAR, LAST_YEAR = 1900, 2200  # what lies outside is no date of a visit
MOST_DAYS = 1_000_000  # what is more is no number of days
_YEARS_FIRST = r"^\s*\d{4}[-/]"  # what follows can be read one way only
_COMMA_BEFORE_FRACTION = r"(:\d\d),(\d)"
_QUOTED_NAME = r"""'[^']*'|"[^"]*\""""


class Cells:
    """The SQL of one log.

    Args:
        columns: what its columns are.
        types: role or `context0`, `context1`, ... -> kind of its column, in table `raw`.
        ask: answers SQL.
    """

    def __init__(self, columns: Columns, types: Mapping[str, str], ask: Ask) -> None:
        self.columns, self.types, self._ask = columns, types, ask

    def number(self, cell: str, kind: str) -> str:
        """Null where it is none."""
        return number(cell, kind, self.columns.decimal, self.columns.thousands)

    def action(self) -> str:
        """The name of the action taken."""
        return name("action")

    def days(self, role: str) -> str:
        """Of dates since the first of the log."""
        if not self.columns.time:
            return "(row - 1) / 86400"
        if self.as_dates:
            return f"({self._microseconds(role)} - {self.first_date}) / 86400e6"
        days = f"{self.number(quoted(role), self.types[role])} / {UNITS[self.columns.time_unit]}"
        return f"(CASE WHEN abs({days}) <= {MOST_DAYS} THEN {days} END)"

    def _microseconds(self, role: str) -> str:
        """A date as microseconds since 1970."""
        if self.columns.time_format:
            text = f"regexp_replace(trim({quoted(role)}::VARCHAR), '\\.0$', '')"
            found = f"epoch_us(try_strptime({text}, {literal(self.columns.time_format)}))"
        elif self.columns.time_unit in EPOCHS:
            found = f"{self.number(quoted(role), self.types[role])} * {EPOCHS[self.columns.time_unit]}"
        elif self.types[role] == "text":
            text = f"regexp_replace({quoted(role)}::VARCHAR, '{_COMMA_BEFORE_FRACTION}', '\\1.\\2')"
            first = f"regexp_matches({quoted(role)}::VARCHAR, '{_YEARS_FIRST}')"
            found = f"CASE WHEN {first} THEN epoch_us(TRY_CAST({text} AS TIMESTAMPTZ)) END"
        else:
            found = f"epoch_us(TRY_CAST({quoted(role)} AS TIMESTAMPTZ))"
        return within_years(found)

    @cached_property
    def as_dates(self) -> bool:
        """Whether times are dates, not numbers."""
        if not self.columns.time:
            return False
        if self.columns.time_unit in EPOCHS or self.columns.time_format:
            return True
        if self.types["time"] != "text":
            return self.types["time"] == "time"
        number, date = self.number("time", "text"), f"regexp_matches(time::VARCHAR, '{_YEARS_FIRST}')"
        ((numbers, dates),) = self._ask(f"SELECT count({number}), count(*) FILTER ({date}) FROM raw")
        return bool(dates > numbers)

    @cached_property
    def first_date(self) -> int:
        """Microseconds since 1970 of the first."""
        ((first,),) = self._ask(f"SELECT min({self._microseconds('time')}) FROM raw")
        return int(first or 0)

    def available(self) -> str:
        """A list of names; null names stay."""
        split = "available::VARCHAR[]" if self.types["available"] == "list" else self._split
        there = f"list_filter({split}, lambda x: x IS NULL OR trim(x) <> '')"
        return f"list_transform({there}, lambda x: {name('x')})"

    @cached_property
    def _split(self) -> str:
        """Text as a list: by the one of | ; , and space that the log uses, names in quotes as they are."""
        cell = "trim(available::VARCHAR)"
        separators = ", ".join(f"bool_or(contains(available::VARCHAR, '{mark}'))" for mark in "|;,")
        (found,) = self._ask(f"SELECT {separators} FROM raw")
        mark = next((mark for mark, there in zip("|;,", found, strict=True) if there), None)
        if mark == "|":
            return f"string_split(trim({cell}, '[](){{}} '), '|')"
        inside = f"trim({cell}, '[](){{}} ')"
        if mark is not None:
            split = f"string_split({inside}, '{mark}')"
        else:  # a name of several words may be all that there is
            taken = f"{name(inside)} IN (SELECT DISTINCT {self.action()} FROM raw)"
            split = f"CASE WHEN {taken} THEN [{inside}] ELSE regexp_split_to_array({inside}, '\\s+') END"
        quotes = literal(_QUOTED_NAME)
        return (
            f"CASE WHEN regexp_matches({inside}, '^[''\"]') THEN "
            f"list_transform(regexp_extract_all({inside}, {quotes}), lambda x: x[2:-2]) ELSE {split} END"
        )


def given(cell: str, kind: str) -> str:
    """A cell, null where it says that there is nothing."""
    if kind == "number":
        return f"CASE WHEN NOT isnan({cell}::DOUBLE) THEN {cell} END"
    return f"CASE WHEN NOT regexp_full_match({cell}::VARCHAR, '{MISSING}') THEN {cell} END"


def name(cell: str) -> str:
    """Of an action: ids that became fractions on their way (7.0) are whole again; null where there is none."""
    return f"nullif(regexp_replace(trim({cell}::VARCHAR), '^(\\d+)\\.0+$', '\\1'), '')"


def number(cell: str, kind: str, decimal: str = ".", thousands: str = "") -> str:
    """A number, null where it is none; groups of thousands only where they are whole."""
    if kind == "number" or (decimal, thousands) == (".", ""):
        return f"TRY_CAST({cell} AS DOUBLE)"
    text = f"trim({cell}::VARCHAR)"
    plain = f"replace(replace({text}, {literal(thousands)}, ''), {literal(decimal)}, '.')"
    if not thousands:
        plain = f"replace({text}, {literal(decimal)}, '.')"
    pattern = literal(number_pattern(decimal, thousands))
    return f"(CASE WHEN regexp_full_match({text}, {pattern}) THEN TRY_CAST({plain} AS DOUBLE) END)"


def number_pattern(decimal: str, thousands: str) -> str:
    """Of text that is a number, as a regular expression."""
    groups = rf"[1-9]\d{{0,2}}({re.escape(thousands)}\d{{3}})+|" if thousands else ""
    return rf"[+-]?({groups}\d+)?({re.escape(decimal)}\d+)?([eE][+-]?\d+)?"


def within_years(microseconds: str) -> str:
    """Null where it is no date of a visit."""
    first, last = (f"{(year - 1970) * 31_556_952}e6" for year in (FIRST_YEAR, LAST_YEAR))
    return f"(CASE WHEN {microseconds} BETWEEN {first} AND {last} THEN {microseconds} END)"
