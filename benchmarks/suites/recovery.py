"""Does calibration find what made a history? Histories made by the market with drawn parameters, and fitted.

Run `python -m benchmarks.suites.recovery --histories 50`: a row a parameter, in how many histories the truth lies
within its 90% interval (41 to 49 of 50 are what chance explains), and the mean rank of the truth (0.5 where there is no
bias; Talts et al. 2018). Finished histories are kept in `--out`, and the same command goes on from there. A history
takes about 4 seconds of processor time.
"""

from __future__ import annotations

import argparse
import time
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import binom, kstest, norm

from benchmarks.workers.bar import bar
from simulator.calibration import baskets, calendar, customers, pieces
from simulator.calibration.kept import Arrays, Kept, code
from simulator.calibration.part import IDENTIFIED, Parameter
from simulator.calibration.sales import Sales
from simulator.calibration.seasons import season
from simulator.scenario import Scenario

_DAYS = 196
_STEPS = (0.02, 0.05, 0.1)  # of the log of traffic from week to week
_HALF = float(norm.ppf(0.95))  # of a 90% interval, in standard errors


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--histories", type=int, default=50)
    parser.add_argument("--out", type=Path, default=Path("reports/recovery"), help="where finished histories are kept")
    parser.add_argument("--seconds", type=float, default=np.inf, help="begin no further history after so many")
    about = parser.parse_args()
    found = histories(about.histories, Kept(about.out, code(Path(__file__))), about.seconds)
    print(told(found))


def histories(n: int, kept: Kept = Kept(), seconds: float = np.inf) -> pd.DataFrame:
    """A row a history and parameter: see `one`."""
    started, tables = time.monotonic(), []
    with bar(True) as shown:
        task = shown.add_task("histories", total=n)
        for seed in range(n):
            if time.monotonic() - started < seconds:
                tables.append(pd.DataFrame(kept.arrays(f"history-{seed}", partial(_arrays, seed))).assign(seed=seed))
                shown.advance(task)
    return pd.concat(tables, ignore_index=True)


def told(found: pd.DataFrame) -> str:
    """The table, and whether all ranks together are as evenly spread as chance would have them."""
    table = recovery(found)
    ranks = found[found["identified"]]["rank"].to_numpy(float)
    even = kstest(ranks, "uniform")
    tenths = np.histogram(ranks, 10, (0, 1))[0]
    return (
        f"{found['seed'].nunique()} histories\n{table.to_string(float_format='{:.2f}'.format)}\n"
        f"ranks of all, by tenths: {' '.join(map(str, tenths))}\n"
        f"Kolmogorov-Smirnov of them: {even.statistic:.3f}, p {even.pvalue:.3f}"
    )


def recovery(found: pd.DataFrame) -> pd.DataFrame:
    """A row a parameter: histories in which it is identified, in which its interval holds the truth, whether chance
    explains that, mean rank of the truth, its p-value were all ranks as likely, and mean bias.
    """
    rows = {}
    for place, group in found[found["identified"]].groupby("place", sort=False):
        low, high = binom.interval(0.95, len(group), 0.9)
        held, ranks = int(group["within"].sum()), group["rank"].to_numpy(float)
        even = kstest(ranks, "uniform").pvalue
        rows[place] = (len(group), held, low <= held <= high, ranks.mean(), even, group["bias"].mean())
    columns = ["identified", "within", "by chance", "mean rank", "p of ranks", "mean bias"]
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns)


def one(seed: int) -> pd.DataFrame:
    """A history made with drawn parameters, fitted: a row a parameter, `bias` relative to the truth."""
    truth = drawn(np.random.default_rng(seed))
    parameters = fitted(season(made(truth), seed))
    rows = []
    for one in parameters:
        if one.place in truth and np.isfinite(one.error):
            away = (truth[one.place] - one.value) / one.error
            rank, bias = float(norm.cdf(away)), one.value / truth[one.place] - 1
            rows.append((one.place, one.status == IDENTIFIED, abs(away) <= _HALF, rank, bias))
    return pd.DataFrame(rows, columns=["place", "identified", "within", "rank", "bias"])


def _arrays(seed: int) -> Arrays:
    table = one(seed)
    return {str(name): np.array(table[name].tolist()) for name in table}


def drawn(random: np.random.Generator) -> dict[str, Any]:
    """What differs from history to history: all that the fit holds for possible, or intervals would be too wide. So
    the year has its waves, of which a history shows half, and customers differ more or less in how often they come.
    """
    return {
        "arrivals.per_day": random.uniform(8, 16),
        "calendar.weeks": _year(random, random.choice(_STEPS)).tolist(),
        "users.population": float(round(np.exp(random.uniform(np.log(200), np.log(2000))))),
        "customers.newcomers": random.uniform(0.06, 0.2),
        "users.segments.share": random.uniform(0.2, 0.8),
        "users.segments.activity": np.exp(random.uniform(np.log(2), np.log(10))),
        "baskets.shape": random.uniform(0.8, 3.0),
        "baskets.spread": random.uniform(0.3, 0.8),
        "pieces.spread": random.uniform(0.4, 1.2),
        "pieces.visits": random.uniform(0.3, 0.8),
    }


def _year(random: np.random.Generator, step: float) -> np.ndarray[Any, Any]:
    """(53,) factors of the weeks of a year, a random walk that ends where it began; their logs have mean 0."""
    walk = np.cumsum(random.normal(0, step, calendar.WEEKS))
    walk -= walk[-1] * np.arange(1, calendar.WEEKS + 1) / calendar.WEEKS
    return np.asarray(np.exp(walk - walk.mean()))


def made(truth: dict[str, Any]) -> Scenario:
    """A shop of two hundred products with these parameters, and two kinds of customers."""
    share, activity = truth["users.segments.share"], truth["users.segments.activity"]
    about: dict[str, Any] = {
        "title": "made",
        "about": "to be found again",
        "days": float(_DAYS),
        "refresh_minutes": 1440.0,
        "arrivals": {"per_day": truth["arrivals.per_day"]},
        "calendar": {"weeks": truth["calendar.weeks"]},
        "users": {
            "population": int(truth["users.population"]),
            "zipf": 0.0,
            "durable": False,
            "segments": [
                {"name": "often", "share": share, "activity": activity},
                {"name": "rarely", "share": 1 - share},
            ],
        },
        "customers": {"newcomers": truth["customers.newcomers"]},
        "choice": {"leaving": -20.0},
        "buying": {"prompt": 1.0, "prompt_minutes": 1e-6},
        "shelf": {"considered": 5},
        "baskets": {"products": 3.0, "shape": truth["baskets.shape"], "spread": truth["baskets.spread"]},
        "pieces": {
            "sizes": [1, 2, 3, 4, 6, 12, 24, 48],
            "shares": [3.0, 2, 1, 1, 2, 2, 1, 0.5],
            "spread": truth["pieces.spread"],
            "visits": truth["pieces.visits"],
        },
        "products": [{"title": f"{k}", "category": f"{k % 4}", "price": 5.0, "incumbent": True} for k in range(200)],
    }
    return Scenario.model_validate(about)


def fitted(sales: Sales) -> list[Parameter]:
    """The parts that have a likelihood."""
    who, told = customers.fit(sales)
    many = baskets.fit(sales, who)
    parts = [told, calendar.fit(sales, sales.days, who.merged), many, pieces.fit(sales, who, many.settings)]
    return [parameter for part in parts for parameter in part.parameters]


if __name__ == "__main__":
    main()
