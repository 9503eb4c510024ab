"""The calendar of a shop: weeks, weekdays, closed days, and what a year says about the next."""

from __future__ import annotations

import datetime

import numpy as np
import pandas as pd
import pytest
from made_sales import FIRST, made

from simulator.calibration import calendar
from simulator.calibration.part import NOT, Part
from simulator.calibration.sales import Sales

DATES = pd.date_range(FIRST, periods=364)
SEASON = np.where(DATES.month >= 10, 3.0, 1.0)


def _sales(days: int = 364, factor: np.ndarray = SEASON) -> Sales:
    traffic = 30.0 * factor[:days] * (DATES[:days].day_of_week != 6)
    return made(days, traffic=traffic * (DATES[:days] != pd.Timestamp("2021-05-13")), further=0.0)


@pytest.fixture(scope="module")
def part() -> Part:
    return calendar.fit(_sales(), 364)


def test_weeks_have_the_factors_that_visits_were_drawn_with(part: Part) -> None:
    weeks = np.array(part.settings["calendar.weeks"])
    assert weeks[42:50].mean() / weeks[5:35].mean() == pytest.approx(3.0, rel=0.05)


def test_shuffled_times_lose_the_season() -> None:
    sales = _sales()
    days = np.unique(sales.visit_days)
    moved = np.random.default_rng(0).choice(days, len(sales.times)) + sales.times % 1
    shuffled = Sales(**{**{name: getattr(sales, name) for name in sales.__dataclass_fields__}, "times": np.sort(moved)})
    weeks = np.array(calendar.fit(shuffled, 364).settings["calendar.weeks"])
    assert np.abs(np.log(weeks[1:51])).max() < 0.1


def test_a_weekday_and_a_date_without_visits_are_closed(part: Part) -> None:
    closed = part.settings["calendar.closed"]
    assert closed == ["sunday", datetime.date(2021, 5, 13)]


def test_visits_a_day_are_as_unsure_as_their_draws_are_though_the_shop_closes_on_sundays(part: Part) -> None:
    random = np.random.default_rng(0)
    drawn = [part.draw(random)["arrivals.per_day"] for _ in range(200)]
    error = {one.place: one.error for one in part.parameters}["arrivals.per_day"]
    assert error == pytest.approx(np.std(drawn), rel=0.2)
    assert error > part.settings["arrivals.per_day"] / np.sqrt(30 * 364 * 1.5)


def test_a_week_never_seen_is_not_identified() -> None:
    told = {one.place: one.status for one in calendar.fit(_sales(280), 364).parameters}
    assert (told["calendar.weeks[10]"] != NOT, told["calendar.weeks[45]"]) == (True, NOT)


def test_a_year_alone_tells_no_trend(part: Part) -> None:
    assert part.settings["calendar.trend"] == pytest.approx(0.0, abs=1e-3)
    assert {one.place: one.status for one in part.parameters}["calendar.trend"] == NOT


def test_draws_come_in_pairs_that_have_the_best_between_them(part: Part) -> None:
    random = np.random.default_rng(0)
    one, other = part.draw(random), part.draw(random)
    between = np.sqrt(np.array(one["calendar.weeks"]) * np.array(other["calendar.weeks"]))
    assert between == pytest.approx(np.array(part.settings["calendar.weeks"]))
    assert np.abs(np.log(one["calendar.weeks"]) - np.log(other["calendar.weeks"])).max() > 1e-3


def test_draws_grow_from_year_to_year_and_say_the_same_of_the_year_that_was_seen(part: Part) -> None:
    """Growth has a spread of a tenth, and the mean traffic of the days seen does not depend on it."""
    random = np.random.default_rng(0)
    draws = [part.draw(random) for _ in range(200)]
    growth = np.array([one["calendar.trend"] for one in draws])
    week = calendar.week_of_year(DATES)
    seen = np.array(
        [
            one["arrivals.per_day"]
            * np.mean(np.array(one["calendar.weeks"])[week] * np.exp(one["calendar.trend"] * np.arange(364) / 365.25))
            for one in draws
        ]
    )
    assert growth.std() == pytest.approx(0.1, rel=0.2)
    assert abs(np.corrcoef(growth, seen)[0, 1]) < 0.25


@pytest.mark.parametrize(
    ("year", "sunday"), [(2010, "2010-04-04"), (2011, "2011-04-24"), (2024, "2024-03-31"), (2000, "2000-04-23")]
)
def test_easter_falls_on_the_days_of_the_almanac(year: int, sunday: str) -> None:
    assert calendar.easter(year) == pd.Timestamp(sunday)


@pytest.mark.parametrize(
    ("date", "later"),
    [("2010-04-02", "2011-04-22"), ("2009-12-25", "2010-12-25"), ("2010-08-30", "2011-08-29")],
    ids=["Good Friday", "Christmas", "a Monday's bank holiday"],
)
def test_a_closed_date_points_to_the_right_day_of_the_next_year(date: str, later: str) -> None:
    assert calendar.next_year(pd.Timestamp(date)) == pd.Timestamp(later)
