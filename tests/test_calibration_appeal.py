"""What products are worth, and what their titles tell of it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from made_sales import made

from simulator.calibration import appeal
from simulator.calibration.categories import categories
from simulator.calibration.part import IDENTIFIED, WEAK, Parameter
from simulator.calibration.sales import Sales

THINGS = [f"{a}{b}" for a in ("mug", "bag", "box", "tin", "pot") for b in ("chintz", "gingham", "paisley", "tartan")]
PRODUCTS = 400


def told(titles: np.ndarray, worth: np.ndarray) -> Parameter:
    """What groups of these titles tell of products that are worth so much."""
    goods = pd.DataFrame({"title": titles, "category": pd.NA})
    return appeal.worth(np.exp(worth), np.unique(categories(goods), return_inverse=True)[1])


def only(sales: Sales, kept: np.ndarray) -> Sales:
    """These sales with some of their lines alone."""
    columns = {name: getattr(sales, name)[kept] for name in ("visits", "items", "pieces", "prices", "returned")}
    return replace(sales, **columns)


@pytest.fixture(scope="module")
def shop() -> tuple[np.ndarray, np.ndarray]:
    """Titles of three words and a number, the middle one says half of the variance of the log of a product's share."""
    random = np.random.default_rng(0)
    kind = random.integers(len(THINGS), size=PRODUCTS)
    titles = np.array([f"lovely {THINGS[i]} {n}" for n, i in enumerate(kind)])
    return titles, random.normal(size=len(THINGS))[kind] + random.normal(size=PRODUCTS)


def test_titles_tell_what_products_are_worth_where_they_do(shop: tuple[np.ndarray, np.ndarray]) -> None:
    found = told(*shop)
    assert (found.status, found.value) == (IDENTIFIED, pytest.approx(0.5, abs=0.12))


def test_shuffled_titles_lose_what_text_is_worth(shop: tuple[np.ndarray, np.ndarray]) -> None:
    titles, worth = shop
    random = np.random.default_rng(1)
    lost = [told(random.permutation(titles), worth) for _ in range(20)]
    values = np.array([one.value for one in lost])
    assert np.abs(values).max() < 3 * lost[0].error
    assert abs(values.mean()) < 3 * lost[0].error / np.sqrt(20)
    assert {one.status for one in lost} == {WEAK}


def test_rates_before_age_and_season_give_each_product_its_lines() -> None:
    random = np.random.default_rng(0)
    traffic, lift = random.uniform(50, 200, 40), random.uniform(0.5, 2.0, (12, 40))
    lift[3, :20] = lift[4, 30:] = 0.0  # launched, delisted
    truth = random.uniform(0.1, 1.0, 12)
    share = truth[:, None] * lift / (truth @ lift)
    rates = appeal.bases(share @ traffic, traffic, lift)
    assert np.abs(rates / rates.sum() - truth / truth.sum()).max() < 1e-4


def test_a_launch_that_fades_begins_above_its_mean() -> None:
    lift = np.ones((2, 30))
    lift[0] = np.exp(-0.1 * np.arange(30))
    rates = appeal.bases(np.array([300.0, 2700.0]), np.full(30, 100.0), lift)
    first, mean = rates[0] / rates.sum(), 300 / 3000
    assert first > 2 * mean


@pytest.mark.parametrize("day", [3, 25, 26])
def test_a_launch_is_found_to_the_day_where_its_product_sells_daily(day: int) -> None:
    """Each of 20 products sells three times a day."""
    sales = made(84, products=20)
    kept = (sales.items != 7) | (sales.times[sales.visits] >= day)
    nothing = np.full(20, np.nan)
    listed = appeal.on_shelf(only(sales, kept), np.zeros(20, np.int64), nothing, nothing).listed
    assert listed[7] == day
    assert set(np.delete(listed, 7)) == {0.0}


