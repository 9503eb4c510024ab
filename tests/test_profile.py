"""Traffic through the year: closed days, weekly factors, trend."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import pytest
from seasons import Random, market, season

from simulator.arrivals import Arrivals
from simulator.profile import Profile

FLAT: dict[str, Any] = {"hours": [1.0] * 24, "weekdays": [1.0] * 7, "per_day": 100.0}


def daily(days: float, arrivals: dict[str, Any] = FLAT, **calendar: Any) -> np.ndarray:
    """(days,) traffic of each day's noon."""
    profile = Profile(season(days=days, arrivals=arrivals, calendar=calendar))
    return profile.at(np.arange(days) + 0.5)


def test_a_season_begins_on_the_weekday_of_its_date() -> None:
    weekdays = {"weekdays": [1.0, 2, 3, 4, 5, 6, 7]}
    traffic = daily(7.0, FLAT | weekdays, start=date(2009, 12, 1))  # a Tuesday
    np.testing.assert_allclose(traffic * 4, [2, 3, 4, 5, 6, 7, 1])


def test_nobody_comes_on_closed_weekdays_and_dates() -> None:
    calendar = {"start": date(2009, 12, 1), "closed": ["Saturday", "2009-12-25"]}
    scenario = season(
        days=35.0, calendar=calendar, arrivals=FLAT | {"word_of_mouth": 0.5, "buzz": 1.0}, choice={"leaving": -1.0}
    )
    visits = market(scenario, Random(), seed=1).ledger.daily_visits()
    closed = {*range(4, 35, 7), 24}
    assert {day for day in range(35) if visits[day] == 0} == closed


def test_weeks_of_the_year_have_their_factors_and_those_not_given_have_one() -> None:
    traffic = daily(20.0, start=date(2010, 12, 20), weeks=[2.0, 0.5] + [1.0] * 49 + [3.0])
    # 20 December is day 354 of the year, in its 51st week; the 52nd goes from the 24th to the 30th, the 53rd is a day
    np.testing.assert_allclose(traffic, [1] * 4 + [3] * 7 + [1] + [2] * 7 + [0.5])


def test_a_date_has_its_factor_beside_those_of_its_week_and_nobody_comes_where_it_is_closed() -> None:
    dates = {date(2010, 12, 24): 5.0, date(2010, 12, 25): 9.0, date(2011, 12, 24): 7.0}
    weeks = [1.0] * 51 + [3.0]
    traffic = daily(9.0, start=date(2010, 12, 20), weeks=weeks, dates=dates, closed=["2010-12-25"])
    np.testing.assert_allclose(traffic, [1] * 4 + [15, 0, 3, 3, 3])


def test_traffic_grows_by_its_trend() -> None:
    traffic = daily(731.5, trend=np.log(1.2))
    np.testing.assert_allclose(traffic[365] / traffic[0], 1.2, rtol=1e-3)
    np.testing.assert_allclose(traffic[730] / traffic[365], 1.2, rtol=1e-3)


def test_visits_are_poisson_around_the_calendar() -> None:
    weeks = [1.0, 4.0, 0.25]
    scenario = season(days=21.0, arrivals=FLAT, calendar={"weeks": weeks})
    times = np.concatenate([Arrivals(scenario, seed).take(21.0)[0] for seed in range(20)])
    counts = np.histogram(times, [0, 7, 14, 21])[0]
    expected = 20 * 700 * np.array(weeks)
    assert (np.abs(counts - expected) < 4 * np.sqrt(expected)).all()


@pytest.mark.parametrize(("time", "opens"), [(0.25, 0.25), (4.25, 5.25), (23.5, 23.5), (24.5, 26.5), (33.0, np.inf)])
def test_who_would_come_on_a_closed_day_comes_on_the_next_open_one(time: float, opens: float) -> None:
    closed = ["saturday", date(2009, 12, 25), date(2010, 1, 3)]
    profile = Profile(season(days=34.0, calendar={"start": date(2009, 12, 1), "closed": closed}))
    assert profile.opening(time) == opens
