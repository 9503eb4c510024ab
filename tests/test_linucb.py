"""LinUCB against ridge regression solved afresh."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar

from policies.linucb import Linucb
from policies.policy import Decisions, Feedback, Floats, PolicyError, Problem
from policies.regression import linear


def asked(contexts: Floats, available: Floats | None = None, times: Floats | None = None, K: int = 5) -> Decisions:
    n = len(contexts)
    mask = np.ones((n, K), bool) if available is None else available.astype(bool)
    return Decisions(np.arange(n, dtype=float) if times is None else times, contexts, np.empty((K, 0)), mask)


def lesson(decisions: Decisions, chosen: list[int] | Floats, rewards: list[float] | Floats) -> Feedback:
    return Feedback(decisions, np.asarray(chosen, int), np.ones(len(chosen)), np.asarray(rewards, float))


def solved_afresh(
    X: Floats, chosen: Floats, rewards: Floats, x: Floats, *, K: int, ridge: float, alpha: float, weights: Floats
) -> Floats:
    """(K,) bounds of one context by Li et al. (2010), algorithm 1, from all lessons at once."""
    bounds = np.empty(K)
    for k in range(K):
        mine = chosen == k
        A = ridge * np.eye(len(x)) + (X[mine].T * weights[mine]) @ X[mine]
        theta = np.linalg.solve(A, X[mine].T @ (weights[mine] * rewards[mine]))
        bounds[k] = x @ theta + alpha * np.sqrt(x @ np.linalg.solve(A, x))
    return bounds


def random_lessons(n: int, K: int = 5, d: int = 4, seed: int = 0) -> tuple[Floats, Floats, Floats]:
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, d)), rng.integers(K, size=n), rng.normal(size=n)


def test_one_lesson_by_hand() -> None:
    """ridge 4, x = (1, 0), reward 1: A = diag(5, 4), theta = (1/5, 0); the untried bound is sqrt(1/4)."""
    policy = Linucb(Problem(3, 2), ridge=4.0, alpha=1.0)
    x = np.array([[1.0, 0.0]])
    policy.learn(lesson(asked(x, K=3), [1], [1.0]))
    np.testing.assert_allclose(policy.scores(x), [[0.5, 0.2 + np.sqrt(0.2), 0.5]], rtol=1e-14)
    np.testing.assert_allclose(policy.scores(np.array([[0.0, 3.0]])), [[1.5, 1.5, 1.5]], rtol=1e-14)


def test_two_thousand_decisions_equal_ridge_regression_solved_afresh() -> None:
    K, d, n = 5, 4, 2_000
    rng = np.random.default_rng(1)
    X = rng.normal(size=(n, d))
    R = X @ rng.normal(size=(d, K)) + rng.normal(size=(n, K))
    policy = Linucb(Problem(K, d), ridge=4.0, alpha=0.7)
    chosen = np.full(n, -1)
    rewards = np.zeros(n)
    for i in range(n):
        available = np.ones((1, K), bool)
        available[0, 4] = i >= n - 50  # untried for long
        decisions = asked(X[i : i + 1], available)
        past = slice(0, i)
        bounds = solved_afresh(
            X[past], chosen[past], rewards[past], X[i], K=K, ridge=4.0, alpha=0.7, weights=np.ones(i)
        )
        np.testing.assert_allclose(policy.scores(decisions.contexts)[0], bounds, rtol=0, atol=1e-10)
        if i == 0:
            np.testing.assert_array_equal(policy.probabilities(decisions), [[0.25, 0.25, 0.25, 0.25, 0]])
        else:
            best = np.where(available[0], bounds, -np.inf).argmax()
            top = policy.probabilities(decisions)[0]
            assert top[best] == 1 or np.isclose(bounds[top > 0], bounds[best], rtol=0, atol=1e-12).all()
        chosen[i] = np.flatnonzero(policy.probabilities(decisions)[0])[0]
        rewards[i] = R[i, chosen[i]]
        policy.learn(lesson(decisions, chosen[i : i + 1], rewards[i : i + 1]))
    assert set(chosen) == set(range(K))


@given(st.lists(st.integers(1, 40), min_size=1, max_size=6), st.integers(0, 100))
@settings(max_examples=25, deadline=None)
def test_one_at_a_time_is_a_batch_to_the_last_bit(batches: list[int], seed: int) -> None:
    X, chosen, rewards = random_lessons(sum(batches), seed=seed)
    whole, parts = Linucb(Problem(5, 4), ridge=4.0), Linucb(Problem(5, 4), ridge=4.0)
    whole.learn(lesson(asked(X), chosen, rewards))
    start = 0
    for size in batches:
        rows = slice(start, start + size)
        parts.learn(lesson(asked(X[rows]), chosen[rows], rewards[rows]))
        start += size
    together = whole.scores(X)
    alone = np.concatenate([parts.scores(X[i : i + 1]) for i in range(len(X))])
    np.testing.assert_array_equal(together, alone)


@pytest.mark.parametrize("d", [1, 2, 3, 7, 8, 10, 16, 33])
@pytest.mark.parametrize("K", [2, 3, 5, 11, 53])
def test_arms_that_learned_the_same_are_tied_whatever_their_place_in_the_catalogue(K: int, d: int) -> None:
    policy = Linucb(Problem(K, d), ridge=3.0)
    X = np.random.default_rng(d).normal(size=(12, d))
    for k in range(K):
        policy.learn(lesson(asked(X, K=K), np.full(12, k), X[:, 0] + 0.3))
    np.testing.assert_array_equal(policy.probabilities(asked(X, K=K)), np.full((12, K), 1 / K))


def test_the_bound_narrows_with_the_lessons_where_alpha_decays() -> None:
    X, chosen, rewards = random_lessons(100)
    constant, decaying = Linucb(Problem(5, 4), alpha=3.0), Linucb(Problem(5, 4), alpha=3.0, alpha_decay=0.5)
    np.testing.assert_array_equal(constant.scores(X[:5]), decaying.scores(X[:5]))
    for policy in (constant, decaying):
        policy.learn(lesson(asked(X), chosen, rewards))
    tenth = Linucb(Problem(5, 4), alpha=0.3)
    tenth.learn(lesson(asked(X), chosen, rewards))
    np.testing.assert_allclose(decaying.scores(X[:5]), tenth.scores(X[:5]), rtol=1e-13)


def test_forgetting_weighs_lessons_by_their_age_in_whatever_order_they_come() -> None:
    X, chosen, rewards = random_lessons(300)
    times = np.random.default_rng(3).random(300) * 20
    policy = Linucb(Problem(5, 4), ridge=4.0, alpha=0.7, forgetting=0.8)
    everything = lesson(asked(X, times=times), chosen, rewards)
    for rows in (slice(200, 300), slice(0, 7), slice(7, 200)):
        policy.learn(everything.take(rows))
    weights = 0.8 ** (times.max() - times)
    expected = [solved_afresh(X, chosen, rewards, x, K=5, ridge=4.0, alpha=0.7, weights=weights) for x in X[:20]]
    np.testing.assert_allclose(policy.scores(X[:20]), expected, rtol=0, atol=1e-10)


def test_forgetting_finds_the_action_that_has_become_best() -> None:
    x = np.ones((1, 1))
    forgetful, loyal = (Linucb(Problem(2, 1), alpha=0.1, forgetting=f) for f in (0.5, 1.0))
    for policy in (forgetful, loyal):
        for day in range(60):
            both = asked(np.ones((2, 1)), times=np.full(2, float(day)), K=2)
            policy.learn(lesson(both, [0, 1], [1.0, 0.0] if day < 40 else [0.0, 1.0]))
    assert forgetful.probabilities(asked(x, K=2))[0, 1] == 1
    assert loyal.probabilities(asked(x, K=2))[0, 0] == 1


def test_scores_remembered_for_a_slate_are_forgotten_when_something_is_learned() -> None:
    X, chosen, rewards = random_lessons(50)
    policy = Linucb(Problem(5, 4))
    same = replace(asked(X), question=object())
    policy.probabilities(same)
    policy.learn(lesson(asked(X), chosen, rewards))
    np.testing.assert_array_equal(policy.probabilities(same), policy.probabilities(asked(X)))
    assert np.all(policy.scores(X).std(axis=1) > 0)


@pytest.mark.parametrize("alpha", [0.0, 1.0])
def test_visitors_without_a_question_in_common_are_each_scored_by_their_own_contexts(alpha: float) -> None:
    X, chosen, rewards = random_lessons(50)
    policy = Linucb(Problem(5, 4), alpha=alpha)
    policy.learn(lesson(asked(X), chosen, rewards))
    answered = np.concatenate([policy.probabilities(asked(X[i : i + 1])) for i in range(50)])
    np.testing.assert_array_equal(answered.argmax(axis=1), policy.scores(X).argmax(axis=1))
    assert len(set(answered.argmax(axis=1))) > 1


def test_contexts_of_another_type_or_layout_are_the_same_contexts() -> None:
    X, chosen, rewards = random_lessons(50)
    X = X.astype(np.float32).astype(float)
    policy, other = Linucb(Problem(5, 4)), Linucb(Problem(5, 4))
    policy.learn(lesson(asked(X), chosen, rewards))
    other.learn(lesson(asked(X.astype(np.float32)), chosen, rewards))
    np.testing.assert_array_equal(policy.scores(X), other.scores(np.asfortranarray(X)))


def test_a_million_lessons_leave_the_inverse_an_inverse() -> None:
    X, chosen, rewards = random_lessons(200_000, K=2, d=3)
    policy = Linucb(Problem(2, 3), ridge=4.0, alpha=0.7)
    for _ in range(5):
        policy.learn(lesson(asked(X, K=2), chosen, rewards))
    expected = solved_afresh(X, chosen, rewards, X[0], K=2, ridge=0.8, alpha=0.7 / np.sqrt(5), weights=np.ones(len(X)))
    np.testing.assert_allclose(policy.scores(X[:1])[0], expected, rtol=0, atol=1e-10)


def test_contexts_are_needed() -> None:
    with pytest.raises(PolicyError, match="n_context_features must be positive, got 0"):
        Linucb(Problem(3, 0))


def noise(missed: float, rewards: Floats, weights: Floats) -> float:
    """By a prior worth 60 lessons that each missed by ten times the variance of rewards."""
    average = np.average(rewards, weights=weights)
    variance = np.average((rewards - average) ** 2, weights=weights)
    return float(np.sqrt((missed + 60 * 10 * variance) / (weights.sum() + 60)))


def least(X: Floats, chosen: Floats, rewards: Floats, weights: Floats, ridge: float) -> float:
    """Of sum w (r - m - theta_k . x)^2 + ridge |theta|^2 over theta and m: least squares with rows for ridge."""
    K, d = int(chosen.max()) + 1, X.shape[1]
    rows = np.zeros((len(X) + K * d, K * d + 1))
    for i, k in enumerate(chosen):
        rows[i, k * d : (k + 1) * d] = X[i]
    rows[: len(X), -1] = 1.0
    rows[: len(X)] *= np.sqrt(weights)[:, None]
    rows[len(X) :, :-1] = np.sqrt(ridge) * np.eye(K * d)
    wanted = np.concatenate([np.sqrt(weights) * rewards, np.zeros(K * d)])
    return float(((wanted - rows @ np.linalg.lstsq(rows, wanted, rcond=None)[0]) ** 2).sum())


@pytest.mark.parametrize("forgetting", [1.0, 0.9])
def test_estimated_noise_is_what_ridge_regressions_and_a_level_of_all_miss(forgetting: float) -> None:
    X, chosen, rewards = random_lessons(200)
    weights = forgetting ** (199.0 - np.arange(200))
    policy = Linucb(Problem(5, 4), ridge=4.0, alpha=0.7, noise="estimated", forgetting=forgetting)
    for part in (slice(0, 90), slice(90, 200)):
        policy.learn(lesson(asked(X[part], times=np.arange(200.0)[part]), chosen[part], rewards[part]))
    missed = least(X, chosen, rewards, weights, 4.0)
    assert policy.width() == pytest.approx(0.7 * noise(missed, rewards, weights), rel=1e-10)


@pytest.mark.parametrize("forgetting", [1.0, 0.9])
def test_with_estimated_noise_scores_are_ridge_regressions_solved_afresh_towards_a_level_of_all(
    forgetting: float,
) -> None:
    """The level minimises what the regressions of rewards less the level miss; each pulls towards it, not towards 0."""
    X, chosen, rewards = random_lessons(120)
    weights = forgetting ** (119.0 - np.arange(120))
    policy = Linucb(Problem(5, 4), ridge=4.0, alpha=0.7, noise="estimated", forgetting=forgetting)
    policy.learn(lesson(asked(X, times=np.arange(120.0)), chosen, rewards + 3.0))
    best = minimize_scalar(lambda level: sum(ridge(X, chosen, rewards + 3.0 - level, weights, k)[2] for k in range(5)))
    expected = []
    for k in range(5):
        theta, inverse, _ = ridge(X, chosen, rewards + 3.0 - best.x, weights, k)
        wide = np.sqrt(np.einsum("ni,ij,nj->n", X[:9], inverse, X[:9]))
        expected.append(X[:9] @ theta + 0.7 * noise(best.fun, rewards, weights) * wide)
    np.testing.assert_allclose(policy.scores(X[:9]), np.transpose(expected), rtol=1e-6)


def ridge(X: Floats, chosen: Any, rewards: Floats, weights: Floats, k: int) -> tuple[Floats, Floats, float]:
    """theta, inverse(A), and what the regression of action k misses, ridge 4."""
    mine = chosen == k
    x, r, w = X[mine], rewards[mine], weights[mine]
    inverse = np.linalg.inv(4.0 * np.eye(4) + (w[:, None] * x).T @ x)
    theta = inverse @ ((w * r) @ x)
    return theta, inverse, float(w @ (r - x @ theta) ** 2 + 4.0 * theta @ theta)


def test_with_estimated_noise_choices_do_not_depend_on_the_currency() -> None:
    X, chosen, rewards = random_lessons(100)
    policies = [Linucb(Problem(5, 4), noise="estimated") for _ in range(2)]
    for policy, worth in zip(policies, (1.0, 1024.0), strict=True):
        policy.learn(lesson(asked(X), chosen, worth * rewards))
    one, other = (policy.scores(X) for policy in policies)
    np.testing.assert_allclose(1024.0 * one, other, rtol=1e-12)


@pytest.mark.parametrize("forgetting", [1.0, 0.9])
def test_estimated_noise_follows_the_scale_of_rewards_and_not_their_level(forgetting: float) -> None:
    X, chosen, rewards = random_lessons(300)
    X[:, 0] = 1.0
    widths = []
    for level in (0.0, 10.0, -1000.0):
        policy = Linucb(Problem(5, 4), noise="estimated", forgetting=forgetting)
        policy.learn(lesson(asked(X), chosen, rewards + level))
        widths.append(policy.width())
    np.testing.assert_allclose(widths, widths[0], rtol=1e-6)


def test_while_all_rewards_are_the_same_there_is_still_something_to_explore() -> None:
    """Of four times 7, ridge 1: theta is 28 / 5, and what it misses, the pull included, 4 * 49 - 28 * 28 / 5."""
    policy = Linucb(Problem(2, 1), noise="estimated")
    policy.learn(lesson(asked(np.ones((4, 1)), K=2), [0, 0, 0, 0], [7.0] * 4))
    assert policy.width() == pytest.approx(np.sqrt((4 * 49 - 28 * 28 / 5) / 4))


@pytest.mark.parametrize(("n", "afresh"), [(1, True), (2, True), (3, False), (64, True), (65, False)])
def test_whenever_its_lessons_have_doubled_an_action_is_solved_afresh(n: int, afresh: bool) -> None:
    """To the last bit: by rounding alone rank-one updates differ from what the sums say."""
    policy = Linucb(Problem(1, 4))
    policy.learn(lesson(asked(np.random.default_rng(0).normal(size=(n, 4)), K=1), [0] * n, [0.3] * n))
    updated = policy.state()["solved"][0]
    solved = updated.copy()
    linear._solve(solved, 4, 1.0)
    assert np.array_equal(solved, updated) == afresh


@pytest.mark.parametrize("forgetting", [1.0, 0.999])
@pytest.mark.parametrize("scale", [1.0, 1e5, 1e6, 1e8, 1.7e9])
def test_features_on_raw_scales_are_scored_as_by_ridge_regression_in_many_digits(
    scale: float, forgetting: float
) -> None:
    """A constant, a visit's age in days, an amount on this scale, and a time that varies by a thousandth of itself."""
    rng = np.random.default_rng(3)
    n, K, alpha = 400, 3, 0.7
    X = np.column_stack(
        [np.ones(n), rng.random(n) * 30, scale * rng.lognormal(size=n), scale * (1 + rng.normal(size=n) / 1000)]
    )
    chosen, rewards = rng.integers(K, size=n), rng.normal(size=n) + 3.0
    policy = Linucb(Problem(K, 4), alpha=alpha, forgetting=forgetting)
    for start in range(0, n, 50):
        rows = slice(start, start + 50)
        policy.learn(lesson(asked(X[rows], times=np.zeros(50), K=K), chosen[rows], rewards[rows]))
    exact = [solved_exactly(X[chosen == k], rewards[chosen == k]) for k in range(K)]
    expected = np.array([[bound(x, *sums, alpha) for sums in exact] for x in X[:10]])
    np.testing.assert_allclose(policy.scores(X[:10]), expected, rtol=1e-5)


