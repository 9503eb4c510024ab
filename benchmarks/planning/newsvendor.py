"""Newsvendor: how much to order once, where a piece left over costs and a piece missing costs more."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

from policies.policy import Floats
from simulator.scenario import ScenarioError


@dataclass(frozen=True)
class Order:
    """What to order, and what is to be expected of it."""

    quantity: float  # pieces
    cost: float  # of leftovers and of missing pieces together, expected
    shortage: float  # chance that demand is larger


def critical_ratio(holding: float, stockout: float) -> float:
    """The chance of having enough that is worth its cost: stockout / (stockout + holding) (Arrow et al. 1951).

    Args:
        holding: cost of a piece left over, above 0.
        stockout: cost of a piece missing, above 0.

    Raises:
        ScenarioError: one of them is not above 0.
    """
    for name, cost in (("holding", holding), ("stockout", stockout)):
        if not cost > 0:
            raise ScenarioError(f"{name} must be greater than 0, got {cost}")
    return stockout / (stockout + holding)


def normal(holding: float, stockout: float, mean: float, sd: float) -> Order:
    """For normal demand: mean + sd z, at a cost of (holding + stockout) sd phi(z)."""
    ratio = critical_ratio(holding, stockout)
    z = float(stats.norm.ppf(ratio))
    return Order(mean + sd * z, (holding + stockout) * sd * float(stats.norm.pdf(z)), 1 - ratio)


def poisson(holding: float, stockout: float, mean: float) -> Order:
    """For Poisson demand: the smallest whole number that is enough with the critical ratio."""
    quantity = int(stats.poisson.ppf(critical_ratio(holding, stockout), mean))
    enough = float(stats.poisson.cdf(quantity, mean))
    less = float(stats.poisson.cdf(quantity - 1, mean))
    left = quantity * enough - mean * less  # E (quantity - demand)+
    missing = left + mean - quantity
    return Order(quantity, holding * left + stockout * missing, 1 - enough)


def sampled(holding: float, stockout: float, demands: Floats) -> Order:
    """For demand known by (n,) draws: their quantile, which is the cheapest order for these very draws.

    Raises:
        ScenarioError: there are none.
    """
    if not len(demands):
        raise ScenarioError("demands must be one draw or more, got none")
    quantity = float(np.quantile(demands, critical_ratio(holding, stockout), method="inverted_cdf"))
    return Order(quantity, mean_cost(holding, stockout, quantity, demands), float((demands > quantity).mean()))


def mean_cost(holding: float, stockout: float, quantity: float | Floats, demands: Floats) -> float:
    """What an order of `quantity` costs, mean over demands (n,)."""
    over = np.asarray(quantity) - demands
    return float(np.mean(np.where(over > 0, holding * over, -stockout * over)))
