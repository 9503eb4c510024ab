"""Show each product as often as it is the best among networks that each saw a different sample of the feedback."""

from __future__ import annotations

from dataclasses import dataclass

from policies import selection, settings
from policies.networks.learning import Model
from policies.networks.neural import NeuralPolicy
from policies.networks.wide import WideAndDeep
from policies.policy import Decisions, Floats


@dataclass(kw_only=True, eq=False)
class NeuralEnsemble(NeuralPolicy):
    """Bootstrapped networks as a posterior (Osband et al. 2016): probabilities are the fraction of networks won.

    Every row counts Poisson(1) times for each network (online bootstrap, Oza & Russell 2001), and each starts from its
    own random weights. Where the problem has histories all share the encoder that reads them, as the heads of that
    paper share a body; it follows the mean of what they want of it. All are trained in one compiled call by `vmap`, and
    beside each there is a regression of its own bootstrap of all rows, see `wide.WideAndDeep`.

    Args:
        problem: any.
        members: number of networks; probabilities are multiples of 1 / members.
        ridge: of the regressions beside the networks, how many lessons of an action a network's word is worth.
        seed: of first weights, bootstrap and minibatches. All other settings are those of `Recipe`.
    """

    members: int = 8
    ridge: float = 30.0

    def __post_init__(self) -> None:
        self.ridge = settings.positive("ridge", self.ridge)
        self.members = settings.whole("members", self.members, 2)
        super().__post_init__()

    def made(self) -> Model:
        """The networks, stacked."""
        return WideAndDeep(self.problem, self, seed=self.seed, ridge=self.ridge, members=self.members)

    def probabilities(self, decisions: Decisions) -> Floats:
        """(n, K) fraction of networks that each action wins."""
        scores = self.learner.scores(decisions)
        if scores is None:
            return selection.uniform(decisions.available)
        return selection.fraction_won(scores.transpose(1, 0, 2), decisions.available)
