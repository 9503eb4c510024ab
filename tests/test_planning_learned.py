"""Predictors that learn: what the equally weighted one rests on, and of what the blend is the mean."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from benchmarks.planning.launches import NEIGHBOURS
from benchmarks.planning.learned import Blend, Boosted, Forest, Gaussian, Neighbours, Ridge
from benchmarks.planning.plain import SimilarTitles


def table(n: int = 60, seed: int = 1) -> tuple[pd.DataFrame, np.ndarray]:
    """Six columns that tell the same with noise, and what they tell of."""
    random = np.random.default_rng(seed)
    told = random.normal(size=n)
    columns = {name: told + 0.3 * random.normal(size=n) for name in NEIGHBOURS}
    return pd.DataFrame(columns | {"price": random.normal(size=n)}), 3.0 + told + 0.1 * random.normal(size=n)


def test_neighbours_count_each_way_of_telling_alike_whatever_its_scale() -> None:
    X, y = table()
    scaled = X.assign(like_pace=100 * X["like_pace"] + 7)
    first, second = (Neighbours().fit(rows, y).predict(rows) for rows in (X, scaled))
    np.testing.assert_allclose(first, second)
    assert np.corrcoef(first, y)[0, 1] > 0.9


def test_neighbours_say_something_where_a_column_does_not() -> None:
    X, y = table()
    model = Neighbours().fit(X.assign(like_best=np.nan), y)
    assert np.isfinite(model.predict(X.assign(like_pace=np.nan))).all()


def test_neighbours_add_what_sales_so_far_tell() -> None:
    X, y = table()
    sold = np.random.default_rng(2).normal(size=len(y))
    model = Neighbours().fit(X.assign(sold=sold), y + 2 * sold)
    assert model.model_[-1] == pytest.approx(2.0, abs=0.2)


def test_the_blend_is_the_mean_of_its_members() -> None:
    X, y = table()
    members = [model().fit(X, y).predict(X) for model in (SimilarTitles, Neighbours, Gaussian, Forest, Ridge, Boosted)]
    np.testing.assert_allclose(Blend().fit(X, y).predict(X), np.mean(members, axis=0))
    assert "similar_titles" not in Blend.members(sold=True)


def test_what_learns_learns_square_roots_and_answers_in_logarithms() -> None:
    random = np.random.default_rng(3)
    told = random.uniform(1.0, 9.0, size=200)
    pieces = told**2  # whose roots are linear in what is told
    answer = Ridge().fit(pd.DataFrame({"told": told}), np.log1p(pieces)).predict(pd.DataFrame({"told": [3.0, 6.0]}))
    np.testing.assert_allclose(np.expm1(answer), [9.0, 36.0], rtol=0.02)


def test_nothing_that_learns_tells_less_than_was_sold_so_far() -> None:
    X, y = table()
    sold = np.full(len(y), 9.0)
    assert (Forest().fit(X.assign(sold=0.0), y).predict(X.assign(sold=sold)) >= sold).all()
