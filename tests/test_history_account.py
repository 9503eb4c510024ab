"""A description holds the figures of the lines, and says what they cannot tell."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from envs.history import History, account, taking
from envs.history.taking import Description


def bought(days: int = 10, **columns: object) -> pd.DataFrame:
    frame = pd.DataFrame({"invoice": np.arange(days), "customer": np.arange(days) % 7, "item": "tea", "quantity": 2})
    times = pd.Timestamp("2024-01-01") + pd.to_timedelta(np.arange(days), unit="D")
    return frame.assign(**{"time": times, "price": 1.5, **columns})


def described(frame: pd.DataFrame, **more: object) -> Description:
    return taking.describe(invoices=frame, **more)


def told(found: Description, least: int = 5) -> str:
    return account.text(found.account, found.beside, found.fees, least)


def test_pieces_revenue_and_span_are_those_of_the_lines() -> None:
    found = described(bought())
    assert (found.account.pieces, found.account.revenue, found.account.span) == (20, 30.0, 10)


def test_batches_change_nothing() -> None:
    frame = bought(40, price=np.arange(40) % 3 + 1.0)
    whole, parts = account.Account(1), account.Account(1)
    (batch,) = list(_batches(frame))
    whole.add(batch)
    for rows in np.array_split(np.arange(40), 7):
        parts.add({name: column[rows] for name, column in batch.items()})
    for name in ("pieces", "revenue", "span", "several_prices", "quiet", "orders", "days"):
        assert getattr(whole, name) == getattr(parts, name), name


def _batches(frame: pd.DataFrame) -> list[dict[str, np.ndarray]]:
    return [
        {
            "time": frame["time"].to_numpy().astype("datetime64[us]").astype(np.int64),
            "user": np.zeros(len(frame), np.int32),
            "item": np.zeros(len(frame), np.int32),
            "action": np.full(len(frame), account.BUY, np.int8),
            "quantity": frame["quantity"].to_numpy(np.int32),
            "price": frame["price"].to_numpy(float),
            "order": np.arange(len(frame), dtype=np.int32),
        }
    ]


def test_a_weekday_without_lines_is_named() -> None:
    frame = bought(70)
    page = told(described(frame[frame["time"].dt.day_of_week != 2]))
    assert "10 days without a line; 0.0% of the lines on Wednesday" in page


def test_prices_that_differ_within_a_week_do_not_tell_sensitivity() -> None:
    """Two prices a week: of every product-week; one price a week: of none."""
    assert described(bought(28, price=np.arange(28) % 2 + 1.0)).account.several_prices == 1
    weekly = pd.Series(np.arange(28)).add(4).floordiv(7).to_numpy() + 1.0
    assert described(bought(28, price=weekly)).account.several_prices == 0


@pytest.mark.parametrize(("whole", "says"), [(True, True), (False, False)])
def test_prices_that_grow_with_the_pieces_are_said_to_look_like_those_of_whole_lines(whole: bool, says: bool) -> None:
    """Four dearer products are bought by more pieces at once, which says nothing: it is within products that counts."""
    rows = np.arange(160)
    pieces = 1 + rows % 4 + rows // 40
    each = (1.0 + rows // 40) * 0.95**pieces
    frame = bought(160, item=(rows // 40).astype(str), quantity=pieces, price=each * pieces if whole else each)
    assert ("as if each was that of all its pieces" in told(described(frame))) is says


def test_what_is_not_there_cannot_be_said() -> None:
    page = told(described(bought()))
    cannot = page[page.index("cannot say") :]
    for what in ("conversion", "the year's seasons: 10 days", "first sale", "returns", "sold out", "margins"):
        assert what in cannot


def test_few_users_are_not_counted() -> None:
    assert "users: 7 with a name" in told(described(bought()))
    assert "users: fewer than 8" in told(described(bought()), least=8)


def test_codes_that_are_no_products_are_named() -> None:
    frame = pd.concat([bought(), bought(2).assign(item="POST")])
    assert "no products: POST (2)" in told(described(frame))


def test_a_history_of_ours_is_described_like_its_tables(tmp_path: Path) -> None:
    taking.convert(tmp_path / "shop", None, None, encrypted=False, invoices=bought())
    assert told(taking.describe(invoices=tmp_path / "shop")) == told(described(bought()))


def test_the_columns_that_are_told_read_the_table_alike(tmp_path: Path) -> None:
    frame = bought()
    found = described(frame)
    assert found.columns is not None
    (tmp_path / "columns.toml").write_text(found.columns.text())
    again = described(frame, columns=tmp_path / "columns.toml")
    assert again.columns == found.columns
    assert told(again) == told(found)


@pytest.mark.data
def test_the_gift_shop_has_several_prices_in_two_weeks_of_five(data: Path) -> None:
    """As its weeks and products tell, counted by pandas."""
    file = data / "online_retail" / "online_retail_2009_2010.parquet"
    lines = History.read(invoices=file).buys
    weeks = lines["time"].astype("int64") // (7 * 86_400_000_000_000)
    prices = lines.groupby([lines["item"], weeks])["price"]
    counted = (prices.max() > prices.min()).mean()
    assert taking.describe(invoices=file).account.several_prices == pytest.approx(counted)


def test_conversion_is_not_told_where_views_were_not_recorded_for_weeks() -> None:
    days = pd.date_range("2024-01-01 10:00", periods=60)
    buys = pd.DataFrame({"user": "u", "item": "tea", "action": "buy", "time": days})
    views = buys.assign(action="view")
    goods = pd.DataFrame({"id": ["tea"]})
    for seen, said in (
        (views, "conversion: 100.00% of views"),
        (views[40:], "no views are on record from 2024-01-01 to"),
    ):
        text = told(taking.describe(goods=goods, behavior=pd.concat([buys, seen]).sort_values("time")))
        assert said in text
    assert "to 2024-02-09" in text


def test_one_user_with_a_tenth_of_the_purchases_may_be_a_tills_for_everybody() -> None:
    """Half of the rows are of customer 3, the others of seven each as often."""
    rows = np.arange(70)
    page = told(described(bought(70, customer=np.where(rows % 2, 3, rows % 7))))
    assert "who comes again: one user has 57% of the purchases; if that is a till's customer for everybody" in page


def test_customers_who_buy_alike_are_not_taken_for_a_till() -> None:
    assert "till" not in told(described(bought(70)))
