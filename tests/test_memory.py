"""Memory: a season that does not fit is refused before it is begun."""

from __future__ import annotations

import numpy as np
import pytest
from seasons import product, season

from benchmarks.runner import run
from envs.simulated import Simulated
from policies import load
from simulator import memory
from simulator.market import Market
from simulator.scenario import ScenarioError


@pytest.fixture
def small_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "available", lambda: 2.0**34)


@pytest.mark.usefixtures("small_machine")
def test_more_users_than_fit_are_refused_with_what_they_need() -> None:
    products = [product(k, launch=0.0) for k in range(1_000)]
    scenario = season(products=products, users={"population": 5_000_000, "features": 200})
    with pytest.raises(ScenarioError, match=r"memory of this machine, 16.0 GiB, got .*5,000,000 users 24.4 GiB"):
        Simulated(scenario)


@pytest.mark.usefixtures("small_machine")
@pytest.mark.parametrize("refresh", [0.0, 60.0])
def test_more_visits_than_fit_are_refused(refresh: float) -> None:
    with pytest.raises(ScenarioError, match="visits a day 2"):
        Simulated(season(arrivals={"per_day": 1e9}, refresh_minutes=refresh))


def test_what_is_said_to_be_needed_is_no_less_than_what_tables_take() -> None:
    scenario = season(
        n_products=300, users={"population": 20_000, "features": 2}, slots=3, choice={"examination": [1] * 3}
    )
    environment = Simulated(scenario.changed(arrivals={"per_day": 20_000.0}, days=0.25, refresh_minutes=360.0), 1)
    users, _, visits = memory.needed(environment.scenario).values()
    market = environment.market
    assert market.appeal.utilities.nbytes + market.answers.ownership.owned.nbytes <= users
    slates = []
    offer = environment._offer
    market._ask = lambda asked, rows: (offer(asked, rows), slates.append(asked.note))[0]
    run(load("uniform", environment.problem), environment)
    taken = slates[0].available.nbytes + slates[0].truth.nbytes
    assert 1e6 < taken < visits


def test_a_shop_whose_tables_have_no_hours_needs_no_more_for_the_visits_of_a_day() -> None:
    """All come at midnight, as many as they would over the day."""
    arrivals = {"per_day": 500.0, "weekdays": [1.0] * 6 + [2.0]}
    shops = [season(arrivals=arrivals | {"hours": hours}) for hours in ([1.0] * 24, [1.0] + [0.0] * 23)]
    even, midnight = (list(memory.needed(shop.changed(refresh_minutes=1440.0)).values())[-1] for shop in shops)
    assert midnight == pytest.approx(even)


def test_there_is_memory_here() -> None:
    assert 2**27 < memory.available() < np.inf


@pytest.mark.parametrize("seed", [-1, 2**64])
def test_a_seed_that_is_no_number_of_64_bits_is_refused(seed: int) -> None:
    with pytest.raises(ScenarioError, match=rf"seed must be between 0 and 2\*\*64 - 1, got {seed}"):
        Market(season(), lambda visits, rows: np.zeros((0, 1)), seed)
