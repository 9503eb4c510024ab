"""The catalogue: what is sold, as columns over K products."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from simulator import streams
from simulator.scenario import Product, Scenario

UNLIMITED = np.iinfo(np.int64).max // 2


class Catalogue:
    """K products as columns. What the scenario leaves to chance (style, quality) is drawn from the seed."""

    def __init__(self, scenario: Scenario, seed: int) -> None:
        products = scenario.products
        numbers = {name: number for number, name in enumerate(scenario.categories)}
        self.titles = [product.title for product in products]
        self.categories = np.array([numbers[product.category] for product in products])  # (K,)
        self.n_categories = len(numbers)  # C
        self.prices = np.array([product.price for product in products])  # (K,) euros
        self.costs = np.array([product.cost for product in products])  # (K,) euros
        self.incumbent = np.array([product.incumbent for product in products])  # (K,) bool
        self.stock = np.array([UNLIMITED if p.stock is None else p.stock for p in products], np.int64)  # (K,) units
        self.launches = np.array([_launch(product) for product in products])  # (K,) days; NaN = not planned
        self.delistings = np.array([np.nan if p.delisted is None else p.delisted for p in products])  # (K,) days
        self.n_offered = scenario.n_offered  # M, the first so many may be offered in slots
        self.styles = self._styles(scenario, seed)  # (K, q)
        self.qualities = self._qualities(scenario, seed)  # (K,) utility

    def __len__(self) -> int:
        return len(self.titles)

    def features(self, prices: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """(K, C + q + 1) what a policy sees of each product: category, style, and price relative to the mean price."""
        category = np.eye(self.n_categories)[self.categories]
        return np.column_stack([category, self.styles, prices / self.prices.mean()])

    def _styles(self, scenario: Scenario, seed: int) -> npt.NDArray[np.float64]:
        """Products of one category resemble each other; a style has length 1, so that tastes set the spread."""
        random = streams.generator(seed, "styles")
        centres = random.normal(size=(len(scenario.categories), scenario.styles))
        styles = centres[self.categories] + random.normal(size=(len(self), scenario.styles))
        lengths: Any = np.linalg.norm(styles, axis=1, keepdims=True)
        return np.asarray(styles / lengths)

    def _qualities(self, scenario: Scenario, seed: int) -> npt.NDArray[np.float64]:
        """A candidate's quality is uncertain before its launch; an incumbent's is known."""
        stated = np.array([product.quality for product in scenario.products])
        surprise = streams.generator(seed, "qualities").normal(size=len(self)) * scenario.quality_spread
        return np.asarray(np.where(self.incumbent, stated, stated + surprise))


def _launch(product: Product) -> float:
    if product.incumbent:
        return product.listed or 0.0
    return np.nan if product.launch is None else product.launch
