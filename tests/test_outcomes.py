"""Standard bandit problems: outcomes on a table, the linear bandit, the wheel, classification."""

from __future__ import annotations

import numpy as np
import pytest

import policies
from benchmarks.runner import Draw, run
from envs.classified import Classified
from envs.linear import Linear
from envs.outcomes import Outcomes
from envs.wheel import Wheel
from policies.policy import Policy


def uniform(environment: Outcomes) -> Policy:
    return policies.load("uniform", environment.problem)


def test_batches_change_nothing_for_a_policy_that_does_not_learn() -> None:
    traces = [run(uniform(e), e, seed=3) for e in (Linear(4, 3, 101, batch=batch, seed=2) for batch in (1, 7, 1000))]
    for other in traces[1:]:
        np.testing.assert_array_equal(traces[0].chosen, other.chosen)
        np.testing.assert_array_equal(traces[0].rewards, other.rewards)


def test_the_same_choice_meets_the_same_luck_whoever_decides() -> None:
    one, other = (
        run(policies.load(name, Linear(4, 3, 1).problem), Linear(4, 3, 300, noise=1.0, seed=2), seed=3)
        for name in ("uniform", "linucb")
    )
    same = one.chosen == other.chosen
    assert 0 < same.sum() < 300
    np.testing.assert_array_equal(one.rewards[same], other.rewards[same])


def test_batch_must_be_a_whole_number() -> None:
    with pytest.raises(ValueError, match="batch must be a whole number of at least 1, got 0"):
        Linear(2, 2, 5, batch=0)


def test_linear_rewards_are_linear_in_the_context_with_noise_of_the_given_size() -> None:
    environment = Linear(3, 4, 20_000, noise=0.5, seed=1)
    directions = environment.contexts[:, 1:]
    np.testing.assert_allclose(np.linalg.norm(directions, axis=1), 1)
    theta, *_ = np.linalg.lstsq(directions, environment.truth, rcond=None)
    np.testing.assert_allclose(theta.T, environment.theta, atol=1e-12)
    np.testing.assert_allclose(np.std(environment.rewards - environment.truth), 0.5, rtol=0.02)


def test_linucb_regret_flattens_on_the_linear_bandit_and_that_of_uniform_does_not() -> None:
    environment = Linear(5, 4, 4_000, batch=20, seed=1)
    for name, bound in (("linucb", 0.1), ("uniform", 0.8)):
        regrets = run(policies.load(name, environment.problem), environment).regrets
        assert np.all(regrets >= 0)
        assert (regrets[2_000:].mean() < bound * regrets[:400].mean()) == (name == "linucb")


@pytest.mark.parametrize(("x", "y", "rich"), [(0.9, 0.1, 1), (0.9, -0.1, 2), (-0.9, 0.1, 3), (-0.9, -0.1, 4)])
def test_each_quadrant_of_the_rim_of_the_wheel_has_its_rich_action(x: float, y: float, rich: int) -> None:
    wheel = Wheel(0.8, 5_000, 0)
    points = wheel.contexts[:, 1:]
    nearby = (np.linalg.norm(points - [x, y], axis=1) < 0.1) & (np.linalg.norm(points, axis=1) > 0.8)
    expected = np.ones(5)
    expected[0], expected[rich] = 1.2, 50.0
    assert nearby.sum() > 5
    np.testing.assert_array_equal(wheel.truth[nearby], np.tile(expected, (nearby.sum(), 1)))


def test_the_wheel_is_uniform_on_the_disk_and_its_rim_has_the_share_it_should() -> None:
    """P(radius > delta) = 1 - delta^2; E[x^2] = E[y^2] = 1/4; inside, the safe action brings 1.2 and the others 1."""
    wheel = Wheel(0.9, 40_000, 1)
    radius = np.linalg.norm(wheel.contexts[:, 1:], axis=1)
    assert np.all(radius <= 1)
    rim = wheel.truth.max(axis=1) == 50.0
    np.testing.assert_array_equal(rim, radius > 0.9)
    assert abs(rim.mean() - 0.19) < 4 * np.sqrt(0.19 * 0.81 / 40_000)
    np.testing.assert_allclose((wheel.contexts[:, 1:] ** 2).mean(axis=0), 0.25, atol=0.006)
    np.testing.assert_array_equal(np.unique(wheel.truth[~rim], axis=0), [[1.2, 1, 1, 1, 1]])
    np.testing.assert_allclose(np.std(wheel.rewards - wheel.truth), 0.01, rtol=0.02)


def test_an_impossible_wheel_is_refused() -> None:
    with pytest.raises(ValueError, match=r"delta must be between 0 and 1, got 1.5"):
        Wheel(1.5, 10)


def test_every_example_is_asked_once_and_only_its_class_pays() -> None:
    features = np.arange(12.0).reshape(6, 2)
    labels = np.array(["shoe", "hat", "hat", "scarf", "shoe", "hat"])
    environment = Classified(features, labels, seed=3, batch=4)
    assert (environment.problem.n_actions, environment.problem.n_context_features) == (3, 3)
    seen = [
        (tuple(x[1:]), environment.classes[k], reward)
        for rounds in environment.play(Draw(uniform(environment), 0))
        for x, k, reward in zip(
            rounds.feedback.decisions.contexts, rounds.feedback.chosen, rounds.feedback.rewards, strict=True
        )
    ]
    label_of = {tuple(x): label for x, label in zip(features, labels, strict=True)}
    assert sorted(x for x, _, _ in seen) == sorted(label_of)
    assert [x for x, _, _ in seen] != [tuple(x) for x in features]
    assert all(reward == (label == label_of[x]) for x, label, reward in seen)
    assert np.all(environment.truth.sum(axis=1) == 1)


def test_features_and_labels_must_match() -> None:
    with pytest.raises(ValueError, match=r"labels must be one for each row of features, got \(3,\) for \(2, 2\)"):
        Classified(np.ones((2, 2)), np.array([0, 1, 1]))
