"""The first available of a list."""

from __future__ import annotations

import numpy as np

from policies.fixed_order import FixedOrder
from policies.policy import Decisions, Problem

AVAILABLE = np.array([[1, 1, 1, 1], [1, 1, 0, 1], [1, 1, 0, 0], [0, 1, 0, 0]], bool)
ASKED = Decisions(np.zeros(4), np.empty((4, 0)), np.empty((4, 0)), AVAILABLE)


def test_the_first_available_of_the_order_is_shown_and_the_rest_follow_by_number() -> None:
    policy = FixedOrder(Problem(4, 0), order=[2, 3])
    np.testing.assert_array_equal(policy.probabilities(ASKED).argmax(axis=1), [2, 3, 0, 1])
    assert np.all(policy.probabilities(ASKED).max(axis=1) == 1)


def test_without_a_list_it_is_the_order_of_the_catalogue() -> None:
    np.testing.assert_array_equal(FixedOrder(Problem(4, 0)).probabilities(ASKED).argmax(axis=1), [0, 0, 0, 1])


def test_epsilon_is_spread_over_all_that_is_available() -> None:
    policy = FixedOrder(Problem(4, 0), order=[1], epsilon=0.4)
    np.testing.assert_allclose(
        policy.probabilities(ASKED)[:2], [[0.1, 0.7, 0.1, 0.1], [0.4 / 3, 0.6 + 0.4 / 3, 0, 0.4 / 3]]
    )
