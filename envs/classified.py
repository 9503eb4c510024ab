"""A classification data set as a bandit: guess the class, learn only whether the guess was right."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from envs.outcomes import Outcomes
from policies.policy import Floats


class Classified(Outcomes):
    """Every example once, in random order; action k is the k-th class in sorted order, reward 1 if it is the label.

    The supervised-to-bandit conversion of Beygelzimer & Langford (2009).

    Args:
        features: (n, d); contexts are a constant and these.
        labels: (n,) of any kind that sorts.
        seed: of the order.
        batch: decisions asked at once.
    """

    def __init__(self, features: Floats, labels: npt.NDArray[Any], seed: int = 0, *, batch: int = 1) -> None:
        features, labels = np.asarray(features, float), np.asarray(labels)
        if features.ndim != 2 or labels.shape != features.shape[:1]:
            raise ValueError(f"labels must be one for each row of features, got {labels.shape} for {features.shape}")
        order = np.random.default_rng(seed).permutation(len(labels))
        self.classes, actions = np.unique(labels, return_inverse=True)
        right = np.zeros((len(labels), len(self.classes)))
        right[np.arange(len(labels)), actions[order]] = 1.0
        super().__init__(features[order], right, right, batch=batch)
