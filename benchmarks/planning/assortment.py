"""Assortment: which products to offer together, where each takes from the others (multinomial logit)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from policies.policy import Floats
from simulator.scenario import ScenarioError


@dataclass(frozen=True)
class Assortment:
    """Products offered together."""

    products: tuple[int, ...]
    value: float  # expected worth of a visit


def worth(products: tuple[int, ...] | list[int], rewards: Floats, attractions: Floats) -> float:
    """Expected reward of a visit that chooses among these or leaves: sum r v / (1 + sum v)."""
    chosen = list(products)
    return float(rewards[chosen] @ attractions[chosen] / (1 + attractions[chosen].sum()))


def best_assortment(rewards: Floats, attractions: Floats, capacity: int) -> Assortment:
    """The best of all assortments of at most `capacity` products (Rusmevichientong, Shen & Shmoys 2010).

    An assortment is worth more than x where the sum of v (r - x) over it is more than x. For each x, the best is the
    `capacity` products of largest v (r - x), those above 0: raise x to its worth until it stays (Dinkelbach 1967).

    Args:
        rewards: (N,) r, what a sale brings.
        attractions: (N,) v, above 0, where leaving has 1.
        capacity: at most so many together.

    Raises:
        ScenarioError: a capacity below 0, or attractions that are not above 0.
    """
    if capacity < 0:
        raise ScenarioError(f"capacity must be at least 0, got {capacity}")
    if len(attractions) and not attractions.min() > 0:
        raise ScenarioError(f"attractions must be greater than 0, got {attractions.min()}")
    best = Assortment((), 0.0)
    while True:
        gains = attractions * (rewards - best.value)
        first = np.argsort(-gains, kind="stable")[:capacity]
        products = tuple(sorted(int(k) for k in first if gains[k] > 0))
        value = worth(products, rewards, attractions)
        if value <= best.value:
            return best
        best = Assortment(products, value)
