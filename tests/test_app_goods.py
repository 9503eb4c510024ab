"""The table of products: what is typed or read from a CSV, and what it changes in a scenario."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from benchmarks.app import goods
from benchmarks.app.goods import GoodsError
from benchmarks.sweeps.overrides import overridden
from simulator.scenario import Scenario

SPRING = Scenario.load("spring_launch")


def test_products_as_csv_come_back_as_they_were() -> None:
    rows = goods.rows(SPRING)
    assert goods.read(goods.written(rows).encode(), SPRING) == rows


@given(
    price=st.floats(0.01, 1e6),
    stock=st.none() | st.integers(0, 10**6),
    quality=st.floats(-5, 5),
    which=st.integers(0, 13),
)
@example(price=123456.789, stock=0, quality=-0.0, which=0)
def test_any_edited_product_survives_its_csv(price: float, stock: int | None, quality: float, which: int) -> None:
    rows = goods.rows(SPRING)
    rows[which] |= {"price": price, "stock": stock, "quality": quality}
    assert goods.read(goods.written(rows).encode(), SPRING) == rows


def test_a_table_as_it_was_changes_nothing() -> None:
    assert goods.changes(SPRING, goods.rows(SPRING)) == {}


def test_an_edited_cell_changes_that_cell_alone() -> None:
    rows = goods.edited(goods.rows(SPRING), 4, "stock", "750")
    assert goods.changes(SPRING, rows) == {"products.Linen shirt.stock": 750}
    assert overridden(SPRING, goods.changes(SPRING, rows)).products[4].stock == 750


def test_an_emptied_stock_is_never_sold_out() -> None:
    rows = goods.edited(goods.rows(SPRING), 4, "stock", " ")
    assert overridden(SPRING, goods.changes(SPRING, rows)).products[4].stock is None


def test_products_that_come_and_go_keep_what_the_table_does_not_show() -> None:
    shop = SPRING.changed(products=[*SPRING.products[:-1], SPRING.products[-1].model_copy(update={"popularity": 3.0})])
    content = (
        b"title;category;price;launch\nDenim jacket;tops;65,50;40\nRain cape;tops;80;10\nClassic white tee;tops;19;\n"
    )
    now = overridden(shop, goods.changes(shop, goods.read(content, shop)))
    assert [product.title for product in now.products] == ["Denim jacket", "Rain cape", "Classic white tee"]
    assert (now.products[0].popularity, now.products[0].price, now.products[0].stock) == (3.0, 65.5, 300)
    assert now.products[1].stock is None


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"title,price\nLinen shirt,cheap\n", "row 2, column price must be a number above 0, got 'cheap'"),
        (b"title,price\nLinen shirt,-3\n", "row 2, column price must be a number above 0, got '-3'"),
        (b"title,stock\nLinen shirt,2.5\n", "row 2, column stock must be a whole number from 0, or empty, got '2.5'"),
        (b"title,stok\nLinen shirt,2\n", "got 'stok', did you mean 'stock'?"),
        (b"price\n3\n", "CSV must have a column title, got price"),
        (b"title,title\na,b\n", "CSV columns must be unique, got 'title' twice"),
        (b"title,price\nLinen shirt,3,4\n", "row 2 must have 2 cells, got 3"),
        (b"title,price\nRain cape,3\n", "row 2, column category must be given for a new product, got none"),
        (b"title\nLinen shirt\nLinen shirt\n", "column title must be unique, got 'Linen shirt' 2 times"),
        (b"title\n", "CSV must have a header and 1 to 10,000 products, got 0"),
        (b"title\nLinen shirt\nCaf\xe9\n", "CSV line 3 must be UTF-8: save it as CSV UTF-8"),
        (b"title,incumbent\nLinen shirt,perhaps\n", "column incumbent must be yes or no, got 'perhaps'"),
        (b"PK\x03\x04" + bytes(range(32)) * 9, "CSV"),
        (b"title\n" + b"x\n" * 1_000_001, "CSV must have at most 2,000,000 bytes, got 2,000,008"),
    ],
)
def test_what_is_wrong_with_a_csv_is_said_in_one_line(content: bytes, said: str) -> None:
    with pytest.raises(GoodsError) as caught:
        goods.read(content, SPRING)
    assert said in str(caught.value)
    assert str(caught.value).count("\n") == 0


def test_many_faults_are_a_line_each_and_not_without_end() -> None:
    with pytest.raises(GoodsError) as caught:
        goods.read(b"title,price\n" + b"".join(b"p%d,x\n" % n for n in range(20)), SPRING)
    lines = str(caught.value).splitlines()
    assert lines[0] == "row 2, column price must be a number above 0, got 'x'"
    assert lines[-1] == "and 15 more"


def test_no_text_of_the_csv_starts_a_formula() -> None:
    rows = goods.edited(goods.rows(SPRING), 0, "title", "=HYPERLINK(1)")
    assert "'=HYPERLINK(1)" in goods.written(rows)


def test_two_products_cannot_be_called_the_same() -> None:
    with pytest.raises(GoodsError, match="row 2, column title must be unique, got 'Linen shirt'"):
        goods.edited(goods.rows(SPRING), 1, "title", "Linen shirt")
