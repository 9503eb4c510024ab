"""Does a launch plan tell the truth? Shops made by our own market, planned from their tables, held against their truth.

Run `python -m benchmarks.suites.plan_truth --shops 50 -j 2 --out reports/plan_truth`: how many of the candidates sell
within their 90% interval; what the planned stock costs beside the best that anybody could order who knows the market
and what ranges and prices tell in it, but not what a product is really like beyond them, and beside that of somebody
who knows this too (the oracle), what a week of sales takes of that distance, and which share of the margin that
customers want each of them loses; and in how many shops the interval of a season's uplift holds that of a true one. A
shop takes a minute of processor time; what is finished is kept.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.comparison.statistics import rate_interval
from benchmarks.planning import newsvendor, plan
from benchmarks.planning import stage as stages
from benchmarks.planning.candidates import checked, completed
from benchmarks.planning.forecast import forecast
from benchmarks.planning.kept import Kept
from benchmarks.planning.launches import Floats, Launches
from benchmarks.planning.looking import Look
from benchmarks.planning.stage import Stage
from benchmarks.planning.stocking import Buying, stocked
from benchmarks.workers.bar import bar
from benchmarks.workers.jobs import play_all
from envs.history import History
from envs.history.making import tables
from simulator import streams
from simulator.calibration import calibrate
from simulator.market import Market
from simulator.scenario import Scenario

_RANGES = ("lantern", "mug", "cushion", "soap", "basket", "clock")
_DAYS, _HORIZON, _CANDIDATES = 224, 28, 12
_OLD, _LAUNCHED = 40, 110  # products from the first day, and those launched since
_PLAN: dict[str, Any] = {"windows": 2, "every": 7, "capacity": 3, "horizon": _HORIZON, "measure": "units"}
_SALVAGE = 0.5
_WORTH = "revenue"  # by which the uplift is judged: whatever is launched, these customers buy as many pieces
_TRUE_SEASONS = 60
_LOOKS, _LOOKED = 10, 7  # weeks of looking, each of its own luck, and their days
_ORDERS = ("oracle", "looked", "knowing", "planned", "level")
_OWN = 0.35  # spread of the quality that neither range nor price tells


def main() -> None:
    """Print the table, over the shops that are done."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shops", type=int, default=50)
    parser.add_argument("--predictor", default="blend")
    parser.add_argument("--out", type=Path, default=Path("reports/plan_truth"))
    parser.add_argument("-j", "--processes", type=int, default=1)
    asked = parser.parse_args()
    kept, done = Kept(asked.out, asked.predictor, _WORTH), list[pd.DataFrame]()
    jobs = [_Shop(seed, asked.predictor, kept) for seed in range(asked.shops)]
    with bar(True) as shown, closing(play_all(jobs, asked.processes)) as answers:
        task = shown.add_task("shops", total=asked.shops)
        for found in answers:
            done.append(found)
            shown.advance(task)
            print(told(pd.concat(done)).to_string(float_format="{:.3f}".format), flush=True)
    pd.concat(done).sort_values("shop", kind="stable").to_csv(asked.out / "shops.csv", index=False)


@dataclass(frozen=True, eq=False)
class _Shop:
    """A shop to judge: a job for any process."""

    seed: int
    predictor: str
    kept: Kept

    def play(self) -> pd.DataFrame:
        """As `judged`, or as it was before."""
        table = self.kept.table(f"shop-{self.seed}", lambda: judged(self.seed, self.predictor))
        return table.assign(shop=self.seed)


def told(shops: pd.DataFrame) -> pd.DataFrame:
    """A row a claim: what is stated, what was found, and its 95% interval."""
    one = shops.groupby("shop").first()
    n = len(one)
    held = int(shops["within"].sum())
    drawn = np.random.default_rng(0).integers(n, size=(2_000, n))

    def beside(mine: str, other: str, stated: float = np.nan) -> tuple[float, ...]:
        """One column over another, and its interval over shops drawn again."""
        over, under = one[mine].to_numpy(), one[other].to_numpy()
        bounds = np.quantile(over[drawn].sum(axis=1) / under[drawn].sum(axis=1), [0.025, 0.975])
        return stated, over.sum() / under.sum(), *bounds, n

    def often(column: str, stated: float = np.nan) -> tuple[float, ...]:
        """The share of shops in which that is so."""
        so = int(one[column].sum())
        return stated, so / n, *rate_interval(so, n), n

    rows = {
        "90% intervals hold": (0.9, held / len(shops), *rate_interval(held, len(shops)), len(shops)),
        "95% intervals of a season's uplift hold": often("season_holds", 0.95),
        "those of its mean over all that may be true hold the mean of one truth": often("mean_holds"),
        "cost of the stock beside the best that titles and prices allow": beside("planned_cost", "knowing_cost", 1.05),
        "beside the oracle's": beside("planned_cost", "oracle_cost", 1.05),
        "beside one level for all": beside("planned_cost", "level_cost", 0.9),
        "the best that titles and prices allow beside the oracle's": beside("knowing_cost", "oracle_cost"),
        "after a week of sales beside the oracle's": beside("looked_cost", "oracle_cost"),
        **{f"margin lost: {name}": beside(f"{name}_cost", "margin") for name in _ORDERS},
    }
    return pd.DataFrame.from_dict(rows, orient="index", columns=["stated", "found", "lower", "upper", "n"])


