"""Hybrid LinUCB against one ridge regression on the stacked features [z; 0 .. x .. 0]."""

from __future__ import annotations

import numpy as np
import pytest

from policies.linucb_hybrid import LinucbHybrid
from policies.policy import Decisions, Feedback, Floats, PolicyError, Problem

K, D, A = 4, 3, 2


def stacked(x: Floats, features: Floats, k: int, shared: str) -> Floats:
    z = features if shared == "actions" else np.outer(x, features).ravel()
    own = np.zeros(K * D)
    own[k * D : (k + 1) * D] = x
    return np.concatenate([z, own])


def day(rng: np.random.Generator, n: int) -> Decisions:
    """The products' features change from day to day, as prices do."""
    return Decisions(np.zeros(n), rng.normal(size=(n, D)), rng.normal(size=(K, A)), np.ones((n, K), bool))


@pytest.mark.parametrize("shared", ["actions", "outer"])
def test_scores_equal_ridge_regression_on_stacked_features(shared: str) -> None:
    rng = np.random.default_rng(0)
    policy = LinucbHybrid(Problem(K, D, A), alpha=0.7, ridge=4.0, shared=shared)
    size = len(stacked(np.zeros(D), np.zeros(A), 0, shared))
    precision, weighted = 4.0 * np.eye(size), np.zeros(size)
    for _ in range(40):
        decisions = day(rng, 10)
        mean, covariance = np.linalg.solve(precision, weighted), np.linalg.inv(precision)
        for x, scores in zip(decisions.contexts, policy.scores(decisions), strict=True):
            for k in range(K):  # action 3 stays untried
                s = stacked(x, decisions.actions[k], k, shared)
                np.testing.assert_allclose(scores[k], s @ mean + 0.7 * np.sqrt(s @ covariance @ s), rtol=0, atol=1e-10)
        chosen, rewards = rng.integers(K - 1, size=10), rng.normal(size=10)
        policy.learn(Feedback(decisions, chosen, np.ones(10), rewards))
        for i in range(10):
            s = stacked(decisions.contexts[i], decisions.actions[chosen[i]], chosen[i], shared)
            precision += np.outer(s, s)
            weighted += rewards[i] * s


def test_a_new_product_is_judged_by_what_its_features_did_for_others() -> None:
    policy = LinucbHybrid(Problem(4, 1, 2), alpha=0.0)
    actions = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0], [0.0, 1.0]])
    sold = Decisions(np.zeros(200), np.ones((200, 1)), actions, np.ones((200, 4), bool))
    chosen = np.arange(200) % 2
    policy.learn(Feedback(sold, chosen, np.ones(200), np.where(chosen == 0, 1.0, 0.0)))
    launched = Decisions(np.zeros(1), np.ones((1, 1)), actions, np.array([[False, False, True, True]]))
    np.testing.assert_array_equal(policy.probabilities(launched), [[0, 0, 1, 0]])


def test_new_action_features_are_another_question() -> None:
    rng = np.random.default_rng(1)
    policy = LinucbHybrid(Problem(K, D, A))
    decisions = day(rng, 30)
    policy.learn(Feedback(decisions, rng.integers(K, size=30), np.ones(30), rng.normal(size=30)))
    before = policy.scores(decisions)
    cheaper = Decisions(decisions.times, decisions.contexts, decisions.actions - 1.0, decisions.available)
    assert not np.allclose(policy.scores(cheaper), before)
    np.testing.assert_array_equal(policy.scores(decisions), before)


@pytest.mark.parametrize("shared", ["actions", "outer"])
def test_one_at_a_time_is_a_batch_to_the_last_bit(shared: str) -> None:
    rng = np.random.default_rng(2)
    decisions, chosen, rewards = day(rng, 60), rng.integers(K, size=60), rng.normal(size=60)
    feedback = Feedback(decisions, chosen, np.ones(60), rewards)
    whole, parts = (LinucbHybrid(Problem(K, D, A), ridge=4.0, shared=shared) for _ in range(2))
    whole.learn(feedback)
    for i in range(60):
        parts.learn(feedback.take(slice(i, i + 1)))
    alone = np.concatenate([parts.scores(decisions.take(slice(i, i + 1))) for i in range(60)])
    np.testing.assert_array_equal(whole.scores(decisions), alone)


