"""A shop whose prices are not on record: they are put in where money is asked for, and money counts pieces."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from made_sales import history as made_history

from simulator.calibration import Calibrated, calibrate
from simulator.calibration.prices import fit
from simulator.calibration.sales import sales
from simulator.history import History


@pytest.fixture(scope="module")
def free() -> History:
    """No price of anything."""
    made = made_history(days=140, products=30)
    return replace(made, lines=made.lines.assign(price=np.nan), goods=made.goods.assign(price=np.nan))


@pytest.fixture(scope="module")
def market(free: History) -> Calibrated:
    return calibrate(free, seeds=2)


def test_a_line_has_its_products_price_and_that_the_median_of_all() -> None:
    made = made_history(days=60, products=4)
    goods = made.goods.assign(price=[2.0, np.nan, 10.0, 4.0])
    paid = made.lines["price"].where(made.lines["quantity"] == 1)
    found = replace(made, goods=goods, lines=made.lines.assign(price=paid)).priced()
    assert found.goods["price"].tolist() == [2.0, 4.0, 10.0, 4.0]
    usual = found.goods["price"].to_numpy()[made.lines["item"]]
    np.testing.assert_array_equal(found.lines["price"], np.where(paid.notna(), paid, usual))


def test_its_market_counts_pieces_and_says_so(market: Calibrated) -> None:
    assert {product.price for product in market.scenario.products} == {1.0}
    assert "No price is on record" in market.scenario.calibration


def test_its_market_is_not_judged_by_money(market: Calibrated) -> None:
    told = pd.concat([market.fit["metric"], market.series["measure"], market.shapes["metric"]])
    assert not told.str.contains("revenue|price|value").any()
    assert {"weekly pieces", "pieces a line"} <= set(told)


def test_prices_that_never_change_tell_no_sensitivity(free: History) -> None:
    (why,) = (one.why for one in fit(sales(free.priced()), np.ones(30)).part.parameters if "sensitivity" in one.place)
    assert why == "no product's price ever changed"
