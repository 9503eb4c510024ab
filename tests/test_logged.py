"""Replay: unbiased where the propensities are true, whatever the blocks, and a refusal where the log cannot say."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.runner import run
from envs.logged import Logged
from policies.policy import Decisions, Feedback, Floats


class Best:
    """Always the last action available: in these catalogues the best one."""

    def probabilities(self, decisions: Decisions) -> Floats:
        last = decisions.available.shape[1] - 1 - np.argmax(decisions.available[:, ::-1], axis=1)
        return np.eye(decisions.available.shape[1])[last]

    def learn(self, feedback: Feedback) -> None:
        pass


def growing(n: int, seed: int) -> Feedback:
    """Uniform logging while the catalogue grows from 1 to 3 items that pay 3, 12 and 40 on average."""
    rng = np.random.default_rng(seed)
    times = np.sort(rng.random(n) * 3)
    offered = np.floor(times).astype(int) + 1
    chosen = rng.integers(0, offered)
    rewards = np.array([3.0, 12.0, 40.0])[chosen] + rng.normal(size=n)
    available = np.arange(3) < offered[:, None]
    decisions = Decisions(times, rng.normal(size=(n, 2)), np.zeros((3, 0)), available)
    return Feedback(decisions, chosen, 1 / offered, rewards)


def skewed(n: int, seed: int, K: int = 4) -> Feedback:
    """Logging that depends on the context and is far from uniform; the best action depends on the context too."""
    rng = np.random.default_rng(seed)
    contexts = rng.normal(size=(n, 2))
    scores = np.exp(contexts @ rng.normal(size=(2, K)) * 0.5)
    chances = 0.1 / K + 0.9 * scores / scores.sum(axis=1, keepdims=True)
    chosen = (rng.random((n, 1)) > np.cumsum(chances, axis=1)[:, :-1]).sum(axis=1)
    rewards = (rng.random(n) < 0.2 + 0.6 * (chosen == (contexts[:, 0] > 0))).astype(float)
    decisions = Decisions(np.linspace(0, 7, n), contexts, np.zeros((K, 0)), np.ones((n, K), bool))
    return Feedback(decisions, chosen, chances[np.arange(n), chosen], rewards)


def test_a_growing_catalogue_does_not_bias_replay_where_it_biases_plain_matching() -> None:
    """Truth (3 + 12 + 40) / 3 = 18.33; matching weighs the days 1 : 1/2 : 1/3 and says (3 + 6 + 40/3) / (11/6) = 12.18."""
    feedback = growing(60_000, 1)
    environment = Logged(feedback, 0)
    trace = run(Best(), environment)
    matched = Best().probabilities(feedback.decisions)[np.arange(60_000), feedback.chosen] == 1
    assert feedback.rewards[matched].mean() == pytest.approx((3 + 6 + 40 / 3) / (11 / 6), abs=0.4)
    assert trace.rewards.mean() == pytest.approx(55 / 3, abs=0.5)  # 4 standard errors
    assert environment.report().value == pytest.approx(trace.rewards.mean())
    assert environment.report().accepted == pytest.approx(20_000, abs=4 * np.sqrt(20_000 * 2 / 3))
    assert environment.report().refusal() is None


def test_traffic_of_accepted_rows_is_the_traffic_of_the_log_at_all_times() -> None:
    trace = run(Best(), Logged(growing(60_000, 2), 0))
    days = np.bincount(trace.times.astype(int), minlength=3) / len(trace)
    np.testing.assert_allclose(days, 1 / 3, atol=0.015)


def test_unequal_propensities_do_not_bias_what_a_fixed_policy_earns() -> None:
    """Taking action 0 always pays 0.2 + 0.6 where the context is negative, half the time: 0.5. So does action 1."""
    feedback = skewed(60_000, 3)

    class First(Best):
        def probabilities(self, decisions: Decisions) -> Floats:
            return np.eye(4)[np.zeros(len(decisions), int)]

    environment = Logged(feedback, 0)
    trace = run(First(), environment)
    error = 0.5 / np.sqrt(len(trace))
    assert trace.rewards.mean() == pytest.approx(0.5, abs=4 * error)
    assert feedback.rewards[feedback.chosen == 0].mean() > 0.5 + 6 * error or (
        feedback.rewards[feedback.chosen == 0].mean() < 0.5 - 6 * error
    )
