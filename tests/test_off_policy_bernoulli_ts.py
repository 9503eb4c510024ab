"""Chances of Thompson sampling by integration, against a closed form and against simulation."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.off_policy.bernoulli_ts import probabilities, ranks
from policies.policy import PolicyError


def test_two_items_have_a_closed_form() -> None:
    """P(Beta(2, 1) > Beta(1, 1)) = E[x] under Beta(2, 1) = 2/3."""
    chances = ranks(np.array([2.0, 1.0]), np.array([1.0, 1.0]), 2)
    np.testing.assert_allclose(chances, [[2 / 3, 1 / 3], [1 / 3, 2 / 3]], atol=1e-4)


def test_integration_agrees_with_simulation() -> None:
    rng = np.random.default_rng(0)
    alpha, beta = np.array([5.0, 9.0, 2.0, 30.0]), np.array([500.0, 800.0, 150.0, 3_500.0])
    order = np.argsort(-rng.beta(alpha, beta, (200_000, 4)), axis=1)
    simulated = np.array([[np.mean(order[:, rank] == item) for rank in range(3)] for item in range(4)])
    np.testing.assert_allclose(ranks(alpha, beta, 3), simulated, atol=0.005)


@pytest.mark.parametrize(("campaign", "K"), [("all", 80), ("men", 34), ("women", 46)])
def test_every_slot_has_a_distribution(campaign: str, K: int) -> None:
    chances = probabilities(campaign, np.array([1, 3, 2, 1]))
    assert chances.shape == (4, K)
    np.testing.assert_allclose(chances.sum(axis=1), 1.0)
    np.testing.assert_array_equal(chances[0], chances[3])
    assert np.abs(chances[0] - chances[1]).max() > 0.01


def test_bad_campaigns_and_slots_are_named() -> None:
    with pytest.raises(PolicyError, match=r"one of all, men, women, got 'children'"):
        probabilities("children", np.array([1]))
    with pytest.raises(PolicyError, match=r"position must be 1 to 3, got 0 in row 1"):
        probabilities("all", np.array([1, 0]))
