"""Linear Thompson sampling: show each product as often as it wins under what is still believable about it."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from policies import selection, settings
from policies.policy import Decisions, Feedback, Floats, Problem
from policies.regression.linear import NOISES, regressions
from policies.saving import Saveable


class LinearThompson(Saveable):
    """Thompson sampling from the posterior of a ridge regression per action (Agrawal & Goyal 2013, disjoint models).

    With `A = ridge I + sum x x'` action k has the posterior theta_k ~ N(theta, scale^2 inverse(A)). Its probability is
    the fraction of draws in which it wins, so the propensity is known. The models are independent, so the scores of
    one visitor are independent normals, N(theta . x, scale^2 x' inverse(A) x): drawing them is the same as drawing
    every theta_k through its Cholesky factor, at 1/d of the numbers. Draws depend on the seed and the number of
    lessons learned alone: the same question gets the same answer until something is learned, in a batch as one at a
    time.

    Contexts are used as they come: no intercept is added.

    Args:
        problem: needs context features.
        scale: standard deviation of rewards around the linear model, in the unit of `noise`; more explores more.
        noise: "unit", scale is in rewards, or "estimated", in the standard deviation that the lessons so far show.
        draws: m, from the posterior; probabilities are multiples of 1 / m.
        ridge: precision of the prior of the coefficients, in units of 1 / scale^2.
        forgetting: weight left to a lesson after one day; 1 forgets nothing. See `linear.FadingRidge`.
        seed: of the draws.
    """

    def __init__(
        self,
        problem: Problem,
        *,
        scale: float = 1.0,
        noise: str = "unit",
        draws: int = 100,
        ridge: float = 1.0,
        forgetting: float = 1.0,
        seed: int = 0,
    ) -> None:
        self.problem = problem
        self.scale = settings.at_least("scale", scale, 0)
        self.noise = settings.one_of("noise", noise, NOISES)
        self.draws = settings.whole("draws", draws, 1)
        self.ridge = ridge
        self.forgetting = forgetting
        self.seed = seed
        self._regressions = regressions(problem, ridge, forgetting)
        self._drawn: tuple[int, Floats] = (-1, np.empty((0, 0)))

    def probabilities(self, decisions: Decisions) -> Floats:
        """(n, K) fraction of posterior draws won."""
        means, widths = self._regressions.predictions(decisions.contexts)
        scale = self.scale * (self._regressions.noise() if self.noise == "estimated" else 1.0)
        return selection.normal_fraction_won(means, scale * widths, self._normals(), decisions.available)

    def _normals(self) -> Floats:
        """(m, K) standard normal numbers that belong to the seed and the number of lessons learned."""
        lessons = self._regressions.lessons
        if self._drawn[0] != lessons:
            rng = np.random.default_rng([self.seed, lessons])
            self._drawn = (lessons, rng.standard_normal((self.draws, self.problem.n_actions)))
        return self._drawn[1]

    def learn(self, feedback: Feedback) -> None:
        """Update the posterior of each action shown."""
        self._regressions.learn(feedback)

    def state(self) -> dict[str, npt.NDArray[Any]]:
        """The regressions."""
        return self._regressions.state()

    def set_state(self, state: dict[str, npt.NDArray[Any]]) -> None:
        """Continue with these regressions."""
        self._regressions.set_state(state)
