"""What age and the time of the year do to a product's appeal, and that it is sold from its listing to its delisting."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import pytest
from seasons import Fixed, Random, market, product, season

from simulator.lifecycle import Lifecycle
from simulator.scenario import ScenarioError


def utility(now: float, launches: list[float], *products: dict[str, Any], days: float = 400.0, **about: Any) -> Any:
    scenario = season(days=days, products=[product(k, **about) for k, about in enumerate(products)], **about)
    return Lifecycle(scenario).utility(now, np.array(launches))


def test_a_ramp_is_missing_at_first_and_comes_exponentially() -> None:
    new, old = utility(
        9.0, [5.0, 0.0], {"launch": 5.0}, {"incumbent": True, "age": 3.0}, life={"ramp": 2.0, "ramp_days": 4.0}
    )
    assert new == pytest.approx(-2 * np.exp(-1))
    assert old == pytest.approx(-2 * np.exp(-3))


def test_what_may_be_offered_from_day_0_on_may_have_been_sold_before() -> None:
    (old,) = utility(9.0, [0.0], {"launch": 0.0, "age": 3.0}, life={"ramp": 2.0, "ramp_days": 4.0})
    assert old == pytest.approx(-2 * np.exp(-3))


def test_decline_counts_years_of_age_and_a_product_may_say_its_own() -> None:
    products = {"incumbent": True, "age": 634.75}, {"launch": 0.0, "decline": -0.1}, {"launch": 95.75}
    declines = utility(95.75, [0.0, 0.0, np.nan], *products, life={"decline": 0.5})
    np.testing.assert_allclose(declines, [-0.5 * 730.5 / 365.25, 0.1 * 95.75 / 365.25, 0.0])


def test_a_yearly_wave_peaks_on_its_day_of_the_year() -> None:
    calendar = {"start": date(2009, 12, 1)}
    christmas = {"incumbent": True, "season": 1.5, "season_peak": 334.0}
    assert utility(0.2, [0.0], christmas, calendar=calendar)[0] == pytest.approx(1.5)
    assert utility(182.6, [0.0], christmas, calendar=calendar)[0] == pytest.approx(-1.5, abs=0.01)


def test_a_product_is_sold_from_its_listing_to_its_delisting() -> None:
    products = [product(0, incumbent=True, listed=1.0, delisted=2.0), product(1, launch=0.0, delisted=1.5)]
    scenario = season(products=products, choice={"leaving": -2.0}, buying={"prompt_minutes": 0.01})
    ledger = market(scenario, Random(), seed=1).ledger
    times = ledger.table("purchases").groupby("product")["time"].agg(["min", "max"])
    assert 1.0 < times.loc[0, "min"] < 1.1
    assert 1.9 < times.loc[0, "max"] < 2.001
    assert 1.4 < times.loc[1, "max"] < 1.501
    assert ledger.table("delistings").to_numpy().tolist() == [[1.5, 1], [2.0, 0]]


def test_what_declines_sells_less_and_less() -> None:
    products = [product(0, incumbent=True, decline=365.25), product(1, launch=0.0, decline=0.0)]
    users = {"population": 80, "features": 2, "durable": False}
    bought = market(season(products=products, users=users, choice={"leaving": -1.0}), Fixed([1]), seed=1).ledger
    days = bought.table("purchases").query("product == 0")["time"].astype(int).value_counts()
    assert days[0] > 2 * days[2] > 0


@pytest.mark.parametrize(
    ("about", "rule"),
    [
        ({"launch": 1.0, "delisted": 0.5}, "delisted must be after day 1.0, got 0.5"),
        ({"launch": 1.0, "listed": 0.5}, "listed must be absent for the candidate 'product 1', got 0.5"),
        ({"incumbent": True, "listed": 3.5}, "listed must be before day 3.0, got 3.5"),
        ({"incumbent": True, "listed": 1.0, "age": 9.0}, "age must be 0 for what comes later, got 9.0"),
        ({"launch": 1.0, "age": 9.0}, "age must be 0 for what comes later, got 9.0"),
        ({"launch": None, "age": 9.0}, "age must be 0 for what comes later, got 9.0"),
    ],
)
def test_a_life_that_cannot_be_is_refused(about: dict[str, Any], rule: str) -> None:
    products = [product(0, incumbent=True), product(1, **about)]
    with pytest.raises(ScenarioError, match=rule):
        season().changed(products=products)
