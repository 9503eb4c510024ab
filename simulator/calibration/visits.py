"""Is a market like a shop whose views are on record? What a fit of looks is judged by, by the names that looks have."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from simulator.calibration.judging import Judgement
from simulator.calibration.sales import Sales

_MEASURES = {"lines": "looks", "orders": "visits", "customers": "visitors"}
_DISTRIBUTIONS = {
    "orders by hour": "visits by hour",
    "orders by weekday": "visits by weekday",
    "visits per customer": "visits per visitor",
    "weeks between orders": "weeks between visits",
    "products a customer-week": "products a visitor looks at in a week",
    "pieces a product-week": "looks a product-week",
}
_NUMBERS = {
    "top tenth of products, share of pieces": "top tenth of products, share of looks",
    "lines that come back": "looks that end in a purchase",
    "share of new customers": "share of new visitors",
}


def of_looks(judged: Judgement, seen: Sales) -> Judgement:
    """The rows that looks have, called as looks are: no pieces, prices nor returns; hours, returning visitors and
    purchases where the shop's own looks have them.
    """
    if not len(judged.fit):
        return judged
    missing = {
        *(["visits by hour"] if not np.any(seen.times % 1) else []),
        *(["weeks between visits", "visits per visitor"] if _all_come_once(seen) else []),
        *(["looks that end in a purchase"] if not seen.returned.any() else []),
    }
    series = judged.series[judged.series["measure"].isin(_MEASURES)]
    fit = judged.fit.assign(metric=[_called(metric, seen) for metric in judged.fit["metric"]])
    shapes = judged.shapes.assign(metric=judged.shapes["metric"].map(_DISTRIBUTIONS))
    called = replace(
        judged,
        fit=fit[(fit["metric"] != "") & ~fit["metric"].isin(missing)].reset_index(drop=True),
        series=series.assign(measure=series["measure"].map(_MEASURES)).reset_index(drop=True),
        shapes=shapes[shapes["metric"].notna() & ~shapes["metric"].isin(missing)].reset_index(drop=True),
    )
    return _said(called, ["visitor"] if seen.guest.all() else [])


def of_sales(judged: Judgement, whole: Sales, moneyless: bool) -> Judgement:
    """The rows that purchases can tell: of money, customers and hours only where these are on record."""
    unsaid = [
        *(["revenue|price per line|order value"] if moneyless else []),
        *(["customer|weeks between orders"] if whole.guest.all() else []),
        *(["orders by hour"] if not np.any(whole.times % 1) else []),
    ]
    return _said(judged, unsaid)


def _said(judged: Judgement, unsaid: list[str]) -> Judgement:
    """Without the rows whose names have one of these patterns in them."""
    named = {"fit": "metric", "series": "measure", "shapes": "metric"}
    return Judgement(**{name: _without("|".join(unsaid), getattr(judged, name), by) for name, by in named.items()})


def _without(unsaid: str, table: pd.DataFrame, by: str) -> pd.DataFrame:
    if not unsaid or not len(table):
        return table
    return table[~table[by].str.contains(unsaid)].reset_index(drop=True)


def joined(one: Judgement, other: Judgement) -> Judgement:
    """Rows of both."""
    tables = ("fit", "series", "shapes")
    return Judgement(*(pd.concat([getattr(one, t), getattr(other, t)], ignore_index=True) for t in tables))


def _called(metric: str, seen: Sales) -> str:
    """The name among looks; empty for what looks do not have."""
    if metric.startswith("repeat orders"):
        return "" if _all_come_once(seen) else metric.replace("orders of old customers", "visits of old visitors")
    for measure, name in _MEASURES.items():
        if metric in (f"weekly {measure}", f"weeks in the band, {measure}"):
            return metric.replace(measure, name)
    return (_DISTRIBUTIONS | _NUMBERS).get(metric, "")


def _all_come_once(seen: Sales) -> bool:
    users = seen.users[~seen.guest]
    return len(np.unique(users)) == len(users)
