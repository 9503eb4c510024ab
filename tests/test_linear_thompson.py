"""Linear Thompson sampling against the closed form for two arms, and against draws of whole coefficient vectors."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.stats import norm

from policies.linear_thompson import LinearThompson
from policies.policy import Decisions, Feedback, Floats, Problem


def asked(contexts: Floats, K: int) -> Decisions:
    n = len(contexts)
    return Decisions(np.zeros(n), contexts, np.empty((K, 0)), np.ones((n, K), bool))


def lessons(K: int, d: int, n: int, arms: int) -> Feedback:
    rng = np.random.default_rng(4)
    chosen = rng.integers(arms, size=n)
    return Feedback(asked(rng.normal(size=(n, d)), K), chosen, np.ones(n), chosen + rng.normal(size=n))


def posterior(feedback: Feedback, k: int, ridge: float) -> tuple[Floats, Floats]:
    """Mean and precision matrix of theta_k by the normal equations."""
    X = feedback.decisions.contexts[feedback.chosen == k]
    A = ridge * np.eye(X.shape[1]) + X.T @ X
    return np.linalg.solve(A, X.T @ feedback.rewards[feedback.chosen == k]), A


def test_two_arms_win_with_the_closed_form_probability() -> None:
    """Arm 0 wins with Phi((m0 - m1) / (scale sqrt(w0^2 + w1^2))); arm 1 is untried."""
    m = 20_000
    policy = LinearThompson(Problem(2, 3), scale=0.6, ridge=4.0, draws=m, seed=1)
    taught = lessons(2, 3, 25, arms=1)
    policy.learn(taught)
    X = np.random.default_rng(5).normal(size=(8, 3))
    mean, A = posterior(taught, 0, 4.0)
    variances = np.einsum("ni,ij,nj->n", X, np.linalg.inv(A), X) + (X**2).sum(axis=1) / 4.0
    expected = norm.cdf(X @ mean / (0.6 * np.sqrt(variances)))
    error = 4 * np.sqrt(expected * (1 - expected) / m)
    assert np.all(np.abs(policy.probabilities(asked(X, 2))[:, 0] - expected) < error)


def test_probabilities_are_those_of_coefficients_drawn_through_cholesky_factors() -> None:
    K, d, m = 4, 3, 20_000
    taught = lessons(K, d, 60, arms=3)
    policy = LinearThompson(Problem(K, d), scale=0.8, ridge=4.0, draws=m, seed=2)
    policy.learn(taught)
    rng = np.random.default_rng(6)
    X = rng.normal(size=(5, d))
    scores = np.empty((5, m, K))
    for k in range(K):
        mean, A = posterior(taught, k, 4.0)
        thetas = mean + 0.8 * np.linalg.solve(np.linalg.cholesky(A).T, rng.normal(size=(d, m))).T
        scores[:, :, k] = X @ thetas.T
    expected = np.stack([(scores.argmax(axis=2) == k).mean(axis=1) for k in range(K)], axis=1)
    assert np.all(np.abs(policy.probabilities(asked(X, K)) - expected) < 4.5 * np.sqrt(0.5 / m))


def test_every_lesson_brings_new_draws_and_the_seed_decides_them() -> None:
    X = np.random.default_rng(7).normal(size=(20, 3))
    # teaches nothing, but counts
    nothing = Feedback(asked(np.zeros((1, 3)), 4), np.array([0]), np.ones(1), np.zeros(1))
    policy, other = LinearThompson(Problem(4, 3), seed=1), LinearThompson(Problem(4, 3), seed=2)
    first = policy.probabilities(asked(X, 4))
    assert not np.array_equal(first, other.probabilities(asked(X, 4)))
    policy.learn(nothing)
    assert not np.array_equal(first, policy.probabilities(asked(X, 4)))


def test_without_scale_it_is_greedy() -> None:
    taught = lessons(3, 2, 80, arms=3)
    policy = LinearThompson(Problem(3, 2), scale=0.0)
    policy.learn(taught)
    X = np.random.default_rng(8).normal(size=(30, 2))
    means = np.stack([X @ posterior(taught, k, 1.0)[0] for k in range(3)], axis=1)
    np.testing.assert_allclose(policy.probabilities(asked(X, 3)), np.eye(3)[means.argmax(axis=1)], atol=1e-12)


def test_estimated_noise_is_the_scale_that_ridge_regression_misses_by() -> None:
    """Thompson sampling by noise estimated as s is Thompson sampling by scale s: s^2 is the mean of what ridge misses
    in its lessons and in sixty before them, which missed by ten times the variance of rewards."""
    taught = lessons(3, 3, 60, arms=2)

    def missing(level: float) -> float:
        """Once the level is taken off all rewards; the noise is what the best level leaves."""
        moved = replace(taught, rewards=taught.rewards - level)
        missed = 0.0
        for k in range(2):
            X, r = taught.decisions.contexts[taught.chosen == k], moved.rewards[taught.chosen == k]
            theta, _ = posterior(moved, k, 4.0)
            missed += ((r - X @ theta) ** 2).sum() + 4.0 * theta @ theta
        return float(missed)

    best = minimize_scalar(missing)
    missed = best.fun
    noise = np.sqrt((missed + 600 * taught.rewards.var()) / 120)
    estimated = LinearThompson(Problem(3, 3), scale=0.5, noise="estimated", ridge=4.0, seed=3)
    given = LinearThompson(Problem(3, 3), scale=0.5 * noise, ridge=4.0, seed=3)
    estimated.learn(taught)
    given.learn(replace(taught, rewards=taught.rewards - best.x))
    X = np.random.default_rng(7).normal(size=(20, 3))
    np.testing.assert_allclose(estimated.probabilities(asked(X, 3)), given.probabilities(asked(X, 3)), atol=0.011)
