"""When networks are trained, and that nothing a season can bring breaks them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import policies
from policies.networks.learning import Learner
from policies.policy import Decisions, Feedback, Problem

NEURAL = ["neural_argmax", "neural_linear", "neural_ensemble"]
QUICK: dict[str, Any] = {"widths": (8, 8), "min_steps": 20, "train_every": 100, "capacity": 256, "embedding": 4}


class Counting:
    """A model that only notes how many rows there had been whenever it was trained."""

    def __init__(self) -> None:
        self.trained: list[int] = []
        self.observed = 0

    def fit(self, buffer: Any) -> None:
        self.trained.append(buffer.seen)

    def observe(self, feedback: Feedback) -> bool:
        self.observed += len(feedback)
        return False

    def scores(self, decisions: Decisions, ids: Any) -> Any:
        return np.zeros((1, len(decisions), len(ids)))

    def state(self) -> dict[str, Any]:
        return {}

    def set_state(self, state: dict[str, Any]) -> None: ...


def rows(n: int, rewards: Any = 0.0, k: int = 3, seed: int = 0) -> Feedback:
    rng = np.random.default_rng(seed)
    decisions = Decisions(np.zeros(n), rng.normal(size=(n, 2)), np.empty((k, 0)), np.ones((n, k), bool))
    return Feedback(decisions, rng.integers(k, size=n), np.full(n, 1 / k), np.broadcast_to(rewards, n).astype(float))


@pytest.mark.parametrize("size", [1, 7, 1_000])
def test_trainings_double_then_come_every_so_many_rows_then_with_a_12th_of_all(size: int) -> None:
    """First 64; 128, 256, ... while rows double; every 1,000; from 12,000 on, where 1,000 is less than a 12th."""
    model = Counting()
    learner = Learner(Problem(3, 2), model, capacity=128, first=64, train_every=1_000)
    everything = rows(30_000)
    for start in range(0, 30_000, size):
        learner.learn(everything.take(slice(start, start + size)))
    expected = [64]
    while (last := expected[-1]) < 30_000:
        expected.append(last + min(last, max(1_000, last // 12)))
    assert model.trained == expected[:-1]
    assert expected[:6] == [64, 128, 256, 512, 1_024, 2_024]
    assert model.observed == 30_000


def test_the_same_question_is_answered_from_memory_until_something_is_learned() -> None:
    model = Counting()
    asked: list[int] = []
    model.scores = lambda decisions, ids: asked.append(1) or np.zeros((1, len(decisions), len(ids)))  # type: ignore[assignment, func-returns-value]
    learner = Learner(Problem(3, 2), model, capacity=128, first=64, train_every=100)
    learner.learn(rows(64))
    decisions = rows(5).decisions
    decisions.question = object()
    learner.scores(decisions)
    learner.scores(decisions)
    assert len(asked) == 1
    learner.learn(rows(64))
    learner.scores(decisions)
    assert len(asked) == 2
    decisions.question = None
    learner.scores(decisions)
    learner.scores(decisions)
    assert len(asked) == 4


def test_an_item_that_was_not_on_offer_before_is_scored_in_the_next_slot() -> None:
    learner = Learner(Problem(3, 2), Counting(), capacity=128, first=64, train_every=100)
    learner.learn(rows(64))
    decisions = rows(5).decisions
    decisions.question, decisions.available[:, 2] = object(), False
    assert np.isneginf(learner.scores(decisions)[0, :, 2]).all()  # type: ignore[index]
    decisions.available[:, 2] = True
    assert np.isfinite(learner.scores(decisions)[0, :, 2]).all()  # type: ignore[index]


@pytest.mark.parametrize("name", NEURAL)
@pytest.mark.parametrize("rewards", [0.0, -3.5, 7.0])
def test_a_season_in_which_every_reward_is_the_same_leaves_every_item_possible(name: str, rewards: float) -> None:
    policy = policies.load(name, Problem(3, 2), seed=1, **QUICK)
    policy.learn(rows(600, rewards))
    answer = policy.probabilities(rows(20, seed=2).decisions)
    np.testing.assert_allclose(answer.sum(axis=1), 1.0, atol=1e-9)
    assert np.isfinite(answer).all()


@pytest.mark.parametrize("name", NEURAL)
def test_of_losses_the_smallest_is_preferred(name: str) -> None:
    policy = policies.load(name, Problem(3, 2), seed=1, **QUICK)
    taught = rows(1_500)
    taught.rewards[:] = np.array([-20.5, -3.25, -12.0])[taught.chosen]
    policy.learn(taught)
    shown = policy.probabilities(rows(50, seed=2).decisions).mean(axis=0)
    assert shown.argmax() == 1
    assert shown[1] > 0.7


@pytest.mark.parametrize("name", NEURAL)
def test_a_shop_of_one_product_shows_it(name: str) -> None:
    policy = policies.load(name, Problem(1, 2), **QUICK)
    policy.learn(rows(300, 1.0, k=1))
    np.testing.assert_allclose(policy.probabilities(rows(4, k=1).decisions), np.ones((4, 1)))


@pytest.mark.parametrize("name", NEURAL)
def test_a_catalogue_of_ten_thousand_products_is_learned_and_asked_about(name: str) -> None:
    policy = policies.load(name, Problem(10_000, 2), **QUICK)
    policy.learn(rows(300, 1.0, k=10_000))
    answer = policy.probabilities(rows(2, k=10_000).decisions)
    assert answer.shape == (2, 10_000)
    np.testing.assert_allclose(answer.sum(axis=1), 1.0, atol=1e-6)


@pytest.mark.parametrize("name", NEURAL)
def test_saved_in_the_middle_of_a_season_it_goes_on_as_if_never_stopped(name: str, tmp_path: Path) -> None:
    """After the buffer has overflowed, between two trainings, with rows that the posterior has not taken in yet."""
    rng = np.random.default_rng(4)
    season = rows(1_200, np.where(rng.random(1_200) < 0.2, rng.random(1_200) * 30, 0.0))
    policy = policies.load(name, Problem(3, 2), seed=3, **QUICK)
    policy.learn(season.take(slice(0, 777)))
    policy.save(tmp_path / "policy.zip")  # type: ignore[attr-defined]
    restored = policies.restore(tmp_path / "policy.zip")
    for each in (policy, restored):
        each.learn(season.take(slice(777, 1_200)))
    asked = rows(40, seed=9).decisions
    np.testing.assert_array_equal(restored.probabilities(asked), policy.probabilities(asked))
