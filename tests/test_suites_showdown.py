"""Policies as papers wrote them, held to the papers' formulas."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.suites.showdown import FullPosterior
from policies.policy import Decisions, Feedback, Floats, Problem


def told(n: int, seed: int = 0) -> tuple[FullPosterior, Floats, Floats, Floats]:
    """A policy, and what it was taught: contexts, actions, rewards."""
    random = np.random.default_rng(seed)
    x = np.column_stack([np.ones(n), random.normal(size=(n, 2))])
    chosen = random.integers(2, size=n)  # the third action is never tried
    rewards = 2.0 + x[:, 1] * chosen + 0.3 * random.normal(size=n)
    policy = FullPosterior(Problem(3, 3), precision=4.0, shape=3.0, rate=2.0, pulls=0)
    decisions = Decisions(np.arange(n) * 1.0, x, np.empty((3, 0)), np.ones((n, 3), bool))
    policy.learn(Feedback(decisions, chosen, np.full(n, 1 / 3), rewards))
    return policy, x, chosen, rewards


def test_the_posterior_is_that_of_the_formulas_solved_at_once() -> None:
    """Riquelme, Tucker & Snoek (2018), equation 1: precision, mean, shape and rate from all rows together."""
    policy, x, chosen, rewards = told(60)
    for k in (0, 1, 2):
        own, r = x[chosen == k], rewards[chosen == k]
        precision = own.T @ own + 4.0 * np.eye(3)
        mean = np.linalg.solve(precision, own.T @ r)
        assert policy._means[k] == pytest.approx(mean)
        assert policy._root[k] @ policy._root[k].T == pytest.approx(np.linalg.inv(precision))
        assert policy._shapes[k] == 3.0 + len(r) / 2
        assert policy._rates[k] == pytest.approx(2.0 + 0.5 * (r @ r - mean @ precision @ mean))


def test_actions_are_chosen_as_often_as_their_posterior_wins() -> None:
    """Against draws by scipy's own inverse gamma and multivariate normal."""
    from scipy import stats

    policy, *_ = told(12)
    asked = np.array([1.0, 0.4, -0.2])
    n = 4_000
    decisions = Decisions(np.zeros(n), np.tile(asked, (n, 1)), np.empty((3, 0)), np.ones((n, 3), bool))
    shown = policy.probabilities(decisions).mean(axis=0)
    random = np.random.default_rng(5)
    scores = []
    for k in range(3):
        noise = stats.invgamma.rvs(policy._shapes[k], scale=policy._rates[k], size=n, random_state=random)
        plain = random.multivariate_normal(np.zeros(3), policy._inverse[k], size=n)
        scores.append((policy._means[k] + np.sqrt(noise)[:, None] * plain) @ asked)
    won = np.bincount(np.argmax(scores, axis=0), minlength=3) / n
    assert shown == pytest.approx(won, abs=4 * np.sqrt(0.5 / n))


def test_each_action_is_pulled_twice_first() -> None:
    policy = FullPosterior(Problem(4, 1))
    decisions = Decisions(np.zeros(8), np.ones((8, 1)), np.empty((4, 0)), np.ones((8, 4), bool))
    assert policy.probabilities(decisions).argmax(axis=1).tolist() == [0, 1, 2, 3, 0, 1, 2, 3]
