"""Does the decision survive? Six policies in a hidden shop, and in the market that is fitted to its history.

Run `python -m benchmarks.suites.decision --shops 20`: a row a shop. Each is drawn, plays a season with offers at
random, and leaves tables of goods and behaviour, which is all that calibration sees. Then six policies are put the
same question in both markets, what to show in three places of the page, and are put in order by the pieces sold:
Kendall's tau between the two orders, and, of the pairs of policies that seasons tell apart in both markets (95%
paired intervals), how many are the wrong way round. The ceiling is the tau between the true market and itself, played
with other seeds: how far so few seasons tell the order at all. Finished shops are kept in `--out`; the same
command goes on from there.

With `--invoices` calibration sees the invoices alone. They do not say how many visits bought nothing: that share, which
any shop knows of its page, is stated.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from functools import partial
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.stats import kendalltau
from scipy.stats import t as student

from benchmarks.runner import run
from benchmarks.sweeps.runs import make
from benchmarks.workers.bar import bar
from envs.history import History, making
from envs.simulated import Simulated
from simulator.calibration import calibrate
from simulator.calibration.kept import Arrays, Kept, code
from simulator.calibration.looks import leaving_at
from simulator.catalogue import Catalogue
from simulator.lifecycle import Lifecycle
from simulator.scenario import Scenario

POLICIES = ("uniform", "popularity", "newest", "epsilon_greedy", "linucb", "linear_thompson")
SEASONS = 5
PLACES = 3

_PRODUCTS = 18
_DAYS = 42
_FIRST, _OTHERS = 10_000, 20_000  # seeds of the first seasons, and of those that the true market plays again
_IMAGINED = 20_000  # visits whose choice is computed to state leaving
_CATALOGUES = 40  # of other seeds, whose products they see


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shops", type=int, default=20)
    parser.add_argument("--out", type=Path, default=Path("reports/decision"), help="where finished shops are kept")
    parser.add_argument("--invoices", action="store_true", help="calibrate sees invoices alone")
    parser.add_argument("--seconds", type=float, default=np.inf, help="begin no further shop after so many")
    about = parser.parse_args()
    print(told(shops(about.shops, Kept(about.out, code(Path(__file__))), about.invoices, about.seconds)))


def shops(n: int, kept: Kept = Kept(), invoices: bool = False, seconds: float = np.inf) -> pd.DataFrame:
    """A row a shop: tau, its ceiling, pairs told apart in both markets, those wrong way round, best policy of each."""
    started, rows = time.monotonic(), []
    with bar(True) as shown:
        task = shown.add_task("shops", total=n)
        for seed in range(n):
            if time.monotonic() - started < seconds:
                name = f"shop-{seed}-invoices" if invoices else f"shop-{seed}"
                played = kept.arrays(name, partial(one, seed, invoices))
                rows.append({"shop": seed, **judged(played["true"], played["fitted"], played["again"])})
                shown.advance(task)
    return pd.DataFrame(rows)


def told(table: pd.DataFrame) -> str:
    """The table, the means of tau and of its ceiling with their standard errors, and the pairs the wrong way round."""
    apart = int(table["apart in both"].sum())
    return (
        f"{table.to_string(index=False, float_format='{:.2f}'.format)}\n"
        f"mean tau {_mean(table['tau'])} over {len(table)} shops, its ceiling {_mean(table['ceiling'])}, "
        f"short of it by {_mean(table['ceiling'] - table['tau'])}; "
        f"of {apart} pairs told apart in both markets {int(table['wrong'].sum())} are the wrong way round; "
        f"best policy the same in {int((table['best'] == table['best, fitted']).sum())}, "
        f"or not told apart from it in {int(table['best holds'].sum())}"
    )


def _mean(column: pd.Series) -> str:
    """With its standard error."""
    return f"{column.mean():.2f} ± {column.std(ddof=1) / np.sqrt(len(column)):.2f}"


def judged(
    true: npt.NDArray[np.float64], fitted: npt.NDArray[np.float64], again: npt.NDArray[np.float64]
) -> dict[str, Any]:
    """One shop, from pieces sold (policies, seasons) in the true market, in the fitted, and in the true one again."""
    signs = np.array([[_sign(units[a] - units[b]) for units in (true, fitted)] for a, b in _pairs()])
    both = (signs != 0).all(axis=1)
    best, found = int(true.mean(axis=1).argmax()), int(fitted.mean(axis=1).argmax())
    return {
        "tau": _tau(true, fitted),
        "ceiling": _tau(true, again),
        "apart": int((signs[:, 0] != 0).sum()),
        "apart in both": int(both.sum()),
        "wrong": int((signs[both, 0] != signs[both, 1]).sum()),
        "best": POLICIES[best],
        "best, fitted": POLICIES[found],
        "best holds": best == found or _sign(true[best] - true[found]) == 0,
    }


def _tau(one: npt.NDArray[np.float64], other: npt.NDArray[np.float64]) -> float:
    """Kendall's, between the orders of the means over seasons."""
    return float(kendalltau(one.mean(axis=1), other.mean(axis=1)).statistic)


def _pairs() -> list[tuple[int, int]]:
    return list(combinations(range(len(POLICIES)), 2))