def test_in_a_shop_that_grows_launches_are_worth_no_more_than_what_was_there_before() -> None:
    """Each of 20 products sells three times a day while it is there: five at first, then one more a week."""
    sales = made(140, products=20)
    launched = 7 * np.maximum(np.arange(20) - 4, 0)
    kept = sales.visit_days[sales.visits] >= launched[sales.items]
    nothing = np.full(20, np.nan)
    settings = appeal.fit(only(sales, kept), np.zeros(20, np.int64), nothing, nothing).part.settings
    worth = np.log(settings["products.popularity"]) + settings["products.quality"]
    assert worth[5:].mean() - worth[:5].mean() == pytest.approx(0, abs=0.1)


@pytest.mark.parametrize("ramp", [0.0, 1.0])
def test_a_ramp_is_found_where_launches_sell_little_at_first_and_none_where_they_do_not(ramp: float) -> None:
    """Each of 40 products sells three times a day; 30 of them come in the course of the year, and begin below that."""
    sales = made(364, products=40)
    launched = np.where(np.arange(40) < 10, -1e3, 9.0 * np.arange(40) - 60)
    age = sales.times[sales.visits] - launched[sales.items]
    kept = np.random.default_rng(0).random(len(age)) < (age > 0) * np.exp(-ramp * np.exp(-np.maximum(age, 0) / 14))
    nothing = np.full(40, np.nan)
    part = appeal.fit(only(sales, kept), np.zeros(40, np.int64), nothing, nothing).part
    assert part.settings["life.ramp"] == pytest.approx(ramp, abs=0.15)


def test_what_had_only_been_silent_is_still_on_sale_and_what_sold_daily_until_then_is_not() -> None:
    """100 products sell on and off: each week one in six is there. 30 others sell four times a week, until day 180."""
    sales = made(364, products=130)
    day, week = sales.visit_days[sales.visits], sales.visit_weeks[sales.visits]
    on = np.random.default_rng(0).random((100, 52)) < 1 / 6
    kept = np.where(sales.items < 100, on[np.minimum(sales.items, 99), week], day < 180)
    nothing = np.full(130, np.nan)
    delisted = appeal.on_shelf(only(sales, kept), np.zeros(130, np.int64), nothing, nothing).delisted
    assert np.isfinite(delisted[100:]).all()
    assert np.isfinite(delisted[:100]).mean() < 0.1


def _thinned(days: int, wanted: np.ndarray) -> Sales:
    """Lines of 40 products, kept with the chance (40, days) wanted."""
    sales = made(days, traffic=400.0, guests=1.0, products=40, further=3.0)
    day = sales.visit_days[sales.visits]
    return only(sales, np.random.default_rng(0).random(len(sales.items)) < wanted[sales.items, day])


def _waves(sales: Sales) -> tuple[np.ndarray, np.ndarray]:
    found = appeal.fit(sales, np.zeros(40, int), np.full(40, np.nan), np.full(40, np.nan)).part.settings
    return np.array(found["products.season"]), np.array(found["products.season_peak"])


def test_products_on_offer_now_and_then_have_no_large_yearly_waves_though_little_of_a_year_is_known() -> None:
    random = np.random.default_rng(0)
    offered = np.repeat(random.random((40, 18)) < 0.15, 7, axis=1)
    season, _ = _waves(_thinned(126, np.where(offered, 1.0, 0.1)))
    assert season.max() < 1.5


def test_yearly_waves_are_found() -> None:
    """Of amplitude 1, half with the peak in spring and half in autumn."""
    peak = np.where(np.arange(40) % 2, 100.0, 282.6)
    wanted = np.exp(np.cos(2 * np.pi * (np.arange(364) - peak[:, None]) / 365.25) - 1)
    season, when = _waves(_thinned(364, wanted))
    assert season == pytest.approx(np.ones(40), abs=0.15)
    assert np.cos(2 * np.pi * (when - peak) / 365.25).min() > 0.98
