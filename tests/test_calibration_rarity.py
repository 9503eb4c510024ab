"""A long tail: how often what was sold once really sells, and how many more products there are."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from made_sales import FIRST
from made_sales import history as made_history
from scipy.stats import poisson

from simulator.calibration import calibrate
from simulator.calibration.rarity import not_sold_yet, often, turing
from simulator.calibration.sales import Sales, sales
from simulator.calibration.seasons import season
from simulator.history import History

SLOW, FAST, TAIL = 0.2, 20.0, 2_000


def test_what_was_sold_once_sells_as_the_rates_of_all_let_expect() -> None:
    """Nine of ten products at .2 lines a year, the tenth at 20; Bayes' rule for each count and time in closed form."""
    random = np.random.default_rng(0)
    rates = np.where(random.random(20_000) < 0.9, SLOW, FAST)
    times = random.choice([0.05, 0.5, 1.0], 20_000)
    counts = random.poisson(rates * times).astype(float)
    slow, fast = 0.9 * poisson.pmf(counts, SLOW * times), 0.1 * poisson.pmf(counts, FAST * times)
    found, told = often(counts, times), (slow * SLOW + fast * FAST) / (slow + fast)
    assert told[(counts == 1) & (times == 1)][0] < 0.5  # its own rate would be 1
    for cell in [(counts == n) & (times == t) for n in (0, 1) for t in (0.05, 0.5, 1.0)]:
        assert found[cell].mean() == pytest.approx(told[cell].mean(), rel=0.3)


@pytest.mark.parametrize("rate", [0.4, 0.7, 1.5])
def test_products_that_sell_alike_and_were_not_sold_yet_are_as_many_as_a_poisson_number_leaves_out(rate: float) -> None:
    counts = np.random.default_rng(1).poisson(rate, 20_000)
    assert not_sold_yet(counts[counts > 0]) == pytest.approx((counts == 0).sum(), rel=0.08)


@pytest.mark.parametrize("spread", [0.7, 1.5])
def test_what_was_sold_once_or_twice_sells_as_often_as_the_rates_of_such_products_are_in_the_mean(
    spread: float,
) -> None:
    """Rates are lognormal, of which the estimate knows nothing."""
    random = np.random.default_rng(3)
    rates = random.lognormal(0.0, spread, 50_000)
    counts = random.poisson(rates).astype(float)
    found = turing(counts)
    for n in (1, 2, 3):
        assert found[counts == n].mean() == pytest.approx(rates[counts == n].mean(), rel=0.05)
    assert found[counts > 3] == pytest.approx(counts[counts > 3])


def test_of_too_few_products_nothing_else_is_expected_than_what_they_sold() -> None:
    assert turing(np.array([1.0, 1, 2, 5])) == pytest.approx([1, 1, 2, 5])


@pytest.fixture(scope="module")
def tailed() -> History:
    """Lines of products all there from the start, of which a few make most: shares fall as a power of the rank."""
    history = made_history(days=210)
    random = np.random.default_rng(2)
    share = np.arange(1, TAIL + 1) ** -1.1
    items = random.choice(TAIL, len(history.lines), p=share / share.sum()).astype(np.int32)
    goods = pd.concat([history.goods.iloc[:1]] * TAIL, ignore_index=True)
    names = [f"{k}" for k in range(TAIL)]
    return replace(history, lines=history.lines.assign(item=items), goods=goods.assign(id=names, title=names))


def test_a_shop_of_many_seldom_sold_products_goes_on_selling_others(tailed: History) -> None:
    """Of the last third, what was never sold before: as many products, and as many lines, as in the shop."""
    found = calibrate(tailed, FIRST + pd.Timedelta(days=140), seeds=0)
    shop = np.array(_first_sold(sales(tailed)))
    market = np.mean([_first_sold(season(found.drawn(seed), seed)) for seed in range(4)], axis=0)
    assert market == pytest.approx(shop, rel=0.25)


def _first_sold(sold: Sales) -> tuple[int, int]:
    """Products and their lines of days 140 to 210 that were not sold before day 140."""
    late = sold.visit_days[sold.visits] >= 140
    before, after = sold.items[~late], sold.items[late]
    new = after[~np.isin(after, before)]
    return len(np.unique(new)), len(new)
