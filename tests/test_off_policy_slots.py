"""Where only the slot sells, no product is better than another, and no policy that prefers some is."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.off_policy import estimate, evaluate
from benchmarks.off_policy.logging_model import with_estimated
from benchmarks.off_policy.passes import InMemory, Streamed
from benchmarks.off_policy.slots import MOST, Slots, beside, different
from envs.feedback import LoggedFeedback
from policies.policy import Decisions, Feedback, Floats, Integers

RATES = np.array([0.24, 0.12, 0.06, 0.03])  # of a click, by slot, whatever is shown
WANTED = np.array([0.5, 0.5, 0, 0, 0, 0, 0, 0])


class TopItems:
    """Shows the two products that the log mostly had on top."""

    def probabilities(self, decisions: Decisions) -> Floats:
        return np.tile(WANTED, (len(decisions), 1))

    def learn(self, feedback: Feedback) -> None: ...


def log_of(n: int, seed: int = 0) -> tuple[Feedback, Integers]:
    """Eight products: 0 and 1 have half of slot 1, and a tenth of the others each way."""
    rng = np.random.default_rng(seed)
    slots = np.arange(n) % 4
    top = np.where(slots == 0, 0.6, 0.2)
    chosen = np.where(rng.random(n) < top, rng.integers(0, 2, n), rng.integers(2, 8, n))
    chances = np.where(chosen < 2, top / 2, (1 - top) / 6)
    decisions = Decisions(np.arange(n) / 500, np.empty((n, 0)), np.empty((8, 0)), np.ones((n, 8), bool))
    return Feedback(decisions, chosen, chances, (rng.random(n) < RATES[slots]) * 1.0), slots + 1


def test_estimated_propensities_know_the_slot() -> None:
    """Without it the policy looks better by a quarter, and every estimator says so."""
    feedback, slots = log_of(8_000)
    blind = LoggedFeedback(feedback, propensities="missing")
    seeing = LoggedFeedback(feedback, propensities="missing", positions=slots)
    estimators = ("ips", "snips", "dr", "dm", "dros")
    fooled, told = (evaluate(Streamed(log, TopItems()), estimators).table() for log in (blind, seeing))
    assert (fooled.verdict == "deploy-worthy").all()
    assert (told.verdict == "cannot tell").all()
    assert (fooled.value > RATES.mean() + 0.02).all()
    assert told.value.to_numpy() == pytest.approx(RATES.mean(), abs=0.02)  # 3 standard errors


def test_reward_models_know_the_slot() -> None:
    """Propensities are logged, and right: the direct method alone takes the top slot for the products in it."""
    feedback, slots = log_of(20_000)
    answers = np.tile(WANTED, (20_000, 1))
    fooled = estimate(feedback, answers, ("dm", "mrdr"))
    told = estimate(feedback, answers, ("dm", "mrdr"), positions=slots)
    assert fooled.loc["dm", "value"] > RATES.mean() + 0.03
    assert told.loc["dm", "value"] == pytest.approx(RATES.mean(), abs=0.015)
    width = {name: table.loc["mrdr", "upper"] - table.loc["mrdr", "lower"] for name, table in
             {"fooled": fooled, "told": told}.items()}  # fmt: skip
    assert width["told"] < width["fooled"]


def test_a_log_on_disk_has_the_slots_of_one_in_memory() -> None:
    feedback, slots = log_of(2_000)
    answers = np.tile(WANTED, (2_000, 1))
    streamed = evaluate(Streamed(LoggedFeedback(feedback, positions=slots), TopItems()), ("dr",), placebo=False)
    memory = evaluate(InMemory(feedback, answers, positions=slots), ("dr",), placebo=False)
    assert streamed.accumulators["dr"].value() == pytest.approx(memory.accumulators["dr"].value(), rel=1e-12)


def test_replay_estimates_propensities_by_slot_too() -> None:
    feedback, slots = log_of(8_000)
    found = with_estimated(LoggedFeedback(feedback, propensities="missing", positions=slots)).feedback.propensities
    assert np.abs(found - feedback.propensities).max() < 0.06
    assert found[(slots == 1) & (feedback.chosen == 0)].mean() == pytest.approx(0.3, abs=0.03)
    assert found[(slots == 3) & (feedback.chosen == 0)].mean() == pytest.approx(0.1, abs=0.03)


def test_no_placebo_tests_a_model_against_itself() -> None:
    feedback, _ = log_of(2_000)
    unknown = evaluate(Streamed(LoggedFeedback(feedback, propensities="missing"), TopItems()), ("ips",))
    assert unknown.health().placebo is None
    assert evaluate(Streamed(LoggedFeedback(feedback), TopItems()), ("ips",)).health().placebo is not None


def test_slots_stand_one_hot_beside_the_context() -> None:
    feedback, slots = log_of(4)
    found = Slots(slots).of(np.array([1, 4, 2, 9]))
    assert found is not None
    assert found.tolist() == [[1, 0, 0, 0], [0, 0, 0, 1], [0, 1, 0, 0], [0, 0, 0, 1]]
    assert beside(feedback, found).decisions.contexts.tolist() == found.tolist()
    assert feedback.decisions.contexts.shape == (4, 0)
    assert beside(feedback, None) is feedback


def test_one_slot_tells_nothing_and_a_long_page_ends_somewhere() -> None:
    assert Slots(np.ones(5, int)).of(np.ones(2, int)) is None
    assert Slots(None).of(None) is None
    far = Slots(np.arange(100)).of(np.array([0, 31, 99]))
    assert far is not None
    assert far.shape == (3, MOST)
    assert far.argmax(axis=1).tolist() == [0, 31, 31]


def test_different_slots_of_a_log_that_passes_by() -> None:
    assert different([np.array([3, 1]), np.array([1, 2])]).tolist() == [1, 2, 3]
    assert different([np.array([3]), None]) is None
