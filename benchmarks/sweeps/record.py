"""One finished run as a table: a row a day, every number cumulative, so that its last row is the whole season."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from benchmarks.comparison.regret import regret_parts
from benchmarks.sweeps.columns import SALES, SEASON_TOTALS
from benchmarks.trace import Trace
from policies.policy import Floats


def record(trace: Trace, *, policy: str, seed: int, days: int, seconds: float) -> pd.DataFrame:
    """What a run left behind, by day.

    Args:
        trace: of a run on a market.
        policy: its call, such as `linucb(alpha=0.5)`.
        seed: of market, policy and draws.
        days: T, length of the season.
        seconds: wall time of the run.

    Returns:
        T rows, or, of an environment that keeps no books, T equal parts of its decisions, with NaN for all of a shop.
         `policy, seed, day` (1 to T) name the row; cumulative up to the end of that day are the shop's `visits`
        and its net `units, revenue, margin` (euros), and, by day of decision, the policy's `reward`, `regret` and
        `shortfall`. Of the whole season, the same in every row: `cold_start` (regret while the best product was new),
        the net units of `incumbents`, `lost_sales` (wanted, sold out), what was `returned`, `leftovers` (on hand at the
        end, of limited stock), `conversion` (purchases a visit), `seconds`.
    """
    table = pd.DataFrame({"policy": policy, "seed": seed, "day": np.arange(1, days + 1)})
    if trace.ledger is None:
        return _without_books(table, trace, seconds)
    visits = trace.ledger.daily_visits()
    table["visits"] = _by_day(np.arange(len(visits)), visits, days).astype(np.int64)
    for measure in SALES:
        times, amounts = trace.ledger.net_sales(measure)
        table[measure] = _by_day(times, amounts, days)
    table["reward"] = _by_day(trace.times, trace.rewards, days)
    table["regret"] = _by_day(trace.times, trace.regrets, days)
    table["shortfall"] = _by_day(trace.times, trace.shortfalls, days)
    totals = trace.ledger.totals()
    table["cold_start"] = regret_parts(trace)["cold_start"] if len(trace) else 0.0
    table["incumbents"] = totals["incumbent_units"]
    for column in ("lost_sales", "returned", "leftovers", "conversion"):
        table[column] = totals[column]
    table["seconds"] = seconds
    return table


def _without_books(table: pd.DataFrame, trace: Trace, seconds: float) -> pd.DataFrame:
    """The record of a run in an environment that is no shop."""
    parts = len(table)
    places = np.arange(len(trace)) * parts // max(len(trace), 1)
    table["visits"] = _by_day(places, np.ones(len(trace)), parts).astype(np.int64)
    table[[*SALES]] = np.nan
    for column, amounts in (("reward", trace.rewards), ("regret", trace.regrets), ("shortfall", trace.shortfalls)):
        table[column] = _by_day(places, amounts, parts)
    table[[name for name in SEASON_TOTALS if name != "seconds"]] = np.nan
    table["seconds"] = seconds
    return table


def _by_day(times: Any, values: Any, days: int) -> Floats:
    """(T,) sum of the values up to the end of each day; what comes after the season belongs to its last day."""
    day = np.minimum(times.astype(np.int64), days - 1)
    total: Floats = np.bincount(day, weights=values, minlength=days).cumsum()
    return total
