"""Linear Thompson sampling: show each product as often as it wins under what is still believable about it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from policies import selection, settings
from policies.policy import Decisions, Floats
from policies.regression.policy import DisjointPolicy


@dataclass(kw_only=True, eq=False)
class LinearThompson(DisjointPolicy):
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
        draws: m, from the posterior; probabilities are multiples of 1 / m.
        seed: of the draws. All other settings are those of `DisjointPolicy`.
    """

    scale: float = 1.0
    draws: int = 100

    def __post_init__(self) -> None:
        self.scale = settings.at_least("scale", self.scale, 0)
        self.draws = settings.whole("draws", self.draws, 1)
        self._drawn: tuple[int, Floats] = (-1, np.empty((0, 0)))
        super().__post_init__()

    def probabilities(self, decisions: Decisions) -> Floats:
        """(n, K) fraction of posterior draws won."""
        unit, level = self.unit()
        means, widths = self._regressions.predictions(decisions, level)
        return selection.normal_fraction_won(means, self.scale * unit * widths, self._normals(), decisions.available)

    def _normals(self) -> Floats:
        """(m, K) standard normal numbers that belong to the seed and the number of lessons learned."""
        lessons = self._regressions.lessons
        if self._drawn[0] != lessons:
            rng = np.random.default_rng([self.seed, lessons])
            self._drawn = (lessons, rng.standard_normal((self.draws, self.problem.n_actions)))
        return self._drawn[1]
