"""Sales of a made-up shop, drawn with numpy alone: what calibration finds is held against what made them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from simulator.calibration.sales import Bought, Sales, gathered
from simulator.history import ACTIONS, History

FIRST = pd.Timestamp("2021-01-01")


def made(
    days: int = 364,
    *,
    seed: int = 0,
    traffic: Any = 20.0,
    newcomers: Any = 0.1,
    old: int = 300,
    rates: tuple[float, ...] = (0.2, 1.0),
    products: int = 30,
    further: float = 2.0,
    guests: float = 0.0,
    prices: Any = None,
    pieces: Any = None,
) -> Sales:
    """Visits on a Poisson number each day (`traffic`), of newcomers, guests, or customers by their rates; the share of
    newcomers may be one a day.
    """
    random = np.random.default_rng(seed)
    counts = random.poisson(np.broadcast_to(traffic, days))
    times = np.sort(np.repeat(np.arange(days), counts) + random.uniform(0.4, 0.7, counts.sum()))
    share = np.broadcast_to(newcomers, days)[times.astype(int)]
    users = _users(random, len(times), share, guests, old, np.array(rates))
    number = 1 + random.poisson(further, len(times))
    visits = np.repeat(np.arange(len(times)), number)
    items = random.integers(0, products, len(visits))
    weeks = (times[visits] // 7).astype(int)
    usual = np.full((products, days // 7 + 1), 5.0) if prices is None else prices
    bought = Bought(
        times=times[visits],
        users=users[visits],
        orders=visits,
        items=items,
        pieces=np.ones(len(visits), int) if pieces is None else pieces(random, len(visits)),
        prices=usual[items, weeks],
        returned=np.zeros(len(visits), int),
    )
    return gathered(bought, FIRST, days, products, np.empty(0))


def _users(
    random: np.random.Generator, n: int, newcomers: Any, guests: float, old: int, rates: np.ndarray[Any, Any]
) -> np.ndarray[Any, Any]:
    kind = random.integers(0, len(rates), old + n)
    weight = rates[kind]
    users, there = np.empty(n, np.int64), old
    luck = random.random(n)
    for visit in range(n):
        if luck[visit] < guests:
            users[visit] = -1
        elif luck[visit] < guests + newcomers[visit]:
            users[visit] = there
            there += 1
        else:
            ends = weight[:there].cumsum()
            users[visit] = np.searchsorted(ends, random.random() * ends[-1])
    return users


def history(days: int = 210, products: int = 30) -> History:
    """The invoice lines of such a shop: a tenth of the visits are guests', lines have 1, 2 or 6 pieces."""

    def pieces(random: np.random.Generator, n: int) -> np.ndarray[Any, Any]:
        return random.choice([1, 2, 6], n, p=[0.6, 0.3, 0.1])

    sales = made(days, traffic=12.0, guests=0.1, products=products, pieces=pieces)
    visit = sales.visits
    lines = pd.DataFrame(
        {
            "time": FIRST + pd.to_timedelta(sales.times[visit], "D"),
            "user": sales.users[visit].astype(np.int32),
            "item": sales.items.astype(np.int32),
            "action": pd.Categorical(["buy"] * len(visit), categories=ACTIONS),
            "quantity": sales.pieces.astype(np.int32),
            "price": sales.prices,
            "order": visit.astype(np.int32),
        }
    )
    names = [f"{colour} {thing} {n}" for n in range(5) for colour in ("red", "blue") for thing in ("mug", "bag", "box")]
    goods = pd.DataFrame({"id": [f"{k}" for k in range(products)], "title": names[:products]})
    goods = goods.assign(category=pd.NA, price=5.0, cost=np.nan, listed=FIRST, delisted=pd.NaT, stock=np.nan)
    nothing = pd.DataFrame({name: np.empty(0, int) for name in ("buy", "back", "pieces")})
    return History(lines, goods, (), int(sales.users.max()) + 1, False, pd.DataFrame(), nothing)
