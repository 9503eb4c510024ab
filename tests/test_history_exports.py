"""What shop systems export and well-known data sets look like, read as it comes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from envs.history import History
from envs.logs.rows import LogError
from simulator.calibration.looks import looks


def written(folder: Path, text: str) -> Path:
    file = folder / "export.csv"
    file.write_text(text, encoding="utf-8")
    return file


def test_an_order_export_with_an_offset_after_a_blank_is_read(tmp_path: Path) -> None:
    file = written(tmp_path, (
        "Name,Email,Subtotal,Created at,Lineitem quantity,Lineitem name,Lineitem price,Lineitem sku\n"
        "#1001,a@x.com,47.00,2024-03-01 00:30:00 +0100,2,Mug,11.00,SKU1\n"
        "#1001,a@x.com,,2024-03-01 00:30:00 +0100,1,Tray,25.00,SKU2\n"
        "#1002,b@x.com,11.00,2024-03-02 09:00:00 +0100,1,Mug,11.00,SKU1\n"
    ))  # fmt: skip
    found = History.read(invoices=file)
    assert found.lines["time"].iloc[0] == pd.Timestamp("2024-02-29 23:30")
    assert found.lines["quantity"].tolist() == [2, 1, 1]
    assert found.goods[["id", "title", "price"]].to_numpy().tolist() == [["SKU1", "Mug", 11.0], ["SKU2", "Tray", 25.0]]
    assert found.n_users == 2


@pytest.mark.parametrize(
    ("name", "said"), [("SALES_VALUE", "9.00"), ("Line total", "£9.00"), ("Amount", "9.00"), ("金额", "9.00元")]
)
def test_the_money_of_a_line_tells_the_price_of_a_piece(tmp_path: Path, name: str, said: str) -> None:
    rows = f"1,7,11,2024-03-01,4,{said}\n2,8,11,2024-03-02,1,2.25\n3,7,11,2024-03-03,-2,4.50\n4,9,11,2024-03-04,1,0\n"
    found = History.read(invoices=written(tmp_path, f"BASKET_ID,household_key,PRODUCT_ID,date,QUANTITY,{name}\n{rows}"))
    assert found.lines["price"].tolist() == [2.25] * 3
    assert found.undone["pieces"].tolist() == [2]
    aside = found.cleaning[found.cleaning["happened"] == "set aside"]
    assert aside[["rule", "rows"]].to_numpy().tolist() == [[f"{name} must be above 0", 1]]


def test_where_there_is_a_price_an_amount_says_nothing(tmp_path: Path) -> None:
    """Which may be the whole order's."""
    text = (
        "order_id,user_id,sku,date,quantity,price,amount\n1,7,A1,2024-03-01,2,3.00,100\n1,7,B1,2024-03-01,1,5.00,100\n"
    )
    assert History.read(invoices=written(tmp_path, text)).lines["price"].tolist() == [3.0, 5.0]


def test_a_price_and_a_total_are_not_both_taken(tmp_path: Path) -> None:
    given = {"invoices": {"item": "sku", "time": "t", "quantity": "q", "price": "p", "total": "s"}}
    with pytest.raises(LogError, match="price or total must be named, got both"):
        History.read(invoices=written(tmp_path, "sku,t,q,p,s\nA,2024-03-01,1,2,2\n"), columns=given)


def test_invoices_without_pieces_say_how_they_can_be_read(tmp_path: Path) -> None:
    file = written(
        tmp_path, "t_dat,customer_id,article_id,price\n2020-01-01,a,108775015,0.05\n2020-01-01,a,108775015,0.05\n"
    )
    with pytest.raises(LogError, match='read it as behavior with every_row = "buy"'):
        History.read(invoices=file)
    given: dict[str, Any] = {"duplicates": "keep", "behavior": {"every_row": "buy"}}
    assert History.read(behavior=file, columns=given).lines["quantity"].sum() == 2


ROWS = "1,2268318,2520377,pv,1511544070\n1,2333346,2520771,pv,1511544080\n1,2333346,2520771,buy,1511561733\n"
NAMES = ["user_id", "item_id", "category_id", "behavior_type", "timestamp"]


def test_a_file_without_a_line_of_names_is_read_with_those_given(tmp_path: Path) -> None:
    found = History.read(behavior=written(tmp_path, ROWS), columns={"behavior": {"header": NAMES}})
    assert found.lines["action"].tolist() == ["view", "view", "buy"]
    assert found.goods["category"].tolist() == ["2520377", "2520771"]


def test_a_row_set_aside_has_its_number_in_a_file_without_names(tmp_path: Path) -> None:
    file = written(tmp_path, f"{ROWS}1,2333346,2520771,pv\n1,2333346,2520771,stare,1511561800\n")
    History.read(behavior=file, columns={"behavior": {"header": NAMES}}, rejects=tmp_path / "bad.csv")
    assert pd.read_csv(tmp_path / "bad.csv")["row"].tolist() == [4, 5]


@pytest.mark.parametrize(
    ("text", "columns", "said"),
    [
        (ROWS, None, r"found none among .*give header = \[...\], as its first line is a row"),
        ("1,7,7,pv,1511544070\n", None, "got '7' more than once in .*its first line is a row"),
        (ROWS, {"behavior": {"header": NAMES[:3]}}, "header must name the 5 columns of .*, got 3"),
        (ROWS, {"behavior": {"header": [*NAMES[:4], "user_id"]}}, "column names must differ, got 'user_id'"),
    ],
)
def test_names_that_are_not_there_are_asked_for(tmp_path: Path, text: str, columns: Any, said: str) -> None:
    with pytest.raises(LogError, match=said):
        History.read(behavior=written(tmp_path, text), columns=columns)


def test_looks_without_an_order_are_gathered_into_visits(tmp_path: Path) -> None:
    """Only purchases have an order; two visits of one user, half a day apart, and one of another."""
    times = [0, 60, 120, 43_200, 43_260, 100]
    users = [1, 1, 1, 1, 1, 2]
    events = ["view", "view", "transaction", "view", "addtocart", "view"]
    orders = ["", "", "77", "", "", ""]
    rows = zip(times, users, events, [10, 11, 11, 12, 12, 10], orders, strict=True)
    lines = [f"{1_433_221_332_000 + 1000 * t},{u},{event},{item},{order}\n" for t, u, event, item, order in rows]
    file = written(tmp_path, "timestamp,visitorid,event,itemid,transactionid\n" + "".join(lines))
    found = History.read(behavior=file)
    assert found.lines.sort_values("time")["order"].nunique() == 4
    seen = looks(found, 1)
    assert seen is not None
    assert sorted(seen.lines_a_visit.tolist()) == [1, 1, 2]
