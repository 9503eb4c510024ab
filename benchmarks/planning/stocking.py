"""Stocking: how many pieces of each product to start with, when to order again, and what may come of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.planning import newsvendor
from benchmarks.planning.forecast import Demand
from policies.policy import Floats

_DRAWS = (np.arange(400) + 0.5) / 400


@dataclass(frozen=True, eq=False)
class Buying:
    """How a shop buys its K candidates."""

    prices: Floats  # (K,)
    costs: Floats  # (K,)
    lead_days: float  # until an order arrives; 0: nothing is ordered again
    horizon: int  # days that a first stock is for
    salvage: float  # share of the cost that a piece left over still brings

    def bought(self, stocks: pd.Series) -> dict[str, Any]:
        """The part of a scenario's product that says so, of a row that `stocked` answers."""
        at, up_to = int(stocks["restock_at"]), int(stocks["stock"])
        rule = {"at": at, "up_to": up_to, "lead_days": self.lead_days, "lasts": float(self.horizon)}
        return {"stock": up_to, "restocking": rule if self.lead_days > 0 and up_to > at else None}


def stocked(demand: Demand, buying: Buying) -> pd.DataFrame:
    """A row a product: stock, restock rule, chance of a stock-out, leftovers expected.

    A piece missing costs its margin; a piece left over costs what was paid for it, less what it still brings. What is
    ordered at first lasts for the horizon at the newsvendor's quantile; with a lead time, it is ordered again where no
    more is left than that time's demand at the same quantile, up to the first stock, or to as much of it as the days
    left ask for where the season ends before such a stock would.
    """
    rows = []
    for demands, price, cost in zip(demand.at(_DRAWS), buying.prices, buying.costs, strict=True):
        if cost >= price:
            rows.append({"stock": 0, "restock_at": 0, "stockout": float((demands >= 1).mean()), "leftovers": 0.0})
            continue
        over, under = max(cost * (1 - buying.salvage), 1e-6), price - cost
        order = newsvendor.sampled(over, under, demands)
        stock = int(np.ceil(order.quantity))
        again = int(np.ceil(newsvendor.sampled(over, under, demands * buying.lead_days / buying.horizon).quantity))
        rows.append(
            {
                "stock": stock,
                "restock_at": min(again, max(stock - 1, 0)) if buying.lead_days > 0 else 0,
                "stockout": float((demands > stock).mean()),
                "leftovers": float(np.maximum(stock - demands, 0).mean()),
            }
        )
    return pd.DataFrame(rows)
