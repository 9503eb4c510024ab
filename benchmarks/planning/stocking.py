"""Stocking: how many pieces of each product to start with, when to order again, and what may come of it."""

from __future__ import annotations

import numpy as np
import pandas as pd

from benchmarks.planning import newsvendor
from benchmarks.planning.forecast import Forecast
from policies.policy import Floats

_DRAWS = (np.arange(400) + 0.5) / 400


def stocked(
    forecast: Forecast, prices: Floats, costs: Floats, lead_days: float, horizon: int, salvage: float
) -> pd.DataFrame:
    """A row a product: stock, restock rule, chance of a stock-out, leftovers expected.

    A piece missing costs its margin; a piece left over costs what was paid for it, less what it still brings. What is
    ordered at first lasts for the horizon at the newsvendor's quantile; with a lead time, it is ordered again where no
    more is left than that time's demand at the same quantile, up to the first stock.

    Args:
        forecast: demand over the horizon.
        prices, costs: (K,).
        lead_days: until an order arrives; 0: nothing is ordered again.
        horizon: days.
        salvage: share of the cost that a piece left over still brings.
    """
    rows = []
    for demands, price, cost in zip(forecast.at(_DRAWS), prices, costs, strict=True):
        if cost >= price:
            rows.append({"stock": 0, "restock_at": 0, "stockout": float((demands >= 1).mean()), "leftovers": 0.0})
            continue
        over, under = max(cost * (1 - salvage), 1e-6), price - cost
        order = newsvendor.sampled(over, under, demands)
        stock = int(np.ceil(order.quantity))
        again = int(np.ceil(newsvendor.sampled(over, under, demands * lead_days / horizon).quantity))
        rows.append(
            {
                "stock": stock,
                "restock_at": min(again, max(stock - 1, 0)) if lead_days > 0 else 0,
                "stockout": float((demands > stock).mean()),
                "leftovers": float(np.maximum(stock - demands, 0).mean()),
            }
        )
    return pd.DataFrame(rows)
