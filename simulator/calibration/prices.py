"""Prices: what a piece usually costs, what is taken off for many, what a kind of customer pays, and what prices do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from simulator.calibration.part import IDENTIFIED, NOT, WEAK, Parameter, Part, Settings, parameter
from simulator.calibration.sales import Floats, Ints, Sales

_STEPS = (6, 12, 24, 36, 72, 144, 288)  # pieces at which a break may begin
_SMALL = 0.03  # share off the price that is no break yet
_FEW = 30  # lines below which a step is not told
_APART = 3.0  # standard errors by which ways to estimate one elasticity may differ


@dataclass(frozen=True)
class Prices:
    """The usual price of each product, and the part that the scenario is told."""

    usual: Floats  # (K,) a piece
    part: Part
    elasticities: pd.DataFrame  # a row a way of estimating it: elasticity, error


def fit(sales: Sales, listed: Floats, stated: float | None = None) -> Prices:
    """Usual prices, quantity breaks, guests' prices; and whether price sensitivity can be told.

    Args:
        listed: (K,) prices to fall back on, of products without sales.
        stated: price sensitivity (utility a unit of money) that the user states; None leaves it to the data.
    """
    guest = sales.guest[sales.visits]
    few = sales.pieces < _STEPS[1]
    usual = _medians(sales, few & ~guest, _medians(sales, ~guest, _medians(sales, np.ones_like(guest), listed)))
    paid, full = sales.pieces * sales.prices, sales.pieces * usual[sales.items]
    breaks = quantity_breaks(sales.pieces[~guest], paid[~guest], full[~guest])
    level, error = _level(paid[guest], (full * _left(sales.pieces, breaks))[guest])
    ways = elasticities(sales)
    sensitivity, told = _sensitivity(ways, float(usual[sales.items].mean()), stated)
    settings = {"pieces.breaks": breaks, "users.segments.price": level, "users.price_sensitivity": sensitivity}
    told_all = [parameter("users.segments[guests].price", level, error, "of the list price"), told]

    def draw(random: np.random.Generator) -> Settings:
        if told.status not in (IDENTIFIED, WEAK):
            return {}
        return {"users.price_sensitivity": max(sensitivity + told.error * random.normal(), 0.0)}

    return Prices(usual, Part(settings, told_all, draw), ways)


def _medians(sales: Sales, rows: Any, otherwise: Floats) -> Floats:
    """(K,) median price of each product over these lines, where there are any."""
    found = pd.Series(sales.prices[rows]).groupby(sales.items[rows]).median()
    usual = otherwise.astype(float).copy()
    usual[found.index] = found.to_numpy()
    return usual


def quantity_breaks(pieces: Ints, paid: Floats, full: Floats) -> list[dict[str, float]]:
    """Share off the price from so many pieces on, made to grow with the pieces.

    Args:
        pieces: (L,) of each line.
        paid: (L,) money.
        full: (L,) money at the usual price; what is off is off its sum, so that lines bring what they brought.
    """
    breaks: list[dict[str, float]] = []
    so_far = 0.0
    for at, until in zip(_STEPS, (*_STEPS[1:], np.inf), strict=True):
        rows = (pieces >= at) & (pieces < until)
        off = 1 - float(paid[rows].sum() / full[rows].sum()) if rows.sum() >= _FEW else 0.0
        if off >= so_far + _SMALL:
            breaks.append({"at": at, "off": off})
            so_far = off
    return breaks


def _left(pieces: Ints, breaks: list[dict[str, float]]) -> Floats:
    """(L,) share of the price that lines of so many pieces pay."""
    off = np.zeros(len(pieces))
    for step in breaks:
        off[pieces >= step["at"]] = step["off"]
    return 1 - off


def _level(paid: Floats, full: Floats) -> tuple[float, float]:
    """What some customers pay of these sums, and its standard error (of a ratio of means; Cochran 1977, ch. 6)."""
    if len(paid) <= _FEW:
        return 1.0, np.nan
    level = float(paid.sum() / full.sum())
    return level, float(np.sqrt(((paid - level * full) ** 2).sum()) / full.sum())


def elasticities(sales: Sales) -> pd.DataFrame:
    """Three ways to read a price elasticity off product-weeks, each with effects of product and week.

    `pieces on average price`, `orders on modal price`, `orders on highest price`: where the price falls with the
    quantity bought, the first holds the quantity discount and the last the size of the orders; a price that really
    moved by itself gives the same answer in all three.
    """
    weeks = sales.visit_weeks[sales.visits]
    lines = pd.DataFrame({"cell": sales.items * sales.weeks + weeks, "price": sales.prices, "pieces": sales.pieces})
    lines["paid"] = lines["price"] * lines["pieces"]
    lines["cent"] = lines["price"].round(2)
    cells = lines.groupby("cell").agg(
        orders=("price", "size"), pieces=("pieces", "sum"), paid=("paid", "sum"), top=("price", "max")
    )
    modal = (
        lines.groupby(["cell", "cent"]).size().reset_index(name="n").sort_values(["n", "cent"], ascending=[True, False])
    )
    cells["modal"] = modal.groupby("cell")["cent"].last().clip(lower=0.005)
    product, week = cells.index.to_numpy() // sales.weeks, cells.index.to_numpy() % sales.weeks
    ways = {
        "pieces on average price": (cells["pieces"], cells["paid"] / cells["pieces"]),
        "orders on modal price": (cells["orders"], cells["modal"]),
        "orders on highest price": (cells["orders"], cells["top"]),
    }
    rows = {
        name: _within(np.log(y.to_numpy(float)), np.log(x.to_numpy(float)), product, week)
        for name, (y, x) in ways.items()
    }
    return pd.DataFrame.from_dict(rows, orient="index", columns=["elasticity", "error"])


def _within(y: Floats, x: Floats, product: Ints, week: Ints) -> tuple[float, float]:
    """Slope of y on x beside effects of product and week; standard error clustered by product."""
    y, x = _without_effects(y, product, week), _without_effects(x, product, week)
    square = float(x @ x)
    if square < 1e-9:
        return np.nan, np.nan
    slope = float(x @ y) / square
    scores = np.bincount(product, x * (y - slope * x))
    return slope, float(np.sqrt(scores @ scores)) / square


def _without_effects(values: Floats, product: Ints, week: Ints) -> Floats:
    for _ in range(30):  # alternating projections
        for of in (product, week):
            values = values - (np.bincount(of, values) / np.maximum(np.bincount(of), 1))[of]
    return values


def _sensitivity(ways: pd.DataFrame, mean_price: float, stated: float | None) -> tuple[float, Parameter]:
    """Utility lost for each unit of money, where the ways agree; otherwise none, with the spread as the reason."""
    place, unit = "users.price_sensitivity", "utility a unit of money"
    if stated is not None:
        return stated, Parameter(place, stated, np.nan, unit, NOT.split(",")[0] + ", as stated", "stated by the user")
    slope, error = ways.to_numpy(float)[list(ways.index).index("orders on modal price")]
    if np.isnan(slope):
        return 0.0, Parameter(place, 0.0, np.nan, unit, NOT, "no product's price ever changed")
    errors = np.hypot(ways["error"], error)
    agree = bool(((ways["elasticity"] - slope).abs() <= _APART * errors).all())
    if agree and slope < -2 * error:
        value = -slope / mean_price
        return value, parameter(place, value, error / mean_price, unit, _spread(ways))
    if agree:
        return 0.0, Parameter(
            place, 0.0, error / mean_price, unit, NOT, f"no effect of prices is seen: {_spread(ways)}"
        )
    return 0.0, Parameter(place, 0.0, np.nan, unit, NOT, f"elasticities disagree: {_spread(ways)}")


def _spread(ways: pd.DataFrame) -> str:
    return "; ".join(f"{name} {row.elasticity:+.2f} ± {row.error:.2f}" for name, row in ways.iterrows())
