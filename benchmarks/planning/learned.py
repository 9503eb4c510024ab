"""Predictions that are learned from past launches: `fit(X, y)` and `predict(X)`, as in scikit-learn."""

from __future__ import annotations

import warnings
from abc import ABC, abstractmethod
from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.ensemble import ExtraTreesRegressor, HistGradientBoostingRegressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, ConstantKernel, WhiteKernel
from sklearn.linear_model import RidgeCV
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

import policies
from benchmarks.planning.launches import NEIGHBOURS, Floats
from benchmarks.planning.plain import SimilarTitles
from policies.policy import Decisions, Feedback, Problem

_EDGE = 0.02  # share at either end of a column that is drawn in: no prediction rests on what was hardly ever seen
_VISITED = 12_000  # launches that training of the networks passes by, again and again
_ROOM = 4096  # launches that fit into networks compiled once
_SMOOTH, _NOISE = (4.0, 100.0), (0.1, 10.0)  # products of one range sell alike, which must not pass for certainty
_MANY = 20_000  # launches below which threads wait for each other longer than they work
_GAUSSIAN_ROWS = 400  # the latest; its time grows with their cube


class Drawn(ABC):
    """Columns within what was seen in training, nothing missing, each of mean 0 and spread 1; then a model of them.

    What is learned is the square root of what is sold: its noise is much the same for all that is counted (Bartlett
    1936), where a logarithm makes as much of 2 pieces instead of 1 as of 2,000 instead of 1,000.
    """

    def fit(self, X: pd.DataFrame, y: Floats) -> Self:
        """Learn from (n, d) columns and (n,) outcomes, oldest first."""
        rows = self._rows(X)
        self.kept_ = np.isfinite(rows).any(axis=0)
        rows = rows[:, self.kept_]
        self.low_, self.usual_, self.high_ = np.nanquantile(rows, [_EDGE, 0.5, 1 - _EDGE], axis=0)
        self.scaler_ = StandardScaler().fit(self._filled(rows))
        roots = np.sqrt(np.expm1(y))
        self.range_ = roots.min(), roots.max()
        self.learn(self.scaler_.transform(self._filled(rows)), roots)
        return self

    def predict(self, X: pd.DataFrame) -> Floats:
        """(n,) answers."""
        rows = self._rows(X)[:, self.kept_]
        answer = np.asarray(self.answer(self.scaler_.transform(self._filled(rows))), float).reshape(len(rows))
        told = np.log1p(np.clip(answer, *self.range_) ** 2)
        return np.asarray(np.maximum(told, X["sold"].to_numpy(float)) if "sold" in X else told)

    @staticmethod
    def _rows(X: pd.DataFrame) -> Floats:
        return np.asarray(X.drop(columns="recent", errors="ignore"), float)  # a level, which tells little but the date

    def _filled(self, rows: Floats) -> Floats:
        return np.where(np.isfinite(rows), np.clip(rows, self.low_, self.high_), self.usual_)

    @abstractmethod
    def learn(self, rows: Floats, y: Floats) -> None:
        """Train `model_` to tell the square roots y (n,)."""

    def answer(self, rows: Floats) -> Floats:
        """Ask it."""
        answer: Floats = self.model_.predict(rows)  # type: ignore[attr-defined]
        return answer


class Ridge(Drawn):
    """Linear, its penalty chosen by leave-one-out."""

    def learn(self, rows: Floats, y: Floats) -> None:
        """One solve a penalty."""
        self.model_ = RidgeCV(np.logspace(-1, 4, 20)).fit(rows, y)


class Forest(Drawn):
    """Extremely randomised trees (Geurts, Ernst & Wehenkel 2006)."""

    def learn(self, rows: Floats, y: Floats) -> None:
        """100 trees."""
        self.model_ = ExtraTreesRegressor(100, min_samples_leaf=4, max_features=0.4, random_state=0).fit(rows, y)


class Boosted(Drawn):
    """Gradient boosted trees over histograms (Ke et al. 2017), few leaves and slow: launches are few."""

    def learn(self, rows: Floats, y: Floats) -> None:
        """150 trees."""
        model = HistGradientBoostingRegressor(
            max_iter=150, learning_rate=0.04, max_leaf_nodes=8, min_samples_leaf=15, l2_regularization=5, random_state=0
        )
        with threadpool_limits(1 if len(rows) < _MANY else None, "openmp"):
            self.model_ = model.fit(rows, y)

    def answer(self, rows: Floats) -> Floats:
        """As it was learned."""
        with threadpool_limits(1 if len(rows) < _MANY else None, "openmp"):
            return super().answer(rows)


