"""Whether a price is that of a piece or of a line: a regression within products, against another one."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression

from simulator.line_prices import LinePrices


def _lines(growth: float) -> pd.DataFrame:
    random = np.random.default_rng(4)
    frame = pd.DataFrame({"item": random.integers(0, 5, 400), "pieces": 1 + random.poisson(2.0, 400)})
    noise = random.normal(0, 0.2, 400) + frame["item"]
    return frame.assign(price=np.exp(noise) * frame["pieces"] ** growth)


def test_growth_is_that_of_a_regression_with_a_mean_for_each_product() -> None:
    lines = _lines(0.3)
    found = LinePrices(7)
    for part in (lines[:150], lines[150:]):
        found.add(part["item"].to_numpy(), part["pieces"].to_numpy(), part["price"].to_numpy())
    X = pd.get_dummies(lines["item"]).assign(pieces=np.log(lines["pieces"])).rename(columns=str)
    other = LinearRegression(fit_intercept=False).fit(X, np.log(lines["price"]))
    assert found.growth == pytest.approx(other.coef_[-1])


def test_prices_not_known_are_no_lines() -> None:
    lines = _lines(0.8)
    found, other = LinePrices(5), LinePrices(5)
    found.add(lines["item"].to_numpy(), lines["pieces"].to_numpy(), lines["price"].to_numpy())
    beside = np.where(np.arange(800) % 2, lines["price"].to_numpy().repeat(2), np.nan)
    other.add(lines["item"].to_numpy().repeat(2), lines["pieces"].to_numpy().repeat(2), beside)
    assert found.growth == pytest.approx(other.growth)
    assert found.whole


def test_lines_of_one_piece_tell_nothing() -> None:
    found = LinePrices(2)
    found.add(np.zeros(50, int), np.ones(50, int), np.linspace(1, 2, 50))
    assert (found.growth, found.whole) == (0.0, False)
