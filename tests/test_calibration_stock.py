"""Stock-outs: weeks in which there was nothing to buy are no evidence that nobody wanted it."""

from __future__ import annotations

import numpy as np
import pytest

from envs.history import History, making
from simulator.calibration import sales
from simulator.calibration.appeal import on_shelf
from simulator.calibration.sales import Sales
from simulator.calibration.stock import believed, sold_out
from simulator.market import Market
from simulator.scenario import Scenario

PRODUCTS = 120
NOTHING = np.full(PRODUCTS, np.nan)
SCARCE = np.arange(PRODUCTS) % 2  # every other product has too little stock


@pytest.fixture(scope="module")
def shop() -> tuple[Sales, np.ndarray]:
    """A season in which all products are wanted alike, some five lines each, and every other has three pieces."""
    scarce = {"category": "scarce", "stock": 3}
    products = [
        {"title": f"{k}", "price": 5.0, "incumbent": True} | (scarce if SCARCE[k] else {"category": "plenty"})
        for k in range(PRODUCTS)
    ]
    scenario = Scenario.model_validate(
        {
            "title": "made",
            "about": "to be found again",
            "days": 98,
            "arrivals": {"per_day": 7},
            "users": {"population": 2000, "durable": False, "taste": 0.0},
            "choice": {"leaving": -20.0},
            "buying": {"prompt": 1.0, "prompt_minutes": 1e-6},
            "shelf": {"considered": 3},
            "products": [product | {"quality": 0.0} for product in products],
        }
    )
    market = Market(scenario, lambda visits, rows: np.full((rows.stop - rows.start, scenario.slots), -1), 3)
    market.run()
    tables = making.tables(market)
    history = History.read(goods=tables["goods"], invoices=tables["invoices"])
    return sales.sales(history), history.goods["stock"].to_numpy(float)


def demand(shop: Sales, left: np.ndarray) -> float:
    """What the scarce ones are wanted, relative to the others."""
    rates = on_shelf(shop, SCARCE, NOTHING, left).rates
    return float(rates[SCARCE == 1].mean() / rates[SCARCE == 0].mean())


def test_a_made_shop_has_the_stock_of_its_scenario(shop: tuple[Sales, np.ndarray]) -> None:
    assert np.nan_to_num(shop[1]).tolist() == [3.0 * scarce for scarce in SCARCE]


def test_demand_that_stock_cut_short_is_found_with_stock_and_underestimated_without(
    shop: tuple[Sales, np.ndarray],
) -> None:
    made, stock = shop
    gone = sold_out(made, stock)
    assert np.isfinite(gone[SCARCE == 1]).mean() > 0.7
    assert demand(made, gone) == pytest.approx(1.0, abs=0.15)
    assert demand(made, NOTHING) < 0.8


def test_stock_of_which_more_was_sold_says_nothing(shop: tuple[Sales, np.ndarray]) -> None:
    made, _ = shop
    assert np.isnan(sold_out(made, np.ones(PRODUCTS))[SCARCE == 0]).all()
    assert np.isnan(believed(made, np.ones(PRODUCTS))[SCARCE == 0]).all()
