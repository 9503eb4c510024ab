"""The mushroom bandit of Riquelme, Tucker & Snoek (2018): eat for 5, or, of a poisonous one, -35 half of the time."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.suites import labelled
from benchmarks.suites.suite import COLUMNS, Asked, rows_of
from envs.outcomes import Outcomes
from policies.policy import PolicyError

LEAVE, EAT = 0, 1
_GOOD, _BAD, _LUCKY = 5.0, -35.0, 0.5
CONTESTANTS = {
    "uniform": "uniform",
    "LinFullPost": "benchmarks.suites.showdown:FullPosterior",
    "NeuralLinear": "benchmarks.suites.showdown:NeuralLinear",
    "linear_thompson": 'linear_thompson(noise="estimated")',
    "neural_linear": "neural_linear",
}


@dataclass(frozen=True)
class Mushrooms:
    """Seed -> a fresh environment of mushrooms drawn with replacement; the label is `e` for edible, or `p`."""

    file: str
    n: int = 2_000

    def __call__(self, seed: int) -> Outcomes:
        """The mushrooms of a seed."""
        features, labels = labelled.read(self.file)
        random = np.random.default_rng(seed)
        drawn = random.integers(len(labels), size=self.n)
        edible = labels.to_numpy()[drawn] == "e"
        lucky = edible | (random.random(self.n) < _LUCKY)
        rewards, truth = np.zeros((2, self.n, 2))
        rewards[:, EAT] = np.where(lucky, _GOOD, _BAD)
        truth[:, EAT] = np.where(edible, _GOOD, _LUCKY * _GOOD + (1 - _LUCKY) * _BAD)
        return Outcomes(features[drawn], rewards, truth)


def rows(asked: Asked) -> pd.DataFrame:
    """One row a policy, and what somebody gets who knows."""
    file = next((each for each in asked.data if Path(each).stem == "mushroom"), None)
    if file is None:
        raise PolicyError(
            "suite mushroom needs --data mushroom.parquet: UCI's Mushroom with the column 'label', e or p"
        )
    n, seeds = (300, 2) if asked.small else (2_000, 50)
    case, mushrooms = f"{n:,} mushrooms", Mushrooms(str(file), n)
    best = np.mean([mushrooms(seed).truth.max(axis=1).sum() for seed in range(seeds)])
    optimum = pd.DataFrame([[case, "optimum", best, None, None, seeds, 0.0]], columns=COLUMNS)
    played = rows_of(case, mushrooms, CONTESTANTS, range(seeds), lambda own: own.reward, asked)
    return pd.concat([optimum, played], ignore_index=True)
