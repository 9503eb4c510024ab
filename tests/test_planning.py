"""The best launch plan: found where it can be counted out."""

from __future__ import annotations

from itertools import permutations

import pytest
from seasons import product, season

from simulator.planning import best_plan, plan_value
from simulator.scenario import ScenarioError

LAUNCHING = {"first": 0.0, "every": 1.5, "windows": 2, "capacity": 1, "horizon": 1.0}


def test_the_plan_found_is_the_best_of_all_plans() -> None:
    qualities = [0.0, 0.5, 4.0, 2.0]
    products = [product(0, incumbent=True)] + [product(k, quality=qualities[k]) for k in (1, 2, 3)]
    scenario = season(question="launch", launching=LAUNCHING, products=products, plan="newest", choice={"leaving": 1.0})
    found = best_plan(scenario, seeds=[1, 2])
    values = {pair: plan_value(scenario, [[pair[0]], [pair[1]]], [1, 2]) for pair in permutations((1, 2, 3), 2)}
    assert found.value == max(values.values())
    assert tuple(found.launches[0] + found.launches[1]) in [pair for pair in values if values[pair] == found.value]


def test_a_plan_counts_the_whole_shop_not_the_launches_alone() -> None:
    # The incumbent is what everybody wants: a launch that only takes from it adds nothing.
    products = [product(0, incumbent=True, quality=9.0)] + [product(k, quality=9.0) for k in (1, 2)]
    users = {"population": 3000, "features": 1, "durable": False}
    launching = LAUNCHING | {"windows": 1}
    scenario = season(question="launch", launching=launching, products=products, users=users, choice={"leaving": -20.0})
    nothing, one = (plan_value(scenario, plan, [1]) for plan in ([[]], [[1]]))
    assert nothing > 300
    assert one == nothing


def test_where_nothing_is_to_be_launched_a_plan_is_refused() -> None:
    with pytest.raises(ScenarioError, match="question must be 'launch' to search a launch plan, got 'show'"):
        best_plan(season(), [1])
