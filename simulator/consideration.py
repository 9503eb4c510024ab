"""Consideration: which products of the shelf a want considers, a sample that belongs to the visit.

Draws in proportion to popularity, with a chance that a draw stays in the category of the first. What is drawn and is
not on the shelf at the time is passed over; so whatever comes, goes or sells out, the same visit considers the same
products.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit

from simulator import streams
from simulator.catalogue import Catalogue
from simulator.scenario import Scenario, Shelf
from simulator.users import Lottery


class Sample(NamedTuple):
    """How a want draws: a lottery over the products, those of a category side by side."""

    draws: int  # 0 = all there is
    shape: float  # of the number of draws; 0 = it does not differ
    focus: float
    order: Any  # (K,) products by category
    ends: Any  # (K,)
    guide: Any  # (G,) where to begin to look for an end
    edges: Any  # (C + 1,) where categories begin and end

    @classmethod
    def of(cls, scenario: Scenario, catalogue: Catalogue) -> Sample:
        """As a scenario says."""
        about = scenario.shelf or Shelf()
        popularity = np.array([product.popularity for product in scenario.products])
        order = np.argsort(catalogue.categories, kind="stable").astype(np.int32)
        lottery = Lottery(popularity[order])
        last = np.cumsum(np.bincount(catalogue.categories, minlength=catalogue.n_categories)) - 1
        edges = np.concatenate([[0.0], lottery.ends[last]])
        how = about.considered or 0, about.shape or 0.0, about.focus
        return cls(*how, order, lottery.ends, _guide(lottery.ends), edges)


def chances(shares: Any, draws: int, shape: float) -> Any:
    """(K,) chance that a want draws a product that each of its draws is with the chance `shares` (K,)."""
    if draws == 0:
        return np.ones_like(shares)
    if shape == 0.0:
        return 1 - (1 - shares) ** draws
    return 1 - (1 - shares) * (1 + (draws - 1) * shares / shape) ** -shape  # of the negative binomial


def _guide(ends: Any) -> Any:
    """As `Lottery` has one, with so many places that most begin where they end."""
    n = 1 << (8 * len(ends) - 1).bit_length()
    return np.searchsorted(ends, np.arange(n) / n, side="right").astype(np.int32)


@njit(cache=True, inline="always")
def draw(luck: Any, word: Any, draws: int, sample: Any, categories: Any, places: Any, seen: Any, drawn: Any) -> Any:
    """Fill `drawn` with the different products of so many draws, in the order of their first; answers how many.

    All luck comes before all that is looked up with it, which is what a processor is quickest at. `seen` (K,) is False,
    before and after; `places` has room for all draws, `drawn` for one product more than there are.
    """
    ends, guide, focus = sample.ends, sample.guide, sample.focus
    places[0] = streams.unit(streams.mix(luck, word))
    c = categories[_found(ends, guide, sample.order, places[0])]
    low, width = sample.edges[c], sample.edges[c + 1] - sample.edges[c]
    for number in range(1, draws):
        key = streams.mix(luck, word + np.uint64(2 * number))
        place = streams.unit(key)
        stays = focus > 0.0 and streams.unit(streams.mix(key, word)) < focus
        places[number] = low + place * width if stays else place
    n = 0
    for number in range(draws):
        k = _found(ends, guide, sample.order, places[number])
        drawn[n] = k
        n += not seen[k]
        seen[k] = True
    for j in range(n):
        seen[drawn[j]] = False
    return n


@njit(cache=True, inline="always")
def _found(ends: Any, guide: Any, order: Any, place: float) -> Any:
    position = guide[min(int(place * len(guide)), len(guide) - 1)]
    while ends[position] <= place:
        position += 1
    return order[position]
