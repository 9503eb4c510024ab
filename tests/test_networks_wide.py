"""Regressions beside a network: Bayes' rule with what the network expects as the mean of the prior."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import policies
from policies.policy import Decisions, Feedback, Floats, PolicyError, Problem

K, D, A = 5, 3, 2
PROBLEM = Problem(K, D, A)
QUICK: dict[str, Any] = {"widths": (8, 8), "min_steps": 20, "train_every": 100, "capacity": 1_024, "ridge": 7.0}


def lessons(rng: np.random.Generator, n: int, shown: int = K, contexts: int = D) -> Feedback:
    """Rewards bend with the context; actions from `shown` on are never shown."""
    chosen, x = rng.integers(shown, size=n), rng.normal(size=(n, contexts))
    actions = np.random.default_rng(5).normal(size=(K, A))
    decisions = Decisions(np.arange(n) / 100, x, actions, np.ones((n, K), bool))
    return Feedback(decisions, chosen, np.full(n, 0.2), np.abs(x).sum(axis=1) + chosen + rng.normal(size=n))


def network_alone(model: Any, asked: Decisions) -> Floats:
    """(m, n, K) what the networks answer, in rewards."""
    return model.rewards(super(type(model), model).scores(asked, np.arange(K)))


def trained(name: str = "neural_linear", n: int = 400, **own: Any) -> tuple[Any, Feedback]:
    policy: Any = policies.load(name, PROBLEM, **QUICK, **own)
    taught = lessons(np.random.default_rng(0), n, shown=K - 1)
    policy.learn(taught)
    return policy.learner.model, taught


def test_means_and_deviations_are_bayes_rule_with_the_networks_linear_part_as_prior_mean() -> None:
    """w = argmin |y - Xw|^2 + ridge |w - g|^2, as least squares of rows stacked below each other."""
    model, taught = trained()
    asked = lessons(np.random.default_rng(1), 20).decisions
    means, deviations = model.scores(asked, np.arange(K))
    answers, noise = network_alone(model, asked)[0], model.regressions[0].noise()
    for k in range(K):
        own, g = taught.chosen == k, model.priors[0, k]
        X = np.vstack([taught.decisions.contexts[own], np.sqrt(7.0) * np.eye(D)])
        y = np.concatenate([taught.rewards[own], np.sqrt(7.0) * g])
        w = np.linalg.lstsq(X, y)[0]
        np.testing.assert_allclose(means[:, k], answers[:, k] + asked.contexts @ (w - g), rtol=1e-6)
        widths = np.linalg.norm(asked.contexts @ np.linalg.pinv(X), axis=1)
        np.testing.assert_allclose(deviations[:, k], noise * widths, rtol=1e-6)


def test_an_action_that_was_never_shown_is_expected_to_bring_what_the_network_says() -> None:
    model, _ = trained()
    asked = lessons(np.random.default_rng(1), 20).decisions
    answers = network_alone(model, asked)[0]
    np.testing.assert_allclose(model.scores(asked, np.arange(K))[0, :, K - 1], answers[:, K - 1], rtol=1e-9)
    assert np.abs(model.scores(asked, np.arange(K))[0] - answers)[:, : K - 1].max() > 0.01


def test_the_prior_mean_is_the_least_squares_line_through_the_networks_answers_to_the_rows_shown() -> None:
    """All 400 rows are remembered: 100 of each action, beside which one visit's worth of all weighs little."""
    policy: Any = policies.load("neural_linear", PROBLEM, **(QUICK | {"train_every": 400}))
    taught = lessons(np.random.default_rng(0), 512)  # the last training was just then
    policy.learn(taught)
    model = policy.learner.model
    assert policy.learner.trained_on == 512
    answers = network_alone(model, taught.decisions)[0]
    for k in range(K):
        own = taught.chosen == k
        x = taught.decisions.contexts
        X = np.vstack([x[own], x / np.sqrt(512)])
        y = np.concatenate([answers[own, k], answers[:, k] / np.sqrt(512)])
        np.testing.assert_allclose(model.priors[0, k], np.linalg.lstsq(X, y)[0], atol=0.02)


