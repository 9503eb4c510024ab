"""What every environment must do, whoever plays it."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice

import numpy as np
import pytest

import policies
from benchmarks.runner import Draw, run
from envs.classified import Classified
from envs.environment import Environment, with_constant
from envs.linear import Linear
from envs.simulated import Simulated
from envs.wheel import Wheel
from simulator.scenario import Scenario

RNG = np.random.default_rng(0)
ENVIRONMENTS: dict[str, Callable[[], Environment]] = {
    "wheel": lambda: Wheel(0.5, 50, batch=10),
    "linear": lambda: Linear(3, 4, 50, batch=10),
    "classified": lambda: Classified(RNG.normal(size=(50, 3)), np.arange(50) % 2, batch=10),
    **{
        name: lambda name=name: Simulated(name, 0) for name in Scenario.names() if name not in ("flagship", "gift_shop")
    },  # type: ignore[misc]
}


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_contexts_carry_a_constant_because_no_policy_adds_an_intercept(name: str) -> None:
    environment = ENVIRONMENTS[name]()
    draw = Draw(policies.load("uniform", environment.problem), 0)
    contexts = np.concatenate([r.feedback.decisions.contexts for r in islice(environment.play(draw), 5)])
    assert contexts.shape[1] == environment.problem.n_context_features
    assert (contexts == 1.0).all(axis=0).any()


def test_a_constant_is_added_once() -> None:
    contexts = RNG.normal(size=(5, 2))
    once = with_constant(contexts)
    np.testing.assert_array_equal(once, np.column_stack([np.ones(5), contexts]))
    np.testing.assert_array_equal(with_constant(once), once)


def test_a_single_row_of_ones_may_still_vary() -> None:
    assert with_constant(np.ones((1, 2))).shape == (1, 3)


def test_with_a_constant_linear_thompson_finds_the_rim_of_the_wheel() -> None:
    """Without a level of each action it loses 59.8% of what showing at random loses at delta 0.9."""
    wheel = Wheel(0.9, 2_000, 0)
    lost = {}
    for name in ("uniform", "linear_thompson"):
        lost[name] = run(policies.load(name, wheel.problem), wheel).regrets.sum()
    assert lost["linear_thompson"] < 0.4 * lost["uniform"]


@pytest.mark.parametrize("seed", range(4))
def test_noise_estimated_from_next_to_none_still_finds_the_rim_of_the_wheel(seed: int) -> None:
    """Until the rim is met rewards miss by 0.01; whoever never meets it loses 122% of what showing at random loses."""
    wheel = Wheel(0.9, 1_000, seed)
    policy = policies.load("linear_thompson", wheel.problem, noise="estimated", seed=seed)
    by_chance = (wheel.truth.max(axis=1) - wheel.truth.mean(axis=1)).sum()
    assert run(policy, wheel, seed=seed).regrets.sum() < 0.6 * by_chance
