"""When visits come: by hour, weekday and week of the year, closed days, trend."""

from __future__ import annotations

from functools import cache
from typing import Any

import jax.numpy as jnp
import numpy as np
import pandas as pd

from simulator.calibration.dates import Peaks, closed_dates, far_dates, later
from simulator.calibration.likelihood import Estimate, Posterior
from simulator.calibration.part import Mirrored, Parameter, Part, default, parameter
from simulator.calibration.sales import Floats, Ints, Sales
from simulator.calibration.smoothing import smoothed

WEEKS = 53
_NAMES = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_RARE = 0.1  # a weekday that is open less often than this counts as closed
_FREE = 3.0  # spread of the log factor of a week that resembles no other
_GROWTH = 0.1  # spread of the growth of log traffic in a year, where less than two years tell it
_YEAR = 365.25


def week_of_year(dates: pd.DatetimeIndex) -> Ints:
    """(n,) 0 to 52: weeks counted from 1 January."""
    return np.asarray((dates.day_of_year - 1) // 7, np.int64)


def fit(sales: Sales, horizon: int, merged: float = 1.0) -> Part:
    """Traffic of the calendar.

    Args:
        horizon: days from day 0 on that the scenario is to play.
        merged: visits of the market for each of the history, where those of a customer on one day are one.

    Daily visits are Poisson with a log rate that adds up level, weekday, week of the year and trend. The log factor of
    a week differs from that of the week before by a step, and has something for itself; both spreads are averaged, as
    likely as the data finds them (see `smoothed`), so noise is smoothed away, and weeks never seen lie between the seen
    ones around them. Dates far from the days around them, such as those of a sale, have factors of their own and tell
    nothing of their weeks. More noise than Poisson widens the errors, and is drawn anew for each draw's weeks. Less
    than two years tell no growth: draws have some, which changes nothing of what was seen, only what comes after.
    """
    counts = np.bincount(sales.visit_days, minlength=sales.days).astype(float)
    weekdays = np.asarray(sales.dates.day_of_week)
    closed_weekdays = _closed_weekdays(counts, weekdays)
    closed = closed_dates(counts, weekdays, closed_weekdays)
    is_open = ~closed & ~np.isin(weekdays, closed_weekdays)
    weeks = week_of_year(sales.dates)
    far, spread = far_dates(counts, weekdays, is_open)
    is_open &= ~far
    trended = _both_years(sales.dates[is_open])
    found, noise = _smooth(counts[is_open], weekdays[is_open], weeks[is_open], np.flatnonzero(is_open), trended)
    expected = np.exp(_log_rates(found.values, weekdays[far], weeks[far], np.flatnonzero(far)))
    end = sales.first + pd.Timedelta(days=horizon)
    peaks = Peaks(sales.dates[far], np.log(np.maximum(counts[far], 0.5) / expected), spread, sales.dates, end)
    shut = sorted([*sales.dates[closed], *later(sales.dates[closed], sales.dates[-1], end)])
    settings = _settings(found.values, closed_weekdays, merged)
    settings["calendar.start"] = sales.first.date()
    settings["calendar.closed"] = [*(_NAMES[day] for day in closed_weekdays), *(date.date() for date in shut)]
    settings |= peaks.settings(peaks.logs)
    settings["arrivals.hours"] = _hours(sales)
    settings["arrivals.season"] = 0.0
    rates = np.exp(_log_rates(found.values, weekdays[is_open], weeks[is_open], np.flatnonzero(is_open)))
    chance = max(np.sqrt((noise - 1) / (5.0 * counts[is_open].mean())), _own(counts[is_open], rates, weeks[is_open]))
    seen_on = np.bincount(weeks, np.arange(sales.days), WEEKS) / np.maximum(np.bincount(weeks, minlength=WEEKS), 1)

    def drawn(random: np.random.Generator) -> dict[str, Any]:
        values = {name: value[0] for name, value in found.draws(1, random).items()}
        values["weeks"] = values["weeks"] + chance * random.normal(size=WEEKS)
        if not trended:
            growth = _GROWTH * random.normal()
            values["trend"], values["weeks"] = growth, values["weeks"] - growth * seen_on / _YEAR
        values["dates"] = peaks.logs + spread * random.normal(size=len(peaks.logs))
        return values

    mirrored = Mirrored(found.values | {"dates": peaks.logs}, drawn)

    def draw(random: np.random.Generator) -> dict[str, Any]:
        values = mirrored(random)
        return _settings(values, closed_weekdays, merged) | peaks.settings(values["dates"])

    return Part(settings, [*_parameters(settings, found, weeks[is_open], trended), *peaks.parameters], draw)


def _own(counts: Floats, rates: Floats, weeks: Ints) -> float:
    """Spread of what a week has for itself, relative to what is expected of it, beside what Poisson visits are."""
    seen, told = np.bincount(weeks, counts), np.bincount(weeks, rates)
    return float(np.sqrt(max((((seen - told) ** 2 - told) / np.maximum(told, 1.0) ** 2).mean(), 0.0)))


def _closed_weekdays(counts: Floats, weekdays: Ints) -> list[int]:
    opened = [float((counts[weekdays == day] > 0).mean()) if (weekdays == day).any() else 1.0 for day in range(7)]
    return [day for day in range(7) if opened[day] < _RARE]


def _both_years(dates: pd.DatetimeIndex) -> bool:
    """Is a good part of the year seen twice, so that trend and season can be told apart?"""
    seen = pd.Series(week_of_year(dates)).groupby(np.asarray(dates.year)).nunique()
    return bool(seen.sum() - pd.Series(week_of_year(dates)).nunique() >= 13 and len(dates) > 400)


def _smooth(counts: Floats, weekdays: Ints, weeks: Ints, days: Ints, trended: bool) -> tuple[Estimate, float]:
    """Weeks each by itself, then as they resemble each other; and how many times as noisy as Poisson days are."""
    told = counts, weekdays, np.isin(np.arange(7), weekdays), weeks, days, 0.5 if trended else 1e-4
    start = {"level": np.log(counts.mean() + 0.5), "weeks": np.zeros(WEEKS), "weekdays": np.zeros(7), "trend": 0.0}
    free = _posterior().maximise(start, *told, np.eye(WEEKS) / _FREE**2, 1.0)
    rates = np.exp(_log_rates(free.values, weekdays, weeks, days))
    freedom = max(len(counts) - len(set(weeks)) - 7, 1)
    noise = max(float(((counts - rates) ** 2 / np.maximum(rates, 0.5)).sum() / freedom), 1.0)
    visits = np.bincount(weeks, counts, WEEKS)
    seen = np.where(visits > 0, free.values["weeks"], np.nan)
    found = smoothed(seen - np.nanmean(seen), noise / np.maximum(visits, 1.0))
    precision = np.linalg.inv(found.prior + found.own**2 * np.eye(WEEKS))
    return _posterior().maximise(free.values, *told, precision, noise), noise


@cache
def _posterior() -> Posterior:
    """Compiled once for histories of one length."""
    return Posterior(_log_density)


def _log_density(
    values: Any, counts: Any, weekdays: Any, opened: Any, weeks: Any, days: Any, growth: Any, precision: Any, noise: Any
) -> Any:
    rates = _log_rates(values, weekdays, weeks, days)
    likelihood = jnp.sum(counts * rates - jnp.exp(rates)) / noise
    prior = -0.5 * values["weeks"] @ precision @ values["weeks"] - 0.5 * (values["trend"] / growth) ** 2
    # The level holds both means; of closed weekdays, which nothing tells, it must not hold anything.
    means = jnp.array([jnp.mean(values["weeks"]), jnp.sum(values["weekdays"] * opened) / jnp.sum(opened)])
    spreads = jnp.where(opened, 2.0, 1e-3)
    anchors = -0.5 * jnp.sum((means / 1e-3) ** 2) - 0.5 * jnp.sum((values["weekdays"] / spreads) ** 2)
    return likelihood + prior + anchors


def _log_rates(values: Any, weekdays: Any, weeks: Any, days: Any) -> Any:
    return values["level"] + values["weeks"][weeks] + values["weekdays"][weekdays] + values["trend"] * days / _YEAR


def _settings(values: dict[str, Floats], closed_weekdays: list[int], merged: float) -> dict[str, Any]:
    """As the market counts: weekdays relative to the mean of all seven, weeks as they are."""
    weekdays = np.exp(values["weekdays"])
    weekdays[closed_weekdays] = 0.0
    level = float(np.exp(values["level"]) * weekdays.mean()) * merged
    return {
        "arrivals.per_day": level,
        "arrivals.weekdays": [float(value) for value in weekdays / weekdays.mean()],
        "calendar.weeks": [float(value) for value in np.exp(values["weeks"])],
        "calendar.trend": float(values["trend"]),
    }


def _hours(sales: Sales) -> list[float]:
    counts = np.bincount((sales.times % 1 * 24).astype(np.int64), minlength=24)
    return [float(value) for value in counts / counts.mean()]


def _parameters(settings: dict[str, Any], found: Estimate, weeks: Ints, trended: bool) -> list[Parameter]:
    seen = np.isin(np.arange(WEEKS), weeks)
    errors = found.errors
    factors = np.array(settings["calendar.weeks"])
    level = settings["arrivals.per_day"]
    unseen = f"{WEEKS - seen.sum()} weeks of the year never seen" if not seen.all() else ""
    return [
        parameter("arrivals.per_day", level, level * float(errors["level"]), "visits a day"),
        *(
            parameter(f"calendar.weeks[{week}]", factor, factor * float(errors["weeks"][week]), "factor", scale=1.0)
            if seen[week]
            else default(f"calendar.weeks[{week}]", factor, "factor", unseen)
            for week, factor in enumerate(factors)
        ),
        parameter("calendar.trend", settings["calendar.trend"], float(errors["trend"]), "log a year", scale=1.0)
        if trended
        else default("calendar.trend", 0.0, "log a year", "less than two years cannot tell growth from season"),
    ]
