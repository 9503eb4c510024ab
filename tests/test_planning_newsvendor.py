"""Orders for a season: published figures, closed forms against sums, and what cannot be beaten on its own draws."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from benchmarks.planning import newsvendor
from simulator.scenario import ScenarioError

COSTS = st.floats(0.01, 20.0)


@pytest.mark.parametrize(
    ("holding", "stockout", "mean", "sd", "quantity", "cost"),
    [(0.18, 0.70, 50, 8, 56.603956, 1.997605), (2, 18, 120, 10, 132.815516, 35.099666)],  # Snyder & Shen 2019
)
def test_normal_orders_are_those_of_the_textbook(
    holding: float, stockout: float, mean: float, sd: float, quantity: float, cost: float
) -> None:
    order = newsvendor.normal(holding, stockout, mean, sd)
    assert order.quantity == pytest.approx(quantity, abs=1e-6)
    assert order.cost == pytest.approx(cost, abs=1e-5)


def test_a_poisson_order_is_that_of_the_textbook() -> None:
    order = newsvendor.poisson(0.18, 0.70, 50)
    assert order.quantity == 56
    assert order.cost == pytest.approx(1.797235, abs=1e-6)


@given(holding=COSTS, stockout=COSTS, mean=st.floats(0.5, 60.0))
def test_no_other_poisson_order_costs_less(holding: float, stockout: float, mean: float) -> None:
    demand = np.arange(400)
    chance = stats.poisson.pmf(demand, mean)

    def cost(quantity: float) -> float:
        return float(
            chance @ np.where(demand < quantity, holding * (quantity - demand), stockout * (demand - quantity))
        )

    order = newsvendor.poisson(holding, stockout, mean)
    assert order.cost == pytest.approx(cost(order.quantity), rel=1e-6, abs=1e-6)
    assert order.cost <= min(cost(order.quantity - 1), cost(order.quantity + 1)) + 1e-6
    assert order.shortage == pytest.approx(chance[demand > order.quantity].sum(), abs=1e-9)


@given(holding=COSTS, stockout=COSTS, demands=st.lists(st.integers(0, 40), min_size=1, max_size=30))
def test_an_order_for_draws_is_the_cheapest_for_these_draws(
    holding: float, stockout: float, demands: list[int]
) -> None:
    drawn = np.array(demands, float)
    order = newsvendor.sampled(holding, stockout, drawn)
    others = [newsvendor.mean_cost(holding, stockout, quantity, drawn) for quantity in range(42)]
    assert order.cost == pytest.approx(min(others), rel=1e-9, abs=1e-9)


def test_many_draws_of_a_normal_demand_give_the_normal_order() -> None:
    demands = np.random.default_rng(0).normal(50, 8, 200_000)
    drawn, exact = newsvendor.sampled(0.18, 0.70, demands), newsvendor.normal(0.18, 0.70, 50, 8)
    assert drawn.quantity == pytest.approx(exact.quantity, abs=0.1)
    assert drawn.cost == pytest.approx(exact.cost, rel=0.01)
    assert drawn.shortage == pytest.approx(exact.shortage, abs=1e-4)


def test_costs_that_are_not_above_0_are_refused() -> None:
    with pytest.raises(ScenarioError, match="stockout must be greater than 0, got -1"):
        newsvendor.normal(1, -1, 50, 8)
    with pytest.raises(ScenarioError, match="demands must be one draw or more, got none"):
        newsvendor.sampled(1, 1, np.empty(0))
