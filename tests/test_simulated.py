"""The market as a bandit: every offer ends in one round, regret is honest, batches change nothing."""

from __future__ import annotations

from itertools import count
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from seasons import product, season, seasons

from benchmarks.runner import Draw, run
from benchmarks.trace import Trace
from envs.simulated import Simulated
from policies import load
from policies.policy import Decisions, Feedback, Problem
from simulator.market import Market
from simulator.scenario import Scenario

laws = settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])


class Keeping:
    """Passes on to a policy and keeps every lesson."""

    def __init__(self, policy) -> None:  # type: ignore[no-untyped-def]
        self.policy = policy
        self.lessons: list[Feedback] = []

    def probabilities(self, decisions: Decisions) -> np.ndarray:
        return self.policy.probabilities(decisions)

    def learn(self, feedback: Feedback) -> None:
        self.lessons.append(feedback)
        self.policy.learn(feedback)

    def column(self, name: str) -> np.ndarray:
        parts = [getattr(x, name) if hasattr(x, name) else getattr(x.decisions, name) for x in self.lessons]
        return np.concatenate(parts)


def played(
    scenario: Scenario, seed: int, policy: str = "epsilon_greedy", **how: bool
) -> tuple[Simulated, Keeping, Trace]:
    environment = Simulated(scenario, seed, record=True, **how)
    chosen = environment.oracle() if policy == "oracle" else load(policy, environment.problem)
    keeping = Keeping(chosen)
    return environment, keeping, run(keeping, environment, seed)


@laws
@given(seasons(), st.integers(0, 5))
def test_every_offer_ends_in_exactly_one_round(scenario: Scenario, seed: int) -> None:
    environment, keeping, trace = played(scenario, seed)
    offers = environment.ledger.table("offers")
    assert len(offers) == len(trace)
    if len(trace):
        told = pd.DataFrame({"time": keeping.column("times"), "action": keeping.column("chosen")})
        by = ["time", "action"]
        expected = offers[by].astype({"action": int}).sort_values(by, ignore_index=True)
        pd.testing.assert_frame_equal(told.sort_values(by, ignore_index=True), expected, check_exact=True)
        assert len(np.unique(keeping.column("ids"))) == len(offers)


@laws
@given(seasons(), st.integers(0, 5))
def test_rewards_are_the_net_sales_of_the_slots(scenario: Scenario, seed: int) -> None:
    environment, _, trace = played(scenario, seed)
    purchases, returns = environment.ledger.table("purchases"), environment.ledger.table("returns")
    shown = purchases[purchases["slot"] >= 0]
    back = shown.merge(returns, on=["visit", "product"])["units_y"].sum()
    assert trace.rewards.sum() == shown["units"].sum() - back


@laws
@given(seasons(), st.integers(0, 5))
def test_regret_is_never_negative_and_zero_for_the_oracle(scenario: Scenario, seed: int) -> None:
    assert (played(scenario, seed, "uniform")[2].regrets >= 0).all()
    oracle = played(scenario, seed, "oracle")[2]
    np.testing.assert_array_equal(oracle.regrets, 0.0)


@laws
@given(seasons(), st.integers(0, 5))
def test_a_learning_policy_leaves_the_same_ledger_asked_visit_by_visit(scenario: Scenario, seed: int) -> None:
    together, one_by_one = (played(scenario, seed, one_at_a_time=how)[0].ledger for how in (False, True))
    for name in together.tables:
        pd.testing.assert_frame_equal(together.table(name), one_by_one.table(name), check_exact=True)


@laws
@given(seasons(), st.integers(0, 5))
def test_only_what_was_available_is_chosen_and_never_twice_on_a_slate(scenario: Scenario, seed: int) -> None:
    environment, keeping, trace = played(scenario, seed)
    if len(trace):
        available = keeping.column("available")
        assert available[np.arange(len(available)), keeping.column("chosen")].all()
    offers = environment.ledger.table("offers")
    products = offers.assign(product=offers["action"].astype(int) % scenario.n_offered)
    assert not products.duplicated(["visit", "product"]).any()


