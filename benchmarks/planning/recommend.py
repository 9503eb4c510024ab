"""Recommend: the shop's market as it goes on, in which policies are asked what to show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.planning.asked import check_measure
from benchmarks.planning.candidates import COST_SHARE
from benchmarks.planning.stage import calendar, shelf
from simulator.calibration import Calibrated
from simulator.history import History
from simulator.scenario import Scenario, ScenarioError

_SOON = 0.25  # of a season, within which returns must be over so that policies learn from what is kept
_YOUNG = 90.0  # days before the end, since which a product counts as new where no candidates are given


def recommended(
    calibrated: Calibrated,
    history: History,
    *,
    titles: Sequence[str] = (),
    days: float = 56.0,
    measure: str = "margin",
) -> tuple[Calibrated, list[str]]:
    """The market after the history's end with some of its products in the offer, and what must be known of it.

    All of the market's draws go with it: what `compare` plays is of another draw each season.

    Args:
        calibrated: the shop's market and its draws.
        history: the shop's past: the season begins on the day after it; whether costs are known.
        titles: products that are shown; none: those that were new in the last 90 days.
        days: of the season.
        measure: what policies are taught by: "units", "revenue" or "margin".

    Raises:
        ScenarioError: a measure or title that is not known, or fewer than two products to choose from.
    """
    check_measure(measure)
    whole = calibrated.scenario
    shown: Sequence[str] = titles or _young(whole)
    cost_share = 0.0 if history.goods["cost"].notna().any() else COST_SHARE
    products = shelf(whole, cost_share)
    there = {product["title"] for product in products}
    for title in shown:
        if titles and title not in there:
            raise ScenarioError(f"candidates to show must be titles on the shop's shelf, got {title!r}")
    shown = [title for title in shown if title in there]
    if len(shown) < 2:
        new = "" if titles else f" new in the last {_YOUNG:.0f} days: name others as candidates"
        raise ScenarioError(f"candidates to show must be at least 2 products of the shelf, got {len(shown)}{new}")
    scenario = _asked(whole, products, set(shown), history.end.normalize() + pd.Timedelta(days=1), days, measure)
    notes = [] if titles else [f"Shown are the {len(shown)} products that were new in the last {_YOUNG:.0f} days."]
    draws = _moved(calibrated.draws, whole, scenario)
    back = whole.buying
    if back.returns > 0 and back.return_window > _SOON * days:
        scenario = scenario.changed(buying=back.model_dump() | {"returns": 0.0})
        draws = draws.drop(columns=[name for name in draws if str(name).startswith("buying.return")])
        notes.append(
            f"Returns ({back.returns:.1%} of purchases, up to {back.return_window:.0f} days later) are left out: a "
            "purchase would be known only once it cannot come back any more, so that policies would learn of none."
        )
    if cost_share:
        notes.append(f"No costs are given: each is taken to be {cost_share:.0%} of the price; all margins rest on it.")
    return replace(calibrated, scenario=scenario, draws=draws), notes


def _young(market: Scenario) -> list[str]:
    """Titles of what was new at the end."""
    since = market.days - _YOUNG
    return [product.title for product in market.products if max(product.listed or 0.0, product.launch or 0.0) >= since]


def _asked(
    market: Scenario, products: list[dict[str, Any]], shown: set[str], start: pd.Timestamp, days: float, measure: str
) -> Scenario:
    """The scenario, whose candidates stand first, as the market puts them."""
    candidates = [p | {"incumbent": False, "launch": 0.0} for p in products if p["title"] in shown]
    return market.changed(
        title="What to show",
        question="show",
        launching=None,
        reward=measure,
        days=days,
        products=candidates + [p for p in products if p["title"] not in shown],
        shelf=None if market.shelf is None else market.shelf.model_dump() | {"offers": "candidates"},
        calendar=calendar(market, start),
        discounts=[],
        promotions=[],
    )


def _moved(draws: pd.DataFrame, old: Scenario, new: Scenario) -> pd.DataFrame:
    """The draws in the order of the new scenario's products."""
    places = {product.title: k for k, product in enumerate(old.products)}
    order = np.array([places[product.title] for product in new.products])
    kept = draws.copy()
    for name in draws.columns:
        if name.startswith("products."):
            kept[name] = [np.asarray(row)[order] for row in draws[name]]
    return kept
