"""Weights of look-alike actions, by hand."""

from __future__ import annotations

import numpy as np

from benchmarks.off_policy.marginal import look_alikes, marginal_weights
from policies.policy import Decisions, Feedback


def test_weights_of_look_alikes_by_hand() -> None:
    """Actions 0 and 2 look alike: (0.5 + 0.2) / (0.1 + 0.3) = 1.75; action 1 by itself 0.3 / 0.6 = 0.5."""
    decisions = Decisions(np.zeros(2), np.ones((2, 1)), np.array([[1.0], [2.0], [1.0]]), np.ones((2, 3), dtype=bool))
    feedback = Feedback(decisions, np.array([2, 1]), np.array([0.3, 0.6]), np.zeros(2))
    weights = marginal_weights(
        feedback, np.tile([0.5, 0.3, 0.2], (2, 1)), np.tile([0.1, 0.6, 0.3], (2, 1)), look_alikes(decisions.actions)
    )
    np.testing.assert_allclose(weights, [1.75, 0.5])


def test_actions_without_features_stand_alone() -> None:
    assert look_alikes(np.empty((4, 0))).tolist() == [0, 1, 2, 3]


def test_features_that_tell_all_actions_apart_are_clustered() -> None:
    centres = np.repeat([[0.0, 0.0], [10.0, 0.0], [0.0, 10.0]], 3, axis=0)
    groups = look_alikes(centres + np.random.default_rng(0).normal(scale=0.1, size=(9, 2)))
    assert [len(set(groups[first : first + 3])) for first in (0, 3, 6)] == [1, 1, 1]
    assert len(set(groups)) == 3


def test_three_actions_stand_alone_and_four_make_two_clusters() -> None:
    """Square roots of so many: below four actions there is nothing to gain."""
    assert len(set(look_alikes(np.array([[0.0], [0.1], [9.0]])))) == 3
    groups = look_alikes(np.array([[0.0], [0.1], [9.0], [9.1]]))
    assert groups[0] == groups[1] != groups[2] == groups[3]
