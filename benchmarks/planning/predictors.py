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
LEARNED = ("neighbours", "ridge", "boosted", "forest", "gaussian", "neural", "blend")
SLOW = ("pretrained",)  # learned too, but only where they are asked for
FEWEST = 30  # launches that anything is learned from


class Predictor(Protocol):
    """Anything with `fit` and `predict`, as scikit-learn has them; all in logarithms of 1 + what is sold."""

    def fit(self, X: pd.DataFrame, y: Floats) -> Any:
        """Learn from n launches, oldest first."""

    def predict(self, X: pd.DataFrame) -> Floats:
        """(n,) answers."""


class Complete(learned.Drawn):
    """Somebody else's predictor, which is handed plain numbers of similar size without gaps."""

    def __init__(self, model: Predictor) -> None:
        self.model = model

    def learn(self, rows: Floats, y: Floats) -> None:
        """Fit it."""
        self.model.fit(rows, y)  # type: ignore[arg-type]

    def answer(self, rows: Floats) -> Floats:
        """Ask it."""
        return self.model.predict(rows)  # type: ignore[arg-type]


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
    known = getattr(plain if name in PLAIN else learned, title) if name in PLAIN + LEARNED + SLOW else None
    if known is None:
        raise ScenarioError(
            f"predictor must be one of {', '.join(PLAIN + LEARNED + SLOW)} or module:Class, got {call!r}"
        )
    return lambda: known(**settings)


def _theirs(module: str, attribute: str) -> Any:
    try:
        return getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise ScenarioError(
            f"predictor must be module:Class that can be imported, got {module}:{attribute} ({error})"
        ) from None
