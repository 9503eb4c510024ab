"""Baskets: how many further wants a visit comes with, beside the one that what is offered competes for."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from simulator import streams
from simulator.profile import weekly
from simulator.scenario import Baskets as About
from simulator.scenario import Scenario
from simulator.users import Users

MOST = 2000  # further wants of a visit; a tail that is cut there is no loss


class Baskets:
    """Further wants: none, or negative binomial around a user's own mean."""

    def __init__(self, scenario: Scenario, users: Users, seed: int) -> None:
        about = scenario.baskets or About(share=0.0, products=0.0)
        segments = scenario.users.segments
        normal = streams.generator(seed, "baskets").normal(size=len(users)) if about.spread else 0.0
        self.spread = about.spread
        self.own = about.spread * normal  # (N,) log of a user's mean, relative to others
        relative = np.array([segment.products for segment in segments])[users.segments]
        means = about.products * relative * np.exp(self.own - about.spread**2 / 2)
        shapes = np.array([about.shape if segment.shape is None else segment.shape for segment in segments])
        self.share = about.share if about.products else 0.0  # of visits
        self.means = means.astype(np.float32)  # (N,) of those visits
        self.shapes = shapes[users.segments].astype(np.float32)  # (N,)
        self.days = weekly(scenario, about.weeks) if about.weeks else np.ones(1)  # (days,) factor on the means, or (1,)


@njit(cache=True, inline="always")
def further(luck: Any, word: Any, share: float, mean: float, shape: float) -> Any:
    """How many further wants a visit comes with."""
    if share == 0.0 or mean == 0.0 or streams.unit(streams.mix(luck, word)) >= share:
        return 0
    left = streams.unit(streams.mix(luck, word + np.uint64(1)))
    chance = (shape / (shape + mean)) ** shape  # of none; the next by the ratio of two neighbours
    ratio = mean / (shape + mean)
    number = 0
    while left > chance and number < MOST:
        left -= chance
        chance *= ratio * (number + shape) / (number + 1)
        number += 1
    return number
