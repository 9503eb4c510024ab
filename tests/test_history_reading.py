"""A shop's own tables become a history: nothing lost, every row set aside says why."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from envs.history import History, taking
from envs.logs.rows import LogError

INVOICES = """\
InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID
1001,20001,TEA,5,2024-01-01 10:00,2.00,7
1001,20002A,CAKE,1,2024-01-01 10:00,3.50,7
1001,20002A,CAKE,1,2024-01-01 10:00,3.50,7
1001,POST,POSTAGE,1,2024-01-01 10:00,18.00,7
1002,20002a,CAKE (NEW),2,2024-01-02 11:00,3.50,
1003,20001,damaged,-3,2024-01-03 09:00,0.00,
1004,20003,CUP,1,2024-01-03 12:00,0.00,8
C1005,20001,TEA,-2,2024-01-04 10:00,2.00,7
C1006,20003,CUP,-1,2024-01-04 10:00,4.00,8
1007,20001,TEA,x,2024-01-05 10:00,2.00,7
1008,20001,TEA,1,soon,2.00,7
1009,20001,TEA,1,2024-01-06 10:00,1.80,9
1010,20001,TEA,1,2024-01-07 10:00,2.00,9
1010,20002A,CAKE,1,2024-01-07 10:00,3.50,9
"""


def table(folder: Path, name: str, text: str) -> Path:
    file = folder / name
    file.write_text(text, encoding="utf-8")
    return file


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    return table(tmp_path, "invoices.csv", INVOICES)


@pytest.fixture
def history(shop: Path) -> History:
    return History.read(invoices=shop)


def happened(history: History, what: str) -> dict[str, int]:
    rows = history.cleaning[history.cleaning["happened"] == what]
    return dict(zip(rows["rule"], rows["rows"], strict=True))


def test_every_row_set_aside_is_counted_by_its_rule(history: History) -> None:
    assert happened(history, "set aside") == {
        "InvoiceDate must be a time": 1,
        "StockCode must be a product, no fee, postage or correction": 1,
        "Quantity must be a whole number, not 0": 1,
        "UnitPrice must be above 0": 2,
        "line must not repeat an earlier one": 1,
        "line must undo an earlier purchase of that user and product": 1,
    }


def test_a_rejects_file_names_row_column_rule_and_value(shop: Path, tmp_path: Path) -> None:
    History.read(invoices=shop, rejects=tmp_path / "rejects.csv")
    rejects = pd.read_csv(tmp_path / "rejects.csv", dtype=str, keep_default_na=False)
    assert rejects["row"].tolist() == ["3", "4", "6", "7", "9", "10", "11"]
    assert rejects.iloc[1].tolist() == ["invoices", "4", "StockCode", rejects["rule"].iloc[1], "POST"]
    assert rejects.iloc[5]["value"] == "x"


def test_a_cancellation_stands_beside_what_it_undoes(history: History) -> None:
    buys = history.buys
    assert buys["returned"].tolist() == [2, 0, 0, 0, 0, 0]
    assert (history.lines["action"] == "return").sum() == 1


def test_codes_that_differ_in_capitals_alone_are_one_product(history: History) -> None:
    assert sorted(history.goods["id"]) == ["20001", "20002A"]
    assert happened(history, "merged")["1 products spelt in capitals and small letters: one product"] == 1


def test_titles_that_change_leave_one(history: History) -> None:
    assert "1 products whose title changes: the commonest" in happened(history, "merged")
    assert set(history.goods["title"]) == {"TEA", "CAKE"}


def test_the_usual_price_is_the_commonest_one_paid(history: History) -> None:
    assert dict(zip(history.goods["id"], history.goods["price"], strict=True)) == {"20001": 2.0, "20002A": 3.5}


def test_users_without_a_name_are_kept_as_unknown(history: History) -> None:
    assert history.lines["user"].tolist() == [0, 0, -1, 0, 1, 1, 1]
    assert history.n_users == 2


def test_users_without_a_name_can_be_set_aside(shop: Path) -> None:
    history = History.read(invoices=shop, columns={"missing": {"user": "drop"}})
    assert (history.lines["user"] >= 0).all()
    assert happened(history, "set aside")["CustomerID must not be missing"] == 2


def test_repeated_lines_stay_where_asked(shop: Path) -> None:
    history = History.read(invoices=shop, columns={"duplicates": "keep"})
    assert len(history.lines) == 8


def test_fees_are_those_named_where_some_are_named(shop: Path) -> None:
    history = History.read(invoices=shop, columns={"fees": ["20001"]})
    assert "POST" in set(history.goods["id"])
    assert "20001" not in set(history.goods["id"])


def test_the_first_sale_stands_in_for_the_launch(history: History) -> None:
    assert not history.listed_given
    assert history.goods.set_index("id")["listed"]["20001"] == pd.Timestamp("2024-01-01 10:00")


GOODS = """\
商品编号,商品名称,类目,价格,成本,上架时间,库存,像素1,像素2
1,茶,饮料,"¥10.50",5,2024-01-01,100,0.1,4
2,咖啡,饮料,20,8,2024/01/05,,0.3,
3,可乐,饮料,,2,2024-01-09,5,0.2,2
3,可乐,饮料,5,2,2024-01-09,5,0.2,2
"""
BEHAVIOR = """\
用户ID,商品ID,行为类型,时间,数量
u1,1,浏览,2024-02-01 10:00:00,
u1,1,加购,2024-02-01 10:01:00,2
u1,1,购买,2024-02-01 10:05:00,2
u2,2,收藏,2024-02-01 11:00:00,
u2,2,购买,2024-02-01 11:00:00,1
u1,1,退货,2024-02-03 10:05:00,1
u2,9,购买,2024-02-03 10:05:00,1
u2,3,扔掉,2024-02-03 10:05:00,1
"""


@pytest.fixture
def chinese(tmp_path: Path) -> dict[str, Path]:
    return {"goods": table(tmp_path, "商品.csv", GOODS), "behavior": table(tmp_path, "行为.csv", BEHAVIOR)}


def test_chinese_headers_and_words_are_known(chinese: dict[str, Path]) -> None:
    history = History.read(**chinese)
    assert history.lines["action"].tolist() == ["view", "cart", "buy", "favourite", "buy", "return"]
    assert history.goods["title"].tolist() == ["茶", "咖啡", "可乐"]
    assert history.buys["returned"].tolist() == [1, 0]


def test_lines_without_a_price_have_that_of_the_goods(chinese: dict[str, Path]) -> None:
    assert History.read(**chinese).buys["price"].tolist() == [10.5, 20.0]


def test_lines_of_goods_that_are_not_listed_are_set_aside(chinese: dict[str, Path]) -> None:
    assert happened(History.read(**chinese), "set aside")["商品ID must be one of the goods"] == 1


DAYS = """\
id,listed,delisted
early,2024-02-05,
gone,2024-01-01,2024-02-02
that day,2024-01-01,2024-02-03
looked at,2024-02-05,2024-02-06
"""
DEEDS = """\
user,item,action,time
u1,early,buy,2024-02-01 10:00
u1,early,buy,2024-02-09 10:00
u1,gone,buy,2024-02-03 10:00
u1,that day,buy,2024-02-03 10:00
u1,looked at,view,2024-02-01 10:00
u1,looked at,view,2024-02-09 10:00
"""


def test_purchases_are_believed_rather_than_the_days_on_which_goods_came_and_left(tmp_path: Path) -> None:
    history = History.read(goods=table(tmp_path, "goods.csv", DAYS), behavior=table(tmp_path, "done.csv", DEEDS))
    goods = history.goods.set_index("id")
    assert goods["listed"].dt.day.to_dict() == {"early": 1, "gone": 1, "that day": 1, "looked at": 5}
    assert goods["delisted"].dt.day.dropna().to_dict() == {"that day": 3, "looked at": 6}
    assert happened(history, "corrected") == {
        "listed later than the first purchase: that purchase": 1,
        "delisted earlier than the last purchase: not known": 1,
    }


def test_where_nothing_is_bought_views_are_believed(tmp_path: Path) -> None:
    views = DEEDS.replace(",buy,", ",view,")
    history = History.read(goods=table(tmp_path, "goods.csv", DAYS), behavior=table(tmp_path, "done.csv", views))
    goods = history.goods.set_index("id")
    assert goods["listed"].dt.day.to_dict() == {"early": 1, "gone": 1, "that day": 1, "looked at": 1}
    assert goods["delisted"].dt.day.dropna().to_dict() == {"that day": 3}
    assert happened(history, "corrected") == {
        "listed later than the first line: that line": 2,
        "delisted earlier than the last line: not known": 2,
    }


def test_further_numeric_columns_are_features_and_gaps_their_mean(chinese: dict[str, Path]) -> None:
    history = History.read(**chinese)
    assert history.features == ("像素1", "像素2")
    assert history.goods["像素2"].tolist() == [4, 3, 2]


@pytest.mark.parametrize(("how", "filled"), [("mean", 15.25), ("median", 15.25), ("mode", 10.5), ("keep", np.nan)])
def test_missing_prices_of_goods_are_filled_as_asked(chinese: dict[str, Path], how: str, filled: float) -> None:
    goods = History.read(**chinese, columns={"missing": {"price": how}}).goods
    assert goods["price"].iloc[2] == pytest.approx(filled, nan_ok=True)


def test_goods_without_a_value_can_be_dropped(chinese: dict[str, Path]) -> None:
    history = History.read(**chinese, columns={"missing": {"stock": "drop"}})
    assert history.goods["id"].tolist() == ["1", "3"]


@pytest.mark.parametrize(("flags", "features"), [("0,1", ("Discontinued",)), ("yes,no", ()), ("FALSE,TRUE", ())])
def test_a_flag_of_what_is_discontinued_is_no_date(flags: str, features: tuple[str, ...], tmp_path: Path) -> None:
    one, other = flags.split(",")
    goods = table(tmp_path, "goods.csv", f"id,title,Discontinued\na1,mug,{one}\nb2,cup,{other}\n")
    lines = "user,item,action,time\n1,a1,buy,2024-01-01\n2,b2,buy,2024-01-02\n"
    history = History.read(goods=goods, behavior=table(tmp_path, "done.csv", lines))
    assert history.goods["delisted"].isna().all()
    assert history.features == features


def test_the_name_of_a_category_is_taken_before_its_number(tmp_path: Path) -> None:
    goods = table(tmp_path, "goods.csv", "id,CategoryId,CategoryName\na1,7,cups\n")
    lines = table(tmp_path, "done.csv", "user,item,action,time\n1,a1,buy,2024-01-01\n")
    assert History.read(goods=goods, behavior=lines).goods["category"].tolist() == ["cups"]


def test_a_text_column_whose_name_begins_like_a_feature_is_none(tmp_path: Path) -> None:
    goods = table(tmp_path, "goods.csv", "id,size,size_eu\na1,small,36\nb2,large,42\n")
    lines = table(tmp_path, "done.csv", "user,item,action,time\n1,a1,buy,2024-01-01\n")
    found = taking.describe(goods=goods, behavior=lines).columns
    assert found is not None
    assert found.goods is not None
    assert found.goods.features == ("size_eu",)


def test_an_embedding_in_one_column_is_as_many_features(tmp_path: Path) -> None:
    goods = pd.DataFrame({"item_id": [1, 2], "picture": [[0.5, 1.5], [2.5, 3.5]]})
    lines = pd.DataFrame({"user": [1], "item": [2], "time": ["2024-01-01"], "action": ["buy"]})
    history = History.read(goods=goods, behavior=lines)
    assert history.features == ("picture_0", "picture_1")
    assert history.goods["picture_1"].tolist() == [1.5, 3.5]


@pytest.mark.parametrize(("order", "taken"), [("1,2,1,2,3,1", False), ("7,7,8,8,8,9", True)], ids=["clicks", "orders"])
def test_numbers_that_users_share_are_no_orders_unless_they_are_named(order: str, taken: bool, tmp_path: Path) -> None:
    users, times = "aabbbc", ["10:00", "10:20", "11:00", "11:05", "11:10", "12:00"]
    rows = zip(users, order.split(","), times, strict=True)
    lines = table(
        tmp_path,
        "done.csv",
        "user,order,item,action,time\n"
        + "".join(f"{user},{number},tea,view,2024-01-01 {time}\n" for user, number, time in rows),
    )
    columns = taking.describe(behavior=lines).columns
    assert columns is not None
    assert columns.behavior is not None
    assert ("order" in columns.behavior.roles) is taken
    named = taking.describe(behavior=lines, columns={"behavior": {"order": "order"}}).columns
    assert named is not None
    assert named.behavior is not None
    assert "order" in named.behavior.roles


def test_without_orders_a_visit_ends_with_a_pause(tmp_path: Path) -> None:
    times = ["10:00", "10:20", "10:45", "11:30"]
    lines = pd.DataFrame({"user": "a", "item": "tea", "action": "view", "time": [f"2024-01-01 {t}" for t in times]})
    assert History.read(behavior=lines).lines["order"].tolist() == [0, 0, 0, 1]
    assert History.read(behavior=lines, columns={"visit_minutes": 22}).lines["order"].tolist() == [0, 0, 1, 2]


def test_words_of_the_shop_can_be_taught(tmp_path: Path) -> None:
    lines = pd.DataFrame({"user": 1, "item": "tea", "time": "2024-01-01", "behavior_type": [1, 4]})
    history = History.read(behavior=lines, columns={"words": {"1": "view", "4": "buy"}})
    assert history.lines["action"].tolist() == ["view", "buy"]


def test_both_tables_may_lie_in_one_database(tmp_path: Path) -> None:
    with duckdb.connect(str(tmp_path / "shop.duckdb")) as shop:
        shop.execute("CREATE TABLE goods AS SELECT 1 AS id, 'tea' AS title, 2.5 AS price")
        shop.execute("CREATE TABLE done AS SELECT 7 AS \"user\", 1 AS item, 'buy' AS action, DATE '2024-01-01' AS time")
    file = tmp_path / "shop.duckdb"
    columns = {
        "goods": {"id": "id", "price": "price", "table": "goods"},
        "behavior": {"user": "user", "item": "item", "action": "action", "time": "time", "table": "done"},
    }
    assert History.read(goods=file, behavior=file, columns=columns).buys["price"].tolist() == [2.5]


cell = st.sampled_from(["", "0", "1", "-1", "2.5", "x", "1e400", "NaN"])
row = st.tuples(
    st.sampled_from(["", "1", "C1", "2"]),
    st.sampled_from(["", "1", "2"]),
    st.sampled_from(["", "tea", "POST", "cup"]),
    st.sampled_from(["", "2024-01-01", "2024-01-02 10:00", "x"]),
    cell,
    cell,
)


@given(st.lists(row, max_size=30))
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_rows_read_are_rows_kept_and_rows_set_aside(tmp_path: Path, rows: list[tuple[str, ...]]) -> None:
    good = ("9", "9", "tea", "2024-01-01", "1", "1")
    frame = pd.DataFrame([good, *rows], columns=["invoice", "user", "item", "time", "quantity", "price"])
    history = History.read(invoices=frame, rejects=tmp_path / "rejects.csv")
    rejects = pd.read_csv(tmp_path / "rejects.csv")
    assert len(history.lines) + len(rejects) == len(frame)
    assert sum(happened(history, "set aside").values()) == len(rejects)
    assert rejects["row"].is_unique
    assert (history.lines["quantity"] > 0).all()
    assert (history.lines["price"] > 0).all()
    assert (history.buys["returned"] <= history.buys["quantity"]).all()


BROKEN: list[tuple[str, Any, str]] = [
    ("an empty file", "", "empty file"),
    (
        "a header alone",
        "invoice,user,item,time,quantity,price\n",
        "invoices must have lines that can be kept, got none",
    ),
    ("no item", "invoice,user,time,quantity,price\n1,1,2024-01-01,1,1\n", "column for item"),
    ("no price", "invoice,user,item,time,quantity\n1,1,tea,2024-01-01,1\n", "column for price"),
    (
        "no good row",
        "invoice,user,item,time,quantity,price\n1,1,tea,2024-01-01,0,1\n",
        r"of 1 rows 1 break 'quantity must be a .*' \(row 1: '0'\)",
    ),
]


@pytest.mark.parametrize(("text", "said"), [pytest.param(text, said, id=name) for name, text, said in BROKEN])
def test_what_is_no_history_is_told_in_one_line(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(LogError, match=said) as error:
        History.read(invoices=table(tmp_path, "broken.csv", text))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("missing", ["invoices", "behavior", "goods"])
def test_a_file_that_is_not_there_is_called_by_the_table_it_was_to_be(tmp_path: Path, missing: str) -> None:
    there = table(tmp_path, "there.csv", "invoice,user,item,time,quantity,price\n1,1,tea,2024-01-01,3,2.5\n")
    tables = ({"invoices": there} if missing == "goods" else {}) | {missing: tmp_path / "nothing.csv"}
    with pytest.raises(LogError, match=f"^{missing} must be a file that exists, got .*nothing.csv"):
        History.read(**tables)
    with pytest.raises(LogError, match=f"^{missing} must be a file that exists, got .*nothing.csv"):
        History.read(**tables, rejects=tmp_path / "rejects.csv")


def test_files_of_two_kinds_are_said_to_be_of_that_table(tmp_path: Path) -> None:
    for name, text in (("a.csv", "invoice,item\n"), ("b.csv", '{"invoice": 1}\n')):
        (tmp_path / name).write_text(text)
    with pytest.raises(LogError, match=r"^files of invoices must be of one kind"):
        History.read(invoices=str(tmp_path / "*.csv"))


def test_one_line_is_a_history(tmp_path: Path) -> None:
    text = "invoice,user,item,time,quantity,price\n1,1,tea,2024-01-01,3,2.5\n"
    history = History.read(invoices=table(tmp_path, "one.csv", text))
    assert history.lines.iloc[0][["quantity", "price"]].tolist() == [3, 2.5]


def test_lines_that_are_no_rows_are_set_aside_too(tmp_path: Path) -> None:
    text = (
        "invoice,user,item,time,quantity,price\n1,1,tea,2024-01-01,3\n1,1,tea,2024-01-01,0,2\n1,1,tea,2024-01-01,3,2\n"
    )
    History.read(invoices=table(tmp_path, "torn.csv", text), rejects=tmp_path / "rejects.csv")
    rejects = pd.read_csv(tmp_path / "rejects.csv")
    assert rejects["row"].tolist() == [1, 2]
    assert rejects["column"].tolist() == ["line", "quantity"]


def test_a_decimal_comma_is_found(tmp_path: Path) -> None:
    text = (
        "invoice;user;item;time;quantity;price\n1;1;tea;31.01.2024 10:00;3;1.299,50\n1;1;cup;01.02.2024 10:00;3;2,5\n"
    )
    history = History.read(invoices=table(tmp_path, "euro.csv", text))
    assert history.lines["price"].tolist() == [1299.5, 2.5]
    assert history.start == pd.Timestamp("2024-01-31 10:00")


@pytest.mark.parametrize("word", ["Walk-in Customer", "guest", "CASH", "散客"])
def test_a_tills_customer_for_everybody_is_nobody_known(tmp_path: Path, word: str) -> None:
    text = f"order,customer,item,time,quantity,price\n1,{word},tea,2024-01-01,1,2\n2,Ann Cash,tea,2024-01-02,1,2\n"
    history = History.read(invoices=table(tmp_path, "till.csv", text))
    assert history.lines["user"].tolist() == [-1, 0]
    assert happened(history, "user left out") == {"a customer for everybody, such as a till's: nobody known": 1}


def test_ids_that_are_nobody_are_named(tmp_path: Path) -> None:
    text = "order,customer,item,time,quantity,price\n1,0,tea,2024-01-01,1,2\n2,7,tea,2024-01-02,1,2\n"
    file = table(tmp_path, "till.csv", text)
    assert History.read(invoices=file).lines["user"].tolist() == [0, 1]
    assert History.read(invoices=file, columns={"nobody": ["0"]}).lines["user"].tolist() == [-1, 0]


TILL = """Time,Date,Item,Qty,Net Sales,Transaction ID
09:05:10,11/26/25,tea,2,$5.00,a
21:30:00,11/27/25,tea,-1,($2.50),b
"""


def test_a_day_and_an_hour_in_two_columns_are_one_time(tmp_path: Path) -> None:
    history = History.read(invoices=table(tmp_path, "till.csv", TILL))
    assert history.lines["time"].tolist() == [pd.Timestamp("2025-11-26 09:05:10")]


def test_an_hour_beside_a_time_that_has_one_is_left_alone(tmp_path: Path) -> None:
    text = "time,order_date,item,quantity,price\n23:00,2024-01-31 10:00,tea,1,2\n"
    history = History.read(invoices=table(tmp_path, "hours.csv", text), columns=None)
    assert history.start == pd.Timestamp("2024-01-31 10:00")


def test_money_in_brackets_is_paid_back(tmp_path: Path) -> None:
    same = TILL.replace(",b", ",a")
    history = History.read(invoices=table(tmp_path, "till.csv", same))
    assert history.buys["returned"].tolist() == [1]


def test_days_and_months_that_could_be_either_are_refused(tmp_path: Path) -> None:
    file = table(tmp_path, "either.csv", "invoice,user,item,time,quantity,price\n1,1,tea,03/04/2024,1,1\n")
    with pytest.raises(LogError, match="time_format must be set"):
        History.read(invoices=file)
    columns = {
        "invoices": {
            "order": "invoice",
            "user": "user",
            "item": "item",
            "time": "time",
            "quantity": "quantity",
            "price": "price",
            "time_format": "day first",
        }
    }
    assert History.read(invoices=file, columns=columns).start == pd.Timestamp("2024-04-03")


def test_hours_are_those_of_the_shops_clock() -> None:
    times = ["2024-01-01T23:00:00Z", "2024-01-02T09:00:00+08:00"]
    lines = pd.DataFrame({"u": 1, "i": "tea", "t": times})
    columns = {"user": "u", "item": "i", "time": "t", "every_row": "buy"}
    there = History.read(behavior=lines, columns={"behavior": {**columns, "time_zone": "Asia/Shanghai"}})
    assert there.lines["time"].tolist() == [pd.Timestamp("2024-01-02 07:00"), pd.Timestamp("2024-01-02 09:00")]
    utc = History.read(behavior=lines, columns={"behavior": columns})
    assert utc.lines["time"].tolist() == [pd.Timestamp("2024-01-01 23:00"), pd.Timestamp("2024-01-02 01:00")]


def test_a_time_zone_that_is_none_is_told() -> None:
    lines = pd.DataFrame({"i": ["tea"], "t": ["2024-01-01"]})
    columns = {"behavior": {"item": "i", "time": "t", "every_row": "buy", "time_zone": "Mars/North"}}
    with pytest.raises(LogError, match="got 'Mars/North'"):
        History.read(behavior=lines, columns=columns)


@pytest.mark.data
def test_the_gift_shops_lines_are_kept_or_set_aside_one_by_one(data: Path, tmp_path: Path) -> None:
    rejects = tmp_path / "rejects.csv"
    history = History.read(invoices=data / "online_retail" / "online_retail_2009_2010.parquet", rejects=rejects)
    assert len(history.lines) + len(pd.read_csv(rejects)) == 502_938
    assert (history.start, history.end) == (pd.Timestamp("2009-12-01 07:45"), pd.Timestamp("2010-11-30 19:35"))
    assert (history.buys["returned"] <= history.buys["quantity"]).all()
    assert not history.goods["id"].isin(["POST", "M", "DOT", "C2", "D", "BANK CHARGES", "AMAZONFEE", "ADJUST"]).any()


@pytest.mark.data
def test_a_table_of_views_alone_is_read(data: Path) -> None:
    columns = {
        "behavior": {
            "time": ["year", "month", "day"],
            "user": "session ID",
            "order": "session ID",
            "item": "page 2 (clothing model)",
            "category": "page 1 (main category)",
            "price": "price",
            "every_row": "view",
        }
    }
    file = data / "eshop_clothing" / "eshop_clothing_2008.csv.gz"
    history = History.read(behavior=file, columns=columns)
    raw = pd.read_csv(file, sep=";")
    assert (len(history.lines), history.n_users, len(history.goods)) == (165_474, 24_026, 217)
    assert history.lines["price"].sum() == raw["price"].sum()
    assert history.lines["time"].dt.month.value_counts().to_dict() == raw["month"].value_counts().to_dict()