@dataclass(frozen=True)
class Known:
    """A market without any doubt about it."""

    scenario: Scenario

    def drawn(self, number: int) -> Scenario:
        """The same each time."""
        return self.scenario


def judged(seed: int, predictor: str) -> pd.DataFrame:
    """A row a candidate: whether it sells within its interval; and of the shop, the same in every row, the rest."""
    truth, goods = made(seed)
    shop = history(truth, seed)
    calibrated = calibrate(shop, seeds=0)
    found = plan(
        calibrated,
        goods,
        history=shop,
        predictor=predictor,
        seeds=8,
        rivals=(),
        salvage=_SALVAGE,
        lead_days=0.0,
        **_PLAN,
    )
    table = found.table.set_index("title").loc[goods["title"]]
    stage = _stage(truth, goods, shop)
    demands = np.stack([stages.units(stages.play(stages.stage_all(stage), _all(), s), stage) for s in _seasons()])
    first = demands[0]  # one season, as a shop lives one
    within = (table["lower90"].to_numpy() <= first) & (first <= table["upper90"].to_numpy())
    usual = _stage(truth, goods.assign(quality=goods["expected"]), shop)
    likely = np.stack(
        [stages.units(stages.play(stages.stage_all(usual), _all(), s, _luck(s)), usual) for s in _seasons()]
    )
    listed, _ = completed(checked(goods[["title", "category", "price", "cost"]]), shop)
    buying = Buying(goods["price"].to_numpy(float), goods["cost"].to_numpy(float), 0.0, _HORIZON, _SALVAGE)
    order = [goods["title"].tolist().index(title) for title in found.table["title"]]
    stocks = stocked(forecast(shop, listed, _HORIZON, predictor, _PLAN["capacity"]), buying)
    bought = [
        product | buying.bought(row) for product, (_, row) in zip(stage.candidates, stocks.iterrows(), strict=True)
    ]
    gains = [_gain(replace(stage, candidates=bought), order, s) for s in _seasons()]
    told = found.uplift[(found.uplift["against"] == "past order") & (found.uplift["measure"] == _WORTH)].iloc[0]
    there = (table["window"] > 0).to_numpy()
    prices, costs = (goods[name].to_numpy(float)[there] for name in ("price", "cost"))
    asked = demands[:, there]
    look = Look(shop, listed, _HORIZON, predictor, _PLAN["capacity"], _LOOKED)
    looked = [order[there] for order in _looked(stage, look, buying)]
    orders = {
        "planned": table["stock"].to_numpy(float)[there],
        "knowing": _best(likely[:, there], prices, costs),
        "oracle": _best(asked, prices, costs),
        "level": _level(shop, prices, costs),
    }
    return pd.DataFrame(
        {
            "within": within,
            "season_holds": bool(told["season_lower"] <= gains[0] <= told["season_upper"]),
            "mean_holds": bool(told["lower"] <= np.mean(gains) <= told["upper"]),
            "uplift": float(told["difference"]),
            "true_uplift": float(np.mean(gains)),
            "looked_cost": float(np.mean([_cost(order, asked, prices, costs) for order in looked])),
            **{f"{name}_cost": _cost(order, asked, prices, costs) for name, order in orders.items()},
            "margin": float((asked * (prices - costs)).sum(axis=1).mean()),
        }
    )


