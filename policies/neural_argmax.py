"""Predict each product's sales with a neural network and show the best: the article's answer, with a small epsilon."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from policies import selection, settings
from policies.networks.borrowed import BorrowedModel
from policies.networks.learning import Model
from policies.networks.neural import NeuralPolicy
from policies.networks.wide import WideAndDeep
from policies.policy import Decisions, Floats


@dataclass(kw_only=True, eq=False)
class NeuralArgmax(NeuralPolicy):
    """Greedy on predicted rewards, with epsilon spread over all that is available; uniform before the first training.

    The network has an item tower (id and feature embeddings), a user tower (context features, an LSTM over the items
    seen last where the problem has histories), dense layers over both and, beside them, the product of the towers, so
    that tastes need not be pieced together from ReLUs. It is trained further on what is remembered of the whole past,
    rewarded rows before others, whenever the rows have doubled, later every `train_every` rows, and in a long season
    whenever a 12th of all rows is new. A regression of each product on every row there ever was goes on from what the
    network says, see `wide.WideAndDeep`.

    Args:
        problem: any; action features are what lets it judge a product before its first sale.
        epsilon: share spread evenly. Not 0 by default: the propensities of a purely greedy policy are 1, and from such
            a log nothing else can be judged.
        ridge: of the regressions beside the network, how many lessons of an action the network's word is worth.
        model: any object with `fit(X, y)` and `predict(X)` in the network's place (a classifier's `predict_proba` is
            used), X = [context features, action features, one-hot action]. Such a policy cannot be saved.
        seed: of first weights and minibatches. All other settings are those of `Recipe`.
    """

    epsilon: float = 0.05
    ridge: float = 30.0
    model: Any = None

    def __post_init__(self) -> None:
        self.ridge = settings.positive("ridge", self.ridge)
        self.epsilon = settings.between("epsilon", self.epsilon, 0, 1)
        super().__post_init__()

    def made(self) -> Model:
        """One network, or somebody else's model."""
        if self.model is not None:
            return BorrowedModel(self.problem, self.model)
        return WideAndDeep(self.problem, self, seed=self.seed, ridge=self.ridge)

    def probabilities(self, decisions: Decisions) -> Floats:
        """(n, K) epsilon-greedy on the predicted rewards."""
        scores = self.learner.scores(decisions)
        if scores is None:
            return selection.uniform(decisions.available)
        return selection.epsilon_greedy(scores[0], decisions.available, self.epsilon)
