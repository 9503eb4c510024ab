"""What would each action have earned? Reward models, fitted so that no row is judged by a model that has seen it."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, Protocol

import numpy as np
from numba import njit

from benchmarks.off_policy.folds import folds
from policies.calls import parse
from policies.policy import Decisions, Feedback, Floats, PolicyError


class RewardModel(Protocol):
    """Expected reward of every action in every context, learned from a log that passes by."""

    def add(self, feedback: Feedback, weights: Floats) -> None:
        """Take in n rows, each counting (n,) times."""

    def merge(self, other: Any) -> None:
        """Take in what another model of this kind has seen."""

    def predict(self, decisions: Decisions) -> Floats:
        """(n, K) expected rewards."""


class Ridge:
    """Linear in the context: one ridge regression for all actions, and for each action a ridge regression of the rest.

    An action with few rows falls back on what all have in common. Kept as sums, so that models of shards merge.
    Predictions are not forced into the range of the rewards: cutting off one side would bias their mean.
    Memory K (d + 1)^2.

    Args:
        ridge: weight of the squared coefficients, as for so many rows with features of size 1.
    """

    def __init__(self, *, ridge: float = 10.0) -> None:
        if not ridge > 0.0:
            raise PolicyError(f"ridge must be positive, got {ridge}")
        self.ridge = ridge
        self._gram: Floats = np.zeros((0, 0, 0))  # (K, d + 1, d + 1)
        self._moment: Floats = np.zeros((0, 0))  # (K, d + 1)
        self._coefficients: Floats | None = None

    def add(self, feedback: Feedback, weights: Floats) -> None:
        """Take in n rows, each counting (n,) times."""
        decisions = feedback.decisions
        n, K, d = len(feedback), decisions.available.shape[1], decisions.contexts.shape[1] + 1
        if not n:
            return
        if not self._gram.size:
            self._gram, self._moment = np.zeros((K, d, d)), np.zeros((K, d))
        _add_rows(decisions.contexts, feedback.chosen, feedback.rewards, weights, self._gram, self._moment)
        self._coefficients = None

    def merge(self, other: Ridge) -> None:
        """Take in what another model of this kind has seen."""
        if other._gram.size:
            self._gram = self._gram + other._gram if self._gram.size else other._gram
            self._moment = self._moment + other._moment if self._moment.size else other._moment
            self._coefficients = None

    def predict(self, decisions: Decisions) -> Floats:
        """(n, K) expected rewards; 0 before any row was seen."""
        if not self._gram.size:
            return np.zeros(decisions.available.shape)
        if self._coefficients is None:
            self._coefficients = self._solve()
        expected: Floats = decisions.contexts @ self._coefficients[:, 1:].T + self._coefficients[:, 0]
        return expected

    def _solve(self) -> Floats:
        """(K, d + 1) coefficients, intercept first."""
        penalty = self.ridge * np.eye(self._gram.shape[1])
        free = penalty.copy()
        free[0, 0] = 1e-9 * self.ridge  # the common level is not shrunk
        shared = np.linalg.solve(self._gram.sum(axis=0) + free, self._moment.sum(axis=0))
        rest = self._moment - self._gram @ shared
        own = np.linalg.solve(self._gram + penalty, rest[:, :, None])[:, :, 0]
        coefficients: Floats = shared + own
        return coefficients


class Regressor:
    """Any regressor or classifier with scikit-learn's `fit(X, y, sample_weight=...)`, on context and action features.

    It holds the rows in memory until it is first asked. Actions without features are told apart one-hot. Classifiers
    are for rewards 0 and 1.
    """

    def __init__(self, model: Any) -> None:
        self.model = model
        self._rows: list[tuple[Floats, Floats, Floats]] = []
        self._fitted = False

    def add(self, feedback: Feedback, weights: Floats) -> None:
        """Take in n rows, each counting (n,) times."""
        features = _features(feedback.decisions.contexts, _looks(feedback.decisions)[feedback.chosen])
        self._rows.append((features, feedback.rewards, weights))
        self._fitted = False

    def merge(self, other: Regressor) -> None:
        """Take in what another model of this kind has seen."""
        self._rows += other._rows
        self._fitted = False

    def predict(self, decisions: Decisions) -> Floats:
        """(n, K) expected rewards."""
        if not self._fitted:
            features, rewards, weights = (np.concatenate(column) for column in zip(*self._rows, strict=True))
            with self._held_to("fit"):
                self.model.fit(features, rewards, sample_weight=weights)
            self._fitted = True
        looks = _looks(decisions)
        answers = [
            self._expect(_features(decisions.contexts, np.broadcast_to(look, (len(decisions), len(look)))))
            for look in looks
        ]
        return np.stack(answers, axis=1)

    def _expect(self, features: Floats) -> Floats:
        with self._held_to("predict"):
            if hasattr(self.model, "predict_proba"):
                answer = self.model.predict_proba(features) @ self.model.classes_
            else:
                answer = self.model.predict(features)
            expected: Floats = np.asarray(answer, float)
        if expected.shape != (len(features),):
            raise PolicyError(f"{self._name}: predict must answer ({len(features)},) numbers, got {expected.shape}")
        return expected

    @property
    def _name(self) -> str:
        return f"reward model {type(self.model).__name__}"

    @contextmanager
    def _held_to(self, method: str) -> Iterator[None]:
        """Whatever somebody else's model does wrong becomes one line."""
        try:
            yield
        except (Exception, SystemExit) as error:
            said = f"{type(error).__name__}: {error}".splitlines()[0].rstrip(": ")
            raise PolicyError(f"{self._name}: {method} failed: {said}") from error


