"""Where regret comes from: the parts add up."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
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


@pytest.mark.parametrize("shelf", [{}, {"shelf": {"launches": True}}], ids=["shown", "on the shelf"])
def test_a_season_without_offers_can_be_played_where_launches_are_asked_for(shelf: dict[str, object]) -> None:
    launching = {"every": 1.0, "windows": 2, "capacity": 1, "horizon": 1.0}
    asked = season(
        question="launch", launching=launching, products=[product(0, incumbent=True), product(1), product(2)], **shelf
    )
    sold = without_offers(asked, 1).table("purchases")
    assert len(sold) > 10
    assert set(sold["product"]) == {0}


class Books:
    """A ledger, as far as these questions go."""

    def __init__(self, launched: list[float], **totals: float) -> None:
        self._launched, self._totals = np.array(launched), totals

    def launch_days(self) -> np.ndarray:
        return self._launched

    def totals(self) -> dict[str, float]:
        return self._totals


def test_a_product_is_new_for_a_week_by_hand() -> None:
    """Products launched on days 0 and 10, two levels of discount: action k is product k or k - 2. Regrets 1, 2, 4, 8,
    16 and 32, short by 0.5 each; at 6.9 days of age a product is new, at 7 not."""
    trace = SimpleNamespace(
        ledger=Books([0.0, 10.0]),
        times=np.array([6.9, 7.0, 10.0, 16.9, 17.0, 16.0]),
        best=np.array([0, 2, 1, 3, 1, 0]),
        regrets=np.array([1.0, 2.0, 4.0, 8.0, 16.0, 32.0]),
        shortfalls=np.full(6, 0.5),
    )
    assert regret_parts(trace) == {"cold_start": 1.0 + 4.0 + 8.0, "rest": 2.0 + 16.0 + 32.0, "stock_outs": 3.0}  # type: ignore[arg-type]


def test_cannibalisation_by_hand() -> None:
    """With offers 100 sold, 60 of incumbents; without 80, 75 of incumbents (five of what came later): 40, 15, 20."""
    ours, alone = Books([], units=100.0, incumbent_units=60.0), Books([], units=80.0, incumbent_units=75.0)
    found = cannibalisation(ours, alone)  # type: ignore[arg-type]
    assert found == {"candidates": 40.0, "incumbents_lost": 15.0, "added": 20.0}


def test_without_offers_the_same_visitors_buy_from_the_shelf_alone() -> None:
    """Candidates are launched, and never seen; the visits are those of any other season of that seed."""
    about = scenario(choice={"leaving": 0.5, "examination": [1.0, 0.6]}, slots=2)
    alone = without_offers(about, 3)
    environment = Simulated(about, 3)
    run(load("uniform", environment.problem), environment)
    assert set(alone.table("purchases")["product"]) == {0}
    assert alone.totals()["units"] == alone.totals()["incumbent_units"] > 0
    assert alone.totals()["visits"] == environment.ledger.totals()["visits"]
