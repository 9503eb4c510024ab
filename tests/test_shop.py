"""The shop: what may be offered, at which price, and what it is worth; by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from seasons import Fixed, market, product, season

from simulator.catalogue import Catalogue
from simulator.choice import Appeal
from simulator.clock import Clock
from simulator.ledger import Ledger
from simulator.shop import Shop
from simulator.users import Users


def opened(**about: Any) -> tuple[Shop, Clock, list[float]]:
    """A shop before its first day, its clock, and the times at which it says that something has changed."""
    scenario = season(**about)
    catalogue, users, clock = Catalogue(scenario, 1), Users(scenario, 1), Clock()
    shop = Shop(scenario, catalogue, Appeal(scenario, catalogue, users), Ledger(catalogue, True), clock)
    changes: list[float] = []
    shop.changed = changes.append
    return shop, clock, changes


RULE = {"at": 1, "up_to": 5, "lead_days": 0.5}
PRODUCTS = [
    product(0, incumbent=True, price=20.0, cost=8.0, stock=2),
    product(1, launch=0.0, price=10.0, cost=4.0, stock=2, restocking=RULE),
    product(2, launch=1.0, price=40.0, cost=50.0),
]


@pytest.mark.parametrize(("reward", "worth"), [("units", 1.0), ("revenue", 15.0), ("margin", 7.0)])
def test_a_purchase_is_worth_a_unit_its_price_or_what_it_leaves_over_cost(reward: str, worth: float) -> None:
    shop, _, _ = opened(products=PRODUCTS, reward=reward)
    assert shop.worth(0, 15.0) == worth


def test_every_action_is_worth_what_it_leaves_at_its_discount() -> None:
    shop, _, _ = opened(products=PRODUCTS, reward="margin", discounts=[0.1, 0.5])
    np.testing.assert_allclose(shop.value, [12, 6, -10, 10, 5, -14, 2, 1, -30])
    np.testing.assert_allclose(shop.relief, [[2, 1, 4], [10, 5, 20]])
    paid = np.array([20, 10, 40, 18, 9, 36, 10, 5, 20])
    np.testing.assert_allclose(opened(products=PRODUCTS, reward="revenue", discounts=[0.1, 0.5])[0].value, paid)
    np.testing.assert_array_equal(opened(products=PRODUCTS, reward="units", discounts=[0.1, 0.5])[0].value, 1.0)


def test_launches_stand_on_the_shelf_where_the_scenario_says_so() -> None:
    shop, clock, _ = opened(products=PRODUCTS, shelf={"launches": True})
    clock.through(0.5)
    assert shop.shelf.tolist() == [0, 1]
    clock.through(1.0)
    assert shop.shelf.tolist() == [0, 1, 2]


def test_what_is_launched_and_in_stock_may_be_offered_at_every_discount() -> None:
    shop, clock, changes = opened(products=PRODUCTS, discounts=[0.1])
    assert shop.eligible.tolist() == [False] * 6
    assert (shop.live.tolist(), shop.shelf.tolist(), shop.n_in_stock) == ([], [], 0)
    clock.through(0.5)
    assert shop.eligible.tolist() == [True, True, False] * 2
    assert shop.live.tolist() == [0, 1, 3, 4]
    assert shop.n_in_stock == 2
    assert (shop.on_shelf.tolist(), shop.shelf.tolist()) == ([True, False, False], [0])
    clock.through(1.0)
    assert shop.eligible.all()
    assert shop.n_in_stock == 3
    assert shop.launches.tolist() == [0.0, 0.0, 1.0]
    assert changes == [0.0, 1.0]
    assert shop._ledger.events("launches") == [(0.0, 0), (0.0, 1), (1.0, 2)]


def test_the_last_unit_closes_a_product_and_the_first_that_comes_back_opens_it() -> None:
    shop, clock, changes = opened(products=PRODUCTS)
    clock.through(0.0)
    changes.clear()
    shop.sell(0.1, 0, 1)
    assert changes == []
    shop.sell(0.2, 0, 1)
    assert changes == [0.2]
    assert not shop.eligible[0]
    assert shop.shelf.tolist() == []
    assert shop.live.tolist() == [0, 1]
    assert shop._ledger.events("stock_outs") == [(0.2, 0)]
    shop.take_back(0.3, 0, 1)
    assert changes == [0.2, 0.3]
    assert shop.eligible[0]
    assert shop.shelf.tolist() == [0]
    shop.take_back(0.4, 0, 1)
    assert changes == [0.2, 0.3]


def test_pieces_leave_and_return_together() -> None:
    shop, clock, changes = opened(products=PRODUCTS)
    clock.through(0.0)
    changes.clear()
    shop.sell(0.1, 0, 2)
    assert changes == [0.1]
    shop.take_back(0.2, 0, 2)
    assert changes == [0.1, 0.2]
    assert shop.stock.on_hand[0] == 2
    shop.sell(0.3, 1, 2)
    assert shop._ledger.events("stock_outs") == [(0.1, 0), (0.3, 1)]


def test_orders_come_after_their_lead_time_and_open_what_was_sold_out() -> None:
    shop, clock, changes = opened(products=PRODUCTS)
    clock.through(0.0)
    changes.clear()
    shop.sell(0.0, 1, 1)  # one left, at s: four are ordered
    shop.sell(0.0, 1, 1)
    clock.through(0.49)
    assert changes == [0.0]
    assert shop.stock.on_hand[1] == 0
    clock.through(0.5)
    assert changes == [0.0, 0.5]
    assert shop.stock.on_hand[1] == 4
    assert shop.eligible[1]
    assert shop._ledger.events("replenishments") == [(0.5, 1, 4)]
    for _ in range(3):
        shop.sell(0.6, 1, 1)
    clock.through(2.0)
    assert shop._ledger.events("replenishments") == [(0.5, 1, 4), (1.1, 1, 4)]
    assert changes == [0.0, 0.5, 1.0]  # product 2 is launched; nothing opened at 1.1, for one was left


def test_promotions_cut_what_they_name_and_stand_beside_each_other() -> None:
    products = [product(k, category=c, price=100.0, launch=0.0) for k, c in enumerate(["hats", "hats", "shoes"])]
    cuts = [
        {"category": "hats", "start": 1.0, "days": 2.0, "discount": 0.2},
        {"title": "product 1", "start": 2.0, "days": 2.0, "discount": 0.5},
        {"start": 2.5, "days": 0.1, "discount": 0.1},
    ]
    shop, clock, _ = opened(products=products, promotions=cuts, days=5.0, reward="revenue", discounts=[0.5])
    for day, prices in (
        (0.9, [100, 100, 100]),
        (1.0, [80, 80, 100]),
        (2.0, [80, 40, 100]),
        (2.5, [72, 36, 90]),
        (2.7, [80, 40, 100]),
        (3.0, [100, 50, 100]),
        (4.0, [100, 100, 100]),
    ):
        clock.through(day)
        np.testing.assert_allclose(shop.appeal.prices, prices)
        np.testing.assert_allclose(shop.value, [*prices, *(0.5 * p for p in prices)])
        np.testing.assert_allclose(shop.relief[0], 0.5 * np.array(prices))
    changed = [(1.0, 2), (2.0, 1), (2.5, 3), (2.6, 3), (3.0, 2), (4.0, 1)]  # when, and how many
    told = [event[0] for event in shop._ledger.events("prices")]
    np.testing.assert_allclose(told, np.repeat(*zip(*changed, strict=True)))


def test_what_is_delisted_is_on_sale_no_more_whatever_comes_back() -> None:
    products = [product(k, launch=0.0, stock=3, restocking=RULE, delisted=1.0) for k in range(2)]
    shop, clock, changes = opened(products=[*products, product(2, launch=0.0)])
    clock.through(0.9)
    for _ in range(2):
        shop.sell(0.9, 0, 1)  # one left: four are ordered, for day 1.4
    clock.through(1.0)
    assert shop.eligible.tolist() == [False, False, True]
    assert shop.live.tolist() == [2]
    assert shop.delisted.tolist() == [True, True, False]
    assert shop._ledger.events("delistings") == [(1.0, 0), (1.0, 1)]
    before = list(changes)
    shop.take_back(1.1, 0, 1)
    clock.through(2.0)
    assert shop.stock.on_hand.tolist()[:2] == [0, 0]
    assert shop.stock.withdrawn.tolist() == [1 + 1 + 4, 3, 0]
    assert not shop.eligible[0]
    assert changes[: len(before)] == before


def test_a_return_lets_what_was_sold_out_be_sold_again() -> None:
    buying = {"prompt_minutes": 0.1, "returns": 1.0, "return_days": 0.02, "return_window": 9.0}
    scenario = season(products=[product(0, launch=0.0, stock=1)], buying=buying, choice={"leaving": -30.0})
    ledger = market(scenario, Fixed([0]), seed=1).ledger
    assert len(ledger.table("purchases")) > 20
    assert len(ledger.table("stock_outs")) == len(ledger.table("purchases"))
