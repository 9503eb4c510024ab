"""Who comes: segments, features that a policy sees, tastes and price sensitivity that it does not."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

from simulator import streams
from simulator.customers import Customers
from simulator.scenario import Scenario

Array = npt.NDArray[np.float64]


class Users:
    """N users as columns."""

    def __init__(self, scenario: Scenario, seed: int) -> None:
        about = scenario.users
        random = streams.generator(seed, "users")
        shares = np.array([segment.share for segment in about.segments])
        self.customers = Customers(scenario, seed)  # who of them is there when
        n = len(self.customers)
        self.segments = random.choice(len(shares), size=n, p=shares / shares.sum())  # (N,)
        features = random.normal(size=(len(shares), about.features))[self.segments] + random.normal(
            size=(n, about.features)
        )
        spread = features.std(axis=0) if n > 1 else 1.0
        standard = (features - features.mean(axis=0)) / spread
        self.features = np.column_stack([np.ones(n), standard]).astype(np.float32)  # (N, 1 + d), compact for the cache
        # Tastes now and later, price sensitivity: each a mix of what features tell and what they do not.
        loadings = random.normal(size=(about.features, 2 * scenario.styles + 1))
        told = standard @ loadings
        told /= told.std(axis=0) if n > 1 else 1.0
        rho = about.information
        latent = rho * told + np.sqrt(1 - rho**2) * random.normal(size=told.shape)
        self._tastes = np.split((about.taste * latent[:, :-1]).astype(np.float32), 2, axis=1)  # two of (N, q)
        self._of_newcomers(scenario, seed)
        relative = np.array([segment.price_sensitivity for segment in about.segments])[self.segments]
        self.pays = np.array([segment.price for segment in about.segments])[self.segments]  # (N,) of the list price
        self.sensitivities = (
            about.price_sensitivity * relative * np.exp(about.price_spread * latent[:, -1]) * self.pays
        )  # (N,) 1/euro
        self._drift = about.drift
        self._days = scenario.days
        rates = self._rates(scenario, random)
        self.visit_shares = rates / rates.sum()  # (N,) of all visits
        self.lottery = Lottery(self.visit_shares)
        if scenario.customers is not None and scenario.customers.rest:
            usual = scenario.customers.rest_days
            days = np.array([usual if s.rest_days is None else s.rest_days for s in about.segments])
            self.customers.take_turns(self.lottery, days[self.segments])

    def _of_newcomers(self, scenario: Scenario, seed: int) -> None:
        """Segments of newcomers, where they differ from those of the others; and who of them comes once."""
        new = slice(self.customers.there, None)
        segments, customers = scenario.users.segments, scenario.customers
        if any(segment.newcomers is not None for segment in segments):
            shares = np.array([s.share if s.newcomers is None else s.newcomers for s in segments])
            random = streams.generator(seed, "segments of newcomers")
            n = len(self.segments[new])
            self.segments[new] = random.choice(len(shares), size=n, p=shares / shares.sum())
        if customers is not None:
            once = np.array([customers.once if s.once is None else s.once for s in segments])
            self.customers.leave_at_once(once[self.segments[new]])

    def __len__(self) -> int:
        return len(self.segments)

    def _rates(self, scenario: Scenario, random: np.random.Generator) -> Array:
        activity = np.array([segment.activity for segment in scenario.users.segments])[self.segments]
        if scenario.customers is not None and scenario.customers.heterogeneity is not None:
            return np.asarray(self.customers.rates(random, scenario.customers.heterogeneity) * activity)
        ranks = random.permutation(len(self)) + 1.0
        return np.asarray(ranks**-scenario.users.zipf * activity)

    def shares(self, day: float) -> Array:
        """(N,) of the visits of a day, newcomers' first ones apart."""
        shares: Array = self.visit_shares
        if self.customers.everlasting:
            return shares
        shares = shares * self.customers.present(day)
        return np.asarray(shares / shares.sum())

    def tastes(self, day: float) -> npt.NDArray[np.float32]:
        """(N, q) tastes on a day: they turn towards another taste over the season, keeping their spread."""
        angle = self._drift * np.pi / 2 * min(day / self._days, 1.0)
        now, later = self._tastes
        return np.asarray(math.cos(angle) * now + math.sin(angle) * later)


class Lottery:
    """Indices in proportion to weights, to be `drawn` in constant time: inverse transform through a guide table."""

    def __init__(self, weights: Array) -> None:
        self.ends = np.cumsum(weights) / weights.sum()
        self.ends[-1] = 1.0
        self.guide = np.searchsorted(self.ends, np.arange(len(weights)) / len(weights), side="right")


@njit(cache=True, inline="always")
def drawn(ends: Any, guide: Any, luck: float) -> Any:
    """The index that uniform luck draws from a lottery."""
    k = guide[int(luck * len(ends))]
    while ends[k] <= luck:
        k += 1
    return k
