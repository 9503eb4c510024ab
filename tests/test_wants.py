"""Wants: the same answers as from a table where all is considered, and a truth that is what offers bring."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from seasons import Fixed, Random, market, product, season, seasons

from benchmarks.runner import Draw, run
from envs.simulated import Simulated
from policies import load
from simulator.scenario import Scenario


@settings(max_examples=30, deadline=None)
@given(seasons(plain=True), st.integers(0, 5))
def test_considering_all_of_the_shelf_gives_the_ledger_of_a_table(scenario: Scenario, seed: int) -> None:
    tabled = market(scenario, Random(), seed).ledger
    considered = market(scenario.changed(shelf={}), Random(), seed).ledger
    for name in tabled.tables:
        pd.testing.assert_frame_equal(tabled.table(name), considered.table(name), check_exact=True)


@settings(max_examples=20, deadline=None)
@given(seasons(plain=True), st.integers(0, 5), st.sampled_from(["units", "margin"]))
def test_considering_all_of_the_shelf_expects_what_a_table_expects(scenario: Scenario, seed: int, reward: Any) -> None:
    def regrets(one: Scenario) -> np.ndarray:
        environment = Simulated(one, seed)
        return run(load("uniform", environment.problem), environment, seed).regrets

    scenario = scenario.changed(reward=reward)
    np.testing.assert_allclose(regrets(scenario), regrets(scenario.changed(shelf={})), rtol=1e-3, atol=1e-5)


def truths(scenario: Scenario) -> np.ndarray:
    environment = Simulated(scenario, 1)
    played = environment.play(Draw(load("uniform", environment.problem), 0))
    return np.concatenate([rounds.truth for rounds in played if rounds.truth is not None])


NESTS = [product(k, incumbent=True, category="one", popularity=1.0) for k in range(3)] + [
    product(k, launch=0.0, category="other" if k == 5 else "one") for k in (3, 4, 5)
]
TABLED = {
    "a nest of several": {"products": NESTS, "choice": {"leaving": 0.5, "nesting": 0.4}},
    "few people who own more and more": {
        "users": {"population": 3, "features": 2},
        "buying": {"prompt": 1.0},
        "refresh_minutes": 0,
    },
}


@pytest.mark.parametrize("part", TABLED)
def test_truth_is_that_of_a_table(part: str) -> None:
    scenario = season(**TABLED[part])
    tabled = truths(scenario)
    assert tabled.max() > 0.1
    np.testing.assert_allclose(tabled, truths(scenario.changed(shelf={})), rtol=1e-4, atol=1e-6)


WHOLESALE = [{"name": "few", "share": 0.7, "price": 1.5}, {"name": "many", "share": 0.3, "pieces": 0.8}]
PARTS: dict[str, dict[str, Any]] = {
    "sample": {"shelf": {"considered": 3, "focus": 0.5}},
    "launches on the shelf": {"shelf": {"considered": 3, "launches": True}},
    "nests": {"shelf": {"considered": 4}, "choice": {"leaving": 0.2, "nesting": 0.5, "examination": [0.8]}},
    "pieces": {"pieces": {"sizes": [1, 3, 12], "shares": [6.0, 3, 1], "spread": 0.5, "visits": 0.6}},
    "breaks": {
        "pieces": {"sizes": [1, 12], "shares": [6.0, 1], "breaks": [{"at": 12, "off": 0.3}]},
        "reward": "revenue",
    },
    "returns of a part": {
        "pieces": {"sizes": [1, 5], "shares": [1.0, 1]},
        "buying": {"prompt": 1.0, "returns": 0.5, "return_days": 0.1, "return_window": 0.2, "returns_part": 0.7},
    },
    "baskets": {"baskets": {"products": 3.0}, "shelf": {"considered": 3, "offers": "candidates"}},
    "baskets filled up": {
        "pieces": {"sizes": [1, 3, 12], "shares": [6.0, 3, 1], "fill": -0.7},
        "baskets": {"products": 3.0, "weeks": [0.5, 2.0]},
        "shelf": {"considered": 3, "offers": "candidates"},
    },
    "discounts": {"discounts": [0.4], "shelf": {"considered": 3, "launches": True}, "reward": "margin"},
}


@pytest.mark.parametrize("part", PARTS)
def test_truth_is_the_mean_reward_that_showing_an_action_brings(part: str) -> None:
    users = {"population": 300, "features": 1, "durable": False, "taste": 0.7, "segments": WHOLESALE}
    shelf = [product(k, incumbent=True, popularity=k + 1.0) for k in range(6)]
    values: dict[str, Any] = {
        "days": 10.0,
        "refresh_minutes": 720.0,
        "arrivals": {"per_day": 2000.0},
        "users": users,
        "products": shelf + [product(k, launch=0.0, cost=7.0, pieces=0.3) for k in range(6, 9)],
        "choice": {"leaving": 0.2, "examination": [0.8]},
        "buying": {"prompt": 1.0},
        "shelf": {},
    }
    environment = Simulated(season(**values | PARTS[part]), 3)
    rewards, truths, chosen = [], [], []
    for rounds in environment.play(Draw(load("uniform", environment.problem), 0)):
        assert rounds.truth is not None
        rewards.append(rounds.feedback.rewards)
        chosen.append(rounds.feedback.chosen)
        truths.append(rounds.truth[np.arange(len(rounds.feedback)), rounds.feedback.chosen])
    reward, truth, action = (np.concatenate(parts) for parts in (rewards, truths, chosen))
    for a in range(environment.problem.n_actions):
        some = action == a
        error = reward[some].std() / np.sqrt(some.sum())
        assert abs(reward[some].mean() - truth[some].mean()) < 4 * error
    assert abs(reward.mean() - truth.mean()) < 3.5 * reward.std() / np.sqrt(len(reward))


EVEN = {"hours": [1.0] * 24, "weekdays": [1.0] * 7}


def test_a_product_is_wanted_again_when_it_is_used_up() -> None:
    """All come two hundred times a day, so that waits between purchases are those of the product, and hardly more."""
    products = [product(0, incumbent=True, quality=-50.0), product(1, launch=0.0, refill_days=0.2)]
    scenario = season(
        days=5.0,
        refresh_minutes=0.0,
        again={"refill_days": 100.0},
        products=products,
        users={"population": 10, "features": 1, "zipf": 0.0},
        choice={"leaving": -30.0},
        buying={"prompt_minutes": 0.001, "prompt": 1.0},
        arrivals=EVEN | {"per_day": 2000.0},
    )
    bought = market(scenario, Fixed([1]), seed=1).ledger.table("purchases")
    waits = bought[bought["product"] == 1].sort_values("time").groupby("user")["time"].diff().dropna()
    assert len(waits) > 150
    assert abs(waits.mean() - 0.205) < 4 * waits.std() / np.sqrt(len(waits)) + 0.01
    assert (bought[bought["product"] == 0].groupby("user").size() <= 1).all()


def test_word_of_mouth_counts_orders_not_their_lines() -> None:
    scenario = season(
        days=2.0,
        arrivals=EVEN | {"per_day": 1000.0, "word_of_mouth": 0.6, "friend_days": 0.002},
        users={"population": 1000, "features": 1, "durable": False},
        products=[product(k, incumbent=True) for k in range(30)] + [product(30, launch=0.0)],
        choice={"leaving": -30.0},
        baskets={"products": 5.0},
        buying={"prompt": 1.0},
    )
    visits = market(scenario, Fixed([30]), seed=5).ledger.n_visits
    assert abs(visits - 2000 / 0.4) < 4 * np.sqrt(2000 / 0.4**3)


def test_a_large_shop_keeps_no_table_of_users_and_products() -> None:
    products = [product(k, incumbent=True) for k in range(2000)] + [product(2000, launch=0.0)]
    users = {"population": 120_000, "features": 1}
    scenario = season(days=0.02, products=products, users=users, arrivals=EVEN | {"per_day": 1000.0})
    opened = market(scenario, Fixed([2000]), seed=1)
    assert opened.appeal.utilities.size == 0
    assert opened.ledger.n_visits > 0


@pytest.mark.parametrize(
    "part",
    [
        {"shelf": {"considered": 3, "offers": "candidates"}},
        {"shelf": {"considered": 4, "launches": True}, "baskets": {"products": 2.0}},
        {"pieces": {"sizes": [1, 3, 12], "shares": [6.0, 3, 1], "spread": 0.3}, "reward": "margin"},
    ],
)
def test_launches_sell_what_was_expected_of_them(part: dict[str, Any]) -> None:
    scenario = season(
        question="launch",
        plan="newest",
        days=6.0,
        launching={"every": 2.0, "windows": 3, "capacity": 2, "horizon": 2.0},
        products=[product(k, incumbent=True, popularity=3.0) for k in range(4)]
        + [product(k, quality=0.2 * k, cost=5.0) for k in range(4, 12)],
        slots=2,
        choice={"leaving": 4.5, "examination": [0.9, 0.4]},
        arrivals={"per_day": 8000.0},
        users={"population": 20_000, "features": 2, "price_sensitivity": 0.0},
        buying={"prompt": 1.0},
        **part,
    )
    environment = Simulated(scenario, 1)
    sold, expected = 0.0, 0.0
    for rounds in environment.play(Draw(load("uniform", environment.problem), 1)):
        assert rounds.truth is not None
        sold += rounds.feedback.rewards.sum()
        expected += float(rounds.truth[np.arange(len(rounds.feedback)), rounds.feedback.chosen].sum())
    assert 0.9 < sold / expected < 1.1
