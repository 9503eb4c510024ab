"""Show each product as often as it is the best among networks that each saw a different sample of the feedback."""

from __future__ import annotations

from policies import selection, settings
from policies.networks.neural import NeuralPolicy
from policies.networks.training import Recipe, TrainedNetworks
from policies.policy import Decisions, Floats, Problem


class NeuralEnsemble(NeuralPolicy):
    """Bootstrapped networks as a posterior (Osband et al. 2016): probabilities are the fraction of networks won.

    Every row counts Poisson(1) times for each network (online bootstrap, Oza & Russell 2001), and each starts from its
    own random weights. All are trained in one compiled call by `vmap`.

    Args:
        problem: any.
        members: number of networks; probabilities are multiples of 1 / members.
        seed: of first weights, bootstrap and minibatches. All other settings are those of `neural_argmax`.
    """

    own = ("members",)

    def __init__(
        self,
        problem: Problem,
        *,
        members: int = 8,
        widths: tuple[int, ...] = (32, 32),
        activation: str = "relu",
        embedding: int = 8,
        memory: int = 16,
        loss: str = "bce",
        optimiser: str = "adam",
        learning_rate: float = 0.001,
        shrinkage: float = 0.01,
        batch: int = 64,
        epochs: int = 1,
        min_steps: int = 100,
        train_every: int = 1_000,
        capacity: int = 50_000,
        validation: float = 0.0,
        patience: int = 2,
        pretrained: str | None = None,
        seed: int = 0,
    ) -> None:
        self.members = settings.whole("members", members, 2)
        recipe = Recipe(
            widths=widths,
            activation=activation,
            embedding=embedding,
            memory=memory,
            loss=loss,
            optimiser=optimiser,
            learning_rate=learning_rate,
            shrinkage=shrinkage,
            batch=batch,
            epochs=epochs,
            min_steps=min_steps,
            train_every=train_every,
            capacity=capacity,
            validation=validation,
            patience=patience,
            pretrained=pretrained,
        )
        super().__init__(problem, recipe, TrainedNetworks(problem, recipe, seed=seed, members=members), seed=seed)

    def probabilities(self, decisions: Decisions) -> Floats:
        """(n, K) fraction of networks that each action wins."""
        scores = self.learner.scores(decisions)
        if scores is None:
            return selection.uniform(decisions.available)
        return selection.fraction_won(scores.transpose(1, 0, 2), decisions.available)
