"""Growth: what a launch whose horizon is not over lets expect, by how sales of finished ones grew with their age."""

from __future__ import annotations

import numpy as np

from benchmarks.planning.launches import Floats, Integers, Launches

_TELLING = 14  # days after which sales say enough of a launch that others may be learned from it


class Growth:
    """How far sales of so many days usually are from those of the whole horizon, in logarithms of 1 + sales.

    Args:
        launches: the shop's past.
        items: (n,) launches whose horizon is over, from which it is learned.
    """

    def __init__(self, launches: Launches, items: Integers) -> None:
        self._launches = launches
        ages = np.arange(launches.horizon + 1)
        so_far = np.stack([launches.so_far(items, launches.first[items] + age) for age in ages])
        factors = np.log1p(np.maximum(launches.outcome(items), 0.0)) - np.log1p(np.maximum(so_far, 0.0))
        self.factor = np.median(factors, axis=1)  # (horizon + 1,) usually
        self.noise = np.mean((factors - self.factor[:, None]) ** 2, axis=1)  # (horizon + 1,) its variance

    def ages(self, items: Integers, now: int) -> Integers:
        """(n,) days of each launch's horizon that were over on the morning of the day `now`."""
        return np.asarray(np.clip(now - self._launches.first[items], 0, self._launches.horizon), np.int64)

    def expected(self, items: Integers, now: int) -> Floats:
        """(n,) log of 1 + what the whole horizon lets expect that morning; of a finished launch what it brought."""
        so_far = np.log1p(np.maximum(self._launches.so_far(items, now), 0.0))
        return np.asarray(so_far + self.factor[self.ages(items, now)])

    def told(self, items: Integers, now: int, seen: int = 0) -> Floats:
        """(n,) the same once `seen` days and two weeks more, or all, are over; else NaN."""
        least = min(seen + _TELLING, self._launches.horizon)
        return np.where(self.ages(items, now) >= least, self.expected(items, now), np.nan)
