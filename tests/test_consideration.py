"""Consideration: what is drawn of a shelf, how often, and that it belongs to the visit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numba import njit
from seasons import Fixed, market, product, season

from simulator import streams
from simulator.catalogue import Catalogue
from simulator.consideration import Consideration, chances, consider

N = 20_000


@njit(cache=True)
def _drawn(
    draws: int, focus: float, order: Any, ends: Any, guide: Any, edges: Any, categories: Any, on_shelf: Any
) -> Any:
    shelf, seen, alike = np.flatnonzero(on_shelf), np.zeros((N, len(categories)), np.bool_), np.zeros(N)
    considered = np.empty(max(draws, len(shelf)), np.int64)
    for i in range(N):
        luck = streams.mix(np.uint64(3), np.uint64(i))
        n = consider(
            luck, np.uint64(9), draws, focus, order, ends, guide, edges, categories, shelf, on_shelf, considered
        )
        for j in range(n):
            seen[i, considered[j]] = True
            alike[i] += categories[considered[j]] == categories[considered[0]]
    return seen, alike


def drawn(considered: int | None, focus: float, on_shelf: np.ndarray, n_categories: int = 3) -> Any:
    products = [product(k, incumbent=True, popularity=k + 1.0, category=f"c{k % n_categories}") for k in range(12)]
    scenario = season(products=products, shelf={"considered": considered, "focus": focus})
    catalogue = Catalogue(scenario, 0)
    one = Consideration(scenario, catalogue)
    return _drawn(one.draws, one.focus, one.order, one.ends, one.guide, one.edges, catalogue.categories, on_shelf)


POPULARITY = np.arange(1, 13) / 78
ALL = np.ones(12, bool)


def test_products_are_considered_as_often_as_they_are_popular() -> None:
    shares = drawn(4, 0.0, ALL)[0].mean(axis=0)
    expected = 1 - (1 - POPULARITY) ** 4
    assert (np.abs(shares - expected) < 4.5 * np.sqrt(expected * (1 - expected) / N)).all()


def test_a_focused_want_stays_in_the_category_of_its_first_product() -> None:
    assert (drawn(6, 1.0, ALL)[1] == drawn(6, 1.0, ALL)[0].sum(axis=1)).all()
    two = drawn(2, 0.5, ALL)[0]
    pair = two[two.sum(axis=1) == 2]
    categories = np.arange(12) % 3
    same = np.array([len(set(categories[row])) == 1 for row in pair[:8000]]).mean()
    share = np.bincount(categories, POPULARITY)
    # by popularity: both in a category, and different; of the focused half the second is drawn within the category
    within = [np.sum((POPULARITY[categories == c] / share[c]) ** 2) for c in range(3)]
    repeated = 0.5 * (POPULARITY @ POPULARITY) + 0.5 * share @ within
    together = 0.5 * (share @ share - POPULARITY @ POPULARITY) + 0.5 * share @ (1 - np.array(within))
    assert abs(same - together / (1 - repeated)) < 4 * np.sqrt(0.25 / 8000)


def test_a_want_that_draws_more_or_less_finds_products_by_its_generating_function() -> None:
    """Against numbers of draws that numpy makes: 1 + negative binomial."""
    number = 1 + np.random.default_rng(0).negative_binomial(0.7, 0.7 / (0.7 + 5), 200_000)
    drawn = 1 - (1 - POPULARITY[:, None]) ** number
    assert chances(POPULARITY, 6, 0.7) == pytest.approx(drawn.mean(axis=1), abs=4 * 0.5 / np.sqrt(200_000))


def test_visits_that_draw_more_or_less_meet_their_want_as_often_as_the_law_says() -> None:
    """Two equal products, of which a visit finds one or both; each of what it finds weighs as much as leaving."""
    products = [product(k, incumbent=True) for k in range(2)]
    users = {"population": 500, "features": 1, "taste": 0.0, "price_sensitivity": 0.0, "durable": False}
    about = {
        "choice": {"leaving": 0.0, "social_proof": 0.0},
        "days": 20.0,
        "users": users,
        "buying": {"settle_days": 0.0},
    }
    shelf = {"considered": 3, "shape": 0.5, "offers": "all"}
    table = market(season(products=products, shelf=shelf, **about), Fixed([]), seed=1).ledger
    one = (1 + 2 * 0.5 / 0.5) ** -0.5  # E[(1/2)^further], mean 2, shape .5
    bought = len(table.table("purchases")) / len(table.table("visits"))
    assert abs(bought - (one / 2 + (1 - one) * 2 / 3)) < 4 * np.sqrt(0.25 / len(table.table("visits"))) + 0.01


def test_what_leaves_the_shelf_changes_nothing_else_of_what_is_considered() -> None:
    left = ALL.copy()
    left[[2, 7, 11]] = False
    before, after = drawn(5, 0.6, ALL)[0], drawn(5, 0.6, left)[0]
    np.testing.assert_array_equal(after, before & left)


def test_without_a_number_all_of_the_shelf_is_considered() -> None:
    left = ALL.copy()
    left[4] = False
    assert (drawn(None, 0.0, left)[0] == left).all()
