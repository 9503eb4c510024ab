"""Customers who come and go: against the mathematics of what they are drawn from."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from seasons import Fixed, Random, market, season

from simulator.customers import Customers

FLAT = {"hours": [1.0] * 24, "weekdays": [1.0] * 7}


def visits(days: float, per_day: float, population: int, seed: int = 1, **customers: Any) -> pd.DataFrame:
    scenario = season(
        days=days,
        refresh_minutes=1440.0,
        arrivals=FLAT | {"per_day": per_day},
        users={"population": population, "features": 1, "zipf": 0.0},
        customers=customers,
    )
    return market(scenario, Fixed([1]), seed).ledger.table("visits")


def test_their_share_of_visits_are_newcomers_who_come_on_their_first_visit() -> None:
    table = visits(20.0, 400.0, 500, newcomers=0.3)
    firsts = table[table["user"] >= 500].drop_duplicates("user")
    assert abs(len(firsts) / len(table) - 0.3) < 4 * np.sqrt(0.3 * 0.7 / len(table))
    np.testing.assert_array_equal(firsts["user"], 500 + np.arange(len(firsts)))  # in the order in which they come


def test_newcomers_come_again_as_often_as_others() -> None:
    table = visits(40.0, 500.0, 500, newcomers=0.05)
    late = table[table["time"] > 20]
    born = table.drop_duplicates("user").set_index("user")["time"]
    there = born[born < 20].index
    counts = late["user"].value_counts().reindex(there, fill_value=0)
    old, new = counts[counts.index < 500], counts[counts.index >= 500]
    assert len(new) > 300
    assert abs(old.mean() - new.mean()) < 4 * np.sqrt(old.mean() / len(old) + new.mean() / len(new))


def test_those_who_come_once_are_their_share_of_newcomers() -> None:
    table = visits(60.0, 300.0, 100, newcomers=0.2, once=0.6)
    early = table[table["user"] >= 100].groupby("user")["time"].agg(["min", "size"])
    early = early[early["min"] < 20]
    once = (early["size"] == 1).mean()
    assert abs(once - 0.6) < 4 * np.sqrt(0.24 / len(early)) + 0.01  # a few of the others are not drawn again


def test_customers_are_lost_exponentially() -> None:
    table = visits(30.0, 2000.0, 1000, lifetime_days=10.0)
    last = table.groupby("user")["time"].max().reindex(range(1000), fill_value=0.0)
    early = last[last < 20]  # nobody is drawn less than twice a day, so the last visit is close to the end
    assert len(early) > 800
    assert stats.kstest(early, stats.truncexpon(2.0, scale=10.0).cdf).pvalue > 1e-3


def test_visits_of_a_customer_are_negative_binomial_at_gamma_rates() -> None:
    shape, mean = 0.8, 6.0
    table = visits(60.0, 200.0, 2000, heterogeneity=shape)
    counts = table["user"].value_counts().reindex(range(2000), fill_value=0)
    expected = stats.nbinom.pmf(np.arange(12), shape, shape / (shape + mean)) * 2000
    observed = np.bincount(counts, minlength=12)[:12]
    assert (np.abs(observed - expected) < 4.5 * np.sqrt(expected)).all()


def test_newcomers_are_the_same_whoever_decides_and_however_many_friends_come() -> None:
    def firsts(word_of_mouth: float, offer: Any) -> pd.DataFrame:
        scenario = season(
            arrivals={"per_day": 200.0, "word_of_mouth": word_of_mouth},
            customers={"newcomers": 0.2, "lifetime_days": 2.0},
            users={"population": 50, "features": 1},
            choice={"leaving": -1.0},
        )
        table = market(scenario, offer, seed=2).ledger.table("visits")
        return table[table["user"] >= 50].drop_duplicates("user", ignore_index=True)

    pd.testing.assert_frame_equal(firsts(0.0, Random()), firsts(0.8, Fixed([3, 2])), check_exact=True)


def test_no_more_newcomers_come_than_there_is_room_for() -> None:
    """All visits are newcomers'; three times as many as there is room: the first of them stay, in their order."""
    customers = Customers(season(days=2.0, arrivals=FLAT | {"per_day": 50.0}, customers={"newcomers": 0.999999}), 1)
    room = len(customers.first_times)
    times = np.linspace(0.0, 2.0, 3 * room)
    ids = np.arange(3 * room, dtype=np.uint64)
    for part in (slice(0, room - 5), slice(room - 5, 2 * room), slice(2 * room, 3 * room)):
        customers.come(times[part], ids[part])
    np.testing.assert_array_equal(customers.first_times, times[:room])
    np.testing.assert_array_equal(customers.first_visits, ids[:room])


def rested(rest: float, **about: Any) -> pd.DataFrame:
    return visits(120.0, 20.0, 200, rest=rest, rest_days=4.0, **about)


def test_who_rests_comes_again_as_seldom_as_the_law_says() -> None:
    """Hazard of a visit g days after the last, relative to that without rest: 1 - rest * exp(-g / rest_days)."""
    table = rested(0.8).sort_values(["user", "time"])
    gaps = table["time"].diff()[table["user"].eq(table["user"].shift())].to_numpy()
    table = table[table["time"] < 119]
    day = np.floor(gaps).astype(int)
    hazards = np.array([(day == g).sum() / (np.clip(gaps - g, 0, 1)).sum() for g in range(30)])
    usual = hazards[15:30].mean()
    expected = 1 - 0.8 * np.exp(-(np.arange(6) + 0.5) / 4.0)
    assert hazards[:6] / usual == pytest.approx(expected, abs=0.12)


def test_rest_changes_whose_a_visit_is_and_not_when_it_comes() -> None:
    one, other = rested(0.0), rested(0.8)
    np.testing.assert_array_equal(one["time"], other["time"])
    assert 0.0 < (one["user"] != other["user"]).mean() < 0.6


def test_newcomers_come_on_their_first_visit_whoever_rests() -> None:
    def firsts(rest: float) -> pd.DataFrame:
        table = rested(rest, newcomers=0.2)
        return table[table["user"] >= 200].drop_duplicates("user", ignore_index=True)[["time", "user"]]

    pd.testing.assert_frame_equal(firsts(0.0), firsts(0.8))


def test_those_who_rest_are_the_same_whoever_decides_and_however_visits_are_answered() -> None:
    about = {"customers": {"newcomers": 0.1, "rest": 0.7, "rest_days": 3.0}, "users": {"population": 50, "features": 1}}
    tables = [
        market(season(**about, **{"refresh_minutes": minutes}), offer, seed=2).ledger.table("visits")["user"]
        for minutes, offer in ((60.0, Fixed([1])), (60.0, Random()), (0.0, Fixed([1])))
    ]
    for other in tables[1:]:
        np.testing.assert_array_equal(tables[0], other)
