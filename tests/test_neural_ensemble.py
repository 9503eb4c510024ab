"""Bootstrapped networks: they agree where there is evidence and differ where there is none."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import policies
from policies.policy import Decisions, Feedback, Floats, PolicyError, Problem

PROBLEM = Problem(n_actions=3, n_context_features=2, n_action_features=1)
QUICK: dict[str, Any] = {"widths": (8,), "min_steps": 20, "train_every": 100, "capacity": 512, "learning_rate": 0.01}


def lessons(rng: np.random.Generator, n: int, chances: Floats) -> Feedback:
    chosen = rng.integers(3, size=n)
    decisions = Decisions(np.zeros(n), rng.normal(size=(n, 2)), np.arange(3.0)[:, None], np.ones((n, 3), bool))
    return Feedback(decisions, chosen, np.full(n, 1 / 3), (rng.random(n) < chances[chosen]).astype(float))


def test_probabilities_are_the_shares_of_networks_that_each_product_wins() -> None:
    rng = np.random.default_rng(1)
    policy: Any = policies.load("neural_ensemble", PROBLEM, members=4, **QUICK)
    policy.learn(lessons(rng, 200, np.array([0.4, 0.5, 0.4])))
    asked = lessons(rng, 50, np.zeros(3)).decisions
    asked.available[:, 1] = rng.random(50) < 0.5
    votes = policy.learner.model.scores(asked, np.arange(3))
    votes = np.where(asked.available, votes, -np.inf).argmax(axis=2)
    shares = np.stack([(votes == k).mean(axis=0) for k in range(3)], axis=1)
    np.testing.assert_allclose(policy.probabilities(asked), shares)
    assert len(np.unique(shares)) > 2


def test_the_vote_is_split_where_products_are_alike_and_clear_where_one_sells_more() -> None:
    rng = np.random.default_rng(2)
    asked = lessons(rng, 200, np.zeros(3)).decisions
    sure = {}
    for name, chances in (("alike", [0.3, 0.3, 0.3]), ("clear", [0.05, 0.05, 0.8])):
        policy = policies.load("neural_ensemble", PROBLEM, **QUICK)
        policy.learn(lessons(rng, 500, np.array(chances)))
        sure[name] = policy.probabilities(asked).max(axis=1).mean()
    assert sure["clear"] > 0.97
    assert sure["alike"] < 0.85


def test_an_ensemble_of_one_is_refused() -> None:
    with pytest.raises(PolicyError, match="members must be a whole number of at least 2, got 1"):
        policies.load("neural_ensemble", PROBLEM, members=1)