def _sign(differences: npt.NDArray[np.float64]) -> int:
    """1 or -1 where paired seasons tell the two apart (95%), otherwise 0."""
    n = len(differences)
    half = float(student.ppf(0.975, n - 1)) * float(differences.std(ddof=1)) / np.sqrt(n)
    return int(np.sign(differences.mean())) if abs(differences.mean()) > half else 0


def one(seed: int, invoices: bool = False) -> Arrays:
    """Pieces sold, (policies, seasons), of one hidden shop, of the market fitted to its history, and of the shop in
    other seasons.
    """
    truth = hidden(np.random.default_rng(seed))
    past = Simulated(truth, seed, record=True)
    run(make("uniform", past, seed), past, seed=seed)
    tables = making.tables(past.market)
    true, again = (_sold(lambda season: truth, first) for first in (_FIRST, _OTHERS))
    if invoices:
        found = calibrate(History.read(invoices=tables["invoices"]), seeds=0)
        conversion = tables["invoices"]["invoice"].nunique() / len(past.ledger.table("visits"))
        fitted = _sold(lambda season: left(found.drawn(season), conversion), _FIRST)
    else:
        found = calibrate(History.read(goods=tables["goods"], behavior=tables["behavior"]), seeds=0)
        fitted = _sold(lambda season: asked(found.drawn(season)), _FIRST)
    return {"true": true, "fitted": fitted, "again": again}


def _sold(scenarios: Callable[[int], Scenario], first: int) -> npt.NDArray[np.float64]:
    """(policies, seasons) pieces that the whole shop sells, in seasons of seeds that the past has not seen."""
    units = np.empty((len(POLICIES), SEASONS))
    for season in range(SEASONS):
        for place, policy in enumerate(POLICIES):
            environment = Simulated(scenarios(season), first + season)
            run(make(policy, environment, season), environment, seed=season)
            units[place, season] = environment.ledger.totals()["units"]
    return units


def asked(scenario: Scenario) -> Scenario:
    """The fitted market with the shop's own page: every product may be shown, in as many places, and stands nowhere
    else.
    """
    values = scenario.model_dump()
    for product in values["products"]:
        if product["incumbent"]:
            product |= {"incumbent": False, "launch": product["listed"] or 0.0, "listed": None}
    values["shelf"] |= {"launches": False, "offers": "all"}
    values |= {"slots": PLACES}
    values["choice"]["examination"] = [1.0] * PLACES
    values["baskets"] = None
    return scenario.changed(**values)


def left(scenario: Scenario, conversion: float) -> Scenario:
    """The fitted market with the shop's own page, where only those who bought are known: as many more visits as this
    share that buys tells, and leaving such that it comes out where products on sale are shown at random, each as old as
    it is by then.
    """
    page = asked(scenario)
    random = np.random.default_rng(0)
    listed = np.array([product.launch for product in page.products])
    times = random.uniform(0, page.days, _IMAGINED)
    there = listed <= times[:, None]
    shown = np.argsort(np.where(there, random.random(there.shape), np.inf), axis=1)[:, :PLACES]
    cycle, quality = Lifecycle(page), np.array([product.quality for product in page.products])
    worth = there * np.exp(quality + [cycle.utility(time, listed) for time in times.tolist()])
    styles = np.array([Catalogue(page, seed).styles for seed in range(_CATALOGUES)])[np.arange(_IMAGINED) % _CATALOGUES]
    tastes = page.users.taste * random.normal(size=(_IMAGINED, page.styles))
    tasted = np.take_along_axis(worth * np.exp(np.einsum("nkq,nq->nk", styles, tastes)), shown, axis=1)
    values = page.model_dump()
    values["arrivals"]["per_day"] /= conversion
    values["choice"]["leaving"] = leaving_at(tasted.sum(axis=1), conversion)
    return page.changed(**values)


def hidden(random: np.random.Generator) -> Scenario:
    """A shop of eighteen products in three ranges, two thirds of which come in the course of six weeks."""
    days = np.where(np.arange(_PRODUCTS) < _PRODUCTS // 3, 0.0, random.integers(1, _DAYS - 14, _PRODUCTS))
    prices = np.exp(random.normal(2.0, 0.5, _PRODUCTS))
    return Scenario.model_validate(
        {
            "title": "hidden",
            "about": "known to nobody",
            "days": float(_DAYS),
            "slots": PLACES,
            "arrivals": {"per_day": random.uniform(80, 160)},
            "users": {
                "population": int(random.integers(1000, 4000)),
                "durable": False,
                "taste": random.uniform(0.5, 1.2),
                "price_sensitivity": random.uniform(0.01, 0.1),
            },
            "choice": {"leaving": random.uniform(1.5, 3.5), "examination": [1.0] * PLACES},
            "buying": {"prompt": 1.0, "prompt_minutes": 1.0},
            "products": [
                {"title": f"thing {k}", "category": f"range {k % 3}", "price": float(price), "launch": float(day)}
                for k, (price, day) in enumerate(zip(prices, np.sort(days), strict=True))
            ],
        }
    )


if __name__ == "__main__":
    main()
