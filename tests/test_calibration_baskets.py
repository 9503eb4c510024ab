"""How many products a visit buys, where what a customer buys on one day is one visit."""

from __future__ import annotations

import numpy as np
import pytest
from made_sales import FIRST

from simulator.calibration import baskets
from simulator.calibration.customers import Customers
from simulator.calibration.part import Parameter
from simulator.calibration.sales import Bought, Sales, gathered

SHAPE, TWICE, USERS, DAYS = 2.0, 0.25, 400, 40


def sold(more: float = 3.0) -> Sales:
    """Each customer comes on every day, on a quarter of them twice; a visit buys 1 + NB(more, 2), all alike."""
    random = np.random.default_rng(0)
    visits = 1 + (random.random((USERS, DAYS)) < TWICE)
    user, day = (np.repeat(column.ravel(), visits.ravel()) for column in np.indices((USERS, DAYS)))
    number = 1 + random.poisson(more * random.gamma(SHAPE, 1 / SHAPE, len(user)))
    lines = np.repeat(np.arange(len(user)), number)
    ones = np.ones(len(lines), np.int64)
    items = np.arange(len(lines)) % 1000  # no product twice
    bought = Bought(day[lines] + 0.5, user[lines], lines, items, ones, ones * 1.0, 0 * ones)
    return gathered(bought, FIRST, DAYS, 1000, np.empty(0))


def who(twice: float) -> Customers:
    """Customers of one kind, so many of whose visits are two."""
    one, kinds = np.ones(1), np.ones((USERS, 1))
    return Customers(one, one, one, USERS, 0.0, 0.0, 0.001, kinds, twice=np.array([twice]))


def shape(twice: float) -> Parameter:
    """As it is fitted by who thinks so many of the visits two."""
    return next(one for one in baskets.fit(sold(), who(twice)).parameters if one.place == "baskets.shape")


def test_visits_that_were_two_on_one_day_do_not_pass_for_visits_that_differ_more() -> None:
    found, naive = shape(TWICE), shape(0.0)
    assert found.value == pytest.approx(SHAPE, abs=3 * found.error)
    assert naive.value < SHAPE - 6 * naive.error


def test_baskets_of_a_single_line_each_are_fitted_too() -> None:
    found = {one.place: one.value for one in baskets.fit(sold(more=0.0), who(TWICE)).parameters}
    assert np.isfinite(list(found.values())).all()
