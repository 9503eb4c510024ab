"""Every formula against Open Bandit Pipeline 0.5.5, run once on the log that is written out here."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.off_policy import estimate
from benchmarks.off_policy.slates import estimate_slates
from policies.policy import Decisions, Feedback, Floats

THEIRS = {
    "dm": 0.509307510991961,
    "ips": 1.522836839714836,
    "ips(clip=1.5)": 1.2150022264040676,
    "snips": 1.3520250649678967,
    "dr": 1.4759447694990042,
    "sndr": 1.3675201363695464,
    "switch_dr(threshold=1.2)": 0.829111246998689,
    "dros(shrinkage=3)": 1.0057541174839173,
}
THEIR_PAGES = {"independent": 4.568510519144509, "cascade": 5.330874603648456, "whole": 6.6273108206552624}


def world() -> tuple[Feedback, Floats, Floats]:
    """60 rows, three actions: log, probabilities of the policy, predictions of a model."""
    i, k = np.arange(60)[:, None], np.arange(3)
    logging = 2.0 + np.sin(1.0 + 0.7 * i + k)
    policy = 1.2 + np.cos(0.3 * i * (k + 1))
    chosen = (7 * i[:, 0]) % 5 % 3
    propensities = (logging / logging.sum(axis=1, keepdims=True))[np.arange(60), chosen]
    rewards = np.round(1.0 + np.cos(1.3 * i[:, 0] + chosen), 3)
    decisions = Decisions(i[:, 0] * 1.0, np.ones((60, 1)), np.empty((3, 0)), np.ones((60, 3), dtype=bool))
    feedback = Feedback(decisions, chosen, propensities, rewards)
    return feedback, policy / policy.sum(axis=1, keepdims=True), 0.5 + 0.3 * np.sin(0.2 * i - k)


def test_open_bandit_pipeline_finds_the_same_values() -> None:
    feedback, probabilities, predictions = world()
    table = estimate(feedback, probabilities, tuple(THEIRS), predictions=predictions)
    assert table["value"].to_dict() == pytest.approx(THEIRS, rel=1e-12)


def test_open_bandit_pipeline_finds_the_same_values_of_pages() -> None:
    """20 pages of three slots."""
    feedback, probabilities, _ = world()
    table = estimate_slates(feedback, probabilities, np.repeat(np.arange(20), 3), np.tile(np.arange(3), 20))
    assert table["value"].to_dict() == pytest.approx(THEIR_PAGES, rel=1e-12)


def test_switch_trusts_weights_up_to_and_with_its_threshold() -> None:
    """One row of weight 2, reward 5, of which the model expects 1: 1 + 2 (5 - 1) at threshold 2, 1 below
    (Wang, Agarwal & Dudik 2017, section 4: where w <= tau)."""
    decisions = Decisions(np.zeros(1), np.ones((1, 1)), np.empty((2, 0)), np.ones((1, 2), bool))
    feedback = Feedback(decisions, np.array([0]), np.array([0.5]), np.array([5.0]))
    table = estimate(
        feedback,
        np.array([[1.0, 0.0]]),
        ("switch_dr(threshold=2)", "switch_dr(threshold=1.999)"),
        predictions=np.array([[1.0, 7.0]]),
    )
    assert table["value"].tolist() == [9.0, 1.0]
