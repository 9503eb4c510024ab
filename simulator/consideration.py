"""Consideration: which products of the shelf a want considers, a sample that belongs to the visit.

Draws in proportion to popularity, with a chance that a draw stays in the category of the first. What is drawn and is
not on the shelf at the time is passed over; so whatever comes, goes or sells out, the same visit considers the same
products.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from simulator import streams
from simulator.catalogue import Catalogue
from simulator.scenario import Scenario, Shelf
from simulator.users import Lottery


class Consideration:
    """A lottery over the products, those of a category side by side."""

    def __init__(self, scenario: Scenario, catalogue: Catalogue) -> None:
        about = scenario.shelf or Shelf()
        popularity = np.array([product.popularity for product in scenario.products])
        self.order = np.argsort(catalogue.categories, kind="stable").astype(np.int32)  # (K,) products by category
        lottery = Lottery(popularity[self.order])
        self.ends, self.guide = lottery.ends, lottery.guide.astype(np.int32)  # (K,)
        last = np.cumsum(np.bincount(catalogue.categories, minlength=catalogue.n_categories)) - 1
        self.edges = np.concatenate([[0.0], lottery.ends[last]])  # (C + 1,) where categories begin and end
        self.draws = about.considered or 0  # 0 = all
        self.shape = about.shape or 0.0  # of the number of draws; 0 = it does not differ
        self.focus = about.focus
        self.most = about.considered or len(catalogue)


def chances(shares: Any, draws: int, shape: float) -> Any:
    """(K,) chance that a want draws a product that each of its draws is with the chance `shares` (K,)."""
    if draws == 0:
        return np.ones_like(shares)
    if shape == 0.0:
        return 1 - (1 - shares) ** draws
    return 1 - (1 - shares) * (1 + (draws - 1) * shares / shape) ** -shape  # of the negative binomial


@njit(cache=True, inline="always")
def consider(
    luck: Any,
    word: Any,
    draws: int,
    focus: float,
    order: Any,
    ends: Any,
    guide: Any,
    edges: Any,
    categories: Any,
    shelf: Any,
    on_shelf: Any,
    considered: Any,
) -> Any:
    """Fill `considered` with different products on the shelf; answers how many."""
    if draws == 0:
        considered[: len(shelf)] = shelf
        return len(shelf)
    n = 0
    low, width = 0.0, 1.0
    for number in range(draws):
        key = streams.mix(luck, word + np.uint64(2 * number))
        place = streams.unit(key)
        if number > 0 and focus > 0.0 and streams.unit(streams.mix(key, word)) < focus:
            place = low + place * width
        position = guide[min(int(place * len(ends)), len(ends) - 1)]
        while ends[position] <= place:
            position += 1
        k = order[position]
        if number == 0:
            c = categories[k]
            low, width = edges[c], edges[c + 1] - edges[c]
        if not on_shelf[k]:
            continue
        known = False
        for j in range(n):
            known |= considered[j] == k
        if not known:
            considered[n] = k
            n += 1
    return n
