"""The re-learned logging policy against the one that made the log."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.off_policy.folds import folds
from benchmarks.off_policy.logging_model import CrossFittedLogging, LoggingModel, with_estimated
from envs.feedback import LoggedFeedback
from policies.policy import Decisions, Feedback, Floats, PolicyError


def log_of(n: int, seed: int = 0) -> tuple[Feedback, Floats]:
    """A softmax of the context over three actions, the last of which is available to every other visit only."""
    rng = np.random.default_rng(seed)
    contexts = rng.normal(3.0, 2.0, (n, 2))
    available = np.ones((n, 3), dtype=bool)
    available[::2, 2] = False
    scores = np.where(available, contexts @ np.array([[0.4, -0.4, 0.0], [0.0, 0.3, -0.3]]), -np.inf)
    chances = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    chosen = (rng.random((n, 1)) > np.cumsum(chances, axis=1)[:, :-1]).sum(axis=1)
    decisions = Decisions(np.arange(n) * 1.0, contexts, np.empty((3, 0)), available)
    return Feedback(decisions, chosen, np.full(n, np.nan), np.zeros(n)), chances


def test_the_chances_of_a_softmax_are_found() -> None:
    log, truth = log_of(20_000)
    found = LoggingModel(log).probabilities(log.decisions)
    np.testing.assert_allclose(found.sum(axis=1), 1.0)
    assert not found[~log.decisions.available].any()
    assert np.abs(found - truth).mean() < 0.015


def test_estimated_propensities_are_calibrated() -> None:
    """Among rows with similar chance of action 0, action 0 was taken about that often."""
    log, _ = log_of(20_000, 1)
    model = CrossFittedLogging(len(log))
    model.add(log, 0)
    found = model.probabilities(log.decisions, 0)[:, 0]
    for rows in np.array_split(np.argsort(found), 8):
        assert (log.chosen[rows] == 0).mean() == pytest.approx(found[rows].mean(), abs=0.035)


def test_a_row_is_not_judged_by_a_model_that_has_seen_it() -> None:
    """Other choices in one fold change what is said of the other fold, not of itself."""
    log, _ = log_of(400, 2)
    before, after = CrossFittedLogging(400), CrossFittedLogging(400)
    before.add(log, 0)
    mine = folds(0, 400, 2) == 0
    log.chosen = np.where(mine, 1, log.chosen)
    for start in (0, 150):
        after.add(log.take(slice(start, start + 150 if start == 0 else 400)), start)
    was, now = before.probabilities(log.decisions, 0), after.probabilities(log.decisions, 0)
    np.testing.assert_allclose(now[mine], was[mine])
    assert np.abs(now[~mine] - was[~mine]).mean() > 0.1


def test_a_log_of_a_few_rows_is_refused() -> None:
    log, _ = log_of(7)
    with pytest.raises(PolicyError, match="at least 8 rows to estimate its propensities, got 7"):
        LoggingModel(log)


def test_a_log_without_propensities_gets_estimated_ones_and_says_so() -> None:
    log, _ = log_of(400, 2)
    known = LoggedFeedback(log, propensities="missing")
    found = with_estimated(known)
    assert found.propensities == "estimated"
    model = CrossFittedLogging(400)
    model.add(log, 0)
    chances = model.probabilities(log.decisions, 0)[np.arange(400), log.chosen]
    np.testing.assert_allclose(found.feedback.propensities, chances)
