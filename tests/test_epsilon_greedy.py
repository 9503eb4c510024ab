"""Epsilon-greedy, by hand and against ridge regression."""

from __future__ import annotations

import numpy as np
import pytest

from policies.epsilon_greedy import EpsilonGreedy
from policies.policy import Decisions, Feedback, Floats, PolicyError, Problem


def asked(contexts: Floats) -> Decisions:
    n = len(contexts)
    return Decisions(np.zeros(n), contexts, np.empty((3, 0)), np.ones((n, 3), bool))


def test_the_best_mean_gets_all_but_epsilon() -> None:
    policy = EpsilonGreedy(Problem(3, 1), epsilon=0.3)
    policy.learn(Feedback(asked(np.ones((5, 1))), np.array([0, 1, 1, 1, 1]), np.ones(5), np.array([0.7, 1, 1, 0.5, 0])))
    np.testing.assert_allclose(policy.probabilities(asked(np.ones((1, 1)))), [[0.8, 0.1, 0.1]])


def test_the_mean_of_an_action_never_shown_is_zero() -> None:
    policy = EpsilonGreedy(Problem(3, 1), epsilon=0.0)
    policy.learn(Feedback(asked(np.ones((2, 1))), np.array([0, 1]), np.ones(2), np.array([-1.0, -2.0])))
    np.testing.assert_array_equal(policy.probabilities(asked(np.ones((1, 1)))), [[0, 0, 1]])


def test_ridge_takes_the_best_linear_prediction() -> None:
    rng = np.random.default_rng(0)
    X, chosen, rewards = rng.normal(size=(60, 4)), rng.integers(3, size=60), rng.normal(size=60)
    policy = EpsilonGreedy(Problem(3, 4), model="ridge", ridge=4.0, epsilon=0.3)
    policy.learn(Feedback(asked(X), chosen, np.ones(60), rewards))
    predicted = np.column_stack(
        [
            X
            @ np.linalg.solve(
                4.0 * np.eye(4) + X[chosen == k].T @ X[chosen == k], X[chosen == k].T @ rewards[chosen == k]
            )
            for k in range(3)
        ]
    )
    expected = np.full((60, 3), 0.1)
    expected[np.arange(60), predicted.argmax(axis=1)] = 0.8
    np.testing.assert_allclose(policy.probabilities(asked(X)), expected)


def test_means_need_no_contexts_but_ridge_does() -> None:
    EpsilonGreedy(Problem(3, 0))
    with pytest.raises(PolicyError, match="n_context_features must be positive, got 0"):
        EpsilonGreedy(Problem(3, 0), model="ridge")
