"""How a network is built and trained: the settings that all neural policies share, stated once."""

from __future__ import annotations

from dataclasses import dataclass

from policies import settings
from policies.networks.network import ACTIVATIONS
from policies.policy import PolicyError

OPTIMISERS = ["adam", "adamw", "sgd", "rmsprop"]
LOSSES = ["suited", "bce", "mse"]


@dataclass(kw_only=True, eq=False)
class Recipe:
    """Of the networks of a neural policy.

    Args:
        widths: of the dense layers.
        activation: "relu", "tanh" or "sigmoid".
        embedding: width of an item's embedding.
        memory: width of the LSTM.
        loss: "bce", binary cross-entropy of rewards scaled to [0, 1] by the largest seen; "mse", squared error; or
            "suited", the first where the rewards of the first training are counts (nothing, one, two pieces), the
            second where they are money: scaled by the dearest sale, all others would be hard to tell from none.
        optimiser: "adam", "adamw", "sgd" or "rmsprop", with `learning_rate`.
        shrinkage: penalty on the squared id embeddings, which start at 0: what the features say.
        batch: rows of a minibatch.
        epochs: passes over what is remembered at each training, or more until `min_steps` minibatches,
            and at most `max_steps`.
        averaging: steps of which the weights in use are the average, those long ago counting ever less; 1, the last.
        train_every: new rows between trainings, once there are more than that; in a long season, once a 12th of all
            rows is new.
        capacity: rows remembered, those with a reward before the others.
        forgetting: weight left to a row after one day; 1 forgets nothing.
        validation: share of the rows held out; with it, training stops after `patience` epochs without a smaller
            validation loss and keeps the best epoch.
        pretrained: file of a history encoder, written by `save` of what `policies.networks.pretraining` answers.
    """

    widths: tuple[int, ...] = (32, 32)
    activation: str = "relu"
    embedding: int = 16
    memory: int = 16
    loss: str = "suited"
    optimiser: str = "adam"
    learning_rate: float = 0.003
    shrinkage: float = 0.01
    batch: int = 64
    epochs: int = 1
    min_steps: int = 100
    max_steps: int = 1_000
    averaging: int = 1_000
    train_every: int = 1_000
    capacity: int = 50_000
    forgetting: float = 1.0
    validation: float = 0.0
    patience: int = 2
    pretrained: str | None = None

    def __post_init__(self) -> None:
        if not self.widths:
            raise PolicyError(f"widths must be one size or more, got {self.widths!r}")
        self.widths = tuple(settings.whole("widths", width, 1) for width in self.widths)
        settings.one_of("activation", self.activation, list(ACTIVATIONS))
        settings.one_of("loss", self.loss, LOSSES)
        settings.one_of("optimiser", self.optimiser, OPTIMISERS)
        for name in (
            "embedding",
            "memory",
            "batch",
            "epochs",
            "min_steps",
            "max_steps",
            "averaging",
            "train_every",
            "patience",
        ):
            setattr(self, name, settings.whole(name, getattr(self, name), 1))
        self.learning_rate = settings.positive("learning_rate", self.learning_rate)
        self.shrinkage = settings.at_least("shrinkage", self.shrinkage, 0)
        self.capacity = settings.whole("capacity", self.capacity, self.batch)
        self.forgetting = settings.between("forgetting", self.forgetting, 0, 1)
        self.validation = settings.between("validation", self.validation, 0, 0.9)