def test_truth_is_the_mean_reward_that_showing_an_action_brings() -> None:
    # One user type, no delays: over many visits the rewards of each action average to its expected reward.
    about = {"days": 20.0, "arrivals": {"per_day": 2000.0}, "reward": "margin"}
    users = {"population": 50, "features": 1, "durable": False, "taste": 0.5}
    products = [product(0, incumbent=True)] + [product(k, launch=0.0, cost=7.0) for k in range(1, 4)]
    buying = {"prompt": 1.0, "returns": 0.3, "return_days": 0.1, "return_window": 0.2}
    choice = {"leaving": 0.2, "nesting": 0.6, "examination": [0.8]}
    scenario = season(products=products, users=users, buying=buying, choice=choice, **about)
    environment = Simulated(scenario, 3)
    rewards, truths, chosen = [], [], []

    class Watching(Trace):
        def add(self, rounds) -> None:  # type: ignore[no-untyped-def]
            rewards.append(rounds.feedback.rewards)
            truths.append(rounds.truth[np.arange(len(rounds.feedback)), rounds.feedback.chosen])
            chosen.append(rounds.feedback.chosen)

    watching = Watching()
    for rounds in environment.play(Draw(load("uniform", environment.problem), 0)):
        watching.add(rounds)
    reward, truth, action = (np.concatenate(parts) for parts in (rewards, truths, chosen))
    for k in range(4):
        mine = action == k
        error = (reward[mine] - truth[mine]).std() / np.sqrt(mine.sum())
        assert abs((reward[mine] - truth[mine]).mean()) < 4 * error


@pytest.mark.parametrize("model", ["position", "cascade"])
@pytest.mark.parametrize("examination", [[0.0, 0.7], [0.6, 0.0], [0.6, 0.7]])
def test_a_slot_is_worth_as_much_as_it_is_looked_at(examination: list[float], model: str) -> None:
    # One visitor, no taste: quality 0.4 at 0 euros' worth beside leaving at 0.5, 1 / (1 + exp(0.1)) where looked at.
    users = {"population": 1, "features": 1, "taste": 0.0, "price_sensitivity": 0.0, "durable": False}
    products = [product(k, launch=0.0, quality=0.4) for k in range(2)]
    choice = {"leaving": 0.5, "examination": examination, "model": model}
    environment = Simulated(season(products=products, users=users, choice=choice, slots=2), 1)
    rounds = list(environment.play(Draw(load("uniform", environment.problem), 0)))
    truth = np.concatenate([one.truth for one in rounds])
    both = np.concatenate([one.feedback.decisions.available for one in rounds]).all(axis=1)
    reach = np.cumprod(examination) if model == "cascade" else examination
    np.testing.assert_allclose(truth[both], reach[0] / (1 + np.exp(0.1)), rtol=1e-5)
    np.testing.assert_allclose(truth[~both].max(axis=1), reach[1] / (1 + np.exp(0.1)), rtol=1e-5)


def by_hand(**about: Any) -> Simulated:
    """One visitor without taste, who loses 0.03 utility a euro; an incumbent of 20 euros; candidates of 40 and 60."""
    users = {"population": 1, "features": 3, "taste": 0.0, "price_sensitivity": 0.03, "price_spread": 0.0}
    products = [
        product(0, incumbent=True, price=20.0, cost=15.0),
        product(1, launch=0.0, price=40.0, cost=10.0),
        product(2, launch=1.5, price=60.0, cost=10.0),
    ]
    values: dict[str, Any] = {
        "users": users | {"durable": False},
        "products": products,
        "discounts": [0.25],
        "reward": "margin",
        "choice": {"leaving": 0.5, "examination": [0.8]},
        "buying": {"returns": 0.4, "return_days": 2.0, "return_window": 3.0},
    }
    return Simulated(season(**values | about), 1)


def test_truth_is_the_margin_kept_of_a_logit_worked_out_by_hand() -> None:
    environment = by_hand()
    rounds = list(environment.play(Draw(load("uniform", environment.problem), 0)))
    kept = 0.8 * (1 - 0.4 * (1 - np.exp(-3 / 2)))  # looked at, and not sent back within the window
    shelf = np.exp(0.5) + np.exp(-0.03 * 20)  # leaving, and the incumbent
    margins = np.array([5, 30, 50, 0, 20, 35])
    weights = np.exp(-0.03 * np.array([20, 40, 60, 15, 30, 45]))
    chances = weights / (shelf + weights)
    chances[0] = weights[0] / shelf  # it is on the shelf anyway
    chances[3] = weights[3] / (np.exp(0.5) + weights[3])  # the incumbent at its cut price, in place of the full
    for one in rounds:
        worth = np.tile(margins * chances * kept, (len(one.feedback), 1))
        worth[one.feedback.decisions.times < 1.5] *= np.tile([1, 1, 0], 2)  # product 2 comes then
        np.testing.assert_allclose(one.truth, worth, rtol=1e-5)


