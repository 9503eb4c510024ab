"""The first available of a list."""

from __future__ import annotations

import numpy as np
import pytest

import policies
from policies.fixed_order import FixedOrder
from policies.policy import Decisions, PolicyError, Problem

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


def test_an_order_may_be_typed_by_name() -> None:
    problem = Problem(3, 1, action_names=("Mens E-Mail", "No E-Mail", "Womens E-Mail"))
    policy = policies.load("fixed_order", problem, order=["Womens E-Mail", 1])
    everything = Decisions(np.zeros(1), np.ones((1, 1)), np.empty((3, 0)), np.ones((1, 3), bool))
    assert policy.probabilities(everything)[0].tolist() == [0, 0, 1]
    with pytest.raises(PolicyError, match=r"^fixed_order: order must be .* such as 'Mens E-Mail', got 'Mens Mail'$"):
        policies.load("fixed_order", problem, order=["Mens Mail"])
    with pytest.raises(PolicyError, match="order must name no action twice"):
        policies.load("fixed_order", problem, order=["Mens E-Mail", 0])


def test_names_are_refused_where_the_products_have_none() -> None:
    with pytest.raises(PolicyError, match="as these products have no names, got 'Mens E-Mail'"):
        policies.load("fixed_order", Problem(3, 1), order=["Mens E-Mail"])
