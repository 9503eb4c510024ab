"""Columns are known by their names, in two languages, or as a TOML file says; what it says is checked."""

from __future__ import annotations

from pathlib import Path

import pytest

from envs.history import names
from envs.history.columns import Columns, proposed
from envs.logs.rows import LogError


@pytest.mark.parametrize(
    ("columns", "roles"),
    [
        (
            ["InvoiceNo", "StockCode", "Description", "Quantity", "InvoiceDate", "UnitPrice", "CustomerID", "Country"],
            ["order", "item", "title", "quantity", "time", "price", "user", None],
        ),
        (
            ["Invoice", "StockCode", "Description", "Quantity", "InvoiceDate", "Price", "Customer ID"],
            ["order", "item", "title", "quantity", "time", "price", "user"],
        ),
        (["user_id", "item_id", "behavior_type", "time"], ["user", "item", "action", "time"]),
        (["timestamp", "visitorid", "event", "itemid"], ["time", "user", "action", "item"]),
        (["event_time", "event_type", "product_id", "price", "user_id"], ["time", "action", "item", "price", "user"]),
        (
            ["用户ID", "商品ID", "行为类型", "时间", "数量", "单价"],
            ["user", "item", "action", "time", "quantity", "price"],
        ),
        (
            ["Order ID", "Order Date", "Customer Email", "SKU", "Product Name", "Quantity", "Item Total"],
            ["order", "time", "user", "item", "title", "quantity", "total"],
        ),
        (
            ["订单编号", "买家会员名", "商品ID", "宝贝标题", "购买数量", "金额", "订单付款时间"],
            ["order", "user", "item", "title", "quantity", "total", "time"],
        ),
        (
            ["Date", "Category", "Item", "Qty", "Gross Sales", "Net Sales", "Transaction ID", "Customer ID"],
            ["time", "category", "item", "quantity", None, "total", "order", "user"],
        ),
        (["event_timestamp", "event_name", "user_pseudo_id", "item_id"], ["time", "action", "user", "item"]),
        (
            ["TRANSACTION_DT", "CUSTOMER_ID", "PRODUCT_SUBCLASS", "PRODUCT_ID", "AMOUNT", "SALES_PRICE"],
            ["time", "user", "category", "item", "quantity", "price"],
        ),
        (["订单号", "客户编号", "货号", "下单时间", "购买数量"], ["order", "user", "item", "time", "quantity"]),
    ],
)
def test_columns_are_known_by_their_names(columns: list[str], roles: list[str | None]) -> None:
    found = {column: role for role, column in names.recognised(columns, names.LINES).items()}
    assert [found.get(column) for column in columns] == roles


@pytest.mark.parametrize(
    ("word", "action"),
    [("pv", "view"), ("浏览", "view"), ("addtocart", "cart"), ("加购", "cart"), ("收藏", "favourite"), ("购买", "buy"),
     ("transaction", "buy"), ("退货", "return")],
)  # fmt: skip
def test_words_for_actions_are_known(word: str, action: str) -> None:
    assert names.WORDS[word] == action


TOML = """\
duplicates = "keep"
fees = ["POST", "M"]
nobody = ["0"]
visit_minutes = 20.0

[goods]
id = "sku"
price = "price"
features = ["a", "b"]
decimal = ","

[behavior]
user = "who"
item = "sku"
time = ["date", "hour"]
every_row = "view"
time_format = "day first"

[words]
"下订" = "buy"

[missing]
"price" = "median"
"""


def test_a_file_of_columns_gives_itself_back(tmp_path: Path) -> None:
    (tmp_path / "one.toml").write_text(TOML)
    columns = Columns.of(tmp_path / "one.toml")
    (tmp_path / "two.toml").write_text(columns.text())
    assert Columns.of(tmp_path / "two.toml") == columns
    assert columns.behavior is not None
    assert columns.behavior.roles["time"] == ("date", "hour")


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"invoice": {}}, "key must be one of .*got 'invoice'"),
        ({"invoices": []}, "must be a table of"),
        ({"invoices": {"users": "u"}}, "key must be one of .*got 'users'"),
        ({"invoices": {"user": ["a", "b"]}}, "user must be the name of a column"),
        ({"invoices": {"user": 1}}, "user must be the name of a column, or several, got 1"),
        ({"invoices": {"encoding": 8}}, "encoding must be text, got 8"),
        ({"behavior": {"every_row": "look"}}, "every_row must be one of .*got 'look'"),
        ({"words": {"x": "look"}}, "'x' must be one of .*got 'look'"),
        ({"missing": {"price": "zero"}}, "'price' must be one of .*got 'zero'"),
        ({"missing": 1}, "must be a table"),
        ({"duplicates": "some"}, "duplicates must be drop or keep, got 'some'"),
        ({"visit_minutes": 0}, "visit_minutes must be a number above 0, got 0"),
        ({"fees": 1}, "fees must be"),
    ],
)
def test_what_means_nothing_is_told_with_its_value(values: dict[str, object], said: str) -> None:
    with pytest.raises(LogError, match=said):
        Columns.of(values)


def test_a_column_that_is_not_there_is_named() -> None:
    given = Columns.of({"invoices": {"item": "sku", "time": "t", "quantity": "q", "price": "cash"}}).invoices
    with pytest.raises(LogError, match=r"column 'cash' \(price\) must be in invoices, which has 'sku', 't', 'q'"):
        proposed("invoices", given, {"sku": "text", "t": "text", "q": "number"})


def test_behavior_needs_an_action_or_a_word_for_every_row() -> None:
    with pytest.raises(LogError, match="every_row"):
        proposed("behavior", None, {"item": "text", "time": "text"})


THERE = dict.fromkeys(["CustomerID", "StockCode", "Description", "AMOUNT", "SALES_PRICE", "when"], "VARCHAR")


def _roles(text: str, tmp_path: Path) -> dict[str, tuple[str, ...]]:
    (tmp_path / "columns.toml").write_text(f"[invoices]\n{text}", encoding="utf-8")
    return dict(proposed("invoices", Columns.of(tmp_path / "columns.toml").invoices, THERE).roles)


def test_columns_that_are_not_named_are_known_by_their_names(tmp_path: Path) -> None:
    roles = _roles('total = "SALES_PRICE"\n', tmp_path)
    others = {"user": "CustomerID", "item": "StockCode", "title": "Description", "quantity": "AMOUNT", "time": "when"}
    assert roles == {role: (column,) for role, column in {"total": "SALES_PRICE", **others}.items()}


def test_a_role_named_as_nothing_is_left_out(tmp_path: Path) -> None:
    assert set(_roles('user = ""\ntitle = ""\n', tmp_path)) == {"item", "quantity", "price", "time"}


def test_what_is_left_out_stays_so_when_written_and_read_again(tmp_path: Path) -> None:
    (tmp_path / "columns.toml").write_text('[invoices]\nuser = ""\n', encoding="utf-8")
    table = proposed("invoices", Columns.of(tmp_path / "columns.toml").invoices, THERE)
    (tmp_path / "again.toml").write_text(Columns(invoices=table).text(), encoding="utf-8")
    assert proposed("invoices", Columns.of(tmp_path / "again.toml").invoices, THERE) == table