def test_a_launch_between_trainings_is_not_counted_twice() -> None:
    """Ten rows of a new action that bring what the network expected leave what is expected almost as it was."""
    model, _ = trained()
    asked = lessons(np.random.default_rng(2), 400, shown=K).decisions
    before = model.scores(asked, np.arange(K))[0, :, K - 1]
    some = asked.take(slice(0, 10))
    told = Feedback(some, np.full(10, K - 1), np.full(10, 0.2), before[:10])
    model.observe(told)
    after = model.scores(asked, np.arange(K))[0, :, K - 1]
    assert np.abs(after - before).mean() < 0.35 * np.abs(before).mean()


def test_each_member_learns_its_own_bootstrap_of_the_rows() -> None:
    from policies.networks.training import bootstrap_weights

    model, taught = trained("neural_ensemble", members=3)
    times = bootstrap_weights(0, np.arange(400), 3)
    for member, regression in enumerate(model.regressions):
        expected = np.bincount(taught.chosen, times[:, member], minlength=K)
        np.testing.assert_array_equal(regression.counts, expected)


@pytest.mark.parametrize("name", ["neural_argmax", "neural_linear", "neural_ensemble"])
def test_rows_one_at_a_time_teach_the_same_also_where_an_action_is_new(name: str) -> None:
    taught = lessons(np.random.default_rng(0), 330)
    taught.chosen[:290][taught.chosen[:290] == 4] = 0  # 4 is launched between two trainings
    together, apart = (policies.load(name, PROBLEM, **QUICK) for _ in range(2))
    together.learn(taught)
    for i in range(330):
        apart.learn(taught.take(slice(i, i + 1)))
    asked = lessons(np.random.default_rng(1), 50).decisions
    np.testing.assert_array_equal(apart.probabilities(asked), together.probabilities(asked))


def test_without_contexts_there_is_an_average_of_each_action() -> None:
    policy: Any = policies.load("neural_argmax", Problem(K, 0, A, 2), epsilon=0.0, **QUICK)
    taught = lessons(np.random.default_rng(0), 600, contexts=0)
    taught.decisions.histories = np.full((600, 2), -1)
    policy.learn(taught)
    asked = taught.decisions.take(slice(0, 3))
    np.testing.assert_allclose(policy.probabilities(asked), np.tile(np.eye(K)[4], (3, 1)))
    own = taught.rewards[taught.chosen == 2]
    expected = (own.sum() + 7.0 * policy.learner.model.priors[0, 2, 0]) / (len(own) + 7.0)
    assert policy.learner.model.scores(asked, np.array([2]))[0, 0, 0] == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("forgetting", [1.0, 0.8])
def test_saved_between_trainings_it_goes_on_as_if_never_stopped(tmp_path: Path, forgetting: float) -> None:
    policy = policies.load("neural_linear", PROBLEM, forgetting=forgetting, **QUICK)
    policy.learn(lessons(np.random.default_rng(0), 290, shown=K - 1))
    policy.save(tmp_path / "policy.zip")
    restored = policies.restore(tmp_path / "policy.zip")
    for seed in (1, 2):
        more = lessons(np.random.default_rng(seed), 70)
        policy.learn(more)
        restored.learn(more)
        np.testing.assert_array_equal(restored.probabilities(more.decisions), policy.probabilities(more.decisions))


def test_networks_saved_with_an_encoder_each_are_refused_in_one_line() -> None:
    """As they were drawn before the members of an ensemble shared theirs."""
    problem = Problem(K, PROBLEM.n_context_features, A, 2)
    policy: Any = policies.load("neural_ensemble", problem, members=3, **QUICK)
    taught = lessons(np.random.default_rng(0), 290)
    taught.decisions.histories = np.full((290, 2), -1)
    policy.learn(taught)
    own = policy.learner.model.state()
    for name, array in own.items():
        if array.ndim and array.shape[0] == 1 and name.startswith("leaf_"):
            own[name] = np.repeat(array, 3, axis=0)
    with pytest.raises(PolicyError, match="saved networks must have the shapes that this version gives them"):
        policy.learner.model.set_state(own)
