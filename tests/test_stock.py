"""Stock: the (s, S) rule by hand."""

from __future__ import annotations

from seasons import product, season

from simulator.catalogue import UNLIMITED, Catalogue
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
    assert stock.order(0, 0.0) is None
    assert stock.sell(0) == 2
    assert stock.order(0, 0.0) == (8, 1.5)
    assert stock.sell(0) == 1
    assert stock.order(0, 0.0) is None  # 1 on hand and 8 on order are above s
    stock.receive(0, 8)
    assert stock.on_hand[0] == 9


def test_what_has_no_rule_is_never_ordered() -> None:
    stock = stocked()
    assert stock.sell(2) == 0
    assert stock.order(2, 0.0) is None
    assert stock.order(1, 0.0) is None


def test_what_comes_back_is_on_hand_again() -> None:
    stock = stocked()
    stock.sell(2)
    assert stock.take_back(2) == 1


def test_the_rule_of_the_scenario_is_for_limited_products_that_name_none() -> None:
    own, all_others = ({"at": at, "up_to": 9, "lead_days": days} for at, days in ((2, 1.0), (3, 2.0)))
    products = [
        product(0, launch=0.0, stock=2, restocking=own),
        product(1, launch=0.0, stock=2),
        product(2, launch=0.0),
        product(3, launch=0.0, stock=UNLIMITED),
    ]
    scenario = season(products=products, restocking=all_others)
    stock = Stock(scenario, Catalogue(scenario, 0))
    assert [stock.order(k, 0.0) for k in range(4)] == [(7, 1.0), (7, 2.0), None, None]


def test_what_is_on_order_counts_until_it_comes() -> None:
    stock = stocked()
    for _ in range(3):
        stock.sell(0)
    assert stock.order(0, 0.0) == (9, 1.5)
    assert stock.order(0, 0.0) is None
    stock.receive(0, 9)
    for _ in range(8):
        stock.sell(0)
    assert stock.order(0, 0.0) == (8, 1.5)
    assert stock.initial.tolist()[0] == 4


def test_what_is_withdrawn_is_for_sale_no_more_and_neither_is_what_comes_later() -> None:
    stock = stocked()
    stock.withdraw(0)
    assert (stock.on_hand[0], stock.withdrawn[0]) == (0, 4)
    stock.receive(0, 3)
    assert stock.take_back(0) == 0
    assert (stock.on_hand[0], stock.withdrawn[0]) == (0, 8)
    assert (stock.on_hand[2], stock.withdrawn[2]) == (1, 0)


def test_supply_is_what_is_on_hand_and_an_order_for_each_lead_time() -> None:
    stock = stocked()
    assert [stock.supply(0, 0.0, days) for days in (1.4, 1.5, 4.6)] == [4, 4 + 8, 4 + 3 * 8]
    assert stock.supply(2, 0.0, 100.0) == 1


def test_supply_towards_the_season_s_end_is_no_more_than_is_still_ordered() -> None:
    rule = {"at": 4, "up_to": 30, "lead_days": 5.0, "lasts": 20.0}
    scenario = season(days=60.0, products=[product(0, launch=0.0, stock=3, restocking=rule)])
    stock = Stock(scenario, Catalogue(scenario, 0))
    # from day 40 on, orders on days 40, 45 and 50 with 20, 15 and 10 days left are up to 30, 23 and 15; each from 4
    assert stock.supply(0, 0.0, 15.0) == 3 + 3 * 26
    assert stock.supply(0, 40.0, 15.0) == 3 + 26 + 19 + 11
    assert stock.supply(0, 40.0, 100.0) == 3 + 26 + 19 + 11  # what is ordered on day 55 would come too late


def test_what_is_for_the_season_s_rest_is_as_much_as_its_days_ask_for_and_nothing_that_comes_after_it() -> None:
    rule = {"at": 4, "up_to": 30, "lead_days": 5.0, "lasts": 20.0}
    scenario = season(days=60.0, products=[product(0, launch=0.0, stock=3, restocking=rule)])

    def ordered(time: float) -> int:
        order = Stock(scenario, Catalogue(scenario, 0)).order(0, time)
        return 0 if order is None else order[0]

    # 3 are there; 30 are for 20 days, so 10 days ask for 15, and 5.5 for 9; on day 55 it would come when all is over
    assert [ordered(time) for time in (0.0, 40.0, 50.0, 54.5, 55.0, 59.0)] == [27, 27, 12, 6, 0, 0]