class Gaussian(Drawn):
    """A Gaussian process with one length scale and noise, both by maximal likelihood (Rasmussen & Williams 2006)."""

    def learn(self, rows: Floats, y: Floats) -> None:
        """On the latest launches."""
        kernel = ConstantKernel(1.0) * RBF(5.0, _SMOOTH) + WhiteKernel(1.0, _NOISE)
        self.model_ = GaussianProcessRegressor(kernel, normalize_y=True, random_state=0)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            self.model_.fit(rows[-_GAUSSIAN_ROWS:], y[-_GAUSSIAN_ROWS:])


class Neural(Drawn):
    """The networks of `policies.networks`, ten of them: what is known of a launch goes in, what it sells comes out."""

    def learn(self, rows: Floats, y: Floats) -> None:
        """Each network on its own bootstrap sample."""
        problem = Problem(1, rows.shape[1])
        policy: Any = policies.load(
            "neural_ensemble",
            problem,
            members=10,
            widths=(32,),
            loss="mse",
            epochs=int(np.clip(_VISITED // max(len(y), 1), 5, 40)),
            batch=32,
            capacity=max(_ROOM, 1 << (len(y) - 1).bit_length()),  # few sizes: little is compiled anew
        )
        self.model_ = policy.learner
        actions, one = np.empty((1, 0)), np.ones(len(y))
        decisions = Decisions(np.arange(len(y), dtype=float), rows, actions, np.ones((len(y), 1), bool))
        self.model_.buffer.add(Feedback(decisions, np.zeros(len(y), np.int64), one, y))
        self.model_.train()
        self.mean_, self.spread_ = float(y.mean()), float(y.std() or 1.0)

    def answer(self, rows: Floats) -> Floats:
        """Mean of the networks, which answer in standardised sales."""
        decisions = Decisions(np.zeros(len(rows)), rows, np.empty((1, 0)), np.ones((len(rows), 1), bool))
        scores = self.model_.model.scores(decisions, np.array([0]))
        return np.asarray(self.mean_ + self.spread_ * scores[:, :, 0].mean(axis=0), float)


class Pretrained(Neural):
    """The same networks, which also see the embeddings that were pretrained on behaviour (`embeddings.alike`)."""


class Neighbours:
    """What all that is alike sells, told in six ways: the mean of them, no way counted more than another.

    Where a column is learned to count, a shop's next season may make it a stranger; equal weights cannot be misled
    (Dawes 1979, The robust beauty of improper linear models). Level and slope are learned, and what sales so far add.
    """

    def fit(self, X: pd.DataFrame, y: Floats) -> Self:
        """Scales, and two or three coefficients by least squares."""
        columns = [name for name in NEIGHBOURS if name in X and X[name].notna().any()]
        self.columns_, self.usual_ = columns, X[columns].median()
        filled = X[columns].fillna(self.usual_)
        self.centre_, self.spread_ = filled.mean(), filled.std() + 1e-9
        self.model_ = np.linalg.lstsq(self._told(X), y, rcond=None)[0]
        self.range_ = y.min(), y.max()
        return self

    def predict(self, X: pd.DataFrame) -> Floats:
        """(n,) answers."""
        return np.asarray(np.clip(self._told(X) @ self.model_, *self.range_))

    def _told(self, X: pd.DataFrame) -> Floats:
        """(n, 2 or 3) a constant, the mean of the columns on one scale, and what was sold."""
        filled = X[self.columns_].fillna(self.usual_)
        mean = ((filled - self.centre_) / self.spread_).mean(axis=1).to_numpy(float)
        sold = [X["sold"].to_numpy(float)] if "sold" in X else []
        return np.column_stack([np.ones(len(X)), mean, *sold])


class Blend:
    """The mean of what is plain and what is learned, which err in different ways: the best over the year of a shop."""

    @staticmethod
    def members(sold: bool) -> tuple[str, ...]:
        """Of which it is the mean, once days of sales have been seen and before."""
        always = ("neighbours", "gaussian", "forest")
        return always if sold else ("similar_titles", *always, "ridge", "boosted")

    def fit(self, X: pd.DataFrame, y: Floats) -> Self:
        """Each on its own."""
        models: dict[str, Any] = {
            "similar_titles": SimilarTitles,
            "neighbours": Neighbours,
            "gaussian": Gaussian,
            "forest": Forest,
            "ridge": Ridge,
            "boosted": Boosted,
        }
        self.models_ = [models[name]().fit(X, y) for name in self.members("sold" in X)]
        return self

    def predict(self, X: pd.DataFrame) -> Floats:
        """(n,) mean answers."""
        return np.asarray(np.mean([model.predict(X) for model in self.models_], axis=0), float)
