"""Assortments, changing worlds and late rewards: each problem is as its paper has it, in closed form."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest

import policies
from benchmarks.runner import run
from benchmarks.suites import delays
from benchmarks.suites.classics import BetaThompson, ChernoffUCB, DiscountedUCB, EpochUCB
from envs.simulated import Simulated
from policies.policy import Decisions, Feedback, Problem


def test_the_best_assortment_sells_six_elevenths_and_the_worst_half() -> None:
    """4 x .3 / (1 + 4 x .3) = 6/11; six plain ones at .25 sell 1/2; a random four lies between."""
    assert pytest.approx(6 / 11) == delays.BEST
    assert 0.5 < delays.at_random() < delays.BEST


def test_the_market_sells_an_assortment_as_often_as_multinomial_logit_says() -> None:
    """Always the four better products: 6/11 of some 4,000 visits, within four standard errors."""
    season = Simulated(delays.assortments(4_000), 1)
    run(policies.load("fixed_order", season.problem, order=[0, 1, 8, 9]), season, 1)
    totals, visits = season.ledger.totals(), season.ledger.n_visits
    assert totals["units"] / visits == pytest.approx(6 / 11, abs=4 * np.sqrt(0.25 / visits))


def test_regret_in_the_changing_world_is_as_summed_by_hand() -> None:
    """The first action loses .4 in 2,000 rounds; chance .1 in 8,000 and .9 - .5667 in 2,000."""
    truth = delays.changing(0).truth
    assert (truth.max(axis=1) - truth[:, 0]).sum() == pytest.approx(800.0)
    assert (truth.max(axis=1) - truth.mean(axis=1)).sum() == pytest.approx(8_000 * 0.1 + 2_000 / 3)


def test_ten_items_are_on_offer_and_each_new_one_takes_the_place_of_another() -> None:
    world = delays.Retiring(6_000, 500, 1)
    trace = run(policies.load("uniform", world.problem), world, 1)
    offered = world.problem.n_actions - world.OFFERED
    assert offered == pytest.approx(6, abs=4 * np.sqrt(6))
    assert len(trace) == 6_000
    assert set(trace.rewards) == {0.0, 1.0}


def asked(K: int, times: list[float]) -> Decisions:
    n = len(times)
    return Decisions(np.array(times), np.ones((n, 1)), np.empty((K, 0)), np.ones((n, K), bool))


def taught(policy: object, chosen: list[int], rewards: list[float], K: int) -> None:
    n = len(chosen)
    policy.learn(Feedback(asked(K, [0.0] * n), np.array(chosen), np.ones(n), np.array(rewards)))  # type: ignore[attr-defined]


def test_chernoffs_bound_is_that_of_the_paper() -> None:
    """k = 1 of m = 4 at t = e^2, so log(1/delta) = 1: 1/4 + sqrt(2 x 1/4 / 4) + 2/4 = 1.1036."""
    policy = ChernoffUCB(Problem(2, 1))
    taught(policy, [0, 0, 0, 0, 1], [1, 0, 0, 0, 0], 2)
    scores = policy._scores(np.array([[0, 1]]), np.array([np.exp(2)]))
    assert scores[0] == pytest.approx([0.25 + np.sqrt(0.125) + 0.5, 2.0])


def test_thompson_draws_from_the_beta_posterior() -> None:
    """Three successes and one failure on a Beta(1, 1): mean 4/6."""
    policy = BetaThompson(Problem(1, 1))
    taught(policy, [0] * 4, [1, 1, 1, 0], 1)
    drawn = policy._scores(np.zeros((20_000, 1), int), np.zeros(20_000))
    assert drawn.mean() == pytest.approx(4 / 6, abs=0.01)


def test_discounted_counts_fade_by_gamma() -> None:
    policy = DiscountedUCB(Problem(2, 1), gamma=0.5)
    taught(policy, [0, 1, 0], [1, 1, 0], 2)
    assert policy._counts == pytest.approx([1.25, 0.5])
    assert policy._sums == pytest.approx([0.25, 0.5])


def test_an_epoch_ends_with_the_first_visit_that_buys_nothing_and_its_sales_estimate_v() -> None:
    """Sales in an epoch of an assortment are geometric with mean v: two, then none, is v = 2 for that product."""
    policy = EpochUCB(Problem(4, 1), slots=2)
    shown = [int(k) for k in policy._offer]
    for bought in ([1, 0], [1, 0]):
        taught(policy, shown, [float(b) for b in bought], 4)
        assert list(policy._offer) == shown
    taught(policy, shown, [0.0, 0.0], 4)
    assert policy._sold[shown] == pytest.approx([2.0, 0.0])
    assert policy._epochs[shown] == pytest.approx([1.0, 1.0])
    assert set(policy._offer).isdisjoint(shown)  # never offered: bound infinite


def test_the_papers_policy_finds_the_four_better_products_when_it_trusts_more() -> None:
    """v .9 beside .1: with a narrow bound nearly all late visits see the better ones."""
    better = Problem(4, 1)
    policy, random = EpochUCB(better, slots=2, width=0.1), np.random.default_rng(0)
    v = np.array([0.1, 0.9, 0.1, 0.9])
    for _ in range(1_500):
        offer = policy._offer.copy()
        chances = np.append(v[offer], 1.0) / (1 + v[offer].sum())
        bought = random.choice(3, p=chances)
        taught(policy, offer.tolist(), [float(bought == 0), float(bought == 1)], 4)
    assert set(policy._offer) == {1, 3}


def test_environments_pickle() -> None:
    import pickle

    pickle.dumps(partial(delays._season, delays.assortments(100)))
