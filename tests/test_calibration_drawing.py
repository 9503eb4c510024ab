"""What wants that draw and choose are expected to buy, beside wants that are drawn one by one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from made_sales import history as made_history
from made_sales import made

from simulator.calibration import calibrate
from simulator.calibration.bestsellers import bestsellers
from simulator.calibration.drawing import Drawing
from simulator.calibration.sales import Floats
from simulator.calibration.seasons import season

DRAWS = 20
EVEN = np.ones(1)


def drawn(popularity: Floats, worth: Floats, size: int, taste: float, n: int = 60_000) -> Floats:
    """(K,) expected lines of n visits of so many wants, each of which considers different products anew."""
    random = np.random.default_rng(0)
    K = len(popularity)
    taken, every, lines = np.zeros((n, K), bool), np.arange(n), np.zeros(K)
    felt = worth * np.exp(taste * random.normal(size=(n, K)))
    for _ in range(size):
        considered = np.zeros((n, K), bool)
        considered[every[:, None], random.choice(K, (n, DRAWS), p=popularity)] = True
        wanted = np.where(considered & ~taken, felt, 0.0)
        total = wanted.sum(axis=1)
        some = total > 0
        lines += (wanted[some] / total[some, None]).sum(axis=0)
        place = (random.random(n) * total)[:, None]
        taken[every[some], (wanted.cumsum(axis=1) <= place).sum(axis=1)[some]] = True
    return lines


def shares(K: int, steep: float) -> Floats:
    found = np.arange(1, K + 1) ** -steep
    return np.asarray(found / found.sum())


@pytest.mark.parametrize("taste", [0.0, 1.0])
@pytest.mark.parametrize(("K", "steep"), [(12, 1.0), (60, 1.4), (300, 1.0)])
def test_expected_lines_are_those_of_wants_drawn_one_by_one(K: int, steep: float, taste: float) -> None:
    popularity, worth = shares(K, steep), shares(K, 0.6) * K
    seen = drawn(popularity, worth, 1, taste)
    told = Drawing(DRAWS, np.ones(1), np.ones(1), taste).lines(popularity, worth, EVEN, np.ones((K, 1)))
    assert np.abs(told - seen / seen.sum()).sum() < 0.02
    np.testing.assert_allclose(told[:5], (seen / seen.sum())[:5], rtol=0.02)


@pytest.mark.parametrize(("K", "steep", "size"), [(60, 1.0, 4), (300, 1.0, 12)])
def test_further_wants_of_a_visit_take_what_is_left(K: int, steep: float, size: int) -> None:
    """Were each a first one, the best would be sold a third too often, or four times."""
    popularity, worth = shares(K, steep), shares(K, 0.6) * K
    seen = drawn(popularity, worth, size, 0.0, n=12_000)
    told = Drawing(DRAWS, np.array([1.0 * size]), np.array([1 / size]), 0.0).lines(
        popularity, worth, EVEN, np.ones((K, 1))
    )
    assert np.abs(told - seen / seen.sum()).sum() < 0.04
    np.testing.assert_allclose(told[:5], (seen / seen.sum())[:5], rtol=0.06)


@pytest.mark.parametrize("size", [1, 3])
def test_products_are_worth_so_much_that_wants_drawn_one_by_one_have_the_lines_asked_for(size: int) -> None:
    totals, popularity = shares(40, 1.0), shares(40, 0.4)
    visits = Drawing(DRAWS, np.array([1.0 * size]), np.array([1 / size]), 1.0)
    worth = visits.worth(popularity, np.ones(40), totals, EVEN, np.ones((40, 1)))
    seen = drawn(popularity, worth, size, 1.0)
    np.testing.assert_allclose(seen[:10] / seen.sum(), totals[:10], rtol=0.06)


def test_what_is_on_sale_for_half_of_the_time_is_worth_more() -> None:
    """Of two halves of a shelf that sell as much, in lines that come evenly."""
    lift = np.ones((40, 10))
    lift[20:, :5] = 0.0
    visits = Drawing(DRAWS, np.ones(1), np.ones(1), 0.0)
    worth = visits.worth(np.ones(40), np.ones(40), np.ones(40), np.ones(10), lift)
    sold = visits.lines(np.ones(40) / 40, worth, np.ones(10), lift)
    np.testing.assert_allclose(sold / sold.sum(), 1 / 40, rtol=0.05)
    assert worth[20:].min() > 2 * worth[:20].max()


def test_a_product_that_all_visits_take_is_worth_as_much_as_worth_goes() -> None:
    """Of two, in visits of one, the other never: nothing is worth that."""
    visits = Drawing(DRAWS, np.ones(1), np.ones(1), 1.0)
    worth = visits.worth(np.ones(2), np.ones(2), np.array([1.0, 1e-9]), EVEN, np.ones((2, 1)))
    assert np.isfinite(worth).all()
    assert 100 < worth[0] / worth[1] < 1e5


def test_visits_are_as_large_and_as_many_as_the_shops() -> None:
    sales = made(120, further=6.0)
    found = Drawing.of(sales, DRAWS, 1.0)
    assert found.sizes @ found.visits == pytest.approx(1.0)
    assert found.visits.sum() * len(sales.items) == pytest.approx(len(sales.times))


def test_the_market_of_a_shops_bestsellers_sells_each_as_often() -> None:
    """A third of the lines are one product's: by its share alone it would sell a quarter too little. Of 18 others, ten
    are kept.
    """
    made_up = made_history(days=140, products=30)
    items = np.where(made_up.lines["item"] < 12, 0, made_up.lines["item"]).astype(np.int32)
    history = replace(made_up, lines=made_up.lines.assign(item=items))
    found = calibrate(history, seeds=0, products=11)
    seasons = [season(found.scenario, seed) for seed in range(6)]
    sold = np.sum([np.bincount(one.items, minlength=11) for one in seasons], axis=0) / 6
    kept = bestsellers(history, 11).lines.drop_duplicates(["order", "item"])["item"]
    place = [product.title for product in found.scenario.products].index(history.goods["title"][0])
    assert len(sold) == 11
    assert sold.sum() == pytest.approx(len(kept), rel=0.05)
    assert sold[place] / sold.sum() == pytest.approx((kept == 0).mean(), rel=0.05)
