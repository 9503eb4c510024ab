"""The books: views add up, and Parquet holds what the tables hold."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from seasons import Random, market, product, season

from simulator.ledger import Ledger


@pytest.fixture(scope="module")
def ledger() -> Ledger:
    products = [
        product(0, incumbent=True, cost=5.0),
        product(1, launch=0.0, cost=9.0, stock=15),
        product(2, launch=1.0),
    ]
    buying = {"returns": 0.4, "return_days": 0.5, "return_window": 1.0}
    scenario = season(products=products, buying=buying, choice={"leaving": -0.5, "examination": [1.0, 0.8]}, slots=2)
    return market(scenario, Random(), seed=4).ledger


def test_totals_are_purchases_less_returns(ledger: Ledger) -> None:
    sold, returned, totals = ledger.table("purchases"), ledger.table("returns"), ledger.totals()
    cost = np.array([5.0, 9.0, 0.0])
    assert totals["units"] == len(sold) - len(returned) > 50
    assert totals["revenue"] == pytest.approx(sold["price"].sum() - returned["price"].sum())
    margin = (sold["price"] - cost[sold["product"]]).sum() - (returned["price"] - cost[returned["product"]]).sum()
    assert totals["margin"] == pytest.approx(margin)
    assert totals["returned"] == len(returned) > 10


def test_leftovers_are_what_is_on_hand_of_limited_stock_that_was_for_sale() -> None:
    products = [
        product(0, incumbent=True, stock=200),
        product(1, launch=0.0, stock=15, restocking={"at": 3, "up_to": 40, "lead_days": 0.5}),
        product(2, launch=1.0),  # never runs out
    ]
    season_of = season(products=products, buying={"returns": 0.4, "return_days": 0.5, "return_window": 1.0})
    played = market(season_of, Random(), seed=4)
    assert len(played.ledger.events("replenishments")) > 0
    assert played.ledger.totals()["leftovers"] == played.shop.stock.on_hand[:2].sum()


@pytest.mark.parametrize("reward", ["units", "revenue", "margin"])
def test_net_sales_over_time_end_at_the_total(ledger: Ledger, reward: str) -> None:
    times, amounts = ledger.net_sales(reward)
    assert (np.diff(times) >= 0).all()
    assert amounts.sum() == pytest.approx(ledger.totals()[reward])


def test_products_add_up_to_the_shop(ledger: Ledger) -> None:
    products, totals = ledger.products(), ledger.totals()
    assert (products["sold"] - products["returned"]).sum() == totals["units"]
    assert products["revenue"].sum() == pytest.approx(totals["revenue"])
    assert products.loc[products["incumbent"], "sold"].sum() > totals["incumbent_units"] > 0


def test_visits_of_each_day_are_all_visits(ledger: Ledger) -> None:
    visits = ledger.table("visits")
    np.testing.assert_array_equal(ledger.daily_visits(), np.bincount(visits["time"].astype(int)))
    assert ledger.n_visits == len(visits)


def test_parquet_holds_every_table_with_ids_intact(ledger: Ledger, tmp_path: Path) -> None:
    ledger.to_parquet(tmp_path / "books")
    for name in ledger.tables:
        pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "books" / f"{name}.parquet"), ledger.table(name))
    assert ledger.table("purchases")["visit"].dtype == np.uint64
    assert len(pd.read_parquet(tmp_path / "books" / "products.parquet")) == 3


def test_tables_of_a_season_in_which_nothing_happened_have_their_columns() -> None:
    empty = market(season(choice={"leaving": 50.0}), Random(), seed=1).ledger
    assert list(empty.table("purchases").columns) == ["time", "visit", "user", "product", "slot", "price", "units"]
    assert empty.totals()["units"] == 0