def maker(text: str) -> Callable[[], RewardModel]:
    """What makes a fresh model: `ridge(ridge=1)`, or a class with scikit-learn's interface, given as
    `sklearn.ensemble:HistGradientBoostingRegressor(max_depth=3)`.

    Raises:
        PolicyError: there is no such model, or it has no such setting.
    """
    name, settings = parse(text)
    module, _, attribute = name.partition(":")
    if name != "ridge" and not attribute:
        raise PolicyError(f"reward model must be ridge or package.module:Name, got {text!r}")
    try:
        make: Callable[[], RewardModel] = partial(Ridge, **settings)
        if attribute:
            make = partial(_regressor, getattr(importlib.import_module(module), attribute), settings)
        make()
    except ModuleNotFoundError as reason:
        if module.partition(".")[0] != "sklearn":
            raise PolicyError(f"reward model {name!r} cannot be loaded: {reason}") from None
        raise PolicyError(f"{name} requires scikit-learn. Install it with pip install launchsim[sklearn]") from None
    except PolicyError:
        raise
    except (Exception, SystemExit) as reason:
        raise PolicyError(f"reward model {text!r} cannot be made: {type(reason).__name__}: {reason}") from reason
    return make


def _regressor(model: Callable[..., Any], settings: dict[str, Any]) -> Regressor:
    return Regressor(model(**settings))


class CrossFitted:
    """As many models as folds of the log; a row is predicted by the one that has not seen its fold.

    Source: Chernozhukov et al. (2018), "Double/debiased machine learning", definition 3.1.

    Args:
        make: makes a fresh model.
        n_folds: 2 or more.
    """

    def __init__(self, make: Callable[[], RewardModel] = Ridge, n_folds: int = 3) -> None:
        if n_folds < 2:
            raise PolicyError(f"n_folds must be at least 2, got {n_folds}")
        self.models = [make() for _ in range(n_folds)]

    def add(self, feedback: Feedback, start: int, weights: Floats | None = None) -> None:
        """Take in consecutive rows, each counting (n,) times; the first is row `start` of the log."""
        counted = np.ones(len(feedback)) if weights is None else weights
        belong = folds(start, len(feedback), len(self.models))
        for fold, model in enumerate(self.models):
            others = belong != fold
            model.add(feedback.take(others), counted[others])

    def merge(self, other: CrossFitted) -> None:
        """Take in what another has seen."""
        for mine, theirs in zip(self.models, other.models, strict=True):
            mine.merge(theirs)

    def predict(self, decisions: Decisions, start: int) -> Floats:
        """(n, K) expected rewards of consecutive rows, the first of which is row `start`."""
        belong = folds(start, len(decisions), len(self.models))
        expected = np.empty(decisions.available.shape)
        for fold, model in enumerate(self.models):
            own = belong == fold
            if own.any():
                expected[own] = model.predict(decisions.take(own))
        if not np.isfinite(expected).all():
            row, k = np.argwhere(~np.isfinite(expected))[0]
            got = f"{expected[row, k]} for action {k} in row {start + row}"
            raise PolicyError(f"reward model must expect finite rewards, got {got}")
        return expected


def _looks(decisions: Decisions) -> Floats:
    """(K, a) what tells the actions apart."""
    actions = decisions.actions
    return actions if actions.shape[1] else np.eye(len(actions))


def _features(contexts: Floats, looks: Floats) -> Floats:
    return np.hstack([contexts, looks])


@njit(cache=True)
def _add_rows(contexts: Any, chosen: Any, rewards: Any, weights: Any, gram: Any, moment: Any) -> None:
    n, d = contexts.shape
    x = np.ones(d + 1)
    for i in range(n):
        for j in range(d):  # number by number: numba compiles that in a tenth of the time that a slice takes
            x[1 + j] = contexts[i, j]
        a = chosen[i]
        for j in range(d + 1):
            scaled = weights[i] * x[j]
            moment[a, j] += scaled * rewards[i]
            for k in range(d + 1):
                gram[a, j, k] += scaled * x[k]
