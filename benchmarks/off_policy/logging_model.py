"""Which policy made this log? A calibrated multinomial logit, for logs without propensities and to test those with."""

from __future__ import annotations

import numpy as np
from scipy import optimize, special

from benchmarks.off_policy.folds import folds
from benchmarks.off_policy.slots import Slots, beside
from envs.feedback import LoggedFeedback
from envs.logs.rows import join
from policies import selection
from policies.policy import Decisions, Feedback, Floats, PolicyError
from simulator import streams

_ROWS = 50_000  # enough for the likelihood, whatever the length of the log
_FOLDS = 2
LEAST = 1e-6  # estimated propensity: below, a weight would only say that the model is surprised


class CrossFittedLogging:
    """Logging models that have not seen the fold of the rows they are asked about.

    A model that had seen them would find them likely, and weights made from it would be off.

    Args:
        rows: of the log that will pass by; about 100,000 of them are kept.
    """

    def __init__(self, rows: int) -> None:
        self._step = max(rows // (2 * _ROWS), 1)
        self._kept: list[list[tuple[Feedback, Floats]]] = [[] for _ in range(_FOLDS)]
        self._models: list[LoggingModel] | None = None

    def add(self, feedback: Feedback, start: int, counts: Floats | None = None) -> None:
        """Take in consecutive rows, each standing for (n,) visits; the first is row `start` of the log."""
        belong = folds(start, len(feedback), _FOLDS)
        taken = np.arange(start, start + len(feedback)) % self._step == 0
        stand_for = np.ones(len(feedback)) if counts is None else counts
        for fold, kept in enumerate(self._kept):
            rows = taken & (belong == fold)
            kept.append((feedback.take(rows), stand_for[rows]))

    def merge(self, other: CrossFittedLogging) -> None:
        """Take in what another has seen."""
        for mine, theirs in zip(self._kept, other._kept, strict=True):
            mine += theirs

    def fit(self) -> None:
        """Fit the models, after the last row."""
        columns = [zip(*kept, strict=True) for kept in reversed(self._kept)]
        self._models = [LoggingModel(join(list(rows)), counts=np.concatenate(counts)) for rows, counts in columns]
        self._kept = [[] for _ in range(_FOLDS)]

    def probabilities(self, decisions: Decisions, start: int) -> Floats:
        """(n, K) estimated chances of consecutive rows, the first of which is row `start` of the log."""
        if self._models is None:
            self.fit()
        assert self._models is not None
        chances = np.empty(decisions.available.shape)
        belong = folds(start, len(decisions), _FOLDS)
        for fold, model in enumerate(self._models):
            own = belong == fold
            chances[own] = model.probabilities(decisions.take(own))
        return chances


def with_estimated(log: LoggedFeedback) -> LoggedFeedback:
    """The log in memory with the propensities that a cross-fitted model gives its rows, marked as estimated."""
    feedback = beside(log.feedback, Slots(log.positions).of(log.positions))
    model = CrossFittedLogging(len(feedback))
    model.add(feedback, 0, log.weights)
    chances = model.probabilities(feedback.decisions, 0)[np.arange(len(feedback)), feedback.chosen]
    return log.with_propensities(np.maximum(chances, LEAST))


class LoggingModel:
    """Multinomial logit over the available actions, its temperature set on rows it was not fitted on.

    Source: McFadden (1974) for the model; Guo et al. (2017), "On calibration of modern neural networks", section 4.2,
    for the temperature.

    Args:
        feedback: the log; at most 50,000 rows, drawn at random, are used, every fourth for the temperature.
        counts: (n,) visits that each row stands for; one where not given.
        ridge: weight of the squared coefficients.
        seed: of the drawing.

    Raises:
        PolicyError: the log has fewer than 8 rows.
    """

    def __init__(self, feedback: Feedback, *, counts: Floats | None = None, ridge: float = 1.0, seed: int = 0) -> None:
        if len(feedback) < 8:
            raise PolicyError(f"log must have at least 8 rows to estimate its propensities, got {len(feedback)}")
        order = streams.generator(seed, "logging model").permutation(len(feedback))[:_ROWS]
        last, first = order[::4], np.delete(order, np.s_[::4])
        held_out, fitting = feedback.take(last), feedback.take(first)
        stand_for = np.ones(len(feedback)) if counts is None else counts / counts.mean()
        contexts = fitting.decisions.contexts
        self._centre = contexts.mean(axis=0)
        spread = contexts.std(axis=0)
        self._spread = np.where(spread > 0.0, spread, 1.0)
        self._coefficients = self._fit(fitting, stand_for[first], ridge)
        self._temperature = self._calibrate(held_out, stand_for[last])

    def probabilities(self, decisions: Decisions) -> Floats:
        """(n, K) estimated chance of each action under the policy that made the log."""
        scores = self._design(decisions) @ self._coefficients.T
        return selection.softmax(scores, decisions.available, self._temperature)

    def _design(self, decisions: Decisions) -> Floats:
        standard = (decisions.contexts - self._centre) / self._spread
        return np.hstack([np.ones((len(decisions), 1)), standard])

    def _fit(self, feedback: Feedback, counts: Floats, ridge: float) -> Floats:
        """(K, d + 1) coefficients that minimise the penalised negative log-likelihood."""
        decisions = feedback.decisions
        X = self._design(decisions)
        n, K = decisions.available.shape
        taken = np.zeros((n, K))
        taken[np.arange(n), feedback.chosen] = counts
        level = np.log((taken.sum(axis=0) + 0.5) / (counts @ decisions.available + 1.0))  # where the search starts

        def loss(flat: Floats) -> tuple[float, Floats]:
            coefficients = flat.reshape(K, -1)
            log_chances = _log_softmax(X @ coefficients.T, decisions)
            slopes = coefficients.copy()
            slopes[:, 0] -= level
            missing = 0.5 * ridge * np.sum(slopes**2) - counts @ log_chances[np.arange(n), feedback.chosen]
            gradient = (counts[:, None] * np.exp(log_chances) - taken).T @ X + ridge * slopes
            return float(missing) / n, gradient.ravel() / n

        begin = np.zeros((K, X.shape[1]))
        begin[:, 0] = level
        found = optimize.minimize(
            loss, begin.ravel(), jac=True, method="L-BFGS-B", options={"maxiter": 100, "ftol": 1e-8}
        )
        return np.asarray(found.x).reshape(K, -1)

    def _calibrate(self, held_out: Feedback, counts: Floats) -> float:
        """The temperature under which the held-out rows are most likely."""
        scores = self._design(held_out.decisions) @ self._coefficients.T

        def missing(log_temperature: float) -> float:
            log_chances = _log_softmax(scores / np.exp(log_temperature), held_out.decisions)
            return -float(counts @ log_chances[np.arange(len(held_out)), held_out.chosen]) / len(held_out)

        found = optimize.minimize_scalar(missing, bounds=(-3.0, 3.0), method="bounded")
        return float(np.exp(found.x))


def _log_softmax(scores: Floats, decisions: Decisions) -> Floats:
    masked: Floats = special.log_softmax(np.where(decisions.available, scores, -1e9), axis=1)
    return np.where(decisions.available, masked, -np.inf)
