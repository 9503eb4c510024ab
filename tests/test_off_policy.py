"""Estimates against hand arithmetic, closed forms and laws that hold for every log."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.off_policy import estimate
from policies.policy import Decisions, Feedback, Floats, PolicyError


def log_of(chosen: list[int], propensities: list[float], rewards: list[float], K: int) -> Feedback:
    n = len(chosen)
    decisions = Decisions(np.arange(n) * 1.0, np.ones((n, 1)), np.empty((K, 0)), np.ones((n, K), dtype=bool))
    return Feedback(decisions, np.array(chosen), np.array(propensities), np.array(rewards))


@pytest.fixture
def three() -> tuple[Feedback, Floats]:
    """Weights 0.5 / 0.25 = 2, 0.1 / 0.5 = 0.2 and 0.3 / 0.6 = 0.5; rewards 1, 4 and 2."""
    log = log_of([0, 1, 0], [0.25, 0.5, 0.6], [1.0, 4.0, 2.0], K=2)
    return log, np.array([[0.5, 0.5], [0.9, 0.1], [0.3, 0.7]])


def test_three_rows_by_hand(three: tuple[Feedback, Floats]) -> None:
    """IPS (2 x 1 + 0.2 x 4 + 0.5 x 2) / 3 = 3.8 / 3; SNIPS 3.8 / 2.7; ESS 2.7^2 / (4 + 0.04 + 0.25)."""
    table = estimate(*three, estimators=("ips", "snips"))
    assert table.loc["ips", "value"] == pytest.approx(3.8 / 3)
    assert table.loc["snips", "value"] == pytest.approx(3.8 / 2.7)
    assert table.loc["ips", "effective_sample_size"] == pytest.approx(2.7**2 / 4.29)
    assert table.loc["ips", "n"] == 3


def test_an_unknown_estimator_is_named_in_the_error(three: tuple[Feedback, Floats]) -> None:
    with pytest.raises(PolicyError, match=r"one of ips, .*got 'magic'"):
        estimate(*three, estimators=("magic",))
