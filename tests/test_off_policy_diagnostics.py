"""Signs of health by hand, and across shards."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.off_policy.diagnostics import Diagnosis
from benchmarks.off_policy.evidence import weigh
from policies.policy import Decisions, Feedback, Floats


def log_of(n: int, seed: int = 0) -> tuple[Feedback, Floats, Floats]:
    """The log never shows action 3, which the policy chooses with chance 0.1."""
    rng = np.random.default_rng(seed)
    decisions = Decisions(np.zeros(n), np.ones((n, 1)), np.empty((4, 0)), np.ones((n, 4), dtype=bool))
    chosen = rng.choice(3, n, p=[0.2, 0.3, 0.5])
    log = Feedback(decisions, chosen, np.array([0.2, 0.3, 0.5])[chosen], rng.normal(1.0 + chosen, 1.0))
    return log, np.tile([0.4, 0.3, 0.2, 0.1], (n, 1)), np.tile([2.0, 4.0, 6.0, 0.0], (n, 1))


def test_three_rows_by_hand() -> None:
    """Weights 2, 0.2, 0.5 with rewards 1, 4, 2; predictions 1, 3, 1: corrections 0, 0.2, 0.5."""
    decisions = Decisions(np.zeros(3), np.ones((3, 1)), np.empty((3, 0)), np.ones((3, 3), dtype=bool))
    log = Feedback(decisions, np.array([0, 1, 0]), np.array([0.25, 0.5, 0.6]), np.array([1.0, 4.0, 2.0]))
    probabilities = np.array([[0.5, 0.5, 0.0], [0.8, 0.1, 0.1], [0.3, 0.5, 0.2]])
    diagnosis = Diagnosis()
    diagnosis.add(log, probabilities, weigh(log, probabilities, np.tile([1.0, 3.0, 9.0], (3, 1))))
    health = diagnosis.health()
    assert health.n == 3
    assert health.observed == pytest.approx(7 / 3)
    assert health.effective_sample_size == pytest.approx(2.7**2 / 4.29)
    assert health.rewarding == pytest.approx(3.8**2 / (4 + 0.64 + 1))
    assert health.largest_weight == 2.0
    assert health.largest_share == pytest.approx(2 / 2.7)
    assert health.mean_weight == pytest.approx(0.9)
    assert health.mean_weight_error == pytest.approx(np.std([2, 0.2, 0.5], ddof=1) / np.sqrt(3))
    assert health.unsupported == pytest.approx(0.3 / 3)
    assert health.model_bias == pytest.approx(-0.7 / 3)
    assert health.calibration_slope == pytest.approx(np.polyfit([1, 3, 1], [1, 4, 2], 1)[0])
    assert health.clipping[1.0] == pytest.approx(((1 + 0.8 + 1) / 1.7, 1.7 / 2.7))
    assert health.clipping[5.0] == pytest.approx((3.8 / 2.7, 1.0))


def test_a_model_that_predicts_too_wide_a_range_has_a_slope_below_one() -> None:
    """Rewards rise by 1 from action to action, predictions by 2."""
    log, probabilities, predictions = log_of(20_000)
    diagnosis = Diagnosis()
    diagnosis.add(log, probabilities, weigh(log, probabilities, predictions))
    assert diagnosis.health().calibration_slope == pytest.approx(0.5, abs=0.02)


def test_shards_have_the_health_of_the_whole() -> None:
    log, probabilities, predictions = log_of(1_000)
    whole, parts = Diagnosis(), Diagnosis()
    whole.add(log, probabilities, weigh(log, probabilities, predictions))
    for rows in (slice(0, 1), slice(1, 600), slice(600, 1_000)):
        part = Diagnosis()
        part.add(log.take(rows), probabilities[rows], weigh(log.take(rows), probabilities[rows], predictions[rows]))
        parts.merge(part)
    parts.merge(Diagnosis())
    one, many = whole.health(), parts.health()
    for name in (
        "observed",
        "effective_sample_size",
        "rewarding",
        "mean_weight_error",
        "unsupported",
        "model_bias_error",
    ):
        assert getattr(many, name) == pytest.approx(getattr(one, name), rel=1e-12)
    assert many.unsupported == pytest.approx(0.1)
    for clip, pair in one.clipping.items():
        assert many.clipping[clip] == pytest.approx(pair, rel=1e-12)
