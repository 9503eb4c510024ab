"""What was known of a launch: never anything later, and what it says of products that are known by heart."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from pasts import past

from benchmarks.planning.launches import Launches
from envs.history import History
from simulator.scenario import ScenarioError


@pytest.fixture(scope="module")
def shop() -> History:
    return past(60, 240)


@pytest.mark.parametrize("seen", [0, 3, 14])
def test_what_comes_later_changes_nothing_that_was_known(shop: History, seen: int) -> None:
    whole = Launches(shop, horizon=28)
    items = whole.items()
    known = whole.known(items, seen)
    for place in (0, len(items) // 2, len(items) - 20):
        now = whole.start + pd.Timedelta(days=int(whole.first[items[place]]) + seen)
        if seen == 0:  # that it is launched today is known, its sales of today are not
            now += pd.Timedelta(days=1)
        cut = Launches(shop.until(now), horizon=28)
        then = cut.known(items[[place]], seen)
        pd.testing.assert_frame_equal(known.iloc[[place]].reset_index(drop=True), then, check_exact=False)


def test_outcomes_are_the_pieces_of_the_horizon_with_what_came_back_taken_off() -> None:
    lines = pd.DataFrame(
        {
            "invoice": ["500001", "500002", "500003", "C500004", "500005"],
            "stockcode": ["20001", "20002", "20002", "20002", "20001"],
            "description": ["TEA", "MUG", "MUG", "MUG", "TEA"],
            "quantity": [1, 5, 7, -7, 1],
            "invoicedate": pd.to_datetime(["2020-01-01", "2020-03-01", "2020-03-05", "2020-03-06", "2020-06-30"]),
            "price": [2.0, 3.0, 3.0, 3.0, 2.0],
            "customer id": [1.0, 2.0, 2.0, 2.0, 1.0],
        }
    )
    launches = Launches(History.read(invoices=lines), horizon=10)
    mug = launches.goods.titles.index("MUG")
    assert launches.outcome(np.array([mug])).tolist() == [5.0]
    assert launches.so_far(np.array([mug]), launches.day(pd.Timestamp("2020-03-06"))).tolist() == [12.0]
    assert Launches(History.read(invoices=lines), 10, "revenue").outcome(np.array([mug])).tolist() == [15.0]


def test_a_product_is_near_those_of_its_own_range(shop: History) -> None:
    launches = Launches(shop, horizon=28)
    item = int(launches.items()[-1])
    word = launches.goods.titles[item].split()[0]
    assert {launches.goods.titles[i].split()[0] for i in launches.nearest(item)} == {word}


def test_of_a_history_without_listing_days_the_first_sales_of_its_start_are_no_launches(shop: History) -> None:
    launches = Launches(shop, horizon=28)
    assert launches.first[launches.items()].min() >= 60  # a quarter of 240 days


@pytest.mark.parametrize(
    ("about", "message"),
    [
        ({"horizon": 0}, "horizon must be from 1 to the history's 239 days, got 0"),
        ({"measure": "hats"}, "measure must be one of pieces, revenue, margin, got 'hats'"),
        ({"measure": "margin"}, "measure must be pieces or revenue where goods have no cost, got 'margin'"),
    ],
)
def test_impossible_questions_are_refused(shop: History, about: dict[str, object], message: str) -> None:
    with pytest.raises(ScenarioError, match=message):
        Launches(shop, **about)  # type: ignore[arg-type]


def test_where_days_are_listed_what_was_there_on_the_first_day_is_no_launch() -> None:
    listed = {"OLD": "2019-06-01", "THERE": "2024-01-01", "NEW": "2024-01-20"}
    goods = pd.DataFrame({"item_id": list(listed), "title": list(listed), "listed": pd.to_datetime([*listed.values()])})
    days = pd.date_range("2024-01-01", periods=100)
    lines = (
        pd.DataFrame({"item": "THERE", "time": days}),
        pd.DataFrame({"item": ["OLD", "NEW"], "time": days[[50, 25]]}),
    )
    invoices = pd.concat(lines).assign(quantity=1, price=2.0)
    launches = Launches(History.read(goods=goods, invoices=invoices), horizon=14)
    assert [launches.goods.titles[i] for i in launches.items()] == ["NEW"]
    assert launches.first[launches.items()].tolist() == [19]
