"""Cells mean what shops write: money, decimal commas, dates of many kinds; what could be either is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import duckdb
import pandas as pd
import pytest

from envs.history import values
from envs.logs.rows import LogError

Ask = Callable[[str], list[tuple[Any, ...]]]


def asked(cells: list[str]) -> Ask:
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute("CREATE TABLE cells (x VARCHAR)")
    connection.executemany("INSERT INTO cells VALUES (?)", [[cell] for cell in cells])
    return lambda query: connection.sql(query).fetchall()


def numbers(*cells: str) -> list[float | None]:
    ask = asked(list(cells))
    decimal, thousands = values.writing(ask, "cells", {"x": "price"})
    return [x for (x,) in ask(f"SELECT {values.number('x', 'text', decimal, thousands)} FROM cells")]


def times(*cells: str) -> list[str | None]:
    ask = asked(list(cells))
    found = values.dating(ask, "cells", "x", "text", "when")
    micros = ask(f"SELECT {values.micros('x', 'text', found)} FROM cells")
    return [None if us is None else str(pd.Timestamp(us, unit="us")) for (us,) in micros]


@pytest.mark.parametrize(
    ("cells", "meant"),
    [
        (["1.5", "-2", "", "x"], [1.5, -2, None, None]),
        (["£1.50", "€ 2", "¥3"], [1.5, 2, 3]),
        (["12,50", "1.299,99"], [12.5, 1299.99]),
        (["1,299.99", "12.5", "2,000.5"], [1299.99, 12.5, 2000.5]),
        (["R$ 10.50", "USD 2", "3,000.5 kr", "₹4", "12 kg", "5元", "1.5k"], [10.5, 2, 3000.5, 4, 12, 5, None]),
        (["2.50", "($3.50)", "(4)"], [2.5, -3.5, -4]),
        (["1e400", "inf", "nan"], [None, None, None]),
    ],
)
def test_numbers_as_they_are_written(cells: list[str], meant: list[float | None]) -> None:
    assert numbers(*cells) == meant


def test_a_comma_that_could_be_either_is_refused() -> None:
    with pytest.raises(LogError, match="got '1,299' in 'price'"):
        numbers("1,299", "2,500")


DAY = "2024-03-13 00:00:00"


@pytest.mark.parametrize(
    ("cell", "meant"),
    [
        ("2024-03-13T10:00:00+02:00", "2024-03-13 08:00:00"),
        ("2024-03-13T10:00:00Z", "2024-03-13 10:00:00"),
        ("2024-03-13 10:00", "2024-03-13 10:00:00"),
        ("2024/03/13 10:00:01", "2024-03-13 10:00:01"),
        ("2024年03月13日", DAY),
        ("20240313", DAY),
        ("20240313100000", "2024-03-13 10:00:00"),
        ("13/03/2024 10:00", "2024-03-13 10:00:00"),
        ("13.03.2024", DAY),
        ("3/13/2024 9:30 PM", "2024-03-13 21:30:00"),
        ("Mar 13, 2024", DAY),
        ("13-Mar-2024", DAY),
        ("3/13/24 9:30 PM", "2024-03-13 21:30:00"),
        ("13-Mar-24 10:00", "2024-03-13 10:00:00"),
        ("2024-03-13 10:00:00,500", "2024-03-13 10:00:00.500000"),
        ("45364", DAY),
        ("1710288000", DAY),
        ("1710288000000", DAY),
        ("1710288000000000", DAY),
        ("1710288000000000000", DAY),
    ],
)
def test_times_as_they_are_written(cell: str, meant: str) -> None:
    assert times(cell, cell) == [meant, meant]


def test_what_is_no_time_among_times_is_none() -> None:
    assert times(*["2024-03-13"] * 3, "soon", "") == [DAY, DAY, DAY, None, None]


@pytest.mark.parametrize("cell", ["24-03-13", "24/03/13 10:00", "13.03.24"])
def test_a_year_of_two_digits_that_could_be_a_day_is_refused(cell: str) -> None:
    with pytest.raises(LogError, match='must be set \\("day first" or "two digits of the year first"\\)'):
        times(cell)


def test_days_that_would_be_years_are_days() -> None:
    assert times("11.03.24", "13.03.24", "2.4.24")[1:] == [DAY, "2024-04-02 00:00:00"]
    assert times("24/03/11", "24/03/13", "24/04/02")[1:] == [DAY, "2024-04-02 00:00:00"]


def test_numbers_that_are_no_dates_are_refused() -> None:
    with pytest.raises(LogError, match="when must be dates, got numbers such as 3"):
        times("1", "3", "5")


def test_a_date_that_could_be_either_is_refused() -> None:
    with pytest.raises(LogError, match="time_format must be set"):
        times("03/04/2024", "05/06/2024")


def test_one_date_decides_for_all() -> None:
    assert times("03/04/2024", "13/04/2024") == ["2024-04-03 00:00:00", "2024-04-13 00:00:00"]


@pytest.mark.parametrize(
    ("cell", "meant"), [("7.0", "7"), (" tea ", "tea"), ("N/A", None), ("无", None), ("7.05", "7.05")]
)
def test_text_as_it_is_written(cell: str, meant: str | None) -> None:
    assert asked([cell])(f"SELECT {values.text('x')} FROM cells") == [(meant,)]
