"""Predict each product's sales with a neural network and show the best: the article's answer, with a small epsilon."""

from __future__ import annotations

from typing import Any

from policies import selection, settings
from policies.networks.borrowed import BorrowedModel
from policies.networks.neural import NeuralPolicy
from policies.networks.training import Recipe, TrainedNetworks
from policies.policy import Decisions, Floats, Problem


class NeuralArgmax(NeuralPolicy):
    """Greedy on predicted rewards, with epsilon spread over all that is available; uniform before the first training.

    The network has an item tower (id and feature embeddings), a user tower (context features, an LSTM over the items
    seen last where the problem has histories), dense layers and one answer. It is trained further on all that is
    remembered, whenever the rows have doubled, later every `train_every` rows, and in a long season whenever a
    sixteenth of what is remembered is new.

    Args:
        problem: any; action features are what lets it judge a product before its first sale.
        epsilon: share spread evenly. Not 0 by default: the propensities of a purely greedy policy are 1, and from such
            a log nothing else can be judged.
        widths: of the dense layers.
        activation: "relu", "tanh" or "sigmoid".
        embedding: width of an item's embedding.
        memory: width of the LSTM.
        loss: "bce", binary cross-entropy of rewards scaled to [0, 1] by the largest seen; "mse", squared error.
        optimiser: "adam", "adamw", "sgd" or "rmsprop", with `learning_rate`.
        shrinkage: penalty on the squared id embeddings, which start at 0: what the features say.
        batch: rows of a minibatch.
        epochs: passes over what is remembered at each training, or more until `min_steps` minibatches.
        train_every: new rows between trainings, once there are more than that.
        capacity: rows remembered, the latest.
        validation: share of the rows held out; with it, training stops after `patience` epochs without a smaller
            validation loss and keeps the best epoch.
        pretrained: file of a history encoder, written by `save` of what `policies.networks.pretraining` answers.
        model: any object with `fit(X, y)` and `predict(X)` in the network's place (a classifier's `predict_proba` is
            used), X = [context features, action features, one-hot action]. Such a policy cannot be saved.
        seed: of first weights and minibatches.
    """

    own = ("epsilon",)

    def __init__(
        self,
        problem: Problem,
        *,
        epsilon: float = 0.05,
        widths: tuple[int, ...] = (64, 64),
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
        model: Any = None,
        seed: int = 0,
    ) -> None:
        self.epsilon = settings.between("epsilon", epsilon, 0, 1)
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
        trained = TrainedNetworks(problem, recipe, seed=seed) if model is None else BorrowedModel(problem, model)
        super().__init__(problem, recipe, trained, seed=seed)

    def probabilities(self, decisions: Decisions) -> Floats:
        """(n, K) epsilon-greedy on the predicted rewards."""
        scores = self.learner.scores(decisions)
        if scores is None:
            return selection.uniform(decisions.available)
        return selection.epsilon_greedy(scores[0], decisions.available, self.epsilon)