def solved_exactly(X: Floats, rewards: Floats) -> tuple[list[Any], list[list[Any]]]:
    """theta and inverse(A) in fractions, by Gauss and Jordan on [A | b | 1], ridge 1."""
    d = X.shape[1]
    rows = [[Fraction(value) for value in row] for row in X]
    told = [Fraction(reward) for reward in rewards]
    system = [
        [sum(row[i] * row[j] for row in rows) + (i == j) for j in range(d)]
        + [sum(row[i] * reward for row, reward in zip(rows, told, strict=True))]
        + [Fraction(i == j) for j in range(d)]
        for i in range(d)
    ]
    for i in range(d):
        system[i] = [value / system[i][i] for value in system[i]]
        for j in set(range(d)) - {i}:
            system[j] = [b - system[j][i] * a for a, b in zip(system[i], system[j], strict=True)]
    return [row[d] for row in system], [row[d + 1 :] for row in system]


def bound(x: Floats, theta: list[Any], inverse: list[list[Any]], alpha: float) -> float:
    exact = [Fraction(value) for value in x]
    square = sum(
        a * entry * b for a, row in zip(exact, inverse, strict=True) for entry, b in zip(row, exact, strict=True)
    )
    return float(sum(a * b for a, b in zip(exact, theta, strict=True))) + alpha * float(square) ** 0.5


def test_while_nothing_has_sold_estimated_noise_still_explores() -> None:
    policy = Linucb(Problem(2, 1), noise="estimated")
    x = np.ones((3, 1))
    policy.learn(lesson(asked(x, K=2), [0, 0, 0], [0.0, 0.0, 0.0]))
    np.testing.assert_array_equal(policy.probabilities(asked(x[:1], K=2)), [[0.0, 1.0]])
