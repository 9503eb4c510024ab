"""The market as Gymnasium knows environments: its own checker is content, and a season is the season of the market."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from seasons import product, season

from benchmarks.runner import run
from envs.simulated import Simulated
from policies.policy import Decisions, Feedback
from simulator.scenario import Scenario, ScenarioError

gymnasium = pytest.importorskip("gymnasium")
market = pytest.importorskip("envs.gymnasium")


def small(**changes: Any) -> Scenario:
    products = [product(0, incumbent=True), product(1, launch=0.0), product(2, launch=1.0)]
    return season(**{"products": products, "days": 2.0, "arrivals": {"per_day": 40}} | changes)


@pytest.fixture
def env() -> Iterator[Any]:
    made = gymnasium.make(market.NAME, scenario=small())
    yield made
    made.close()


def test_gymnasiums_own_checker_has_nothing_to_say(env: Any) -> None:
    from gymnasium.utils.env_checker import check_env

    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        check_env(env.unwrapped)
    assert [str(one.message) for one in heard] == []


def last(available: Any) -> Any:
    """The last product that is there: whoever plays, the same choices."""
    return available.shape[-1] - 1 - np.argmax(available[..., ::-1], axis=-1)


class Last:
    def probabilities(self, decisions: Decisions) -> Any:
        return np.eye(decisions.available.shape[1])[last(decisions.available)]

    def learn(self, feedback: Feedback) -> None: ...


def played(env: Any, seed: int) -> tuple[list[Any], float]:
    seen, _ = env.reset(seed=seed)
    met, earned, over = [], 0.0, False
    while not over:
        met.append(seen)
        seen, reward, terminated, over, _ = env.step(np.int64(last(seen["available"])))
        assert not terminated
        earned += reward
    return met, earned


def test_a_season_is_that_of_the_market_visitor_by_visitor_and_in_what_it_earns(env: Any) -> None:
    met, earned = played(env, seed=3)
    environment = Simulated(small().changed(refresh_minutes=0.0), seed=3)
    asked: list[Decisions] = []

    class Watched(Last):
        def learn(self, feedback: Feedback) -> None:
            asked.append(feedback.decisions)

    trace = run(Watched(), environment)
    assert earned == pytest.approx(trace.rewards.sum())
    assert earned > 0
    rows = sorted(tuple(row) for one in asked for row in one.contexts.astype(np.float32).tolist())
    assert rows == sorted(tuple(one["context"].tolist()) for one in met)


def test_the_same_seed_brings_the_same_season_and_none_brings_another(env: Any) -> None:
    first, again = (env.reset(seed=5)[0]["context"] for _ in range(2))
    assert (first == again).all()
    assert (env.reset()[0]["context"] != again).any()


def test_what_is_not_there_yet_is_masked_and_choosing_it_shows_another(env: Any) -> None:
    seen, _ = env.reset(seed=0)
    assert seen["available"][2] == 0
    *_, info = env.step(np.int64(2))
    assert info["shown"] in np.flatnonzero(seen["available"])


def test_after_the_last_visitor_reset_is_needed(env: Any) -> None:
    played(env, seed=0)
    with pytest.raises(gymnasium.error.ResetNeeded):
        env.unwrapped.step(np.int64(0))


def test_what_it_cannot_ask_is_refused() -> None:
    with pytest.raises(ScenarioError, match="slots must be 1 for Gymnasium, got 2"):
        market.Market(small(slots=2, choice={"examination": [1.0, 0.5]}))
    with pytest.raises(ScenarioError, match="question must be 'show' for Gymnasium, got 'launch'"):
        market.Market("launch_calendar")


def test_an_agent_of_stable_baselines_plays_a_thousand_steps(env: Any) -> None:
    baselines = pytest.importorskip("stable_baselines3")
    agent = baselines.PPO("MultiInputPolicy", env, n_steps=250, batch_size=250, n_epochs=1, seed=0, device="cpu")
    agent.learn(total_timesteps=1_000)
    assert agent.num_timesteps == 1_000
    action, _ = agent.predict(env.reset(seed=1)[0])
    assert env.action_space.contains(np.int64(action))
