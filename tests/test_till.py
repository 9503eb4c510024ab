"""The till: what is paid, what comes instead, what comes back, and when it is known."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from seasons import Fixed, Random, market, product, season

from simulator import choice
from simulator.ledger import Ledger
from simulator.market import Market
from simulator.scenario import Scenario
from simulator.visits import Visits

ALL = {"leaving": -30.0}  # everybody buys
HOUR = 1 / 24


def told(scenario: Scenario, order: list[int], seed: int = 1) -> tuple[Ledger, pd.DataFrame]:
    """A season's books, and of each visit when it was told and what its slots had brought."""
    offer = Fixed(order)
    offer.market = opened = Market(scenario, offer, seed)
    rows: list[tuple[Any, ...]] = []

    def tell(visits: Visits, row: int) -> None:
        rows.append((visits.times[row], visits.ids[row], opened.now, visits.rewards[row].sum(), visits.product[row]))

    for interval in opened.play():
        for visits, some in interval.visits:
            for row in range(some.start, some.stop):
                if not visits.pending[row]:
                    tell(visits, row)
        for visits, row in interval.settled:
            tell(visits, row)
    return opened.ledger, pd.DataFrame(rows, columns=["time", "visit", "told", "reward", "product"])


@pytest.mark.parametrize("minutes", [0.0, 60.0])
def test_a_visit_without_purchase_is_told_of_at_the_first_refresh_after_its_days(minutes: float) -> None:
    arrivals = {"per_day": 400.0, "hours": [1.0] * 24}
    buying = {"settle_days": 0.5, "prompt": 1.0, "prompt_minutes": 0.01}
    _, rows = told(season(buying=buying, refresh_minutes=minutes, arrivals=arrivals), [1])
    waited = (rows["told"] - rows["time"])[rows["time"] < 2.4]  # before the season ends
    unsold = rows["product"][waited.index] < 0
    assert min(unsold.sum(), (~unsold).sum()) > 50
    assert waited[unsold].between(0.5, 0.5 + 2 * HOUR).all()
    assert waited[~unsold].between(0, 1.5 * HOUR).all()


def test_without_such_days_it_is_told_of_at_once() -> None:
    _, rows = told(season(choice={"leaving": 30.0}), [1])
    assert (rows["told"] - rows["time"]).between(0, HOUR).all()


def test_a_purchase_is_told_of_when_it_happens_or_after_the_window_for_returns() -> None:
    slow = {"prompt": 0.0, "slow_days": 0.2, "return_window": 0.6}
    for returns, wait in ((0.0, 0.0), (1e-12, 0.6)):
        ledger, rows = told(season(buying=slow | {"returns": returns}, choice=ALL, users={"durable": False}), [1])
        both = ledger.table("purchases").merge(rows, on="visit", suffixes=("_bought", "_visit"))
        waited = (both["told"] - both["time_bought"])[both["time_bought"] < 2.3]
        assert len(waited) > 200
        assert waited.between(wait, wait + HOUR).all()


def test_a_return_is_told_of_when_it_happens_and_leaves_nothing_of_the_reward() -> None:
    buying = {"returns": 0.5, "return_days": 0.2, "return_window": 0.6}
    scenario = season(buying=buying, choice={"leaving": 1.0}, reward="revenue")
    ledger, rows = told(scenario, [1])
    rewards = rows.set_index("visit")["reward"]
    returns, bought = ledger.table("returns"), ledger.table("purchases").query("slot == 0")
    assert len(returns) > 20
    assert (rewards[returns["visit"]] == 0).all()
    kept = bought[~bought["visit"].isin(returns["visit"])]
    assert len(kept) > 10
    np.testing.assert_array_equal(rewards[kept["visit"]], kept["price"])
    when = returns.merge(rows, on="visit")
    waited = (when["told"] - when["time_x"])[when["time_x"] < 2.9]
    assert waited.between(0, HOUR).all()


def test_what_the_shelf_sells_is_no_slots_reward() -> None:
    ledger, rows = told(season(products=[product(0, incumbent=True), product(1, launch=0.0, quality=-60.0)]), [1])
    assert (ledger.table("purchases")["slot"] == -1).all()
    assert len(ledger.table("purchases")) > 20
    assert (rows["reward"] == 0).all()


