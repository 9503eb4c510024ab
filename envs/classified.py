"""A classification data set as a bandit: guess the class, learn only whether the guess was right."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from envs.adopted import table
from envs.feedback import LogError
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


def load(name: str, seed: int = 0, *, label: str = "label", batch: int = 1) -> Classified:
    """A data set that `launchsim data classification --path FOLDER` has brought, such as "mushroom".

    Numbers are standardised, words one-hot.

    Args:
        name: of its table, without what it ends in.
        seed, batch: as of `Classified`.
        label: the column of classes.

    Raises:
        LogError: there is no such table, or no such column in it.
    """
    file = table("classification", name)
    rows = pd.read_parquet(file) if file.suffix == ".parquet" else pd.read_csv(file)
    if label not in rows:
        raise LogError(f"label must be a column of {file.name}, got {label!r}")
    features = rows.drop(columns=label)
    numbers = features.select_dtypes("number")
    spread = numbers.std().replace(0.0, 1.0)
    words = features.drop(columns=numbers.columns).astype(str)
    told = [pd.get_dummies(words, dtype=float)] if len(words.columns) else []
    wide = pd.concat([(numbers - numbers.mean()) / spread, *told], axis=1).fillna(0.0)
    return Classified(wide.to_numpy(float), rows[label].to_numpy(), seed, batch=batch)
