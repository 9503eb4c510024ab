"""Where regret comes from: the parts add up."""

from __future__ import annotations

import pytest
from seasons import product, season

from benchmarks.comparison.cannibalisation import cannibalisation, without_offers
from benchmarks.comparison.regret import regret_parts
from benchmarks.runner import run
from envs.simulated import Simulated
from policies import load
from simulator.scenario import Scenario


def scenario(**about: object) -> Scenario:
    products = [product(0, incumbent=True)] + [product(k, launch=4.0 * (k - 1), stock=8) for k in range(1, 5)]
    return season(days=16.0, products=products, **about)


def test_cold_start_and_the_rest_are_the_whole_regret() -> None:
    environment = Simulated(scenario(), 1)
    trace = run(load("uniform", environment.problem), environment)
    parts = regret_parts(trace)
    assert parts["cold_start"] + parts["rest"] == pytest.approx(trace.regrets.sum())
    assert parts["cold_start"] > 0
    assert parts["rest"] > 0
    assert parts["stock_outs"] > 0


def test_regret_is_all_cold_start_while_everything_is_new() -> None:
    environment = Simulated(season(days=6.0), 1)
    trace = run(load("uniform", environment.problem), environment)
    assert regret_parts(trace)["rest"] == 0


def test_what_candidates_sell_is_what_the_shop_adds_and_what_incumbents_lose() -> None:
    environment = Simulated(scenario(users={"population": 80, "features": 2, "durable": False}), 1)
    run(load("uniform", environment.problem), environment)
    parts = cannibalisation(environment.ledger, without_offers(environment.scenario, 1))
    assert parts["candidates"] == pytest.approx(parts["added"] + parts["incumbents_lost"])
    assert parts["incumbents_lost"] > 0


def test_a_season_without_offers_can_be_played_where_launches_are_asked_for() -> None:
    launching = {"every": 1.0, "windows": 2, "capacity": 1, "horizon": 1.0}
    asked = season(
        question="launch", launching=launching, products=[product(0, incumbent=True), product(1), product(2)]
    )
    sold = without_offers(asked, 1).table("purchases")
    assert len(sold) > 10
    assert set(sold["product"]) == {0}