def test_sales_so_far_are_net_of_returns() -> None:
    opened = market(season(buying={"returns": 0.6, "return_days": 0.2}), Random(), seed=1)
    products = opened.ledger.products()
    assert products["returned"].sum() > 20
    np.testing.assert_array_equal(opened.till.sold, products["sold"] - products["returned"])


SOLD_OUT = [product(0, incumbent=True, price=10.0), product(1, launch=0.0, stock=5, price=35.0, quality=60.0)]


def test_a_substitute_is_paid_at_its_own_price() -> None:
    buying = {"prompt": 0.0, "slow_days": 1.0}
    users = {"population": 500, "durable": False, "features": 1}
    ledger = market(season(products=SOLD_OUT, buying=buying, choice=ALL, users=users), Fixed([1]), seed=1).ledger
    lost = ledger.table("lost_sales")
    assert len(lost) > 20
    assert (lost["substitute"] == 0).all()
    instead = ledger.table("purchases").merge(lost, on="visit")
    assert len(instead) == len(lost)
    assert set(instead["price"]) == {10.0}
    assert set(instead["product_x"]) == {0}
    assert set(instead["slot"]) == {-1}


def test_a_substitute_seen_at_a_discount_is_paid_at_it() -> None:
    class Both:
        market: Market

        def __call__(self, visits: Visits, rows: slice) -> np.ndarray:
            first = 1 if self.market.shop.eligible[1] else -1
            return np.tile([first, 2 + 3], (rows.stop - rows.start, 1))  # product 2, reduced

    products = [*SOLD_OUT, product(2, launch=0.0, price=40.0, quality=30.0)]
    scenario = season(
        products=products,
        slots=2,
        discounts=[0.25],
        buying={"prompt": 0.0, "slow_days": 1.0},
        choice=ALL | {"examination": [1.0, 1.0]},
        users={"population": 500, "durable": False, "features": 1},
    )
    ledger = market(scenario, Both(), seed=1).ledger
    instead = ledger.table("purchases").merge(ledger.table("lost_sales"), on="visit")
    assert len(instead) > 20
    assert set(instead["slot"]) == {1}
    assert set(instead["price"]) == {30.0}


def test_nobody_gets_as_a_substitute_what_they_own() -> None:
    # All want product 1, of which there is one, above all, and product 0 more than leaving: at most one for each, also
    # where pages have not been told yet of who owns what.
    products = [product(0, incumbent=True), product(1, launch=0.0, stock=1, quality=60.0)]
    buying = {"prompt": 0.0, "slow_days": 1.0}
    scenario = season(products=products, buying=buying, choice=ALL, users={"population": 5, "features": 1})
    for minutes in (0.0, 60.0, 10_000.0):
        ledger = market(scenario.changed(refresh_minutes=minutes), Fixed([1]), seed=1).ledger
        purchases = ledger.table("purchases")
        assert not purchases.duplicated(["user", "product"]).any()
        assert (purchases["product"] == 0).sum() >= 4
        if minutes == 10_000.0:
            assert (ledger.table("lost_sales")["substitute"] == -1).any()


def test_without_substitution_what_is_sold_out_is_lost() -> None:
    buying = {"prompt": 0.0, "slow_days": 1.0, "substitution": False}
    ledger = market(season(products=SOLD_OUT, buying=buying, choice=ALL), Fixed([1]), seed=1).ledger
    lost = ledger.table("lost_sales")
    assert len(lost) > 20
    assert (lost["substitute"] == -1).all()
    assert not ledger.table("purchases")["visit"].isin(lost["visit"]).any()


def test_who_sends_a_durable_back_may_buy_it_again_and_who_keeps_it_may_not() -> None:
    buying = {"prompt_minutes": 0.1, "returns": 1.0, "return_days": 0.01, "return_window": 50.0}
    users = {"population": 1, "features": 1}
    products = [product(0, launch=0.0)]
    again = market(season(products=products, buying=buying, choice=ALL, users=users), Fixed([0]), seed=1).ledger
    once = market(season(products=products, choice=ALL, users=users), Fixed([0]), seed=1).ledger
    assert len(again.table("purchases")) > 20
    assert len(once.table("purchases")) == 1
    owned = again.table("purchases")["time"].to_numpy()[1:] > again.table("returns")["time"].to_numpy()[:-1]
    assert owned.all()  # each purchase comes after the return of the one before


