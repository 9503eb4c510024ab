"""Profile: how traffic differs from its average, by hour, weekday and time of the year."""

from __future__ import annotations

import datetime

import numpy as np
import numpy.typing as npt

from simulator.scenario import WEEKDAYS, Calendar, Scenario

Times = npt.NDArray[np.float64]

_YEAR = 365.25
_NEW_YEAR = datetime.date(2001, 1, 1)  # a Monday, where a scenario names no day


class Profile:
    """Traffic relative to `arrivals.per_day`."""

    def __init__(self, scenario: Scenario) -> None:
        about, calendar = scenario.arrivals, scenario.calendar or Calendar()
        hours = np.array(about.hours) / np.mean(about.hours)
        weekdays = np.array(about.weekdays) / np.mean(about.weekdays)
        self._week = np.outer(weekdays, hours).ravel()  # (168,)
        self._amplitude = about.season
        self._peak = about.season_peak
        self._first_hour = 24 * (calendar.start or _NEW_YEAR).weekday()
        self._days = None if scenario.calendar is None else _days(calendar, int(np.ceil(scenario.days)))
        most = (1 + about.season) * (1.0 if self._days is None else max(self._days.max(), 1e-9))
        self.highest = self._week.max() * most
        self.busiest_day = weekdays.max() * most  # what the traffic of a day does not exceed, on average over its hours

    def at(self, times: Times) -> Times:
        """(n,) traffic relative to the average, at times (n,) in days."""
        week = self._week[((times * 24).astype(np.int64) + self._first_hour) % 168]
        traffic = week * (1 + self._amplitude * np.cos(2 * np.pi * (times - self._peak) / _YEAR))
        return np.asarray(traffic if self._days is None else traffic * self._days[self._day(times)])

    def ceiling(self, day: float) -> float:
        """What traffic does not exceed on a day."""
        if self._days is None:
            return float(self.highest)
        return float(self._week.max() * (1 + self._amplitude) * self._days[int(day)])

    def opening(self, time: float) -> float:
        """This time, or the same hour of the next day that is not closed; infinity where there is none."""
        if self._days is None or self._days[int(time)] > 0:
            return time
        later = np.flatnonzero(self._days[int(time) :])
        return time + float(later[0]) if len(later) else np.inf

    def _day(self, times: Times) -> npt.NDArray[np.int64]:
        assert self._days is not None
        return np.minimum(times.astype(np.int64), len(self._days) - 1)


def days_of_year(scenario: Scenario) -> npt.NDArray[np.int64]:
    """(days,) days since the last first of January, of each day of the season."""
    return _days_of_year(scenario.calendar or Calendar(), int(np.ceil(scenario.days)))


def _days_of_year(calendar: Calendar, days: int) -> npt.NDArray[np.int64]:
    start = calendar.start or _NEW_YEAR
    return np.array([(start + datetime.timedelta(n)).timetuple().tm_yday - 1 for n in range(days)])


def weekly(scenario: Scenario, weeks: list[float]) -> Times:
    """(days,) the factor of each day's week of the year, 1 where none is given."""
    return _weekly(weeks, days_of_year(scenario))


def _weekly(weeks: list[float], days: npt.NDArray[np.int64]) -> Times:
    factors = np.ones(53)
    factors[: len(weeks)] = weeks
    return np.asarray(factors[days // 7])


def _days(calendar: Calendar, days: int) -> Times:
    """(days,) factors on traffic: of the week, of the trend, of the date, 0 where closed."""
    factors = _weekly(calendar.weeks, _days_of_year(calendar, days)) * np.exp(calendar.trend * np.arange(days) / _YEAR)
    start = calendar.start or _NEW_YEAR
    for date, factor in calendar.dates.items():
        if 0 <= (date - start).days < days:
            factors[(date - start).days] *= factor
    for day in calendar.closed:
        if isinstance(day, str):
            factors[(WEEKDAYS.index(day.lower()) - start.weekday()) % 7 :: 7] = 0.0
        elif 0 <= (day - start).days < days:
            factors[(day - start).days] = 0.0
    return np.asarray(factors)
