"""Launches told from old products that were silent for long, in made-up shops that had both, or one of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from simulator.calibration.newness import newness

Table = np.ndarray[Any, Any]
WEEKS = 52


def old(products: int, rate: float, seed: int = 0) -> Table:
    """Lines of products that were there from the start, sold on and off: on for a twelfth of the time."""
    random = np.random.default_rng(seed)
    on = random.random((products, WEEKS)) < 1 / 12
    return random.poisson(rate, (products, WEEKS)) * on


def launched(products: int, rate: float, seed: int = 1) -> Table:
    """Lines of products that are launched on weeks spread over the year, and sell from then on."""
    random = np.random.default_rng(seed)
    listed = random.integers(4, WEEKS - 8, products)
    return random.poisson(rate, (products, WEEKS)) * (np.arange(WEEKS) >= listed[:, None])


def test_a_shop_without_launches_is_seen_to_have_next_to_none() -> None:
    """By a count seven of ten would be: they are first sold after the fourth week."""
    table = old(1000, 2.0)
    late = table[:, :4].sum(axis=1) == 0
    assert late.mean() > 0.6
    assert newness(table)[late].sum() < 0.1 * late.sum()


def rare(products: int, weeks: int, seed: int = 2) -> Table:
    """Lines of products that were there from the start and sell at Poisson rates, spread as a gamma, once a month."""
    random = np.random.default_rng(seed)
    return random.poisson(random.gamma(0.7, 0.3, (products, 1)), (products, weeks))


def test_half_a_year_of_products_that_are_seldom_bought_shows_next_to_no_launches() -> None:
    """Many are silent for longer than the record: a third looked new while nothing told how many."""
    table = rare(3000, 28)
    late = (table[:, :4].sum(axis=1) == 0) & (table.sum(axis=1) > 0)
    assert late.sum() > 1000
    assert newness(table)[late].sum() < 0.15 * late.sum()


def test_launches_beside_products_that_are_seldom_bought_are_found() -> None:
    table = np.concatenate([rare(3000, 28), launched(120, 4.0)[:, -28:]])
    came = table[3000:, :4].sum(axis=1) == 0
    assert newness(table)[3000:][came].mean() > 0.95


def test_no_launch_beside_old_products_is_missed() -> None:
    table = np.concatenate([old(1000, 2.0), launched(120, 4.0)])
    without = newness(old(1000, 2.0)).sum()
    assert newness(table).sum() == pytest.approx(120 + without, abs=30)


def test_what_sells_as_old_products_do_is_no_launch_and_what_sells_more_is() -> None:
    table = np.concatenate([old(1000, 2.0), launched(120, 20.0)])
    chance = newness(table)
    assert chance[1000:].mean() > 0.95
    assert chance[:1000].mean() < 0.1


def test_what_sold_in_the_first_week_or_never_is_no_launch() -> None:
    table = launched(50, 20.0)
    table[:2] = 0
    table[0, 0] = 1
    assert not newness(table)[:2].any()
