"""The latest launch, as told by availability."""

from __future__ import annotations

import numpy as np

from policies.newest import Newest
from policies.policy import Decisions, Feedback, Problem


def on_sale(times: list[float], rows: list[list[int]]) -> Decisions:
    n = len(times)
    return Decisions(np.array(times), np.empty((n, 0)), np.empty((4, 0)), np.array(rows, bool))


def lesson(times: list[float], rows: list[list[int]]) -> Feedback:
    n = len(times)
    return Feedback(on_sale(times, rows), np.zeros(n, int), np.ones(n), np.zeros(n))


HISTORY = lesson([0.0, 5.0, 6.0, 7.0], [[1, 0, 1, 0], [1, 1, 0, 0], [1, 1, 1, 0], [1, 0, 1, 0]])


def test_the_product_first_available_last_is_shown() -> None:
    policy = Newest(Problem(4, 0), epsilon=0.2)
    policy.learn(HISTORY)
    asked = on_sale([8.0, 8.0], [[1, 1, 1, 0], [1, 0, 1, 0]])
    np.testing.assert_allclose(policy.probabilities(asked), [[0.2 / 3, 0.8 + 0.2 / 3, 0.2 / 3, 0], [0.9, 0, 0.1, 0]])


def test_a_product_that_no_lesson_has_seen_is_newer_than_all() -> None:
    policy = Newest(Problem(4, 0))
    policy.learn(HISTORY)
    np.testing.assert_array_equal(policy.probabilities(on_sale([8.0], [[1, 1, 1, 1]])), [[0, 0, 0, 1]])


def test_launches_are_found_whatever_the_order_of_lessons() -> None:
    policy = Newest(Problem(4, 0))
    for i in (3, 1, 2, 0):
        policy.learn(HISTORY.take(slice(i, i + 1)))
    np.testing.assert_array_equal(policy.state()["launched"], [0.0, 5.0, 0.0, np.inf])


def test_before_any_lesson_the_first_available_of_the_catalogue_is_shown() -> None:
    np.testing.assert_array_equal(Newest(Problem(4, 0)).probabilities(on_sale([0.0], [[0, 1, 1, 0]])), [[0, 1, 0, 0]])
