"""Baskets: the number of products of a visit, and that none of them comes twice."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numba import njit
from scipy import stats
from seasons import Fixed, Random, market, product, season, seasons

from simulator import streams
from simulator.baskets import further
from simulator.market import Market
from simulator.scenario import Scenario

MANY = [product(k, incumbent=True, price=5.0) for k in range(300)]


def visits(**about: Any) -> np.ndarray:
    """Products of each visit, in a shop of 300 products all of which are as likely, whose visitors never leave."""
    values = {"products": [*MANY, product(300, launch=0.0)], "shelf": {"considered": 5, "offers": "candidates"}}
    users = {"population": 4000, "features": 1, "durable": False} | about.pop("users", {})
    scenario = season(choice={"leaving": -50.0}, users=users, **{"arrivals": {"per_day": 1000.0}} | values | about)
    ledger = market(scenario, Fixed([0]), seed=1).ledger
    return ledger.table("purchases").groupby("visit").size().reindex(ledger.table("visits")["visit"]).to_numpy()


@njit(cache=True)
def _drawn(n: int, share: float, mean: float, shape: float) -> Any:
    counts = np.empty(n, np.int64)
    for i in range(n):
        counts[i] = further(streams.mix(np.uint64(5), np.uint64(i)), np.uint64(77), share, mean, shape)
    return counts


def test_further_wants_are_negative_binomial() -> None:
    counts = _drawn(40_000, 1.0, 6.0, 0.7)
    expected = stats.nbinom.pmf(np.arange(30), 0.7, 0.7 / 6.7) * 40_000
    assert (np.abs(np.bincount(counts, minlength=30)[:30] - expected) < 4.5 * np.sqrt(expected)).all()
    assert counts.max() > 40  # heavy tails


def test_their_share_of_visits_come_with_further_wants() -> None:
    none = (_drawn(40_000, 0.3, 4.0, 2.0) == 0).mean()
    assert abs(none - (0.7 + 0.3 * (2 / 6) ** 2)) < 4 * np.sqrt(0.2 / 40_000)


def test_a_visit_that_leaves_nothing_unmet_buys_one_and_its_further_wants() -> None:
    counts = visits(baskets={"products": 8.0, "shape": 1.5})
    expected = stats.nbinom.pmf(np.arange(25), 1.5, 1.5 / 9.5) * len(counts)
    assert (np.abs(np.bincount(counts - 1, minlength=25)[:25] - expected) < 4.5 * np.sqrt(expected)).all()


def test_weeks_of_the_year_have_their_own_number_of_further_wants() -> None:
    """A mean of 8 in a season of two weeks: 4 in the first, 16 in the second."""
    about = {"baskets": {"products": 8.0, "shape": 3.0, "weeks": [0.5, 2.0]}, "days": 14.0}
    arrivals = {"per_day": 300.0, "weekdays": [1.0] * 7}
    counts = visits(arrivals=arrivals, **about) - 1
    halves = counts[: len(counts) // 2 - 50], counts[len(counts) // 2 + 50 :]
    for half, mean in zip(halves, (4.0, 16.0), strict=True):
        assert abs(half.mean() - mean) < 4 * np.sqrt((mean + mean**2 / 3) / len(half)) + 0.02 * mean


def test_segments_have_their_own_means_and_shapes_and_users_their_spread() -> None:
    segments = [
        {"name": "few", "share": 0.5, "products": 0.0},
        {"name": "many", "share": 0.5, "products": 2.0, "shape": 50.0},
    ]
    counts = visits(baskets={"products": 5.0, "spread": 0.6}, users={"segments": segments, "zipf": 0.0})
    assert abs((counts == 1).mean() - 0.5) < 0.03
    many = counts[counts > 1] - 1
    # mean 10 of a log-normal Poisson: variance mean + mean^2 (exp(spread^2) - 1 + exp(spread^2) / 50)
    assert abs(many.mean() - 10) < 4 * many.std() / np.sqrt(len(many)) + 0.3  # users come again and again
    assert many.var() == np.clip(many.var(), 0.8 * 55, 1.25 * 55)


def test_wants_may_be_left_unmet_apart_from_the_first() -> None:
    scenario = season(
        products=[*MANY, product(300, launch=0.0)],
        shelf={"considered": 5, "offers": "candidates"},
        baskets={"products": 4.0, "leaving": -50.0},
        choice={"leaving": 50.0},
    )
    ledger = market(scenario, Fixed([0]), seed=1).ledger
    bought = len(ledger.table("purchases")) / ledger.n_visits
    assert abs(bought - 4) < 4 * np.sqrt(20 / ledger.n_visits)


@settings(max_examples=30, deadline=None)
@given(seasons(), st.integers(0, 5))
def test_no_product_comes_twice_in_a_basket_and_all_are_paid_together(scenario: Scenario, seed: int) -> None:
    purchases = market(scenario, Random(), seed).ledger.table("purchases")
    assert not purchases.duplicated(["visit", "product"]).any()
    assert (purchases.groupby("visit")[["time", "user"]].nunique() == 1).all(axis=None)
    assert (purchases[purchases["slot"] >= 0].groupby("visit").size() <= 1).all()


def test_what_all_visitors_want_beside_an_offer_is_the_mean_of_their_further_wants() -> None:
    """A tenth of visits with 6 in the first week of the year and 24 in the second, from half of all users."""
    segments = [{"name": "few", "share": 0.5, "products": 0.0}, {"name": "many", "share": 0.5, "products": 2.0}]
    scenario = season(
        days=14.0,
        products=[*MANY, product(300, launch=0.0)],
        users={"population": 4000, "segments": segments, "zipf": 0.0},
        shelf={"considered": 5, "offers": "candidates"},
        baskets={"products": 6.0, "share": 0.1, "weeks": [0.5, 2.0]},
    )
    opened = Market(scenario, Fixed([0]), 1)
    wants = [opened.everyone(day, opened.appeal).wants for day in (3.0, 10.0)]
    many = float((opened.users.segments == 1).mean())
    np.testing.assert_allclose(wants, [0.1 * 0.5 * 6 * 2 * many, 0.1 * 2.0 * 6 * 2 * many], rtol=1e-4)
