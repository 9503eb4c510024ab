"""Vowpal Wabbit side by side: what is judged on fresh seasons is judged in pairs, and every candidate can be asked."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import policies
from benchmarks.suites import experts
from benchmarks.tuning.tried import FIRST_TUNING_SEED
from policies.calls import parse
from policies.policy import Problem


def test_the_best_is_judged_against_the_default_season_by_season() -> None:
    """Ten more in each of 50, 100 and 150 is 10% of the mean, whatever the seasons are like."""
    before = np.array([50.0, 100.0, 150.0])
    assert experts.over(before + 10, before) == pytest.approx([10.0, 10.0, 10.0])


def test_those_go_on_that_sold_the_most_in_all_scenarios_together() -> None:
    cases = ["round 1, here", "round 1, all scenarios", "round 1, all scenarios", "round 1, all scenarios"]
    found = pd.DataFrame({"case": cases, "contestant": ["a", "a", "b", "c"], "ours": [99.0, 1.0, 3.0, 2.0]})
    assert experts.best(found, 2) == ["b", "c"]


@pytest.mark.parametrize("candidate", experts.CANDIDATES)
def test_every_candidate_is_a_policy_of_its_own(candidate: str) -> None:
    name, settings = parse(candidate)
    policy = policies.load(name, Problem(3, 2, 1), **settings)
    default = policies.load("vowpal", Problem(3, 2, 1))
    assert candidate == experts.DEFAULT or policy.arguments != default.arguments  # type: ignore[attr-defined]


def test_fresh_seasons_are_those_of_no_search() -> None:
    assert experts._FRESH > FIRST_TUNING_SEED + 1_000