@pytest.mark.parametrize("shared", ["actions", "outer"])
def test_new_products_with_the_same_features_tie_exactly(shared: str) -> None:
    rng = np.random.default_rng(3)
    policy = LinucbHybrid(Problem(9, 7, 5), alpha=0.7, shared=shared)
    actions = rng.normal(size=(9, 5))
    actions[1:] = actions[1]
    decisions = Decisions(np.zeros(40), rng.normal(size=(40, 7)), actions, np.ones((40, 9), bool))
    policy.learn(Feedback(decisions, np.zeros(40, np.int64), np.ones(40), rng.normal(size=40)))
    scores = policy.scores(decisions)
    np.testing.assert_array_equal(scores[:, 1:], np.repeat(scores[:, 1:2], 8, axis=1))


@pytest.mark.parametrize(
    ("problem", "missing"), [(Problem(3, 2, 0), "n_action_features"), (Problem(3, 0, 2), "n_context_features")]
)
def test_both_kinds_of_features_are_needed(problem: Problem, missing: str) -> None:
    with pytest.raises(PolicyError, match=f"{missing} must be positive for linucb_hybrid, got 0"):
        LinucbHybrid(problem)


@pytest.mark.parametrize("shared", ["actions", "outer"])
def test_estimated_noise_is_what_the_stacked_regression_and_its_prior_miss(shared: str) -> None:
    rng = np.random.default_rng(5)
    policy = LinucbHybrid(Problem(K, D, A), alpha=0.7, noise="estimated", ridge=4.0, shared=shared)
    decisions, chosen, rewards = day(rng, 80), rng.integers(K - 1, size=80), rng.normal(size=80)
    for part in (slice(0, 30), slice(30, 80)):
        policy.learn(Feedback(decisions.take(part), chosen[part], np.ones(len(chosen[part])), rewards[part]))
    rows = np.array(
        [stacked(decisions.contexts[i], decisions.actions[chosen[i]], chosen[i], shared) for i in range(80)]
    )
    pull = np.hstack([2.0 * np.eye(rows.shape[1]), np.zeros((rows.shape[1], 1))])  # none on the level of all
    system = np.vstack([np.hstack([rows, np.ones((80, 1))]), pull])
    wanted = np.concatenate([rewards, np.zeros(rows.shape[1])])
    missed = ((wanted - system @ np.linalg.lstsq(system, wanted, rcond=None)[0]) ** 2).sum()
    before = 60 * 10 * rewards.var()  # sixty lessons that missed by ten times the variance
    assert policy.width() == pytest.approx(0.7 * np.sqrt((missed + before) / 140), rel=1e-10)


@pytest.mark.parametrize("shared", ["actions", "outer"])
def test_estimated_noise_does_not_follow_the_level_of_rewards(shared: str) -> None:
    rng = np.random.default_rng(6)
    decisions, chosen, rewards = day(rng, 80), rng.integers(K, size=80), rng.normal(size=80)
    widths = []
    for level in (0.0, 100.0):
        policy = LinucbHybrid(Problem(K, D, A), noise="estimated", shared=shared)
        policy.learn(Feedback(decisions, chosen, np.ones(80), rewards + level))
        widths.append(policy.width())
    assert widths[1] == pytest.approx(widths[0], rel=1e-6)


@pytest.mark.parametrize("shared", ["actions", "outer"])
@pytest.mark.parametrize("scale", [1e3, 1e5, 1e6])
def test_features_on_raw_scales_are_scored_as_by_least_squares(scale: float, shared: str) -> None:
    """By a QR of the stacked features, columns scaled: no matrix is inverted or squared."""
    rng = np.random.default_rng(4)
    policy = LinucbHybrid(Problem(K, D, A), alpha=0.7, shared=shared)
    contexts = np.column_stack([np.ones(200), rng.normal(size=200), scale * rng.lognormal(size=200)])
    actions = np.column_stack([np.ones(K), scale * rng.lognormal(size=K)])
    decisions = Decisions(np.zeros(200), contexts, actions, np.ones((200, K), bool))
    chosen, rewards = rng.integers(K, size=200), rng.normal(size=200) + 3.0
    policy.learn(Feedback(decisions, chosen, np.ones(200), rewards))
    rows = np.array([stacked(contexts[i], actions[chosen[i]], chosen[i], shared) for i in range(200)])
    system = np.vstack([rows, np.eye(rows.shape[1])])
    size = np.linalg.norm(system, axis=0)
    q, r = np.linalg.qr(system / size)
    coefficients = np.linalg.solve(r, q.T @ np.concatenate([rewards, np.zeros(rows.shape[1])])) / size
    for i in range(5):
        for k in range(K):
            s = stacked(contexts[i], actions[k], k, shared)
            expected = s @ coefficients + 0.7 * np.linalg.norm(np.linalg.solve(r.T, s / size))
            assert policy.scores(decisions)[i, k] == pytest.approx(expected, rel=1e-3)
