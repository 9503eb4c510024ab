"""The calendar of a shop: weeks, weekdays, closed days, and what a year says about the next."""

from __future__ import annotations

import datetime

import numpy as np
import pandas as pd
import pytest
from made_sales import FIRST, made

from simulator.calibration import calendar, dates
from simulator.calibration.part import NOT, Part
from simulator.calibration.sales import Sales

DATES = pd.date_range(FIRST, periods=364)
SEASON = np.where(DATES.month >= 10, 3.0, 1.0)


def _sales(days: int = 364, factor: np.ndarray = SEASON, guests: float = 0.0) -> Sales:
    traffic = 30.0 * factor[:days] * (DATES[:days].day_of_week != 6)
    return made(days, traffic=traffic * (DATES[:days] != pd.Timestamp("2021-05-13")), further=0.0, guests=guests)


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
    """And the same weekday a year later, for a season that begins where this one ends."""
    closed = part.settings["calendar.closed"]
    assert closed == ["sunday", datetime.date(2021, 5, 13), datetime.date(2022, 5, 12)]


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
    assert dates.easter(year) == pd.Timestamp(sunday)


@pytest.mark.parametrize(
    ("date", "later"),
    [("2010-04-02", "2011-04-22"), ("2009-12-25", "2010-12-25"), ("2010-08-30", "2011-08-29")],
    ids=["Good Friday", "Christmas", "a Monday's bank holiday"],
)
def test_a_closed_date_points_to_the_right_day_of_the_next_year(date: str, later: str) -> None:
    assert dates.next_year(pd.Timestamp(date)) == pd.Timestamp(later)


SALE = {"2021-06-11": 6.0, "2021-12-24": 0.2}
OUTAGE = [str(date.date()) for date in pd.date_range("2021-09-06", periods=5)]


@pytest.fixture(scope="module")
def peaked() -> Part:
    """A sale of a day, half a Christmas Eve, an outage of five days, and a first day that began in the evening."""
    factor = SEASON * 5.0
    for date, by in [*SALE.items(), *((date, 0.1) for date in OUTAGE), (str(DATES[0].date()), 0.2)]:
        factor = np.where(pd.Timestamp(date) == DATES, factor * by, factor)
    return calendar.fit(_sales(factor=factor, guests=1.0), 364)


def test_dates_far_from_the_days_around_them_have_factors_of_their_own(peaked: Part) -> None:
    found = peaked.settings["calendar.dates"]
    seen = {date: factor for date, factor in found.items() if date < str(DATES[-1].date())}
    assert seen == pytest.approx({str(DATES[0].date()): 0.2} | SALE | dict.fromkeys(OUTAGE, 0.1), rel=0.2, abs=0.06)


def test_such_dates_tell_nothing_of_their_weeks(peaked: Part) -> None:
    weeks = np.array(peaked.settings["calendar.weeks"])
    assert weeks[5:35] / np.median(weeks[5:35]) == pytest.approx(np.ones(30), abs=0.1)


def test_such_dates_come_again_but_for_a_first_day_that_was_not_whole(peaked: Part) -> None:
    found = peaked.settings["calendar.dates"]
    later = {date: factor for date, factor in found.items() if date > str(DATES[-1].date())}
    assert later["2022-06-10"] == found["2021-06-11"]
    assert later["2022-12-24"] == found["2021-12-24"]
    assert len(later) == 2 + len(OUTAGE)


def test_a_season_without_such_dates_has_none(part: Part) -> None:
    assert "calendar.dates" not in part.settings


def test_draws_differ_in_what_such_a_date_is_worth(peaked: Part) -> None:
    random = np.random.default_rng(0)
    drawn = np.log([peaked.draw(random)["calendar.dates"]["2021-06-11"] for _ in range(200)])
    assert drawn.mean() == pytest.approx(np.log(peaked.settings["calendar.dates"]["2021-06-11"]), abs=1e-9)
    assert 0.02 < drawn.std() < 0.2
