"""The re-learned logging policy against the one that made the log."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from benchmarks.off_policy.folds import folds
from benchmarks.off_policy.logging_model import LEAST, CrossFittedLogging, LoggingModel, with_estimated
from envs.feedback import LoggedFeedback
from policies.policy import Decisions, Feedback, Floats, PolicyError
from simulator import streams


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


def test_the_fit_is_the_penalised_likelihoods_summit() -> None:
    """Scikit-learn's multinomial logit on the three quarters that are fitted, with the same penalty on slopes, at the
    temperature that makes the rest most likely."""
    rng = np.random.default_rng(4)
    contexts = rng.normal(1.0, 3.0, (4_000, 2))
    scores = contexts @ np.array([[0.3, -0.3, 0.0], [0.0, 0.2, -0.2]])
    chances = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    chosen = (rng.random((4_000, 1)) > np.cumsum(chances, axis=1)[:, :-1]).sum(axis=1)
    decisions = Decisions(np.arange(4_000.0), contexts, np.empty((3, 0)), np.ones((4_000, 3), bool))
    log = Feedback(decisions, chosen, np.full(4_000, np.nan), np.zeros(4_000))
    order = streams.generator(0, "logging model").permutation(4_000)
    fitting = np.delete(order, np.s_[::4])
    standard = (contexts - contexts[fitting].mean(axis=0)) / contexts[fitting].std(axis=0)
    known = LogisticRegression(C=1 / 300, tol=1e-10).fit(standard[fitting], chosen[fitting])
    found = LoggingModel(log, ridge=300.0)
    assert found._temperature < 1.0  # so strong a ridge is taken back
    np.testing.assert_allclose(found._coefficients[:, 1:], known.coef_, atol=0.02)
    scores = known.decision_function(standard) / found._temperature
    expected = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(found.probabilities(decisions), expected, atol=0.012)  # the level is penalised too


def test_the_temperature_cools_what_was_too_sure() -> None:
    """Choices at random and many features of few rows: the fit is too sure of itself, and must be taken back."""
    rng = np.random.default_rng(5)
    decisions = Decisions(np.arange(120.0), rng.normal(size=(120, 30)), np.empty((3, 0)), np.ones((120, 3), bool))
    log = Feedback(decisions, rng.integers(0, 3, 120), np.full(120, np.nan), np.zeros(120))
    assert LoggingModel(log, ridge=1e-3)._temperature > 2.0


def test_a_stronger_ridge_draws_chances_together() -> None:
    log, _ = log_of(2_000, 3)
    loose, tight = (LoggingModel(log, ridge=ridge)._coefficients[:, 1:] for ridge in (1e-3, 1e3))
    assert np.abs(tight).max() < 0.5 * np.abs(loose).max()


def test_a_long_log_is_sampled_evenly_by_every_row_of_so_many() -> None:
    """300,000 rows are promised: of every three one is kept, in the fold that its number drew."""
    log, _ = log_of(90)
    model = CrossFittedLogging(300_000)
    model.add(log.take(slice(0, 50)), 0)
    model.add(log.take(slice(50, 90)), 50)
    kept = [np.concatenate([part.decisions.times for part, _ in fold]) for fold in model._kept]
    belong = folds(0, 90, 2)
    for fold, times in enumerate(kept):
        assert times.tolist() == [i for i in range(0, 90, 3) if belong[i] == fold]


def test_an_estimate_is_never_smaller_than_a_millionth() -> None:
    """An action that a logit cannot expect, taken once: a weight would only say that the model is surprised."""
    n = 400
    contexts = np.where(np.arange(n) % 2, 1.0, -1.0)[:, None] * 40
    decisions = Decisions(np.arange(n) * 1.0, contexts, np.empty((2, 0)), np.ones((n, 2), bool))
    chosen = np.arange(n) % 2
    chosen[7] = 0
    log = LoggedFeedback(Feedback(decisions, chosen, np.full(n, np.nan), np.zeros(n)), propensities="missing")
    assert with_estimated(log).feedback.propensities.min() >= LEAST == 1e-6
