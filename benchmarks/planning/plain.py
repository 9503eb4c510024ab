"""The plainest predictions: whatever learns has to beat these.

Each has `fit(X, y)` and `predict(X)`: X is what `Launches.known` tells, y and the answer are logarithms of 1 + what is
sold.
"""

from __future__ import annotations

from typing import Self

import numpy as np
import pandas as pd

from benchmarks.planning.launches import Floats


class Unconditional:
    """What a launch usually sells: the median of all."""

    def fit(self, X: pd.DataFrame, y: Floats) -> Self:
        """Remember it."""
        self.usual_ = float(np.median(y))
        return self

    def predict(self, X: pd.DataFrame) -> Floats:
        """The same for all."""
        return np.full(len(X), self.usual_)


class PriceBand:
    """What launches at about this price sell: the median of a fifth of them."""

    def fit(self, X: pd.DataFrame, y: Floats) -> Self:
        """Five bands of as many launches each."""
        self.edges_ = np.quantile(X["price"], [0.2, 0.4, 0.6, 0.8])
        bands = np.searchsorted(self.edges_, X["price"])
        self.usual_ = np.array([np.median(y[bands == b]) if (bands == b).any() else np.median(y) for b in range(5)])
        return self

    def predict(self, X: pd.DataFrame) -> Floats:
        """That of the band."""
        return np.asarray(self.usual_[np.searchsorted(self.edges_, X["price"])], float)


class Told:
    """One column taken at its word, but for a constant."""

    column: str

    def fit(self, X: pd.DataFrame, y: Floats) -> Self:
        """How far it usually is from the truth."""
        told = X[self.column].to_numpy(float)
        self.usual_ = float(np.median(y))
        self.apart_ = float(np.median((y - told)[np.isfinite(told)])) if np.isfinite(told).any() else 0.0
        return self

    def predict(self, X: pd.DataFrame) -> Floats:
        """The column, corrected; the median of all where it says nothing."""
        told = X[self.column].to_numpy(float)
        return np.where(np.isfinite(told), told + self.apart_, self.usual_)


class RecentLaunches(Told):
    """The median pace of the launches of the last weeks."""

    column = "recent"


class SimilarTitles(Told):
    """What the ten launches with the most similar titles sold."""

    column = "similar_launches"


class ScaledUp(Told):
    """What was sold so far, times a constant: "first week scaled up"."""

    column = "sold"
