"""Policies on ridge regressions: the settings and the learning that they share, stated once."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy.typing as npt

from policies import settings
from policies.policy import Feedback, Problem
from policies.regression.linear import NOISES, regressions
from policies.saving import Saveable


@dataclass(kw_only=True, eq=False)
class RidgePolicy(Saveable):
    """Its fields are its settings.

    Args:
        noise: "unit", what explores is in rewards, or "estimated", in standard deviations of rewards around the
            regression, as the lessons so far show them (and, for the first hundreds, wider: see `linear.spread`), and
            rewards are seen from a level of all: right whatever a reward is worth, however rare it is, and wherever it
            begins.
        ridge: pull of the coefficients towards zero (1 in the papers), the precision of their prior.
    """

    problem: Problem = field(kw_only=False)
    noise: str = "unit"
    ridge: float = 1.0
    seed: int = 0

    def __post_init__(self) -> None:
        self.noise = settings.one_of("noise", self.noise, NOISES)
        self.ridge = settings.positive("ridge", self.ridge)


@dataclass(kw_only=True, eq=False)
class DisjointPolicy(RidgePolicy):
    """With one regression an action.

    Args:
        forgetting: weight left to a lesson after one day; 1 forgets nothing. See `linear.FadingRidge`.
    """

    forgetting: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        self._regressions = regressions(self.problem, self.ridge, self.forgetting)

    def unit(self) -> tuple[float, float]:
        """What exploration counts in, in rewards, and the level that rewards are seen from."""
        if self.noise == "unit":
            return 1.0, 0.0
        return self._regressions.noise(), self._regressions.level()

    def learn(self, feedback: Feedback) -> None:
        """Update the regression of each action shown."""
        self._regressions.learn(feedback)

    def state(self) -> dict[str, npt.NDArray[Any]]:
        """The regressions."""
        return self._regressions.state()

    def set_state(self, state: dict[str, npt.NDArray[Any]]) -> None:
        """Continue with these regressions."""
        self._regressions.set_state(state)
