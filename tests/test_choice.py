"""What they answer: shares against closed forms, for logit, nested logit, examination and cascade."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numba import njit
from scipy.special import logsumexp
from seasons import product, season

from simulator import choice, streams
from simulator.catalogue import Catalogue
from simulator.choice import Appeal, chances, stable_table
from simulator.users import Users

N = 200_000


class World:
    """One user, four products in two categories, weights of our choosing; product 0 is on the shelf."""

    def __init__(self, utilities: list[float], *, nesting: float = 1.0, leaving: float = 0.3, **about: Any) -> None:
        products = [product(0, incumbent=True)] + [product(k, launch=0.0) for k in range(1, 4)]
        self.scenario = season(
            products=products,
            users={"population": 1, "features": 1},
            choice={"nesting": nesting, "leaving": leaving} | about,
        )
        self.catalogue = Catalogue(self.scenario, 0)
        self.users = Users(self.scenario, 0)
        self.appeal = Appeal(self.scenario, self.catalogue, self.users)
        self.utilities = np.array(utilities)
        self.appeal.utilities = (self.utilities / nesting)[None].astype(np.float32)
        self.stock = np.full(4, 9)
        self.owned = np.zeros((1, 4), bool)

    def shares(self, offered: list[int], relief: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
        """Share of visits that choose each product, and of those that chose it in each slot."""
        about = self.scenario.choice
        chosen, slot = np.empty(N, np.int64), np.empty(N, np.int64)
        buyers = choice.respond(
            streams.key(1, "test"),
            0,
            N,
            np.arange(N, dtype=np.uint64),
            np.zeros(N, np.int64),
            np.tile(offered, (N, 1)),
            np.ones(8, bool),
            np.array([0]),
            self.stock,
            self.owned,
            self.appeal.utilities,
            self.appeal.lift,
            np.full((1, 4), relief),
            chosen,
            slot,
            np.empty(N, np.int64),
            np.empty(N, bool),
            self.users.sensitivities,
            self.catalogue.categories,
            np.array(about.examination),
            about.model == "cascade",
            about.leaving,
            about.nesting,
            stable_table(about.nesting),
        )
        assert buyers == (chosen >= 0).sum()
        assert set(slot) <= {-1, *range(len(offered))}
        return np.bincount(chosen[chosen >= 0], minlength=4) / N, np.bincount(
            slot[slot >= 0], minlength=len(offered)
        ) / N

    def truth(self, relief: float = 0.0) -> np.ndarray:
        """Chance that each action is bought, beside the shelf alone."""
        truth, value, relieved = np.zeros((1, 8), np.float32), np.ones(8), np.full((1, 4), relief)
        chances(
            truth, np.zeros(1, np.int64), np.arange(8), self.catalogue.incumbent, np.array([0]), self.owned,
            self.appeal, self.catalogue, relieved, self.users.sensitivities, value,
        )  # fmt: skip
        return truth[0]


def logit(utilities: np.ndarray, leaving: float) -> np.ndarray:
    weights = np.exp(utilities)
    return weights / (np.exp(leaving) + weights.sum())


def close(shares: np.ndarray, expected: np.ndarray) -> None:
    assert np.all(np.abs(shares - expected) < 4 * np.sqrt(expected * (1 - expected) / N) + 1e-9), (shares, expected)


def test_shares_of_all_that_is_looked_at_are_those_of_the_multinomial_logit() -> None:
    world = World([0.2, 1.0, -0.5, 0.4], examination=[1.0, 1.0])
    shares, _ = world.shares([1, 2])
    close(shares[:3], logit(world.utilities[:3], 0.3))
    assert shares[3] == 0


def nested_logit(utilities: np.ndarray, leaving: float, lam: float) -> np.ndarray:
    """Chances of categories {0, 2} and {1, 3}: P(k | nest) P(nest), McFadden (1978); -inf for what is not there."""
    nests = np.maximum([logsumexp(utilities[c::2] / lam) for c in (0, 1)], -1e300)
    among = lam * nests - logsumexp([leaving, *(lam * nests)])
    return np.exp(utilities / lam - np.tile(nests, 2) + np.tile(among, 2))


LEVELS = [(0.4, 0.3), (0.1, 9.0), (0.05, 6.5), (0.01, 50.0), (0.01, -80.0)]  # nesting, utility of leaving


@pytest.mark.parametrize(("lam", "level"), LEVELS)
def test_shares_within_categories_are_those_of_the_nested_logit(lam: float, level: float) -> None:
    apart = np.array([-0.1, 0.7, -0.8 * lam, -0.3 * lam])
    world = World(list(level + apart), nesting=lam, leaving=level, examination=[1.0, 1.0, 1.0])
    shares, _ = world.shares([1, 2, 3])
    close(shares, nested_logit(world.utilities, level, lam))


@pytest.mark.parametrize(("lam", "level"), [(1.0, 0.3), (1.0, 90.0), *LEVELS])
def test_expected_rewards_are_the_chances_of_the_nested_logit(lam: float, level: float) -> None:
    apart = np.array([-0.1, 0.7, -0.8 * lam, -0.3 * lam])
    world = World(list(level + apart), nesting=lam, leaving=level)
    for action, cut in ((0, 0.0), (1, 0.0), (2, 0.0), (3, 0.0), (4, 0.2), (6, 0.2), (7, 0.2)):
        there = np.full(4, -np.inf)
        there[[0, action % 4]] = world.utilities[[0, action % 4]]
        there[action % 4] += cut
        if lam == 1:
            expected = np.exp(there - logsumexp([level, *there]))[action % 4]
        else:
            expected = nested_logit(there, level, lam)[action % 4]
        relief = 0.2 / world.users.sensitivities[0]
        assert world.truth(relief)[action] == pytest.approx(expected, rel=1e-3 if lam == 0.01 else 1e-5)


def test_a_slot_is_looked_at_as_often_as_its_chance_says() -> None:
    world = World([-40.0, 30.0, 30.0, -40.0], examination=[0.7, 0.2])
    shares, slots = world.shares([3, 1])  # nobody wants what is in the first slot, everybody what is in the second
    close(shares[1:2], np.array([0.2]))
    close(slots, np.array([0.0, 0.2]))


def test_in_a_cascade_the_next_slot_is_looked_at_only_by_the_unconvinced() -> None:
    # Chance that slot 1 convinces: 0.8 x logit of its product against leaving; the others go on with chance 0.5
    # (Craswell et al. 2008), of whom all take the irresistible second.
    world = World([-40.0, 0.6, 30.0, -40.0], model="cascade", examination=[0.8, 0.5])
    shares, _ = world.shares([1, 2])
    convinced = logit(np.array([0.6]), 0.3)[0]
    close(shares[2:3], np.array([0.8 * (1 - convinced) * 0.5]))
    close(shares[1:2], np.array([0.8 * convinced]))


def test_what_is_sold_out_or_owned_is_not_chosen_and_leaves_its_share_to_the_others() -> None:
    world = World([0.2, 1.0, -0.5, 0.4], examination=[1.0, 1.0])
    world.stock[1] = 0
    close(world.shares([1, 2])[0][[0, 2]], logit(world.utilities[[0, 2]], 0.3))
    world.owned[0, 2] = True
    close(world.shares([1, 2])[0][[0]], logit(world.utilities[[0]], 0.3))


def test_taking_a_product_away_moves_only_those_who_had_chosen_it() -> None:
    key, ids, lam = streams.key(2, "test"), np.arange(20_000, dtype=np.uint64), 0.5
    world = World([0.2, 1.0, 0.8, 0.4], nesting=lam, examination=[1.0, 1.0, 1.0])
    answers = []
    for offered in ([1, 2, 3], [1, -1, 3]):
        chosen, slot = np.empty(len(ids), np.int64), np.empty(len(ids), np.int64)
        choice.respond(
            key, 0, len(ids), ids, np.zeros(len(ids), np.int64), np.tile(offered, (len(ids), 1)),
            np.ones(4, bool), np.array([0]),
            world.stock, world.owned, world.appeal.utilities, world.appeal.lift, np.empty((0, 4)),
            chosen, slot, np.empty(len(ids), np.int64), np.empty(len(ids), bool),
            world.users.sensitivities, world.catalogue.categories, np.ones(3), False, 0.3, lam, stable_table(lam),
        )  # fmt: skip
        answers.append(chosen)
    kept = answers[0] != 2
    np.testing.assert_array_equal(answers[0][kept], answers[1][kept])
    assert (answers[1] != 2).all()


@pytest.mark.parametrize("nesting", [1.0, 0.6])
def test_expected_rewards_are_the_chances_with_which_visits_buy(nesting: float) -> None:
    world = World([0.2, 1.0, -0.5, 0.4], nesting=nesting, examination=[1.0])
    world.owned[0, 3] = True
    value = np.array([3.0, 2.0, 5.0, 1.0, 3.0, 2.0, 5.0, 1.0])
    truth = np.zeros((1, 8), np.float32)
    chances(
        truth, np.zeros(1, np.int64), np.arange(8), world.catalogue.incumbent, np.array([0]), world.owned, world.appeal,
        world.catalogue, np.full((1, 4), 6.0), world.users.sensitivities, value,
    )  # fmt: skip
    truth = truth[0]
    for action in (0, 1, 2, 5, 6):
        share = world.shares([action], relief=6.0)[0][action % 4]
        close(np.array([share]), truth[[action]] / value[action])
    assert truth[3] == truth[7] == 0


def test_a_positive_stable_variable_has_its_laplace_transform() -> None:
    for index in (0.3, 0.5, 0.85):
        table = stable_table(index)
        random = np.random.default_rng(1)
        x, y = random.random((2, N))
        draws = np.exp(_log_stables(table, x, y, index))
        for t in (0.2, 1.0, 3.0):
            sample = np.exp(-t * draws)
            assert abs(sample.mean() - np.exp(-(t**index))) < 4 * sample.std() / np.sqrt(N)


@njit
def _log_stables(table: Any, x: Any, y: Any, index: float) -> Any:
    logs = np.empty(len(x))
    for i in range(len(x)):
        logs[i] = choice._log_stable(table, x[i], y[i], index)
    return logs


def test_the_table_of_stable_variables_is_as_good_as_the_formula() -> None:
    index, random = 0.6, np.random.default_rng(2)
    x, y = random.random((2, 10_000))
    a = np.sin(index * np.pi * x) / np.sin(np.pi * x) ** (1 / index)
    a *= np.sin((1 - index) * np.pi * x) ** ((1 - index) / index)
    exact = np.log(a * (-np.log(y)) ** (-(1 - index) / index))
    np.testing.assert_allclose(_log_stables(stable_table(index), x, y, index), exact, atol=1e-5)


def test_thinking_is_a_mixture_of_minutes_and_days() -> None:
    ids = np.arange(N, dtype=np.uint64)
    prices, levels = np.array([10.0, 20.0]), np.array([0.0, 0.25])
    product, slot = np.arange(N) % 2, np.arange(N) % 3 - 1
    offered = np.stack([product, product + 2], axis=1)  # at full price in the first slot, reduced in the second
    buys, pays, friends, back = choice.thinking(
        streams.key(3, "test"),
        np.arange(N),
        ids,
        np.zeros(N),
        0.7,
        20.0,
        2.0,
        0.4,
        0.3,
        4.0,
        6.0,
        offered,
        product,
        slot,
        prices,
        levels,
        len(prices),
    )
    np.testing.assert_array_equal(pays, prices[product] * np.where(slot == 1, 0.75, 1.0))
    assert abs(buys.mean() - (0.7 * 20 / 1440 + 0.3 * 2)) < 4 * buys.std() / np.sqrt(N)
    close(np.array([(buys > 1).mean()]), np.array([0.3 * np.exp(-1 / 2)]))
    assert abs(friends.mean() - 0.4) < 4 * np.sqrt(0.4 / N)
    assert abs(friends.var() - 0.4) < 4 * np.sqrt((0.4 + 2 * 0.4**2) / N)
    close(np.array([np.isfinite(back).mean()]), np.array([0.3 * (1 - np.exp(-6 / 4))]))


def test_novelty_wears_off_and_sales_are_proof() -> None:
    world = World([0.0] * 4, novelty=0.9, novelty_days=5.0, social_proof=0.2)
    world.appeal.refresh(12.0, np.array([0.0, 2.0, np.nan, 12.0]), np.array([0, 30, 0, 4]))
    age = np.array([12, 10, 0, 0])
    expected = 0.9 * np.exp(-age / 5.0) + 0.2 * np.log(1 + np.array([0, 30, 0, 4]))
    np.testing.assert_allclose(world.appeal.lift, expected, rtol=1e-12)


def test_repricing_is_the_same_as_having_had_the_price_all_along() -> None:
    scenario = season(choice={"nesting": 0.7})
    catalogue, users = Catalogue(scenario, 1), Users(scenario, 1)
    appeal = Appeal(scenario, catalogue, users)
    prices = catalogue.prices * np.array([1.0, 0.5, 1.2, 1.0])
    appeal.reprice(prices)
    catalogue.prices = prices
    np.testing.assert_allclose(appeal.utilities, Appeal(scenario, catalogue, users).utilities, rtol=1e-5)


def test_drifting_tastes_are_taken_up_on_the_first_day_of_each_week() -> None:
    """Quality and price do not drift: what moves is taste x style, to that of the day on which the week began."""
    scenario = season(days=70.0, users={"drift": 1.0, "population": 50, "features": 2}, choice={"nesting": 0.7})
    catalogue, users = Catalogue(scenario, 1), Users(scenario, 1)
    appeal = Appeal(scenario, catalogue, users)
    begun = appeal.utilities.copy()
    for day, week in ((6.9, 0), (7.0, 1), (13.9, 1), (36.0, 5)):
        appeal.refresh(day, np.zeros(len(catalogue)), np.zeros(len(catalogue), np.int64))
        moved = (users.tastes(7.0 * week) - users.tastes(0.0)) @ catalogue.styles.T / 0.7
        np.testing.assert_allclose(appeal.utilities - begun, moved, atol=1e-5)
    assert np.abs(moved).max() > 0.1