def test_what_is_asked_has_the_shapes_and_looks_of_the_problem() -> None:
    environment = by_hand()
    assert environment.problem == Problem(6, 4, 2 + 4 + 1 + 1)
    assert environment.action_names == [f"product {k}{cut}" for cut in ("", " -25%") for k in range(3)]
    keeping = Keeping(load("uniform", environment.problem))
    run(keeping, environment)
    actions = keeping.lessons[0].decisions.actions
    np.testing.assert_allclose(actions[:, -2], np.tile([0.5, 1.0, 1.5], 2))  # price by the mean price
    np.testing.assert_allclose(actions[:, -1], [0, 0, 0, 0.25, 0.25, 0.25])


def test_the_oracle_takes_what_is_worth_most_of_what_is_available() -> None:
    environment = by_hand()
    trace = run(environment.oracle(), environment)
    before = trace.times < 1.5
    assert set(trace.chosen[before]) == {1}
    assert set(trace.chosen[~before]) == {5}
    np.testing.assert_array_equal(trace.regrets, 0.0)


def test_what_the_visitor_owns_brings_nothing_and_is_known_after_the_refresh() -> None:
    environment = by_hand(
        users={"population": 1, "features": 1, "durable": True}, choice={"leaving": -30.0}, discounts=[], buying={}
    )
    rounds = list(environment.play(Draw(load("uniform", environment.problem), 0)))
    truth = np.concatenate([one.truth for one in rounds])
    times = np.concatenate([one.feedback.decisions.times for one in rounds])
    bought = environment.ledger.table("purchases").groupby("product")["time"].min()
    for number in (0, 1):
        assert (truth[times > bought[number] + 1 / 24, number] == 0).all()
        assert (truth[times < bought[number], number] > 0).all()


def test_lessons_carry_the_look_of_the_products_when_the_decision_was_made() -> None:
    promotions = [{"start": 1.01, "days": 1.0, "discount": 0.5}]
    scenario = season(promotions=promotions, refresh_minutes=300, buying={"prompt": 0.0, "slow_days": 0.5})
    _, keeping, _ = played(scenario, 1, "uniform")
    prices = np.array([about.price for about in scenario.products])
    cut, full = 0, 0
    for lesson in keeping.lessons:
        on_sale = (lesson.decisions.times > 1.01) & (lesson.decisions.times < 2.01)
        assert on_sale.all() or not on_sale.any()
        np.testing.assert_allclose(
            lesson.decisions.actions[:, -1], prices / prices.mean() * (0.5 if on_sale.all() else 1)
        )
        cut, full = cut + on_sale.sum(), full + (~on_sale).sum()
    assert cut > 50
    assert full > 50


def test_a_purchase_that_is_late_makes_its_round_late() -> None:
    scenario = season(buying={"prompt": 0.0, "slow_days": 1.0}, choice={"leaving": -2.0}, refresh_minutes=60)
    environment = Simulated(scenario, 1)
    seen: list[tuple[float, float]] = []
    clock = [0.0]

    class Watch:
        def probabilities(self, decisions: Decisions) -> np.ndarray:
            clock[0] = float(decisions.times.max())
            return decisions.available / decisions.available.sum(axis=1, keepdims=True)

        def learn(self, feedback: Feedback) -> None:
            seen.extend((clock[0] - t, r) for t, r in zip(feedback.decisions.times, feedback.rewards, strict=True))

    run(Watch(), environment)
    lags, rewards = np.array(seen).T
    assert lags[rewards == 0].min() < 0.05
    assert np.median(lags[(rewards > 0)]) > 0.3


