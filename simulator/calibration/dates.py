"""Dates unlike the days around them: closed ones, and those on which far more or fewer come than usual."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from simulator.calibration.part import Parameter, Settings, parameter
from simulator.calibration.sales import Bools, Floats, Ints

_SURPRISE = 12.0  # visits expected on a day without any, from which on the shop was closed
_AROUND = 15  # days, of which a day's usual traffic is the median
_FAR, _TWICE = 5.0, float(np.log(2))  # of a date from what is usual: in spreads of all days, and at least so far (log)
_ROUNDS = 5
_WHY = "unlike the days around it, and taken to come again a year later"


def closed_dates(counts: Floats, weekdays: Ints, closed_weekdays: list[int]) -> Bools:
    """(days,) without a visit, though so many are usual around then that chance does not explain it."""
    usual = pd.Series(np.where(counts > 0, counts, np.nan)).rolling(29, center=True, min_periods=1).median()
    expected = usual.fillna(0.0).to_numpy()
    return np.asarray((counts == 0) & (expected > _SURPRISE) & ~np.isin(weekdays, closed_weekdays))


def far_dates(counts: Floats, weekdays: Ints, is_open: Bools) -> tuple[Bools, float]:
    """(days,) dates with at least twice or at most half the usual visits, by five spreads of all days and of a Poisson
    number; and that spread, of the log of a day.

    Usual is the median of two weeks around, times a factor of the weekday: medians, which such dates do not move.
    """
    days = np.flatnonzero(is_open)
    seen, of_week = counts[days] + 0.5, weekdays[days]
    factors = np.zeros(7)
    for _ in range(_ROUNDS):
        level = _median_around(seen / np.exp(factors[of_week]))
        beyond = np.log(seen / level)
        factors = np.array([np.median(beyond[of_week == day]) if (of_week == day).any() else 0.0 for day in range(7)])
    usual = level * np.exp(factors[of_week])
    beyond = np.log(seen / usual)
    spread = float(np.median(np.abs(beyond)) / 0.6745)  # of a normal distribution with this median
    far = (np.abs(beyond) > max(_FAR * spread, _TWICE)) & (np.abs(seen - usual) > _FAR * np.sqrt(usual))
    found = np.zeros(len(counts), bool)
    found[days[far]] = True
    return found, spread


def _median_around(values: Floats) -> Floats:
    return np.asarray(pd.Series(values).rolling(_AROUND, center=True, min_periods=1).median())


@dataclass(frozen=True, eq=False)
class Peaks:
    """Dates with a factor of their own on traffic, seen ones and those of later years that they point to."""

    seen: pd.DatetimeIndex  # (n,)
    logs: Floats  # (n,) of the factors, on what week and weekday let expect
    spread: float  # of the log of a factor
    record: pd.DatetimeIndex  # all days seen, of which the first and the last may not be whole
    end: pd.Timestamp  # of what is to be played

    def settings(self, logs: Floats) -> Settings:
        """The calendar's, with such factors."""
        factors = dict(zip(self.seen, np.exp(logs).tolist(), strict=True))
        whole = self.seen[~self.seen.isin(self.record[[0, -1]])]
        factors |= {date: factors[seen] for date, seen in later(whole, self.record[-1], self.end).items()}
        told = {str(date.date()): factor for date, factor in sorted(factors.items())}
        return {"calendar.dates": told} if told else {}

    @property
    def parameters(self) -> list[Parameter]:
        """One a date seen."""
        return [
            parameter(f"calendar.dates[{date.date()}]", factor, factor * self.spread, "factor", _WHY, scale=1.0)
            for date, factor in zip(self.seen, np.exp(self.logs).tolist(), strict=True)
        ]


def later(seen: pd.DatetimeIndex, last: pd.Timestamp, end: pd.Timestamp) -> dict[pd.Timestamp, pd.Timestamp]:
    """The date seen of each that it points to, after the last day seen and before the year after the end, for seasons
    that begin there.
    """
    years = range(1, 2 + (end - seen[0]).days // 365 if len(seen) else 0)
    pointed = {next_year(date, by): date for by in years for date in seen}
    return {date: one for date, one in pointed.items() if last < date < end + pd.Timedelta(days=365)}


def next_year(date: pd.Timestamp, years: int = 1) -> pd.Timestamp:
    """The day that a closed date points to in a later year: by date around the turn of the year, by distance from
    Easter Sunday around Easter, otherwise the same weekday 52 weeks later (a bank holiday's Monday stays a Monday).
    """
    from_easter = (date - easter(date.year)).days
    if abs(from_easter) <= 4:
        return easter(date.year + years) + pd.Timedelta(days=from_easter)
    if (date.month == 12 and date.day >= 20) or (date.month == 1 and date.day <= 6):
        return date.replace(year=date.year + years)
    return date + pd.Timedelta(days=364 * years)


def easter(year: int) -> pd.Timestamp:
    """Easter Sunday of the western church (the algorithm of Meeus, Jones & Butcher)."""
    a, b, c = year % 19, year // 100, year % 100
    d = (19 * a + b - b // 4 - (b - (b + 8) // 25 + 1) // 3 + 15) % 30
    e = (32 + 2 * (b % 4) + 2 * (c // 4) - d - c % 4) % 7
    f = d + e - 7 * ((a + 11 * d + 22 * e) // 451) + 114
    return pd.Timestamp(year=year, month=f // 31, day=f % 31 + 1)
