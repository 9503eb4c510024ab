"""Somebody else's model in the network's place: any object with `fit(X, y)` and `predict(X)`."""

from __future__ import annotations

import copy
import inspect
from typing import Any

import numpy as np
import numpy.typing as npt

from policies.networks.replay import ReplayBuffer
from policies.policy import Decisions, Feedback, Floats, Integers, PolicyError, Problem


class BorrowedModel:
    """A scikit-learn or Keras model of X = [context features, action features, one-hot action id], y = reward.

    A copy of the model is used, so that policies do not share one. A classifier answers its expected reward.
    """

    def __init__(self, problem: Problem, model: Any) -> None:
        for method in ("fit", "predict"):
            if not callable(getattr(model, method, None)):
                raise PolicyError(f"model must have fit and predict, got {type(model).__name__}")
        self._n_actions = problem.n_actions
        self._model = copy.deepcopy(model)
        self._only: float | None = None  # reward, while there is no other: classifiers refuse to learn one class

    def fit(self, buffer: ReplayBuffer) -> None:
        """Fit the model to all that is remembered."""
        rewards = buffer["rewards"]
        self._only = float(rewards[0]) if (rewards == rewards[0]).all() else None
        if self._only is not None:
            return
        columns = self._columns(buffer["contexts"], buffer["features"], buffer["chosen"])
        self._model.fit(columns, rewards, **_quietly(self._model.fit))

    def observe(self, feedback: Feedback) -> bool:
        """Nothing is learned between trainings."""
        return False

    def scores(self, decisions: Decisions, ids: Integers) -> Any:
        """(1, n, k) predicted rewards of the visits and the items of these ids."""
        n, k = len(decisions), len(ids)
        if self._only is not None:
            return np.full((1, n, k), self._only)
        columns = self._columns(
            np.repeat(decisions.contexts, k, axis=0),
            np.tile(decisions.actions[ids], (n, 1)),
            np.tile(ids, n),
        )
        return self._predict(columns).reshape(1, n, k)

    def _columns(self, contexts: Floats, features: Floats, chosen: Integers) -> Floats:
        return np.hstack([contexts, features, np.eye(self._n_actions)[chosen]])

    def _predict(self, columns: Floats) -> Any:
        if hasattr(self._model, "predict_proba"):
            return self._model.predict_proba(columns) @ self._model.classes_
        return np.asarray(self._model.predict(columns, **_quietly(self._model.predict)))

    def state(self) -> dict[str, npt.NDArray[Any]]:
        """Refused: what a foreign object has learned has no plain format.

        Raises:
            PolicyError: always.
        """
        raise PolicyError(f"model must be None to save a policy, got {type(self._model).__name__}: no plain format")

    def set_state(self, state: dict[str, npt.NDArray[Any]]) -> None:
        """Refused, as there is no such state.

        Raises:
            PolicyError: always.
        """
        self.state()


def _quietly(method: Any) -> dict[str, Any]:
    """Keras prints a bar for each call unless told otherwise."""
    return {"verbose": 0} if "verbose" in inspect.signature(method).parameters else {}
