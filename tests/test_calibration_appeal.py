"""What products are worth, and what their titles tell of it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from simulator.calibration import appeal
from simulator.calibration.categories import categories
from simulator.calibration.part import IDENTIFIED, WEAK, Parameter

THINGS = [f"{a}{b}" for a in ("mug", "bag", "box", "tin", "pot") for b in ("chintz", "gingham", "paisley", "tartan")]
PRODUCTS = 400


def told(titles: np.ndarray, worth: np.ndarray) -> Parameter:
    """What groups of these titles tell of products that are worth so much."""
    goods = pd.DataFrame({"title": titles, "category": pd.NA})
    return appeal.worth(np.exp(worth), np.unique(categories(goods), return_inverse=True)[1])


@pytest.fixture(scope="module")
def shop() -> tuple[np.ndarray, np.ndarray]:
    """Titles of three words and a number, the middle one says half of the variance of the log of a product's share."""
    random = np.random.default_rng(0)
    kind = random.integers(len(THINGS), size=PRODUCTS)
    titles = np.array([f"lovely {THINGS[i]} {n}" for n, i in enumerate(kind)])
    return titles, random.normal(size=len(THINGS))[kind] + random.normal(size=PRODUCTS)


def test_titles_tell_what_products_are_worth_where_they_do(shop: tuple[np.ndarray, np.ndarray]) -> None:
    found = told(*shop)
    assert (found.status, found.value) == (IDENTIFIED, pytest.approx(0.5, abs=0.12))


def test_shuffled_titles_lose_what_text_is_worth(shop: tuple[np.ndarray, np.ndarray]) -> None:
    titles, worth = shop
    random = np.random.default_rng(1)
    lost = [told(random.permutation(titles), worth) for _ in range(20)]
    values = np.array([one.value for one in lost])
    assert np.abs(values).max() < 3 * lost[0].error
    assert abs(values.mean()) < 3 * lost[0].error / np.sqrt(20)
    assert {one.status for one in lost} == {WEAK}