def test_who_has_come_to_own_what_they_had_chosen_pays_nothing_and_is_told_of() -> None:
    buying = {"prompt": 0.0, "slow_days": 0.5}
    users = {"population": 1, "features": 1}
    ledger, rows = told(season(products=[product(0, launch=0.0)], buying=buying, choice=ALL, users=users), [0])
    assert len(rows) == rows["visit"].nunique() == ledger.n_visits > 100
    assert rows["reward"].sum() == len(ledger.table("purchases")) == 1


def test_what_is_not_durable_is_bought_again() -> None:
    users = {"population": 1, "features": 1, "durable": False}
    ledger = market(season(products=[product(0, launch=0.0)], choice=ALL, users=users), Fixed([0]), seed=1).ledger
    assert len(ledger.table("purchases")) == ledger.n_visits > 100


def test_each_sale_brings_its_friends_before_the_season_ends() -> None:
    arrivals = {"per_day": 300.0, "word_of_mouth": 0.5, "friend_days": 0.01, "hours": [1.0] * 24, "weekdays": [1.0] * 7}
    for minutes in (0.0, 30.0):
        scenario = season(arrivals=arrivals, refresh_minutes=minutes, users={"population": 5_000, "features": 1})
        ledger = market(scenario, Random(), seed=1).ledger
        alone = market(scenario.changed(arrivals=arrivals | {"word_of_mouth": 0.0}), Random(), seed=1).ledger
        sold = len(ledger.table("purchases"))
        friends = ledger.n_visits - alone.n_visits
        assert abs(friends - 0.5 * sold) < 4 * np.sqrt(0.5 * sold)
        times = np.sort(ledger.table("purchases")["time"])
        extra = ledger.table("visits")[~ledger.table("visits")["visit"].isin(alone.table("visits")["visit"])]["time"]
        since = extra - times[np.searchsorted(times, extra) - 1]
        assert (since < 0.15).all()
        assert (extra > times[0]).all()


def test_friends_come_after_exponential_days() -> None:
    arrivals = {"per_day": 300.0, "word_of_mouth": 0.8, "friend_days": 0.2}
    opened = market(season(arrivals=arrivals, choice=ALL, users={"durable": False}, days=6.0), Random(), seed=1)
    visits = opened.ledger.table("visits").set_index("visit")["time"]
    sold = opened.ledger.table("purchases").query("time < 4")
    ids = {
        choice.friend(opened._key, np.uint64(visit), 0, 0.2)[1]: time
        for visit, time in zip(sold["visit"], sold["time"], strict=True)
    }
    waited = np.array([visits[friend] - time for friend, time in ids.items() if friend in visits.index])
    n = len(waited)  # a buyer's first friend, where there is one: 1 - exp(-0.8) of them
    assert abs(n / len(sold) - (1 - np.exp(-0.8))) < 4 * np.sqrt(0.25 / len(sold))
    assert abs(waited.mean() - 0.2) < 4 * 0.2 / np.sqrt(n)
    assert abs((waited > 0.2).mean() - np.exp(-1)) < 4 * np.sqrt(0.24 / n)


@pytest.mark.parametrize("minutes", [0.0, 30.0])
def test_friends_who_would_come_after_the_season_do_not(minutes: float) -> None:
    arrivals = {"per_day": 300.0, "word_of_mouth": 0.9, "friend_days": 2.0}
    scenario = season(arrivals=arrivals, refresh_minutes=minutes, choice=ALL, users={"durable": False})
    ledger = market(scenario, Random(), seed=1).ledger
    assert 2.9 < ledger.table("visits")["time"].max() < 3.0


@pytest.mark.parametrize("reward", ["units", "revenue", "margin"])
def test_rewards_are_what_the_scenario_pays_for(reward: str) -> None:
    products = [product(0, incumbent=True), product(1, launch=0.0, price=30.0, cost=12.0)]
    ledger, rows = told(season(products=products, reward=reward, choice=ALL), [1])
    assert set(rows["reward"]) == {0.0, {"units": 1.0, "revenue": 30.0, "margin": 18.0}[reward]}
    shown = (ledger.table("purchases")["slot"] == 0).sum()
    assert (rows["reward"] > 0).sum() == shown
