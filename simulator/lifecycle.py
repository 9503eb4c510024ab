"""Life cycle: how a product's appeal to everyone changes with its age and the time of the year."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from simulator.profile import days_of_year
from simulator.scenario import Life, Scenario

_YEAR = 365.25


class Lifecycle:
    """Utility over time of K products, for everyone: -ramp exp(-age / ramp_days) - decline x years + yearly wave."""

    def __init__(self, scenario: Scenario) -> None:
        products, life = scenario.products, scenario.life or Life()
        self.ages = np.array([product.age for product in products])  # (K,) days on sale before day 0
        self._ramp, self._ramp_days = life.ramp, life.ramp_days
        self._declines = np.array([life.decline if p.decline is None else p.decline for p in products]) / _YEAR
        self._waves = np.array([product.season for product in products])
        self._peaks = np.array([product.season_peak for product in products])
        self._days = days_of_year(scenario) if self._waves.any() else None
        self.constant = not (self._ramp or self._declines.any() or self._waves.any())

    def utility(self, now: float, launches: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """(K,) at a time, of products launched on these days (K,); NaN counts as launched now."""
        ages = np.fmax(now - launches, 0.0) + self.ages
        utility: Any = -self._declines * ages
        if self._ramp:
            utility -= self._ramp * np.exp(-ages / self._ramp_days)
        if self._days is not None:
            day = self._days[min(int(now), len(self._days) - 1)]
            utility += self._waves * np.cos(2 * np.pi * (day - self._peaks) / _YEAR)
        return np.asarray(utility)
