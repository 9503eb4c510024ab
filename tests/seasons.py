"""Small seasons for tests, and hypothesis strategies that draw them."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
from hypothesis import strategies as st

from simulator import streams
from simulator.market import Market
from simulator.scenario import Scenario
from simulator.visits import Visits


def product(number: int, **about: Any) -> dict[str, Any]:
    return {"title": f"product {number}", "category": f"category {number % 2}", "price": 20.0 + 5 * number} | about


def season(n_products: int = 4, **about: Any) -> Scenario:
    """A few days, a few hundred visits; product 0 is an incumbent, the others are candidates launched at once."""
    values: dict[str, Any] = {
        "title": "test",
        "about": "test",
        "days": 3.0,
        "arrivals": {"per_day": 150.0},
        "users": {"population": 80, "features": 2},
        "choice": {"leaving": 0.5},
        "products": [product(0, incumbent=True)] + [product(k, launch=0.0) for k in range(1, n_products)],
    }
    return Scenario.model_validate(values | about)


class Random:
    """An offer that depends on the visit alone: each slot an eligible action, never the same product twice."""

    def __init__(self, seed: int = 0) -> None:
        self.key = streams.key(seed, "test offers")
        self.market: Market

    def __call__(self, visits: Visits, rows: slice) -> np.ndarray:
        eligible = self.market.shop.eligible
        offers = np.full((rows.stop - rows.start, self.market.scenario.slots), -1)
        for i, visit in enumerate(visits.ids[rows]):
            luck = streams.uniforms(self.key ^ visit, np.arange(len(eligible), dtype=np.uint64))
            order = [a for a in np.argsort(luck) if eligible[a]]
            products: list[int] = []
            for action in order:
                if action % self.market.catalogue.n_offered not in products and len(products) < offers.shape[1]:
                    offers[i, len(products)] = action
                    products.append(action % self.market.catalogue.n_offered)
        return offers


class Fixed:
    """An offer of the first eligible actions of an order."""

    def __init__(self, order: list[int]) -> None:
        self.order = order
        self.market: Market

    def __call__(self, visits: Visits, rows: slice) -> np.ndarray:
        offers = np.full((rows.stop - rows.start, self.market.scenario.slots), -1)
        eligible = self.market.shop.eligible
        there = [k for k in self.order if k < len(eligible) and eligible[k]][: offers.shape[1]]
        offers[:, : len(there)] = there
        return offers


def market(scenario: Scenario, offer: Any, seed: int = 0, **how: Any) -> Market:
    """A market that has been played."""
    opened = Market(scenario, offer, seed, **how)
    offer.market = opened
    opened.run()
    return opened


def _calendars() -> st.SearchStrategy[dict[str, Any]]:
    """Tuesday, 31 December, and what is closed and busy about it."""
    closed = st.sampled_from([[], ["thursday"], [date(2024, 12, 31)], ["wednesday", date(2025, 1, 2)]])
    weeks = st.sampled_from([[], [0.5] * 52 + [2.0], [0.0, 3.0]])
    dates = st.sampled_from([{}, {date(2025, 1, 1): 4.0, date(2025, 1, 3): 0.2}])
    return st.fixed_dictionaries(
        {"start": st.just(date(2024, 12, 31)), "closed": closed, "dates": dates, "weeks": weeks}
    )


def _customers() -> st.SearchStrategy[dict[str, Any]]:
    about = {
        "newcomers": st.sampled_from([0.0, 0.3]),
        "once": st.sampled_from([0.0, 0.6]),
        "lifetime_days": st.sampled_from([None, 1.0]),
        "heterogeneity": st.sampled_from([None, 0.7]),
        "rest": st.sampled_from([0.0, 0.6]),
    }
    return st.fixed_dictionaries(about)


def _lives(incumbent: bool) -> st.SearchStrategy[dict[str, Any]]:
    """A product's own life cycle."""
    about: dict[str, Any] = {
        "delisted": st.sampled_from([None, 1.44, 2.2]),
        "decline": st.sampled_from([None, -50.0]),
        "season": st.sampled_from([0.0, 0.7]),
    }
    if incumbent:
        about["listed"] = st.sampled_from([None, 0.7])
    return st.fixed_dictionaries(about)


def _shelves() -> st.SearchStrategy[dict[str, Any]]:
    """What is considered of the shelf."""
    about = {
        "considered": st.sampled_from([None, 1, 4]),
        "shape": st.sampled_from([None, 0.8]),
        "focus": st.sampled_from([0.0, 0.7]),
        "launches": st.booleans(),
        "listed": st.booleans(),
        "offers": st.sampled_from(["all", "candidates"]),
    }
    return st.fixed_dictionaries(about)


def _baskets() -> st.SearchStrategy[dict[str, Any]]:
    """Several products a visit."""
    about = {
        "share": st.sampled_from([0.4, 1.0]),
        "products": st.sampled_from([0.5, 4.0]),
        "spread": st.sampled_from([0.0, 0.8]),
        "leaving": st.sampled_from([None, -3.0]),
        "weeks": st.sampled_from([[], [2.0, 0.5]]),
    }
    return st.fixed_dictionaries(about)


