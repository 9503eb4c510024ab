"""A neural network for what products and visitors are like, and Bayesian regressions to know what is not known yet."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from policies import selection, settings
from policies.networks.learning import Model
from policies.networks.neural import NeuralPolicy
from policies.networks.wide import WideAndDeep
from policies.policy import Decisions, Floats


@dataclass(kw_only=True, eq=False)
class NeuralLinear(NeuralPolicy):
    """Thompson sampling on linear regressions that begin with what a network expects (after Riquelme et al. 2018).

    Beside the network each action has a Bayesian regression of its rewards on the context, over every row there ever
    was; what is linear in the network's answers is the mean of its prior, the rest is added, see `wide.WideAndDeep`. So
    a product without sales is judged by its features, with all uncertainty left. Probabilities are the fraction of
    posterior draws won; the draws belong to the seed and the rows seen.

    Riquelme, Tucker & Snoek (2018, "NeuralLinear") regress on the network's last layer. That has to start afresh on
    what is remembered whenever the network has learned, and in a large season forgets nearly all: on `flagship` it
    earned 5,000 and 14,000 euros less than this with `ridge=30` in the two seasons played both ways.

    Args:
        problem: any.
        draws: m, from the posterior; probabilities are multiples of 1 / m.
        ridge: of the regressions, how many lessons of an action the network's word is worth.
        scale: of the draws, in standard deviations of the posterior, whose noise is what the regressions miss; more
            explores more, 0 takes the best. In shops half of it sells as much as the whole, or more; on the wheel, a
            needle in a haystack, it loses more: there, 1.
        seed: of first weights, minibatches and draws. All other settings are those of `Recipe`.
    """

    draws: int = 100
    ridge: float = 1.0
    scale: float = 0.5

    def __post_init__(self) -> None:
        self.draws = settings.whole("draws", self.draws, 1)
        self.ridge = settings.positive("ridge", self.ridge)
        self.scale = settings.at_least("scale", self.scale, 0)
        self._drawn: tuple[int, Floats] = (-1, np.empty((0, 0)))
        super().__post_init__()

    def made(self) -> Model:
        """A network and the regressions beside it."""
        self.model = WideAndDeep(self.problem, self, seed=self.seed, ridge=self.ridge, bounded=True)
        return self.model

    def probabilities(self, decisions: Decisions) -> Floats:
        """(n, K) fraction of posterior draws that each action wins."""
        scores = self.learner.scores(decisions)
        if scores is None:
            return selection.uniform(decisions.available)
        means, deviations = scores
        spread = self.scale * deviations
        return selection.normal_fraction_won(means, spread, self.standard_draws(), decisions.available)

    def standard_draws(self) -> Floats:
        """(draws, K) standard normal numbers that belong to the seed and the rows seen."""
        seen = self.learner.buffer.seen
        if self._drawn[0] != seen:
            generator = np.random.default_rng([self.seed, seen])
            self._drawn = (seen, generator.standard_normal((self.draws, self.problem.n_actions)))
        return self._drawn[1]
