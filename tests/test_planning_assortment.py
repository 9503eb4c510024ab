"""The best assortment under multinomial logit: counted out where it can be, and the published instance."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from benchmarks.planning.assortment import best_assortment, worth
from simulator.scenario import ScenarioError


@pytest.mark.parametrize("instance", range(200))
def test_the_best_assortment_is_the_best_of_all(instance: int) -> None:
    draw = np.random.default_rng(instance)
    n, capacity = int(draw.integers(1, 9)), int(draw.integers(0, 6))
    rewards, attractions = draw.uniform(0, 1, n), draw.exponential(0.5, n) + 1e-3
    counted = [
        worth(chosen, rewards, attractions)
        for size in range(min(capacity, n) + 1)
        for chosen in combinations(range(n), size)
    ]
    found = best_assortment(rewards, attractions, capacity)
    assert found.value == pytest.approx(max(counted), rel=1e-12)
    assert found.value == worth(found.products, rewards, attractions)
    assert len(found.products) <= capacity


def test_the_instance_of_the_mnl_bandit_is_worth_six_elevenths() -> None:
    # Agrawal et al. 2019: ten products of equal reward, four of which attract a little more; capacity 4.
    attractions = np.full(10, 0.25)
    attractions[[1, 4, 6, 9]] += 0.05
    found = best_assortment(np.ones(10), attractions, 4)
    assert found.products == (1, 4, 6, 9)
    assert found.value == pytest.approx(6 / 11)


def test_without_a_limit_the_best_products_by_reward_are_offered() -> None:
    # Talluri & van Ryzin 2004: some number of the products of highest reward is best.
    rewards, attractions = np.array([1.0, 0.8, 0.5, 0.1]), np.array([0.2, 0.5, 3.0, 9.0])
    nested = [worth(tuple(range(size)), rewards, attractions) for size in range(5)]
    assert best_assortment(rewards, attractions, 4).value == pytest.approx(max(nested))


def test_impossible_instances_are_refused() -> None:
    with pytest.raises(ScenarioError, match="capacity must be at least 0, got -1"):
        best_assortment(np.ones(1), np.ones(1), -1)
    with pytest.raises(ScenarioError, match="attractions must be greater than 0, got 0"):
        best_assortment(np.ones(1), np.zeros(1), 1)