def test_a_visit_without_purchase_is_settled_only_after_its_days() -> None:
    often = {"per_day": 2000.0, "hours": [1.0] * 24}
    scenario = season(arrivals=often, buying={"settle_days": 0.5}, refresh_minutes=60, choice={"leaving": 30.0})
    lags = []
    environment = Simulated(scenario, 1)
    clock = [0.0]

    class Watch:
        def probabilities(self, decisions: Decisions) -> np.ndarray:
            clock[0] = float(decisions.times.max())
            return decisions.available / decisions.available.sum(axis=1, keepdims=True)

        def learn(self, feedback: Feedback) -> None:
            lags.extend(clock[0] - feedback.decisions.times[feedback.rewards == 0])

    run(Watch(), environment)
    while_open = np.array(lags)[: len(lags) // 2]
    assert while_open.min() >= 0.5 - 0.01


def test_which_to_launch_is_asked_place_by_place_and_rewarded_with_sales_over_the_horizon() -> None:
    launching = {"first": 0.0, "every": 1.0, "windows": 2, "capacity": 2, "horizon": 1.0}
    products = [product(0, incumbent=True)] + [product(k, launch=None) for k in range(1, 7)]
    scenario = season(
        question="launch", launching=launching, products=products, slots=2, choice={"examination": [1.0, 1.0]}
    )
    environment, _, trace = played(scenario, 2, "uniform")
    assert len(trace) == 4
    assert environment.problem == Problem(7, 5, environment.problem.n_action_features)
    launches = environment.ledger.table("launches")
    assert sorted(launches.loc[launches["product"] > 0, "product"]) == sorted(trace.chosen)
    purchases = environment.ledger.table("purchases")
    for time, chosen, reward in zip(trace.times, trace.chosen, trace.rewards, strict=True):
        assert reward == ((purchases["product"] == chosen) & (purchases["time"] <= time + 1.0)).sum()
    np.testing.assert_array_equal(played(scenario, 2, "oracle")[2].regrets, 0.0)


def test_a_season_of_launches_is_the_same_where_nobody_asks_for_its_truth() -> None:
    launching = {"first": 0.0, "every": 1.0, "windows": 2, "capacity": 2, "horizon": 1.0}
    products = [product(0, incumbent=True)] + [product(k, launch=None) for k in range(1, 7)]
    scenario = season(question="launch", launching=launching, products=products)
    markets = [Simulated(scenario, 3, foresee=foresee) for foresee in (True, False)]
    told, untold = (run(load("linucb", market.problem), market, 3) for market in markets)
    assert told.chosen.tolist() == untold.chosen.tolist()
    assert told.rewards.tolist() == untold.rewards.tolist()
    assert np.isfinite(told.regrets).all()
    assert np.isnan(untold.regrets).all()


def test_the_oracle_sells_more_than_chance() -> None:
    scenario = season(days=10.0, arrivals={"per_day": 300.0}, users={"population": 500, "features": 2, "taste": 2.0})
    sold = {name: played(scenario, 1, name)[2].rewards.sum() for name in ("uniform", "oracle")}
    assert sold["oracle"] > 1.15 * sold["uniform"]


def test_an_unknown_scenario_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match=r"spring_launch.*got 'winter'"):
        Simulated("winter")


def test_further_product_features_stand_beside_the_markets_own_at_every_discount() -> None:
    extra = np.arange(8.0).reshape(4, 2)
    plain, more = (Simulated(season(discounts=[0.2]), 1, product_features=given) for given in (None, extra))
    assert more.problem.n_action_features == plain.problem.n_action_features + 2
    keeping = Keeping(load("uniform", more.problem))
    run(keeping, more)
    actions = keeping.lessons[0].decisions.actions
    np.testing.assert_array_equal(actions[:4, -3:-1], extra)
    np.testing.assert_array_equal(actions[4:, -3:-1], extra)


@pytest.mark.parametrize(
    "buying",
    [
        {"prompt": 0.0, "slow_days": 0.3, "settle_days": 0.02},
        {"prompt": 1.0, "returns": 0.3, "return_days": 0.01, "return_window": 0.02},
    ],
)
def test_what_settles_within_the_interval_of_its_visit_is_told_once(buying: dict[str, float]) -> None:
    scenario = season(buying=buying, refresh_minutes=400.0, choice={"leaving": -1.0})
    environment, keeping, trace = played(scenario, 3)
    assert len(trace) == len(environment.ledger.table("offers"))
    assert len(np.unique(keeping.column("ids"))) == len(trace)


@laws
@example(season(users={"population": 10, "durable": True}), 0)
@given(seasons(), st.integers(0, 5))
def test_what_is_expected_ahead_is_what_is_expected_at_the_visit(scenario: Scenario, seed: int) -> None:
    scenario = scenario.changed(refresh_minutes=0.0)
    ahead = played(scenario, seed, "uniform")[2]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Market, "moves", property(lambda _, moves=count(): next(moves)))
        afresh = played(scenario, seed, "uniform")[2]
    np.testing.assert_array_equal(ahead.regrets, afresh.regrets)
    np.testing.assert_array_equal(ahead.shortfalls, afresh.shortfalls)