def made(seed: int) -> tuple[Scenario, pd.DataFrame]:
    """A market with a past, and candidates as the shop lists them; their true qualities are in column `quality`."""
    random = streams.generator(seed, "a shop whose truth is known")
    n = _OLD + _LAUNCHED + _CANDIDATES
    kind = random.integers(len(_RANGES), size=n)
    price = random.choice([2.0, 4.0, 8.0], n)
    expected = 0.5 * random.normal(size=len(_RANGES))[kind] - 0.3 * np.log(price)
    goods = pd.DataFrame(
        {
            "title": [f"{_RANGES[kind[k]].upper()} NUMBER {k}" for k in range(n)],
            "category": [_RANGES[i] for i in kind],
            "price": price,
            "cost": 0.5 * price,
            "expected": expected,  # by range and price
            "quality": expected + _OWN * random.normal(size=n),
        }
    )
    days = np.sort(random.integers(14, _DAYS - 1, _LAUNCHED))
    products = goods.drop(columns="expected").to_dict("records")
    for k, product in enumerate(products):
        product |= {"incumbent": True} if k < _OLD else {"incumbent": False}
    for product, day in zip(products[_OLD : _OLD + _LAUNCHED], days, strict=True):
        product["launch"] = float(day)
    values = {
        "title": "A made shop",
        "about": "Its truth is known.",
        "days": float(_DAYS),
        "refresh_minutes": 1_440.0,  # nobody is asked anything, so that nothing changes within a day
        "arrivals": {"per_day": 60.0},
        "users": {"population": 1_500, "taste": 0.5, "price_sensitivity": 0.0, "durable": False},
        "choice": {"leaving": -20.0},
        "shelf": {"considered": 20, "launches": True, "offers": "candidates"},
        "baskets": {"share": 1.0, "products": 4.0, "shape": 2.0},
        "products": products[: _OLD + _LAUNCHED],
    }
    return Scenario.model_validate(values), goods.iloc[_OLD + _LAUNCHED :].reset_index(drop=True)


def history(truth: Scenario, seed: int) -> History:
    """The shop's own tables."""
    market = Market(truth, lambda visits, rows: np.full((rows.stop - rows.start, truth.slots), -1), seed)
    market.run()
    found = tables(market)
    return History.read(goods=found["goods"], invoices=found["invoices"])


def _stage(truth: Scenario, goods: pd.DataFrame, shop: History) -> Stage:
    """The true market as it goes on, with the candidates as they truly are, unlimited stock."""
    names = ("title", "category", "price", "cost")
    products = [
        {name: row[name] for name in names} | {"stock": None, "restocking": None} for _, row in goods.iterrows()
    ]
    about = {
        "first": 0.0,
        **{name: _PLAN[name] for name in ("every", "windows", "capacity")},
        "horizon": float(_HORIZON),
    }
    start = shop.end.normalize() + pd.Timedelta(days=1)
    return Stage(Known(truth), products, about, start, "units", goods["quality"].to_numpy(float))


def _all() -> list[int]:
    return list(range(_CANDIDATES))


def _seasons() -> range:
    return range(10_000, 10_000 + _TRUE_SEASONS)


def _gain(stage: Stage, order: list[int], seed: int) -> float:
    """What the plan's order truly brings more than the order of the file, out of the same stocks."""
    places = _PLAN["windows"] * _PLAN["capacity"]
    mine, base = (stages.play(stage, launched[:places], seed).ledger.totals()[_WORTH] for launched in (order, _all()))
    return mine - base


def _luck(seed: int) -> Floats:
    """(K,) what products may be like beyond their range and price."""
    return _OWN * streams.generator(seed, "what products may be like").normal(size=_CANDIDATES)


def _looked(stage: Stage, look: Look, buying: Buying) -> Iterator[Floats]:
    """(K,) what is ordered after each of some weeks in which all are on sale."""
    for seed in range(20_000, 20_000 + _LOOKS):
        week = stages.play(stages.stage_all(stage, float(_LOOKED)), _all(), seed)
        yield stocked(look.believed(*stages.daily(week, stage, _LOOKED)), buying)["stock"].to_numpy(float)


def _best(demands: Floats, prices: Floats, costs: Floats) -> Floats:
    """(K,) the cheapest orders of somebody who knows these demands, but not which will come."""
    return np.array(
        [
            newsvendor.sampled(cost * (1 - _SALVAGE), price - cost, demand).quantity
            for demand, price, cost in zip(demands.T, prices, costs, strict=True)
        ]
    )


def _level(shop: History, prices: Floats, costs: Floats) -> Floats:
    """(K,) one quantile of what past launches sold, whatever the product."""
    launches = Launches(shop, _HORIZON)
    items = launches.items()
    sold = launches.outcome(items[launches.over(items)])
    return _best(np.repeat(sold[:, None], len(prices), axis=1), prices, costs)


def _cost(orders: Floats, demands: Floats, prices: Floats, costs: Floats) -> float:
    left, missing = np.maximum(orders - demands, 0), np.maximum(demands - orders, 0)
    return float((left * costs * (1 - _SALVAGE) + missing * (prices - costs)).sum(axis=1).mean())


if __name__ == "__main__":
    main()