def _pieces() -> st.SearchStrategy[dict[str, Any]]:
    """Several pieces a line."""
    breaks = st.sampled_from([[], [{"at": 2, "off": 0.1}, {"at": 12, "off": 0.3}]])
    about = {"sizes": st.just([1, 2, 12]), "shares": st.just([0.6, 0.3, 0.1]), "breaks": breaks}
    tails = st.sampled_from([None, {"share": 0.2, "times": 3.0}])
    spreads = {"spread": st.sampled_from([0.0, 0.5]), "visits": st.sampled_from([0.0, 0.7])}
    spreads |= {"spread_tail": tails, "visits_tail": tails}
    return st.fixed_dictionaries(about | spreads | {"fill": st.sampled_from([0.0, -0.4])})


def _large(draw: st.DrawFn) -> dict[str, Any]:
    """Parts of large shops and baskets, with two kinds of user."""
    return {
        "shelf": draw(st.one_of(st.none(), _shelves())),
        "baskets": draw(st.one_of(st.none(), _baskets())),
        "pieces": draw(st.one_of(st.none(), _pieces())),
        "again": draw(st.sampled_from([None, {"refill_days": 0.5}])),
    }


_KINDS = [
    {"name": "few", "share": 0.7, "newcomers": 0.4, "price": 1.5},
    {"name": "many", "share": 0.3, "products": 2.0, "pieces": 1.0, "shape": 0.5, "once": 0.9},
]


@st.composite
def seasons(draw: st.DrawFn, *, plain: bool = False) -> Scenario:
    """Any season of a few days. Plain ones have no word of mouth, social proof, returns, restocking or ownership."""
    number = draw(st.integers(2, 6))
    stock = st.one_of(st.none(), st.integers(0, 12))
    restocking = st.one_of(st.none(), st.just({"at": 3, "up_to": 8, "lead_days": 0.3}))
    life = draw(st.booleans())
    products = [product(0, incumbent=True, stock=draw(stock)) | (draw(_lives(True)) if life else {})]
    for k in range(1, number):
        launch = draw(st.sampled_from([0.0, 0.4, 1.0, 1.43]))
        about = {"launch": launch, "stock": draw(stock), "quality": draw(st.sampled_from([-0.5, 0.0, 1.0, 50.0]))}
        products.append(product(k, **about) | (draw(_lives(False)) if life else {}))
    large = {} if plain else _large(draw)
    all_offered = (large.get("shelf") or {}).get("offers", "all") == "all"
    slots = draw(st.integers(1, min(3, number if all_offered else number - 1)))
    return season(
        **large,
        days=draw(st.sampled_from([1.5, 2.0, 2.9])),
        slots=slots,
        refresh_minutes=draw(st.sampled_from([0.0, 15.0, 60.0, 400.0])),
        discounts=draw(st.sampled_from([[], [0.3]])),
        products=products,
        restocking=None if plain else draw(restocking),
        promotions=draw(st.sampled_from([[], [{"start": 0.31, "days": 0.9, "discount": 0.4}]])),
        calendar=draw(st.one_of(st.none(), _calendars())),
        customers=draw(st.one_of(st.none(), _customers())),
        life=draw(st.sampled_from([None, {"ramp": 1.0, "ramp_days": 0.5, "decline": 90.0}])) if life else None,
        arrivals={
            "per_day": draw(st.sampled_from([40.0, 120.0])),
            "buzz": draw(st.sampled_from([0.0, 0.5])),
            "word_of_mouth": 0.0 if plain else draw(st.sampled_from([0.0, 0.7])),
            "friend_days": draw(st.sampled_from([0.01, 0.5])),
        },
        users={
            "population": 40,
            "features": 2,
            "drift": draw(st.sampled_from([0.0, 0.8])),
            "history": draw(st.sampled_from([0, 3])),
            "durable": False if plain else draw(st.booleans()),
            "segments": _KINDS if large and draw(st.booleans()) else [{"name": "all", "share": 1.0}],
        },
        choice={
            "leaving": draw(st.sampled_from([-1.0, 1.0])),
            "examination": draw(st.sampled_from([[0.9, 0.7, 0.5], [0.0, 0.7, 0.5], [0.9, 0.0, 0.5]])),
            "model": draw(st.sampled_from(["position", "cascade"])),
            "nesting": draw(st.sampled_from([1.0, 0.6, 0.01])),
            "novelty": draw(st.sampled_from([0.0, 0.8])),
            "social_proof": 0.0 if plain else draw(st.sampled_from([0.0, 0.3])),
        },
        buying={
            "prompt": draw(st.sampled_from([0.0, 0.7, 1.0])),
            "slow_days": 0.3,
            "settle_days": draw(st.sampled_from([0.0, 0.2])),
            "substitution": draw(st.booleans()),
            "returns": 0.0 if plain else draw(st.sampled_from([0.0, 0.5])),
            "return_days": 0.3,
            "return_window": 0.6,
            "returns_part": 0.0 if plain else draw(st.sampled_from([0.0, 0.5])),
        },
    )
