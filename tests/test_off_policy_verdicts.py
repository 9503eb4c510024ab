"""Each verdict with the number that decides it."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

from benchmarks.off_policy.diagnostics import Health
from benchmarks.off_policy.verdicts import Claim, judge

HEALTH = Health(
    n=10_000,
    observed=0.2,
    effective_sample_size=3_000.0,
    rewarding=500.0,
    largest_weight=8.0,
    largest_share=0.001,
    mean_weight=1.01,
    mean_weight_error=0.01,
    unsupported=0.0,
    pareto_k=0.2,
    calibration_slope=1.0,
    model_bias=0.001,
    model_bias_error=0.004,
    clipping={5.0: (0.24, 0.99)},
    placebo=(0.2, 0.19, 0.21),
    placebo_weight=(1.0, 0.01),
)
BETTER = Claim(0.25, 0.02, 0.08, 3_000.0, weighted=True, bounded=False)
MODEL = replace(BETTER, weighted=False)
SHRUNK = replace(BETTER, bounded=True, modelled=True)


@pytest.mark.parametrize(
    ("claim", "health", "verdict", "number"),
    [
        (BETTER, HEALTH, "deploy-worthy", r"0.25 a decision against 0.2 .* \+0.02 to \+0.08"),
        (replace(BETTER, value=0.15, lower=-0.08, upper=-0.02), replace(HEALTH, clipping={}), "worse", "0.15"),
        (replace(BETTER, value=0.21, lower=-0.02, upper=0.04), HEALTH, "cannot tell", "may earn more or less"),
        (replace(BETTER, value=0.2, lower=0.0, upper=1e-16), HEALTH, "cannot tell", "earned, 0.2 a decision"),
        (BETTER, replace(HEALTH, unsupported=0.2), "refuse", "20.0% of the policy's choices"),
        (BETTER, replace(HEALTH, effective_sample_size=12.0), "refuse", "worth only 12.0 rows"),
        (BETTER, replace(HEALTH, mean_weight=0.8), "refuse", "average 0.800 where 1 is due"),
        (BETTER, replace(HEALTH, placebo_weight=(1.2, 0.01)), "refuse", "average 1.200 where 1 is due"),
        (BETTER, replace(HEALTH, users=9.4), "cannot tell", "worth those of 9.4 users; 20 are needed"),
        (BETTER, replace(HEALTH, pareto_k=0.9), "cannot tell", "Pareto k 0.90 > 0.7"),
        (replace(BETTER, bounded=True), replace(HEALTH, pareto_k=0.9), "deploy-worthy", "earns more"),
        (BETTER, replace(HEALTH, rewarding=4.8), "deploy-worthy", "earns more"),
        (replace(BETTER, bounded=True), replace(HEALTH, rewarding=4.8), "cannot tell", "4.8 rows' worth"),
        (BETTER, replace(HEALTH, clipping={5.0: (0.19, 0.97)}), "cannot tell", "Clipping the weights at 5 turns"),
        (BETTER, replace(HEALTH, clipping={5.0: (0.19, 0.60)}), "deploy-worthy", "earns more"),
        (replace(BETTER, lower=np.nan), HEALTH, "cannot tell", "does not say enough for an interval"),
        (replace(BETTER, lower=np.nan, unfit="Too few."), HEALTH, "cannot tell", "^Too few.$"),
        (MODEL, HEALTH, "deploy-worthy", "earns more"),
        (replace(MODEL, value=0.15, lower=-0.08, upper=-0.02), HEALTH, "worse", "0.15"),
        (MODEL, replace(HEALTH, model_bias_error=0.02), "cannot tell", r"off by \+0.001, give or take 0.04"),
        (SHRUNK, HEALTH, "deploy-worthy", "earns more"),
        (
            SHRUNK,
            replace(HEALTH, model_bias_error=0.02),
            "cannot tell",
            r"off by \+0.001, give or",
        ),
        (MODEL, replace(HEALTH, pareto_k=0.9), "deploy-worthy", "earns more"),
        (MODEL, replace(HEALTH, rewarding=4.8), "cannot tell", "4.8 rows' worth"),
        (BETTER, replace(HEALTH, placebo=(0.3, 0.28, 0.32)), "deploy-worthy", "Placebo missed: .* 0.28 to 0.32"),
    ],
)
def test_the_verdict_and_its_reason(claim: Claim, health: Health, verdict: str, number: str) -> None:
    found, reason = judge(claim, health)
    assert found == verdict
    assert re.search(number, reason), reason


@pytest.mark.parametrize("health", [HEALTH, replace(HEALTH, unsupported=0.2), replace(HEALTH, pareto_k=0.9)])
def test_estimated_propensities_are_always_mentioned(health: Health) -> None:
    assert judge(BETTER, replace(health, estimated=True))[1].endswith("Propensities are estimated, not logged.")
    assert "Propensities" not in judge(BETTER, health)[1]
