"""Ownership: who has which product, and until when they want no other."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

from simulator import streams

_EMPTY = np.uint64(0xFFFFFFFFFFFFFFFF)
_SALT = np.uint64(0x5EED)


class Durables:
    """A table of all users and products: whoever has a product has it for good."""

    def __init__(self, n_users: int, n_products: int) -> None:
        self.owned = np.zeros((n_users, n_products), bool)

    def get(self, user: int, product: int) -> float:
        """Infinity where this user has this product, or minus infinity."""
        return np.inf if self.owned[user, product] else -np.inf

    def put(self, news: dict[tuple[int, int], float]) -> None:
        """Users have products for good, or, at minus infinity, no more."""
        for pair, day in news.items():
            self.owned[pair] = day == np.inf


class Ownership:
    """An open-addressed table of (user, product) and the day until which the user has it; infinity for a durable."""

    def __init__(self, n_users: int, n_products: int) -> None:
        self.n_products = n_products
        self.owners = np.zeros(n_users, np.bool_)  # (N,) who has ever had anything
        self.pairs = np.full(1024, _EMPTY)
        self.until = np.zeros(1024)  # days
        self._filled = 0

    def get(self, user: int, product: int) -> float:
        """The day until which this user has this product; minus infinity where they never had it."""
        if not self.owners[user]:
            return -np.inf
        return float(until(self.owners, self.pairs, self.until, self.n_products, user, product))

    def days(self, user: int, products: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
        """(m,) the days until which this user has these products."""
        if not self.owners[user]:
            return np.full(len(products), -np.inf)
        return np.asarray(_days(self.owners, self.pairs, self.until, self.n_products, user, products))

    def put(self, news: dict[tuple[int, int], float]) -> None:
        """Users have products until these days."""
        while 2 * (self._filled + len(news)) >= len(self.pairs):
            self._grow()
        users, products = np.array(list(news)).T
        self.owners[users] = True
        pairs = (users * self.n_products + products).astype(np.uint64)
        self._filled += int(_put(self.pairs, self.until, pairs, np.array(list(news.values()))))

    def _grow(self) -> None:
        kept = self.pairs != _EMPTY
        pairs, days = self.pairs[kept], self.until[kept]
        self.pairs = np.full(4 * len(self.pairs), _EMPTY)
        self.until = np.zeros(len(self.pairs))
        _put(self.pairs, self.until, pairs, days)


@njit(cache=True, inline="always")
def _place(pairs: Any, pair: Any) -> Any:
    """Where a pair is, or would be."""
    mask = np.uint64(len(pairs) - 1)
    place = streams.mix(_SALT, pair) & mask
    while pairs[place] != pair and pairs[place] != _EMPTY:
        place = (place + np.uint64(1)) & mask
    return place


@njit(cache=True)
def until(owners: Any, pairs: Any, days: Any, n_products: int, user: Any, product: Any) -> Any:
    """The day until which this user has this product; minus infinity where they never had it."""
    if not owners[user]:
        return -np.inf
    place = _place(pairs, np.uint64(user * n_products + product))
    return -np.inf if pairs[place] == _EMPTY else days[place]


@njit(cache=True)
def _days(owners: Any, pairs: Any, days: Any, n_products: int, user: Any, products: Any) -> Any:
    found = np.empty(len(products))
    for j in range(len(products)):
        found[j] = until(owners, pairs, days, n_products, user, products[j])
    return found


@njit(cache=True)
def _put(pairs: Any, days: Any, some: Any, until: Any) -> Any:
    """How many of these pairs are new."""
    new = 0
    for i in range(len(some)):
        place = _place(pairs, some[i])
        new += pairs[place] == _EMPTY
        pairs[place], days[place] = some[i], until[i]
    return new
