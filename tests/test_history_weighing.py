"""What is sold by weight: a piece is what a line has of it on average."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from envs.history import History

KILOS = [0.3, 0.5, 1.0, 0.2]


def lines(**further: Any) -> pd.DataFrame:
    """Four lines of cheese by the kilo at 10, and three of bread by the loaf at 3, one of which is an error."""
    about = {
        "invoice": [1, 1, 2, 3, 4, 5, 6],
        "user": ["u", "u", "v", "w", "u", "v", "w"],
        "item": ["cheese1", "bread1", "cheese1", "cheese1", "bread1", "cheese1", "bread1"],
        "time": pd.date_range("2025-01-06 10:00", periods=7, freq="D"),
        "quantity": [KILOS[0], 2, KILOS[1], KILOS[2], 1, KILOS[3], 1.5],
        "price": [10.0, 3, 10, 10, 3, 10, 3],
    }
    return pd.DataFrame(about | further)


def sold(history: History, item: str) -> pd.DataFrame:
    return history.lines[history.lines["item"] == history.goods["id"].tolist().index(item)]


def test_a_line_is_a_piece_and_all_of_them_are_paid_what_they_weigh() -> None:
    cheese = sold(History.read(invoices=lines()), "cheese1")
    assert cheese["quantity"].tolist() == [1, 1, 1, 1]
    assert (cheese["quantity"] * cheese["price"]).sum() == pytest.approx(10 * sum(KILOS))
    assert cheese["price"].nunique() == 1


def test_a_fraction_of_what_is_sold_by_the_piece_is_set_aside() -> None:
    history = History.read(invoices=lines())
    assert sold(history, "bread1")["quantity"].tolist() == [2, 1]
    assert "quantity must be a whole number, not 0" in history.cleaning["rule"].tolist()


def test_the_account_says_how_many_products_and_lines_are_weighed() -> None:
    cleaning = History.read(invoices=lines()).cleaning.set_index("happened")
    assert cleaning.loc["counted in pieces", "rows"] == len(KILOS)
    assert cleaning.loc["counted in pieces", "rule"].startswith("1 product")


def test_money_of_lines_is_that_of_their_weight() -> None:
    told = lines().assign(sales_value=lambda table: table["quantity"] * table["price"]).drop(columns="price")
    cheese = sold(History.read(invoices=told), "cheese1")
    assert cheese["price"].tolist() == pytest.approx([10 * sum(KILOS) / 4] * 4)


def test_what_is_brought_back_undoes_its_purchase() -> None:
    history = History.read(
        invoices=lines(quantity=[0.3, 2, 0.5, -0.45, 1, 0.2, 1], user=["u", "u", "v", "v", "u", "v", "w"])
    )
    assert history.buys["returned"].tolist() == [0, 0, 1, 0, 0, 0]


def test_price_cost_and_stock_of_a_kilo_become_those_of_a_piece() -> None:
    goods = pd.DataFrame({"id": ["cheese1", "bread1"], "price": [12.0, 3], "cost": [6.0, 1], "stock": [20.0, 9]})
    read = History.read(goods=goods, invoices=lines()).goods
    assert read.loc[0, ["price", "cost", "stock"]].tolist() == pytest.approx([12 * 0.5, 6 * 0.5, 20 / 0.5])
    assert read.loc[1, ["price", "cost", "stock"]].tolist() == [3, 1, 9]


def _many(amounts: list[int], price: float = 0.02) -> History:
    rows = range(len(amounts))
    about = {"invoice": rows, "user": [f"u{n % 3}" for n in rows], "item": "fuel1", "price": price}
    times = pd.date_range("2025-01-06 10:00", periods=len(amounts), freq="D")
    return History.read(invoices=pd.DataFrame(about | {"time": times, "quantity": amounts}))


def test_whole_numbers_of_a_small_unit_that_a_scale_tells_are_weighed() -> None:
    amounts = [9245, 11203, 5718, 13851, 8986, 20309, 7611, 9605, 12943, 11057, 8240, 11506]
    fuel = _many(amounts).lines
    assert fuel["quantity"].tolist() == [1] * 12
    assert fuel["price"].sum() == pytest.approx(0.02 * sum(amounts), rel=1e-4)


def test_hundreds_that_cost_less_than_a_cent_each_are_no_pieces() -> None:
    assert _many([9000, 12000], 0.0024).lines["quantity"].tolist() == [1, 1]
    assert _many([9000, 12000], 0.024).lines["quantity"].tolist() == [9000, 12000]


@pytest.mark.parametrize(
    "amounts",
    [
        [144, 288, 144, 432, 144, 288, 576, 144, 288, 144, 720, 864],
        [150, 1000, 250, 100, 300, 500, 120, 700, 360, 480] * 2,
    ],
    ids=["boxes", "orders by hand"],
)
def test_large_orders_are_pieces(amounts: list[int]) -> None:
    assert _many(amounts).lines["quantity"].tolist() == amounts
