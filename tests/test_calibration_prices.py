"""Prices of a shop: price sensitivity where prices move by themselves, a refusal where they fall with the quantity."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from made_sales import FIRST

from simulator.calibration import prices
from simulator.calibration.part import NOT
from simulator.calibration.sales import Bought, Sales, gathered

PRODUCTS, WEEKS = 60, 40


def _sales(elasticity: float, *, quantity_discount: bool = False, shuffled: bool = False, lines: float = 12) -> Sales:
    """Orders of each product and week are Poisson, their mean falling with the price of the week."""
    random = np.random.default_rng(0)
    price = 5.0 * np.exp(0.3 * random.normal(size=(PRODUCTS, WEEKS)))
    orders = random.poisson(lines * (price / 5.0) ** elasticity)
    if shuffled:
        price = np.array([random.permutation(row) for row in price])
    item, week = (np.repeat(place.ravel(), orders.ravel()) for place in np.indices(price.shape))
    pieces = random.choice([1, 2, 12, 48], len(item)) if quantity_discount else np.ones(len(item), int)
    paid: Any = price[item, week] * np.where(pieces >= 12, 0.7, 1.0)
    times = 7.0 * week + random.uniform(0, 7, len(item))
    order = np.argsort(times, kind="stable")
    guest = np.full(len(item), -1)
    bought = Bought(times, guest, np.arange(len(item)), item, pieces, paid, np.zeros(len(item), int))
    bought = Bought(*(getattr(bought, name)[order] for name in Bought.__dataclass_fields__))
    return gathered(bought, FIRST, 7 * WEEKS, PRODUCTS, np.empty(0))


def test_prices_that_move_by_themselves_give_their_elasticity_in_every_way() -> None:
    ways = prices.elasticities(_sales(-1.5))
    assert ways["elasticity"].to_numpy() == pytest.approx(-1.5, abs=0.1)


def test_shuffled_prices_lose_the_elasticity() -> None:
    """With so many lines the error is .006, that of the same lines unshuffled, which say -1.5."""
    shuffled = _sales(-1.5, shuffled=True, lines=120)
    ways = prices.elasticities(shuffled)
    assert np.abs(ways["elasticity"]).max() < 0.02
    fitted = prices.fit(shuffled, np.full(PRODUCTS, 5.0))
    assert fitted.part.settings["users.price_sensitivity"] == 0.0


def test_prices_that_fall_with_the_quantity_are_said_not_to_tell() -> None:
    part = prices.fit(_sales(-0.5, quantity_discount=True), np.full(PRODUCTS, 5.0)).part
    told = next(one for one in part.parameters if one.place == "users.price_sensitivity")
    assert (told.status, told.value, "disagree" in told.why) == (NOT, 0.0, True)


def test_draws_of_an_identified_price_sensitivity_spread_by_its_error() -> None:
    part = prices.fit(_sales(-1.5), np.full(PRODUCTS, 5.0)).part
    told = next(one for one in part.parameters if one.place == "users.price_sensitivity")
    random = np.random.default_rng(0)
    drawn = np.array([part.draw(random)["users.price_sensitivity"] for _ in range(2_000)])
    assert told.value > 3 * told.error > 0
    assert drawn.mean() == pytest.approx(told.value, abs=4 * told.error / np.sqrt(2_000))
    assert drawn.std() == pytest.approx(told.error, rel=0.07)


def test_what_is_stated_or_not_told_is_the_same_in_every_draw() -> None:
    for sales, stated in ((_sales(-1.5), 0.2), (_sales(-0.5, quantity_discount=True), None)):
        part = prices.fit(sales, np.full(PRODUCTS, 5.0), stated=stated).part
        assert part.draw(np.random.default_rng(0)) == {}


def test_what_the_user_states_is_taken() -> None:
    part = prices.fit(_sales(-0.5), np.full(PRODUCTS, 5.0), stated=0.2).part
    assert part.settings["users.price_sensitivity"] == 0.2


def test_a_quantity_break_is_found_where_it_begins() -> None:
    random = np.random.default_rng(0)
    pieces = random.choice([1, 2, 6, 12, 24, 48], 2_000)
    full = 5.0 * pieces
    breaks = prices.quantity_breaks(pieces, full * np.where(pieces >= 24, 0.8, 1.0), full)
    assert breaks == [{"at": 24, "off": pytest.approx(0.2)}]


def test_breaks_bring_the_money_that_was_paid_where_only_some_pay_less_for_many() -> None:
    """The usual price of many is that of few, their mean is lower: a median would take nothing off."""
    random = np.random.default_rng(0)
    pieces = random.choice([1, 144], 2_000)
    full = 5.0 * pieces
    paid = full * np.where((pieces == 144) & (random.random(2_000) < 0.4), 0.5, 1.0)
    (step,) = prices.quantity_breaks(pieces, paid, full)
    many = pieces == 144
    assert (full * (1 - step["off"]))[many].sum() == pytest.approx(paid[many].sum())


def test_guests_bring_the_money_that_they_paid() -> None:
    """Half of them pay twice the usual price."""
    random = np.random.default_rng(0)
    guest, dear = random.random(4_000) < 0.3, random.random(4_000) < 0.5
    paid = np.where(guest & dear, 10.0, 5.0)
    users, visits = np.where(guest, -1, np.arange(4_000)), np.arange(4_000)
    one = np.ones(4_000, int)
    sales = gathered(Bought(visits / 40, users, visits, 0 * one, one, paid, 0 * one), FIRST, 100, 1, np.empty(0))
    level = prices.fit(sales, np.full(1, 5.0)).part.settings["users.segments.price"]
    assert level * 5.0 * guest.sum() == pytest.approx(paid[guest].sum())
