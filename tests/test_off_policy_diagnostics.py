"""Signs of health by hand, and across shards."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.off_policy.diagnostics import Diagnosis
from benchmarks.off_policy.evidence import Evidence, weigh
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


def seen(weights: Floats, rewards: Floats, propensities: Floats | None = None) -> Diagnosis:
    """Two actions, the first chosen always; whatever chance the policy gives it."""
    n = len(weights)
    decisions = Decisions(np.zeros(n), np.ones((n, 1)), np.empty((2, 0)), np.ones((n, 2), dtype=bool))
    p = np.full(n, 0.5) if propensities is None else propensities
    log = Feedback(decisions, np.zeros(n, int), p, rewards)
    diagnosis = Diagnosis()
    nothing = np.zeros(n)
    diagnosis.add(log, np.full((n, 2), 0.5), Evidence(weights, rewards, nothing, nothing))
    return diagnosis


def test_the_histogram_of_weights_by_hand() -> None:
    """80 bins of a tenth in log10 from -4 to 4; what lies beyond is in the first and the last, 0 in none."""
    weights = np.array([0.0, 1e-9, 1.05e-4, 0.95, 1.05, 1.3, 9e3, 1e7])
    histogram = seen(weights, np.ones(8)).histogram
    assert histogram.sum() == 7
    assert np.flatnonzero(histogram).tolist() == [0, 39, 40, 41, 79]
    assert histogram[[0, 39, 40, 41, 79]].tolist() == [2, 1, 1, 1, 2]


def test_clips_are_those_of_the_picture_and_their_values_by_hand() -> None:
    """Weights 0.5, 8 and 600, rewards 1, 0 and -1: clipped at 10 (0.5 - 10) / 18.5, of 608.5 kept 18.5."""
    clipping = seen(np.array([0.5, 8.0, 600.0]), np.array([1.0, 0.0, -1.0])).health().clipping
    assert list(clipping) == [1, 2, 5, 10, 20, 50, 100, 1_000]
    assert clipping[10.0] == pytest.approx((-9.5 / 18.5, 18.5 / 608.5))
    assert clipping[1_000.0] == pytest.approx((-599.5 / 608.5, 1.0))


def test_rewards_that_cancel_still_come_from_as_many_rows() -> None:
    """Weights 1 and 3, rewards 2 and -1: of sizes 2 and 3, (2 + 3)^2 / (4 + 9)."""
    health = seen(np.array([1.0, 3.0]), np.array([2.0, -1.0])).health()
    assert health.rewarding == pytest.approx(25 / 13)


def test_the_error_of_the_models_bias_is_that_of_a_mean() -> None:
    log, probabilities, predictions = log_of(400)
    diagnosis = Diagnosis()
    evidence = weigh(log, probabilities, predictions)
    diagnosis.add(log, probabilities, evidence)
    corrections = evidence.weights * (evidence.rewards - evidence.fitted)
    health = diagnosis.health()
    assert health.model_bias == pytest.approx(-corrections.mean())
    assert health.model_bias_error == pytest.approx(corrections.std(ddof=1) / 20)
    assert np.isfinite(health.pareto_k) == np.isfinite(diagnosis.tail.shape())


def test_what_rounding_explains_by_hand() -> None:
    """Two decimals: half a unit is 0.005. Weights 2 and 1 at 0.25 and 0.5: the mean weight of 1.5 may be off by 0.005 x
    (8 + 2) / 2 = 0.025, the value by 0.005 x (8 x 3 + 2 x 1) / 2 = 0.065, and by a millionth always."""
    weights, rewards, propensities = np.array([2.0, 1.0]), np.array([-3.0, 1.0]), np.array([0.25, 0.5])
    whole, parts = seen(weights, rewards, propensities), seen(weights[:1], rewards[:1], propensities[:1])
    parts.merge(seen(weights[1:], rewards[1:], propensities[1:]))
    for diagnosis in (whole, parts):
        health = diagnosis.health()
        assert health.weight_rounding == pytest.approx(0.025 + 1.5e-6)
        assert health.value_rounding == pytest.approx(0.065 + 3.5e-6)


def test_nothing_seen_is_no_number_and_no_error() -> None:
    health = seen(np.zeros(2), np.ones(2)).health()
    assert (health.effective_sample_size, health.rewarding, health.mean_weight) == (0.0, 0.0, 0.0)
    assert np.isnan(health.largest_share)
    assert health.clipping == {}
    assert health.weight_rounding == health.value_rounding == 0.0


def test_rows_speak_for_all_of_their_group() -> None:
    """Actions 0 and 2 look alike and 0 is shown: only what looks like 1, never shown, is without support."""
    decisions = Decisions(np.zeros(4), np.ones((4, 1)), np.empty((3, 0)), np.ones((4, 3), dtype=bool))
    log = Feedback(decisions, np.zeros(4, int), np.full(4, 0.5), np.ones(4))
    probabilities = np.tile([0.2, 0.3, 0.5], (4, 1))
    alone, grouped = Diagnosis(), Diagnosis()
    alone.add(log, probabilities, weigh(log, probabilities))
    grouped.add(log, probabilities, weigh(log, probabilities), np.array([0, 1, 0]))
    assert alone.health().unsupported == pytest.approx(0.8)
    assert grouped.health().unsupported == pytest.approx(0.3)
