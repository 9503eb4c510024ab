"""What to show on a shop's own market: its products in the offer, its draws with them."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest
from pasts import past

from benchmarks.planning.recommend import recommended
from envs.history import History
from simulator.calibration import Calibrated
from simulator.scenario import Scenario, ScenarioError


@pytest.fixture(scope="module")
def shop() -> History:
    return past(10, 60)


def calibrated() -> Calibrated:
    """Three products and two draws of their qualities; one is gone, one is new."""
    products = [
        {"title": "Tea", "category": "a", "price": 2.0, "incumbent": True, "quality": 0.0},
        {"title": "Gone", "category": "a", "price": 2.0, "incumbent": True, "delisted": 50.0},
        {"title": "Mate", "category": "a", "price": 4.0, "launch": 80.0},
        {"title": "Cola", "category": "a", "price": 3.0, "incumbent": True, "listed": 70.0},
    ]
    values = {"title": "Shop", "about": "Three.", "days": 100, "arrivals": {"per_day": 20}, "products": products}
    draws = pd.DataFrame({"products.quality": [[1.0, 9.0, 2.0, 3.0], [4.0, 9.0, 5.0, 6.0]]})
    none = pd.DataFrame()
    return Calibrated(Scenario.model_validate(values), draws, none, none, none, none)


def test_what_is_new_is_shown_and_what_is_gone_is_not_there(shop: History) -> None:
    found, notes = recommended(calibrated(), shop, days=28)
    assert {p.title for p in found.scenario.products if not p.incumbent} == {"Mate", "Cola"}
    assert "Gone" not in {p.title for p in found.scenario.products}
    assert "the 2 products that were new" in notes[0]
    assert [p.cost for p in found.scenario.products if p.title == "Mate"] == [2.0]  # half of the price, as is said
    assert "half" in notes[1] or "50%" in notes[1]


@pytest.mark.parametrize("draw", [0, 1])
def test_every_product_keeps_what_a_draw_says_of_it(shop: History, draw: int) -> None:
    market = calibrated()
    found, _ = recommended(market, shop, titles=["Tea", "Cola"], days=28)
    before = {p.title: p.quality for p in market.drawn(draw).products}
    assert all(p.quality == before[p.title] for p in found.drawn(draw).products)


def test_what_is_shown_is_no_younger_for_it(shop: History) -> None:
    market = calibrated()
    products = [p.model_dump() | ({"age": 400.0} if p.title == "Tea" else {}) for p in market.scenario.products]
    old = replace(market, scenario=market.scenario.changed(products=products))
    found, _ = recommended(old, shop, titles=["Tea", "Cola"], days=28)
    assert {p.title: p.age > 0 for p in found.scenario.products if not p.incumbent} == {"Tea": True, "Cola": True}
    assert [p.age for p in found.scenario.products if p.title == "Tea"] == [400.0]


def test_returns_that_would_come_after_the_season_do_not_keep_policies_from_learning(shop: History) -> None:
    market = calibrated()
    soon, late = (
        replace(
            market,
            scenario=market.scenario.changed(buying={"returns": 0.1, "return_window": window}),
            draws=market.draws.assign(**{"buying.returns": 0.1}),
        )
        for window in (5.0, 200.0)
    )
    kept, notes = recommended(soon, shop, days=28)
    assert kept.scenario.buying.returns == 0.1
    assert not any("Returns" in note for note in notes)
    found, notes = recommended(late, shop, days=28)
    assert found.scenario.buying.returns == 0
    assert found.drawn(1).buying.returns == 0
    assert any("Returns (10.0% of purchases, up to 200 days later) are left out" in note for note in notes)


def test_what_cannot_be_shown_is_refused(shop: History) -> None:
    with pytest.raises(ScenarioError, match="titles on the shop's shelf, got 'Gone'"):
        recommended(calibrated(), shop, titles=["Tea", "Gone"])
    with pytest.raises(ScenarioError, match="at least 2 products of the shelf, got 1"):
        recommended(calibrated(), shop, titles=["Tea"])
    with pytest.raises(ScenarioError, match="measure must be one of units, revenue, margin, got 'fame'"):
        recommended(calibrated(), shop, measure="fame")
