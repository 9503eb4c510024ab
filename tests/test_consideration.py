"""Consideration: what is drawn of a shelf, how often, and that it belongs to the visit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numba import njit
from seasons import Fixed, market, product, season

from simulator import streams
from simulator.catalogue import Catalogue
from simulator.consideration import Listing, Sample, chances, draw

N = 20_000


@njit(cache=True)
def _drawn(draws: int, sample: Any, categories: Any, times: Any, listing: Any) -> Any:
    seen, alike = np.zeros((N, len(categories)), np.bool_), np.zeros(N)
    found, places, known = np.empty(len(categories) + 1, np.int64), np.empty(draws), np.zeros(len(categories), np.bool_)
    for i in range(N):
        luck = streams.mix(np.uint64(3), np.uint64(i))
        for k in found[: draw(luck, np.uint64(9), draws, sample, categories, times[i], listing, places, known, found)]:
            seen[i, k] = True
            alike[i] += categories[k] == categories[found[0]]
    return seen, alike


def drawn(considered: int, focus: float, there: Any = None) -> Any:
    """What each visit draws (N, 12), and how much of that is of the category of its first (N,)."""
    products = [product(k, incumbent=True, popularity=k + 1.0, category=f"c{k % 3}") for k in range(12)]
    scenario = season(products=products, shelf={"considered": considered, "focus": focus, "listed": there is not None})
    catalogue = Catalogue(scenario, 0)
    listing = Listing.of(scenario, catalogue).launched(np.arange(12) if there is None else there, 0.0)
    return _drawn(considered, Sample.of(scenario, catalogue), catalogue.categories, np.zeros(N), listing)


POPULARITY = np.arange(1, 13) / 78


def test_products_are_considered_as_often_as_they_are_popular() -> None:
    shares = drawn(4, 0.0)[0].mean(axis=0)
    expected = 1 - (1 - POPULARITY) ** 4
    assert (np.abs(shares - expected) < 4.5 * np.sqrt(expected * (1 - expected) / N)).all()


def test_a_focused_want_stays_in_the_category_of_its_first_product() -> None:
    assert (drawn(6, 1.0)[1] == drawn(6, 1.0)[0].sum(axis=1)).all()
    two = drawn(2, 0.5)[0]
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


def bought(delisted: float | None, considered: int | None, shape: float | None = None, **about: Any) -> Any:
    """Visits and what they bought, with product 5 on the shelf or not."""
    products = [product(k, incumbent=True, popularity=k + 1.0) for k in range(12)]
    products[5] |= {"delisted": delisted} | about
    shelf = {"considered": considered, "focus": 0.6, "shape": shape}
    free = {"buying": {"settle_days": 0.0}, "choice": {"leaving": -50.0, "social_proof": 0.0}}
    users = {"population": 500, "features": 1, "durable": False}
    scenario = season(products=products, shelf=shelf, users=users, **free)
    return market(scenario, Fixed([]), seed=1).ledger.table("purchases").set_index("visit")["product"]


def test_what_leaves_the_shelf_changes_nothing_else_of_what_is_considered() -> None:
    there, gone = bought(None, 4), bought(1e-6, 4)
    others = there[there != 5]
    assert len(others) < len(there)
    assert (gone[others.index] == others).all()


def test_without_a_number_all_of_the_shelf_is_considered() -> None:
    assert (bought(None, None, quality=60.0) == 5).all()
    assert (bought(None, None, shape=2.0, quality=60.0) == 5).all()
    assert not (bought(None, 4, quality=60.0) == 5).all()


THERE = [0, 3, 5, 8, 10]  # of categories 0, 0, 2, 2, 1


def test_what_is_not_listed_is_drawn_again_so_that_what_is_has_all_draws_by_its_popularity() -> None:
    shares, listed = drawn(3, 0.0, THERE)[0].mean(axis=0), np.isin(np.arange(12), THERE)
    expected = chances(np.where(listed, POPULARITY, 0.0) / POPULARITY[listed].sum(), 3, 0.0)
    assert (np.abs(shares - expected) <= 4.5 * np.sqrt(expected * (1 - expected) / N)).all()


def test_a_draw_that_stays_in_a_category_is_drawn_again_within_it() -> None:
    found, alike = drawn(6, 1.0, THERE)
    assert (alike == found.sum(axis=1)).all()
    assert found[:, THERE].sum() == found.sum()


def test_what_comes_to_the_shelf_takes_draws_and_moves_no_others() -> None:
    few, more = drawn(3, 0.0, THERE)[0], drawn(3, 0.0, [*THERE, 11])[0]
    came = more[:, 11]
    assert (few[~came] == more[~came]).all()
    assert (more[:, THERE] <= few[:, THERE]).all()
    assert (more[:, THERE] != few[:, THERE]).any(axis=1).sum() > N / 20


def conversion(listed: bool, **about: Any) -> Any:
    """Share of visits that buy on each of 20 days, of one look each, where product 1 comes on day 10."""
    products = [product(0, incumbent=True), product(1, incumbent=True, listed=10.0), product(2, launch=0.0)]
    products[0] |= about
    users = {"population": 4000, "features": 1, "taste": 0.0, "price_sensitivity": 0.0, "durable": False}
    scenario = season(
        products=products,
        days=20.0,
        users=users,
        choice={"leaving": 0.0, "social_proof": 0.0},
        buying={"settle_days": 0.0, "returns": 0.0},
        shelf={"considered": 1, "listed": listed},
    )
    ledger = market(scenario, Fixed([]), seed=1).ledger
    days = [np.bincount(ledger.table(name)["time"].astype(int), minlength=20)[:20] for name in ("purchases", "visits")]
    return days[0][:10].sum() / days[1][:10].sum(), days[0][10:].sum() / days[1][10:].sum(), days[1].sum() / 2


def test_visits_find_what_is_there_however_little_that_is() -> None:
    """Of one look each, at what weighs as much as leaving; launches that never stand on the shelf take no draw."""
    before, after, n = conversion(True)
    assert abs(before - 1 / 2) < 4 * np.sqrt(0.25 / n)
    assert abs(after - 1 / 2) < 4 * np.sqrt(0.25 / n)
    assert abs(conversion(False)[0] - 1 / 6) < 4 * np.sqrt(0.25 / n)


def test_what_is_listed_and_sold_out_is_looked_at_in_vain() -> None:
    assert conversion(True, stock=1)[0] < 0.05
