"""Whether a decision survives calibration: how two orders of policies are compared, and what is asked of a market."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from benchmarks.suites.decision import PLACES, POLICIES, SEASONS, asked, hidden, judged, left, told
from simulator.scenario import Scenario

UNITS = 100.0 * np.arange(1, len(POLICIES) + 1)[:, None] + np.random.default_rng(0).normal(size=(6, SEASONS))
PAIRS = 15


def test_the_same_market_has_the_same_order() -> None:
    row = judged(UNITS, UNITS, UNITS)
    assert (row["tau"], row["apart in both"], row["wrong"], row["best holds"]) == (pytest.approx(1.0), PAIRS, 0, True)


def test_the_opposite_order_is_wrong_in_every_pair() -> None:
    row = judged(UNITS, -UNITS, UNITS)
    assert (row["tau"], row["wrong"], row["best holds"]) == (pytest.approx(-1.0), PAIRS, False)


def test_what_seasons_cannot_tell_apart_is_not_the_wrong_way_round() -> None:
    alike = np.random.default_rng(1).normal(size=UNITS.shape)
    assert judged(UNITS, alike, UNITS)["apart in both"] < PAIRS / 2


def test_the_ceiling_is_what_the_true_market_reaches_against_itself() -> None:
    """Two neighbours of six change places in other seasons: one of fifteen pairs is turned, so tau is 1 - 2 / 15."""
    row = judged(UNITS, -UNITS, UNITS[[0, 2, 1, 3, 4, 5]])
    assert (row["tau"], row["ceiling"]) == (pytest.approx(-1.0), pytest.approx(13 / 15))


def test_the_report_says_failures_too() -> None:
    table = pd.DataFrame([{"shop": n, **judged(UNITS, sign * UNITS, UNITS)} for n, sign in enumerate((1, 1, 1, -1))])
    assert "mean tau 0.50" in told(table)
    assert "its ceiling 1.00 ± 0.00, short of it by 0.50" in told(table)
    assert "of 60 pairs told apart in both markets 15 are the wrong way round" in told(table)


@pytest.fixture
def truth() -> Scenario:
    return hidden(np.random.default_rng(0))


def test_a_hidden_shop_shows_three_products_and_launches_most_of_them_later(truth: Scenario) -> None:
    launches = np.array([product.launch for product in truth.products])
    assert (truth.slots, (launches > 0).mean()) == (PLACES, pytest.approx(2 / 3))


def test_the_fitted_market_is_asked_the_question_of_the_shop(truth: Scenario) -> None:
    values = truth.model_dump()
    products = [{**row, "launch": None, "incumbent": True} for row in values["products"]]
    shelf = {"considered": 3, "offers": "all", "launches": True}
    choice = {**values["choice"], "examination": [1.0]}
    fitted = truth.changed(slots=1, products=products, shelf=shelf, choice=choice)
    again = asked(fitted)
    assert (again.slots, again.n_offered) == (PLACES, len(products))
    assert not any(product.incumbent for product in again.products)


def test_where_nobody_knows_who_left_as_many_do_as_are_stated(truth: Scenario) -> None:
    """Of three that all are worth 1 a visit leaves without any with the chance e^L / (3 + e^L)."""
    values = truth.model_dump()
    products = [{**row, "launch": 0.0, "quality": 0.0} for row in values["products"]]
    shelf = {"considered": 3, "offers": "all", "launches": True}
    page = left(truth.changed(products=products, shelf=shelf, users={**values["users"], "taste": 0.0}), 0.2)
    assert page.choice.leaving == pytest.approx(np.log(3 * 0.8 / 0.2), abs=1e-6)
    assert page.arrivals.per_day == pytest.approx(5 * truth.arrivals.per_day)
