"""The wheel bandit of Riquelme, Tucker & Snoek (2018): relative cumulative regret beside the printed one."""

from __future__ import annotations

from functools import partial
from itertools import product

import pandas as pd

from benchmarks.suites.suite import Asked, rows_of
from envs.wheel import Wheel

DELTAS = (0.5, 0.7, 0.9, 0.95, 0.99)
CONTESTANTS = {
    "uniform": "uniform",
    "always safe": "fixed_order(order=[0])",
    "LinFullPost": "benchmarks.suites.showdown:FullPosterior",
    "NeuralLinear": "benchmarks.suites.showdown:NeuralLinear(widths=[100, 100])",
    "linear_thompson": "linear_thompson",
    "neural_linear": "neural_linear",
    "neural_linear, whole width": "neural_linear(scale=1.0)",
}
LENGTHS = {2_000: 50, 80_000: 8}  # rounds -> seeds, as printed


def rows(asked: Asked) -> pd.DataFrame:
    """One row a delta, length and policy."""
    lengths = {2_000: 3} if asked.small else LENGTHS
    return pd.concat(
        [_case(delta, n, seeds, asked) for (n, seeds), delta in product(lengths.items(), DELTAS)], ignore_index=True
    )


def _case(delta: float, n: int, seeds: int, asked: Asked) -> pd.DataFrame:
    by_chance = {seed: expected_uniform(Wheel(delta, n, seed)) for seed in range(seeds)}
    return rows_of(
        f"delta {delta:g}, {n:,} rounds",
        partial(Wheel, delta, n),
        CONTESTANTS,
        range(seeds),
        lambda own: 100 * own.regret / own.index.map(by_chance),
        asked,
    )


def expected_uniform(wheel: Wheel) -> float:
    """Regret that choosing at random is expected to have in these very rounds."""
    return float((wheel.truth.max(axis=1) - wheel.truth.mean(axis=1)).sum())
