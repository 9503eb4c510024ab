"""What is shown where only launches are asked for: the newest, or every launch equally often."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from simulator import choice, streams
from simulator.shop import Shop
from simulator.visits import Indices


def show(plan: str, shop: Shop, key: Any, ids: streams.Ids, slots: int) -> Indices:
    """(n, slots) candidates in stock, -1 for an empty slot, by plan "newest" or "shuffled"."""
    showable = np.flatnonzero(shop.eligible & ~shop.catalogue.incumbent[: len(shop.eligible)])
    offered = np.full((len(ids), slots), -1)
    filled = min(slots, len(showable))
    if plan == "newest":
        offered[:, :filled] = showable[np.argsort(-shop.launches[showable], kind="stable")][:filled]
    else:
        _shuffle(key, ids, showable, offered[:, :filled])
    return offered


@njit(cache=True)
def _shuffle(key: Any, ids: Any, showable: Any, offered: Any) -> None:
    """Fill the slots with a uniformly random choice that belongs to the visit (Fisher & Yates)."""
    deck = showable.copy()
    for i in range(len(ids)):
        luck = streams.mix(streams.mix(key, ids[i]), choice.PLAN)
        for s in range(len(deck)):  # by numbers: numba takes seconds to compile what copies a slice
            deck[s] = showable[s]
        for s in range(offered.shape[1]):
            luck = streams.mix(luck, np.uint64(s))
            drawn = s + int(streams.unit(luck) * (len(deck) - s))
            deck[s], deck[drawn] = deck[drawn], deck[s]
            offered[i, s] = deck[s]
