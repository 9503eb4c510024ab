"""Predictors by name, ours and anybody's."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any, Protocol

import pandas as pd

from benchmarks.planning import learned, plain
from benchmarks.planning.launches import Floats
from policies.calls import parse
from simulator.scenario import ScenarioError

PLAIN = ("unconditional", "price_band", "recent_launches", "similar_titles", "scaled_up")
LEARNED = ("ridge", "boosted", "forest", "gaussian", "neural", "blend")
FEWEST = 30  # launches that anything is learned from


class Predictor(Protocol):
    """Anything with `fit` and `predict`, as scikit-learn has them; all in logarithms of 1 + what is sold."""

    def fit(self, X: pd.DataFrame, y: Floats) -> Any:
        """Learn from n launches, oldest first."""

    def predict(self, X: pd.DataFrame) -> Floats:
        """(n,) answers."""


class Complete:
    """Somebody else's predictor, which is handed plain numbers of similar size without gaps."""

    def __init__(self, model: Predictor) -> None:
        self.model = model

    def fit(self, X: pd.DataFrame, y: Floats) -> Complete:
        """Fill, scale and hand over."""
        self.drawn_ = learned.Drawn()
        self.drawn_.learn = self._learn  # type: ignore[method-assign]
        self.drawn_.answer = self.model.predict  # type: ignore[method-assign,assignment]
        self.drawn_.fit(X, y)
        return self

    def _learn(self, rows: Floats, y: Floats) -> None:
        self.model.fit(rows, y)  # type: ignore[arg-type]

    def predict(self, X: pd.DataFrame) -> Floats:
        """What it says, as one number a launch."""
        return self.drawn_.predict(X)


def maker(call: str) -> Callable[[], Predictor]:
    """What makes the predictor of a call such as `boosted` or `my_package.my_module:Lasso(alpha=0.1)`.

    Raises:
        ScenarioError: there is none of that name.
    """
    name, settings = parse(call)
    module, colon, attribute = name.partition(":")
    if colon:
        found = _theirs(module, attribute)
        return lambda: Complete(found(**settings))
    title = "".join(word.capitalize() for word in name.split("_"))
    known = getattr(plain if name in PLAIN else learned, title, None) if name in PLAIN + LEARNED else None
    if known is None:
        raise ScenarioError(f"predictor must be one of {', '.join(PLAIN + LEARNED)} or module:Class, got {call!r}")
    return lambda: known(**settings)


def _theirs(module: str, attribute: str) -> Any:
    try:
        return getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise ScenarioError(
            f"predictor must be module:Class that can be imported, got {module}:{attribute} ({error})"
        ) from None
