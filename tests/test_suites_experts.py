"""Vowpal Wabbit side by side: what is judged on fresh seasons is judged in pairs, and every candidate can be asked."""

from __future__ import annotations

import numpy as np
import pytest

import policies
from benchmarks.suites import experts
from benchmarks.tuning.tried import FIRST_TUNING_SEED
from policies.calls import parse
from policies.policy import Problem


def test_the_best_is_judged_against_the_default_season_by_season() -> None:
    """Ten more in each of 50, 100 and 150 is 10% of the mean, whatever the seasons are like."""
    before = np.array([50.0, 100.0, 150.0])
    row = experts.difference("here", "vowpal(epsilon=0.0)", before + 10, before).iloc[0]
    assert (row.ours, row.lower, row.upper, row.runs) == pytest.approx((10.0, 10.0, 10.0, 3))


@pytest.mark.parametrize("candidate", experts.CANDIDATES)
def test_every_candidate_is_a_policy_of_its_own(candidate: str) -> None:
    name, settings = parse(candidate.format(low=0.0, high=1.0))
    policy = policies.load(name, Problem(3, 2, 1), **settings)
    default = policies.load("vowpal", Problem(3, 2, 1))
    assert candidate == experts.DEFAULT or policy.arguments != default.arguments  # type: ignore[attr-defined]


def test_fresh_seasons_are_those_of_no_search() -> None:
    assert experts._FRESH > FIRST_TUNING_SEED + 1_000
