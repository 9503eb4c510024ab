"""Stock: the (s, S) rule by hand."""

from __future__ import annotations

from seasons import product, season

from simulator.catalogue import Catalogue
from simulator.stock import Stock


def stocked() -> Stock:
    rule = {"at": 2, "up_to": 10, "lead_days": 1.5}
    products = [
        product(0, launch=0.0, stock=4, restocking=rule),
        product(1, launch=0.0),
        product(2, launch=0.0, stock=1),
    ]
    scenario = season(products=products)
    return Stock(scenario, Catalogue(scenario, 0))


def test_at_s_an_order_goes_out_up_to_capital_s_and_only_once() -> None:
    stock = stocked()
    assert stock.sell(0) == 3
    assert stock.order(0) is None
    assert stock.sell(0) == 2
    assert stock.order(0) == (8, 1.5)
    assert stock.sell(0) == 1
    assert stock.order(0) is None  # 1 on hand and 8 on order are above s
    stock.receive(0, 8)
    assert stock.on_hand[0] == 9


def test_what_has_no_rule_is_never_ordered() -> None:
    stock = stocked()
    assert stock.sell(2) == 0
    assert stock.order(2) is None
    assert stock.order(1) is None


def test_what_comes_back_is_on_hand_again() -> None:
    stock = stocked()
    stock.sell(2)
    assert stock.take_back(2) == 1
