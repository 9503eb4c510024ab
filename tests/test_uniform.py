"""Equal chances."""

from __future__ import annotations

import numpy as np

from policies.policy import Decisions, Problem
from policies.uniform import Uniform


def test_every_available_action_has_the_same_chance() -> None:
    available = np.array([[True, True, False, True], [False, False, True, False]])
    asked = Decisions(np.zeros(2), np.empty((2, 0)), np.empty((4, 0)), available)
    np.testing.assert_allclose(Uniform(Problem(4, 0)).probabilities(asked), [[1 / 3, 1 / 3, 0, 1 / 3], [0, 0, 1, 0]])
