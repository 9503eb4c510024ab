"""Predicting and taking the best: what it learns, what it forgets to try, and that it continues where it stopped."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import policies
from policies.policy import Decisions, Feedback, PolicyError, Problem

K, D, A, L = 4, 3, 2, 3
PROBLEM = Problem(K, D, A, L)
QUICK: dict[str, Any] = {"widths": (8, 8), "min_steps": 20, "train_every": 100, "capacity": 512, "memory": 4}


def lessons(rng: np.random.Generator, n: int, problem: Problem = PROBLEM) -> Feedback:
    """Lessons with random histories, one action in five unavailable."""
    k, length = problem.n_actions, problem.history_length
    available = rng.random((n, k)) < 0.8
    chosen = rng.integers(k, size=n)
    available[np.arange(n), chosen] = True
    decisions = Decisions(
        times=np.arange(n) / n,
        contexts=rng.normal(size=(n, problem.n_context_features)),
        actions=np.random.default_rng(5).normal(size=(k, problem.n_action_features)),
        available=available,
        histories=rng.integers(-1, k, (n, length)) if length else None,
    )
    return Feedback(decisions, chosen, np.full(n, 0.25), (rng.random(n) < 0.3).astype(float))


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(11)


def test_before_the_first_training_all_that_is_available_has_the_same_chance(rng: np.random.Generator) -> None:
    policy = policies.load("neural_argmax", PROBLEM)
    asked = lessons(rng, 50).decisions
    np.testing.assert_allclose(policy.probabilities(asked), asked.available / asked.available.sum(1, keepdims=True))


def test_a_visit_alone_is_answered_as_in_a_batch_and_asking_changes_nothing(rng: np.random.Generator) -> None:
    policy = policies.load("neural_argmax", PROBLEM, **QUICK)
    policy.learn(lessons(rng, 300))
    asked = lessons(rng, 200).decisions
    first = policy.probabilities(asked)
    alone = np.concatenate([policy.probabilities(asked.take(slice(i, i + 1))) for i in range(200)])
    np.testing.assert_array_equal(alone, first)
    np.testing.assert_array_equal(policy.probabilities(asked), first)


def test_lessons_one_at_a_time_teach_the_same_as_in_one_batch(rng: np.random.Generator) -> None:
    taught = lessons(rng, 330)
    together, apart = (policies.load("neural_argmax", PROBLEM, **QUICK) for _ in range(2))
    together.learn(taught)
    for i in range(330):
        apart.learn(taught.take(slice(i, i + 1)))
    asked = lessons(rng, 100).decisions
    np.testing.assert_array_equal(apart.probabilities(asked), together.probabilities(asked))


def test_four_rows_that_brought_something_are_enough_to_learn_from_and_empty_ones_wait_for_a_minibatch(
    rng: np.random.Generator,
) -> None:
    taught = lessons(rng, 64)
    for rewards, first in ((np.arange(64.0) % 2, 8), (np.zeros(64), 64)):  # the fourth that sold is row 8
        policy: Any = policies.load("neural_argmax", PROBLEM, **QUICK)
        told = Feedback(taught.decisions, taught.chosen, taught.propensities, rewards)
        policy.learn(told.take(slice(0, first - 1)))
        assert policy.learner.trained_on == 0
        policy.learn(told.take(slice(first - 1, first)))
        assert policy.learner.trained_on == first


@pytest.mark.parametrize("loss", ["bce", "mse"])
def test_a_saved_policy_answers_and_learns_on_as_if_never_stopped(
    rng: np.random.Generator, tmp_path: Path, loss: str
) -> None:
    policy: Any = policies.load("neural_argmax", PROBLEM, seed=3, loss=loss, validation=0.2, **QUICK)
    policy.learn(lessons(rng, 330))
    policy.save(tmp_path / "policy.zip")
    restored: Any = policies.restore(tmp_path / "policy.zip")
    asked, more = lessons(rng, 100).decisions, lessons(rng, 450)
    np.testing.assert_array_equal(restored.probabilities(asked), policy.probabilities(asked))
    policy.learn(more)
    restored.learn(more)
    np.testing.assert_array_equal(restored.probabilities(asked), policy.probabilities(asked))
    assert policy.learner.model.fits == restored.learner.model.fits > 5


def test_the_next_slot_of_the_same_visits_is_answered_like_a_fresh_question(rng: np.random.Generator) -> None:
    policy = policies.load("neural_argmax", PROBLEM, **QUICK)
    policy.learn(lessons(rng, 300))
    first = lessons(rng, 60).decisions
    first.available[:] = True
    first.question = object()
    taken = policy.probabilities(first).argmax(axis=1)
    left = first.available.copy()
    left[np.arange(60), taken] = False
    again = replace(first, available=left)
    fresh = replace(first, available=left, question=None)
    np.testing.assert_array_equal(policy.probabilities(again), policy.probabilities(fresh))


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("epsilon", 1.5),
        ("widths", ()),
        ("activation", "gelu"),
        ("loss", "hinge"),
        ("optimiser", "lion"),
        ("learning_rate", 0.0),
        ("batch", 0),
        ("capacity", 8),
        ("validation", 1.0),
        ("pretrained", "nowhere.npz"),
    ],
)
def test_an_impossible_setting_is_named_with_its_value(setting: str, value: Any) -> None:
    with pytest.raises(PolicyError, match=f"{setting}.*{value}".replace("(", r"\(").replace(")", r"\)")):
        policies.load("neural_argmax", PROBLEM, **{setting: value})


def test_it_learns_which_product_sells_to_whom(rng: np.random.Generator) -> None:
    # Visitors with a positive first feature buy product 0, the others product 1: predicting must find both.
    policy = policies.load("neural_argmax", Problem(2, 1), epsilon=0.1, **QUICK)
    for _ in range(3):
        contexts, chosen = rng.normal(size=(200, 1)), rng.integers(2, size=200)
        asked = Decisions(np.zeros(200), contexts, np.empty((2, 0)), np.ones((200, 2), bool))
        rewards = ((contexts[:, 0] > 0) == (chosen == 0)).astype(float)
        policy.learn(Feedback(asked, chosen, np.full(200, 0.5), rewards))
    clear = np.array([[-1.5], [1.5]])
    asked = Decisions(np.zeros(2), clear, np.empty((2, 0)), np.ones((2, 2), bool))
    np.testing.assert_allclose(policy.probabilities(asked), [[0.05, 0.95], [0.95, 0.05]])


class Table:
    """A model by the letter of the contract: the mean reward of each action, read off the one-hot columns."""

    def fit(self, X: Any, y: Any, verbose: int = 1) -> None:
        assert verbose == 0
        self.seen = X
        shown = X[:, -2:]
        self.means = shown.T @ y / np.maximum(shown.sum(axis=0), 1)

    def predict(self, X: Any) -> Any:
        return (X[:, -2:] @ self.means)[:, None]  # (n, 1), as Keras answers


@pytest.mark.parametrize(("forgetting", "best"), [(1.0, 0), (0.3, 1)])
def test_what_sold_long_ago_counts_less_where_rows_are_forgotten(forgetting: float, best: int) -> None:
    """Product 0 sold for fifteen days, product 1 has for five: over all days 0 sold more, of late 1 does."""
    n, rng = 1_000, np.random.default_rng(3)
    days, chosen = np.linspace(0.0, 20.0, n), rng.integers(2, size=n)
    decisions = Decisions(days, np.ones((n, 1)), np.empty((2, 0)), np.ones((n, 2), dtype=bool))
    rewards = (chosen == (days > 15.0)) * 1.0
    policy = policies.load("neural_argmax", Problem(2, 1), forgetting=forgetting, epsilon=0.0, train_every=100)
    policy.learn(Feedback(decisions, chosen, np.full(n, 0.5), rewards))
    assert policy.probabilities(decisions.take(slice(0, 1)))[0, best] == 1.0


def test_somebody_elses_model_takes_the_place_of_the_network(rng: np.random.Generator) -> None:
    problem, model = Problem(2, 1, 3), Table()
    policy: Any = policies.load("neural_argmax", problem, model=model, epsilon=0.2, **QUICK)
    taught = lessons(rng, 200, problem)
    taught.rewards[:] = np.where(taught.chosen == 1, 7.0, -2.0)
    policy.learn(taught)
    asked = lessons(rng, 30, problem).decisions
    asked.available[:] = True
    np.testing.assert_allclose(policy.probabilities(asked), np.tile([0.1, 0.9], (30, 1)))
    seen = policy.learner.model._model.seen
    one_hot = np.eye(2)[taught.chosen[: len(seen)]]
    expected = np.hstack([taught.decisions.contexts, taught.decisions.actions[taught.chosen]])[: len(seen)]
    np.testing.assert_array_equal(seen, np.hstack([expected, one_hot]))
    assert not hasattr(model, "means")  # a copy was fitted


def test_a_classifier_is_asked_for_its_expected_reward(rng: np.random.Generator) -> None:
    sklearn = pytest.importorskip("sklearn.linear_model")
    problem = Problem(2, 1)
    policy: Any = policies.load("neural_argmax", problem, model=sklearn.LogisticRegression(), **QUICK)
    taught = lessons(rng, 200, problem)
    taught.rewards[:] = 2.0 * (taught.decisions.contexts[:, 0] + rng.normal(size=200) > 0)  # 0 or 2
    policy.learn(taught)
    asked = lessons(rng, 5, problem).decisions
    asked.available[:] = True
    columns = np.hstack([asked.contexts, np.tile([0.0, 1.0], (5, 1))])
    classifier = policy.learner.model._model
    expected = 2.0 / (1.0 + np.exp(-columns @ classifier.coef_[0] - classifier.intercept_[0]))
    np.testing.assert_allclose(policy.learner.scores(asked)[0][:, 1], expected)


def test_a_classifier_waits_for_a_second_kind_of_reward(rng: np.random.Generator) -> None:
    sklearn = pytest.importorskip("sklearn.linear_model")
    policy: Any = policies.load("neural_argmax", Problem(2, 1), model=sklearn.LogisticRegression(), **QUICK)
    taught = lessons(rng, 200, Problem(2, 1))
    taught.rewards[:100] = 0.0
    policy.learn(taught.take(slice(0, 100)))
    asked = lessons(rng, 5, Problem(2, 1)).decisions
    np.testing.assert_array_equal(policy.learner.scores(asked)[0], np.zeros((5, 2)))
    taught.rewards[100:] = 1.0
    policy.learn(taught.take(slice(100, 200)))
    assert (policy.learner.scores(asked)[0] > 0.1).all()


def test_a_keras_model_learns_which_product_sells_in_a_copy_of_its_own(
    rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    keras = pytest.importorskip("keras")
    keras.utils.set_random_seed(1)
    problem = Problem(2, 1, 2)
    model = keras.Sequential([keras.Input((5,)), keras.layers.Dense(8, "relu"), keras.layers.Dense(1, "sigmoid")])
    model.compile(keras.optimizers.Adam(0.05), "binary_crossentropy")
    before = [weights.copy() for weights in model.get_weights()]
    policy: Any = policies.load("neural_argmax", problem, model=model, epsilon=0.2, train_every=500)
    taught = lessons(rng, 1_000, problem)
    taught.rewards[:] = taught.chosen == (taught.decisions.contexts[:, 0] > 0)
    policy.learn(taught)
    asked = lessons(rng, 30, problem).decisions
    asked.available[:] = True
    asked.contexts[:] = np.sign(asked.contexts)
    likes = (asked.contexts[:, 0] > 0).astype(int)
    np.testing.assert_allclose(policy.probabilities(asked)[np.arange(30), likes], 0.9)
    for weights, kept in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(weights, kept)
    with pytest.raises(PolicyError, match="model must be None to save a policy, got Sequential"):
        policy.save(tmp_path / "policy.zip")


def test_a_policy_with_somebody_elses_model_refuses_to_be_saved_in_one_line(tmp_path: Path) -> None:
    policy: Any = policies.load("neural_argmax", PROBLEM, model=Table())
    with pytest.raises(PolicyError, match=r"^model must be None to save a policy, got Table: no plain format$"):
        policy.save(tmp_path / "policy.zip")
    assert not (tmp_path / "policy.zip").exists()


def test_a_model_that_cannot_be_fitted_is_refused() -> None:
    with pytest.raises(PolicyError, match="model must have fit and predict, got list"):
        policies.load("neural_argmax", PROBLEM, model=[])


@pytest.mark.parametrize("name", ["neural_argmax", "neural_ensemble", "neural_linear"])
@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_where_nothing_varies_but_the_item_the_network_still_learns_which_one_sells(name: str, activation: str) -> None:
    """Contexts of 1, no features: all that enters the first layer is what is peculiar to an item, which starts at 0."""
    policy = policies.load(name, Problem(3, 1), seed=2, activation=activation)
    n = 3_000
    chosen = np.arange(n) % 3
    asked = Decisions(np.zeros(n), np.ones((n, 1)), np.empty((3, 0)), np.ones((n, 3), bool))
    rewards = (np.random.default_rng(0).random(n) < np.array([0.1, 0.5, 0.2])[chosen]).astype(float)
    policy.learn(Feedback(asked, chosen, np.full(n, 1 / 3), rewards))
    assert policy.probabilities(asked.take(slice(0, 1)))[0, 1] > 0.9
