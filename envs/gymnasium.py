"""The market as a Gymnasium environment: a step is one visitor, with one slot to fill."""

from __future__ import annotations

from typing import Any, ClassVar

import gymnasium
import numpy as np
import numpy.typing as npt
from greenlet import getcurrent, greenlet
from gymnasium import spaces

from envs.environment import Choices
from envs.simulated import Simulated
from policies.policy import Decisions
from simulator import streams
from simulator.scenario import Scenario, ScenarioError

NAME = "launchsim/Market-v0"
_LARGE = 1e6  # no feature of a visitor or product comes near it; spaces have no infinite bounds
Seen = dict[str, npt.NDArray[Any]]


class Market(gymnasium.Env[Seen, np.int64]):  # type: ignore[misc]  # an extra, which mypy does not follow
    """A season of a scenario that asks what to show.

    An observation holds `context` (d,) what is seen of the visitor, `actions` (K, a) what each product looks like now,
    and `available` (K,) which of them can be shown: `action_space.sample(seen["available"])`. An action is one of the
    K. Where it is not available the visitor is shown an available one at random: `info["shown"]` says which.

    The reward of a step is what turned out to be bought from slots since the step before, net of returns, in the
    scenario's measure: purchases may be late. The season's end truncates; nothing terminates. `info["day"]` is the time
    of the visit.

    Args:
        scenario: a Scenario, the name of one, or the path of its TOML. It has one slot and asks what to show.
        refresh_minutes: what visitors see of sales and stock, and rewards, move on this often; 0 is after every visit.

    Raises:
        ScenarioError: the scenario has several slots, or asks what to launch.
    """

    metadata: ClassVar[dict[str, Any]] = {"render_modes": []}

    def __init__(self, scenario: Scenario | str = "spring_launch", refresh_minutes: float = 0.0) -> None:
        found = scenario if isinstance(scenario, Scenario) else Scenario.load(scenario)
        if found.question != "show":
            raise ScenarioError(f"question must be 'show' for Gymnasium, got {found.question!r}")
        if found.slots != 1:
            raise ScenarioError(f"slots must be 1 for Gymnasium, got {found.slots}")
        self.scenario = found.changed(refresh_minutes=refresh_minutes)
        problem = Simulated(self.scenario).problem
        K, d, a = problem.n_actions, problem.n_context_features, problem.n_action_features
        self.action_space = spaces.Discrete(K)
        self.observation_space = spaces.Dict(
            {
                "context": spaces.Box(-_LARGE, _LARGE, (d,), np.float32),
                "actions": spaces.Box(-_LARGE, _LARGE, (K, a), np.float32),
                "available": spaces.MultiBinary(K),
            }
        )
        self._season: greenlet | None = None
        self._asked: Decisions | None = None  # the visitor who waits
        self._earned = 0.0  # since the last step

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Seen, dict[str, Any]]:
        """A new season's first visitor: the season of `Simulated(scenario, seed)`, without a seed another each time."""
        super().reset(seed=seed)
        season = int(self.np_random.integers(2**31)) if seed is None else seed
        self.environment = Simulated(self.scenario, season, one_at_a_time=True)
        self._season = greenlet(self._play)
        self._earned = 0.0
        self._asked = self._season.switch(self.environment)
        return self._seen(), {"day": self._day()}

    def step(self, action: np.int64) -> tuple[Seen, float, bool, bool, dict[str, Any]]:
        """Show this product to the visitor; answers with the next one, or, truncated, with the last one again.

        Raises:
            gymnasium.error.ResetNeeded: there is no season, or it is over.
        """
        if self._season is None or self._season.dead or self._asked is None:
            raise gymnasium.error.ResetNeeded("reset must be called before step: there is no season, or it is over")
        shown = _shown(int(action), self._asked)
        self._season.parent = getcurrent()
        following = self._season.switch(shown)
        over = following is None
        self._asked = self._asked if over else following
        reward, self._earned = self._earned, 0.0
        return self._seen(), reward, False, over, {"day": self._day(), "shown": shown}

    def _play(self, environment: Simulated) -> None:
        """The season, which runs until somebody must be shown something, and goes on when `step` says what."""
        for rounds in environment.play(self._ask):
            self._earned += float(rounds.feedback.rewards.sum())

    def _ask(self, decisions: Decisions) -> Choices:
        shown = getcurrent().parent.switch(decisions)
        return Choices(np.array([shown]), np.ones(1))

    def _seen(self) -> Seen:
        asked = self._asked
        assert asked is not None
        return {
            "context": asked.contexts[0].astype(np.float32),
            "actions": asked.actions.astype(np.float32),
            "available": asked.available[0].astype(np.int8),
        }

    def _day(self) -> float:
        assert self._asked is not None
        return float(self._asked.times[0])


def _shown(action: int, asked: Decisions) -> int:
    """The action, or an available one by the luck of this visit."""
    available = asked.available[0]
    if available[action]:
        return action
    there = np.flatnonzero(available)
    visit = np.uint64(0) if asked.ids is None else asked.ids[0]
    (luck,) = streams.uniforms(streams.key(0, "shown instead"), np.array([visit], np.uint64))
    return int(there[int(luck * len(there))])


gymnasium.register(NAME, entry_point=Market)
