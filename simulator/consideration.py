"""Consideration: which products of the shelf a want considers, a sample that belongs to the visit.

Draws in proportion to popularity, with a chance that a draw stays in the category of the first. What is drawn and is
not on the shelf at the time is passed over; so whatever comes, goes or sells out, the same visit considers the same
products. Or it is drawn again until something listed is found, as suits a shop that has grown; then each draw has a row
of products of its own, of which the first that is listed counts, so that what comes or goes moves those draws alone
that find it.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit

from simulator import streams
from simulator.catalogue import Catalogue
from simulator.scenario import Scenario, Shelf
from simulator.users import Lottery

_TRIES = 256  # after which a draw is passed over: less than one in 100 where a fiftieth of all draws finds something


class Listing(NamedTuple):
    """When products may be drawn; what is drawn at another time is drawn again. It is replaced, never changed."""

    since: Any  # (K,) day; NaN: not launched yet
    until: Any  # (K,) day

    @classmethod
    def of(cls, scenario: Scenario, catalogue: Catalogue) -> Listing:
        """Before anything is launched; unless a scenario draws what is listed alone, all may be drawn at any time."""
        shelf, K = scenario.shelf, len(catalogue)
        if shelf is None or not shelf.listed:
            return cls(np.full(K, -np.inf), np.full(K, np.inf))
        since = np.where(catalogue.incumbent | shelf.launches, np.nan, np.inf)
        return cls(since, np.nan_to_num(catalogue.delistings, nan=np.inf))

    def launched(self, products: list[int], day: float) -> Listing:
        """With those of these that waited for it there from a day on."""
        waited = [product for product in products if np.isnan(self.since[product])]
        if not waited:
            return self
        since = self.since.copy()
        since[waited] = day
        return self._replace(since=since)


class Sample(NamedTuple):
    """How a want draws: a lottery over the products, those of a category side by side."""

    draws: int  # 0 = all there is; mean, rounded down, where they differ
    further: float  # mean beyond the first
    shape: float  # of that number; 0 = it does not differ
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
        draws = about.considered or 0.0
        how = int(draws), draws - 1.0, about.shape or 0.0, about.focus
        return cls(*how, order, lottery.ends, _guide(lottery.ends), edges)


def chances(shares: Any, draws: float, shape: float) -> Any:
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


@njit(cache=True)
def draw(
    luck: Any,
    word: Any,
    draws: int,
    sample: Any,
    categories: Any,
    time: float,
    listing: Any,
    places: Any,
    seen: Any,
    drawn: Any,
) -> Any:
    """Fill `drawn` with the different products of so many draws, in the order of their first; answers how many.

    All luck comes before all that is looked up with it, which is what a processor is quickest at. `seen` (K,) is False,
    before and after; `places` has room for all draws, `drawn` for one product more than there are.
    """
    ends, guide, order, focus = sample.ends, sample.guide, sample.order, sample.focus
    places[0] = streams.unit(streams.mix(luck, word))
    first = _found(ends, guide, order, places[0])
    if not _there(first, time, listing):
        first = _again(streams.mix(luck, word), word, 0.0, 1.0, sample, time, listing)
    c = categories[first]
    low, width = sample.edges[c], sample.edges[c + 1] - sample.edges[c]
    for number in range(1, draws):
        key = streams.mix(luck, word + np.uint64(2 * number))
        place = streams.unit(key)
        places[number] = low + place * width if _stays(key, word, focus) else place
    drawn[0] = first
    seen[first] = True
    n = 1
    for number in range(1, draws):
        k = _found(ends, guide, order, places[number])
        if not _there(k, time, listing):
            key = streams.mix(luck, word + np.uint64(2 * number))
            stays = _stays(key, word, focus)
            k = _again(key, word, low if stays else 0.0, width if stays else 1.0, sample, time, listing)
        drawn[n] = k
        n += not seen[k]
        seen[k] = True
    for j in range(n):
        seen[drawn[j]] = False
    return n


@njit(cache=True, inline="always")
def _stays(key: Any, word: Any, focus: float) -> Any:
    """Whether a draw is of the category of the first."""
    return focus > 0.0 and streams.unit(streams.mix(key, word)) < focus


@njit(cache=True, inline="always")
def _there(k: Any, time: float, listing: Any) -> Any:
    return listing.since[k] <= time < listing.until[k]


@njit(cache=True)
def _again(key: Any, word: Any, low: float, width: float, sample: Any, time: float, listing: Any) -> Any:
    """The first product that is there, of those that a draw would find from `low` on, `width` wide."""
    k = -1
    for number in range(1, _TRIES):
        place = streams.unit(streams.mix(key, word + np.uint64(number)))
        k = _found(sample.ends, sample.guide, sample.order, low + place * width)
        if _there(k, time, listing):
            break
    return k


@njit(cache=True, inline="always")
def _found(ends: Any, guide: Any, order: Any, place: float) -> Any:
    position = guide[min(int(place * len(guide)), len(guide) - 1)]
    while ends[position] <= place:
        position += 1
    return order[position]
