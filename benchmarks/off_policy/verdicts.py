"""One verdict per estimate, with the sentence that explains it: deploy-worthy, worse, cannot tell, or refuse."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from benchmarks.off_policy.diagnostics import Health

Verdict: TypeAlias = Literal["deploy-worthy", "worse", "cannot tell", "refuse"]

SMALLEST_SAMPLE = 50.0  # effective rows: below, no interval can be trusted
FEWEST_REWARDS = 20.0  # effective rewarded rows: below, the log cannot check what is said in its place
FEWEST_USERS = 20.0  # below, what users have in common cannot be told from luck (Cameron & Miller 2015, section VI)
UNSUPPORTED = 0.01  # share of the policy's choices that the log knows nothing about
HEAVY = 0.7  # Pareto k (Vehtari et al. 2024, section 3.2.4)
DISAGREES = 4.0  # standard errors
KEPT = 0.95  # a clip that keeps so much of the weight should not change the answer


@dataclass(frozen=True, slots=True)
class Claim:
    """What one estimator says of a policy, beside the mean reward of the log."""

    value: float
    lower: float  # of the difference to the log's mean reward
    upper: float
    effective_sample_size: float
    weighted: bool  # rests on importance weights, not on the reward model alone
    bounded: bool  # its weights are clipped or shrunk, so their tail does not matter
    modelled: bool = False  # a reward model speaks where weights are clipped or shrunk
    unfit: str = ""  # why the log does not bear the interval asked for


def judge(claim: Claim, health: Health) -> tuple[Verdict, str]:
    """The verdict on a claim and its reason."""
    verdict, reason = objection(claim, health) or _answer(claim, health)
    return verdict, reason + (" Propensities are estimated, not logged." if health.estimated else "")


def objection(claim: Claim, health: Health) -> tuple[Verdict, str] | None:
    """What stands against believing a claim, whatever it says."""
    return _refusal(claim, health) or _doubt(claim, health)


def _refusal(claim: Claim, health: Health) -> tuple[Verdict, str] | None:
    """The log cannot say anything about this policy."""
    if health.unsupported > UNSUPPORTED:
        return "refuse", f"{health.unsupported:.1%} of the policy's choices are actions that the log never shows."
    worth = min(health.effective_sample_size, claim.effective_sample_size)
    if worth < SMALLEST_SAMPLE:
        rows = f"The {health.n:,} rows of the log are worth only {worth:.1f} rows of the policy's own"
        return "refuse", f"{rows}; {SMALLEST_SAMPLE:.0f} are needed."
    if _apart(health.mean_weight - 1.0, health.mean_weight_error, health.weight_rounding) > DISAGREES:
        return "refuse", (
            f"The weights average {health.mean_weight:.3f} where 1 is due: "
            "the propensities are wrong, or the log leaves out what the policy does."
        )
    placebo = health.placebo_weight
    if placebo and _apart(placebo[0] - 1.0, placebo[1], health.weight_rounding) > DISAGREES:
        return "refuse", (
            f"The log does not bear out its own propensities: for the policy that made it, "
            f"the weights average {placebo[0]:.3f} where 1 is due."
        )
    return None


def _doubt(claim: Claim, health: Health) -> tuple[Verdict, str] | None:
    """The log says something, but this estimator's interval is not to be believed."""
    if not np.isfinite([claim.value, claim.lower, claim.upper]).all():
        return "cannot tell", claim.unfit or "The log does not say enough for an interval."
    if health.users < FEWEST_USERS:
        return "cannot tell", f"The rows are worth those of {health.users:.1f} users; {FEWEST_USERS:.0f} are needed."
    if claim.weighted and not claim.bounded and health.pareto_k > HEAVY:
        return "cannot tell", f"A few huge weights decide the estimate (Pareto k {health.pareto_k:.2f} > {HEAVY})."
    if health.rewarding < FEWEST_REWARDS and (claim.bounded or not claim.weighted):  # bias is in no interval
        return "cannot tell", (
            f"The rewards come from {health.rewarding:.1f} rows' worth of the log; {FEWEST_REWARDS:.0f} are needed."
        )
    if (claim.modelled or not claim.weighted) and not claim.lower <= 0.0 <= claim.upper:
        reach = 2.0 * health.model_bias_error
        if (claim.lower if claim.lower > 0.0 else -claim.upper) < abs(health.model_bias) + reach:
            return "cannot tell", (
                "That is the word of the reward model: where the log can check it, "
                f"it is off by {health.model_bias:+.4g}, give or take {reach:.4g}."
            )
    if claim.weighted and not claim.lower <= 0.0 <= claim.upper:
        sign = np.sign(claim.lower + claim.upper)
        for clip, (value, kept) in health.clipping.items():
            if kept >= KEPT and sign * (value - health.observed) < -health.value_rounding:
                return "cannot tell", f"Clipping the weights at {clip:g} turns the comparison round."
    return None


def _answer(claim: Claim, health: Health) -> tuple[Verdict, str]:
    """What the interval of the difference says."""
    apart = f"{claim.value:.4g} a decision against {health.observed:.4g} in the log"
    between = f"difference {claim.lower:+.4g} to {claim.upper:+.4g}"
    placebo = health.placebo
    warning = ""
    if placebo and not placebo[1] <= health.observed <= placebo[2]:
        warning = f" Placebo missed: the re-learned logging policy is put at {placebo[1]:.4g} to {placebo[2]:.4g}."
    if abs(claim.value - health.observed) <= health.value_rounding:
        earned = f"It earns what the policy that made the log earned, {claim.value:.4g} a decision"
        return "cannot tell", f"{earned}, up to rounding.{warning}"
    if claim.lower > 0.0:
        return "deploy-worthy", f"It earns more than the policy that made the log: {apart}, {between}.{warning}"
    if claim.upper < 0.0:
        return "worse", f"It earns less than the policy that made the log: {apart}, {between}.{warning}"
    return "cannot tell", f"It may earn more or less than the policy that made the log: {apart}, {between}.{warning}"


def _apart(difference: float, error: float, rounding: float) -> float:
    """How many standard errors a difference is, beyond what rounding explains."""
    beyond = abs(difference) - rounding
    return 0.0 if beyond <= 0.0 else beyond / error if error > 0.0 else np.inf
