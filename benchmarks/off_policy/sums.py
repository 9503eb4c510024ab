"""What is kept of a log's rows: sums that add up in one pass, in constant memory, and merge across shards."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from numba import njit

from benchmarks.off_policy.estimators import Terms
from envs.logs.rows import NOBODY
from policies.policy import Floats
from simulator import streams

Users: TypeAlias = npt.NDArray[np.uint64]

GROUPS = 16_381  # prime, so that no rhythm in the log falls into step with it
DIRECT, CORRECTION, WEIGHT, REWARD = range(4)  # per row: direct, weight * residual, weight, reward


class Moments:
    """Count, means (k,) and centred second moments (k, k) of k numbers a row, by pairwise updates.

    Source: Chan, Golub & LeVeque (1983), "Algorithms for computing the sample variance".
    """

    def __init__(self, k: int = 4) -> None:
        self.n = 0
        self.mean: Floats = np.zeros(k)
        self.scatter: Floats = np.zeros((k, k))

    def add(self, n: int, mean: Floats, scatter: Floats) -> None:
        """Take in n rows by their own mean and scatter."""
        if n == 0:
            return
        total = self.n + n
        apart = mean - self.mean
        self.scatter = self.scatter + scatter + np.outer(apart, apart) * (self.n * n / total)
        self.mean = self.mean + apart * (n / total)
        self.n = total

    def merge(self, other: Moments) -> None:
        """Take in what another has seen."""
        self.add(other.n, other.mean, other.scatter)

    @property
    def covariance(self) -> Floats:
        """(k, k) unbiased covariance."""
        covariance: Floats = self.scatter / max(self.n - 1, 1)
        return covariance

    def second(self, index: int) -> float:
        """Sum of squares of one of them."""
        return float(self.scatter[index, index] + self.n * self.mean[index] ** 2)


class Sums:
    """Row terms of an estimator as moments and as sums over groups of rows.

    Row i of the whole log belongs to group i mod 16,381: a log with fewer rows is kept row by row, so resampling
    groups is the ordinary bootstrap; in a longer one each group is a systematic sample of it. Where users are known,
    user u belongs to group u mod 16,381 with all rows, wherever in the log or on which shard they are: what depends on
    one another then is in one group, and groups are independent. A row of which nobody knows who decided stands alone.
    """

    def __init__(self) -> None:
        self.moments = Moments()
        self.groups: Floats = np.zeros((GROUPS, 5))  # count, then the four terms
        self.low: Floats = np.full(4, np.inf)  # smallest of each term
        self.high: Floats = np.full(4, -np.inf)
        self._drawn: dict[tuple[int, int], Floats] = {}  # bootstrap replicates, until further rows come

    def add(self, terms: Terms, start: int, users: Users | None = None) -> None:
        """Take in the terms of consecutive rows, the first of which is row `start` of the log, and who decided (n,)."""
        n = len(terms.rewards)
        alone = np.arange(start, start + n, dtype=np.uint64)
        numbers = alone if users is None else np.where(users == NOBODY, alone, users)
        columns = terms.direct, terms.weights, terms.residuals, terms.rewards
        mean, scatter = _add(*columns, numbers, self.groups, self.low, self.high)
        self.moments.add(n, mean, scatter)
        self._drawn = {}

    def merge(self, other: Sums) -> None:
        """Take in what another has seen."""
        self.moments.merge(other.moments)
        self.groups += other.groups
        self.low = np.minimum(self.low, other.low)
        self.high = np.maximum(self.high, other.high)
        self._drawn = {}

    @property
    def independent(self) -> float:
        """How many users (or rows) of equally many rows are worth as much as these: (sum n)^2 / sum n^2 (Kish 1965)."""
        counts = self.groups[:, 0]
        squares = float(counts @ counts)
        return float(counts.sum()) ** 2 / squares if squares > 0.0 else 0.0

    def resampled(self, replicates: int, seed: int) -> Floats:
        """(replicates, 4) means of the terms over as many groups as there are, drawn with replacement."""
        if (replicates, seed) not in self._drawn:
            groups = self.groups[self.groups[:, 0] > 0.0]
            totals = _resample(groups, replicates, streams.key(seed, "bootstrap"))
            self._drawn[replicates, seed] = totals[:, 1:] / totals[:, :1]
        return self._drawn[replicates, seed]


@njit(cache=True)
def _add(
    direct: Any, weights: Any, residuals: Any, rewards: Any, numbers: Any, groups: Any, low: Any, high: Any
) -> Any:
    n = len(rewards)
    mean, scatter = np.zeros(4), np.zeros((4, 4))
    row, apart = np.empty(4), np.empty(4)
    for i in range(n):
        g = np.int64(numbers[i] % np.uint64(len(groups)))
        row[0], row[1], row[2], row[3] = direct[i], weights[i] * residuals[i], weights[i], rewards[i]
        groups[g, 0] += 1.0
        for j in range(4):
            mean[j] += row[j]
            groups[g, 1 + j] += row[j]
            low[j] = min(low[j], row[j])
            high[j] = max(high[j], row[j])
    mean /= max(n, 1)
    for i in range(n):
        apart[0] = direct[i] - mean[0]
        apart[1] = weights[i] * residuals[i] - mean[1]
        apart[2] = weights[i] - mean[2]
        apart[3] = rewards[i] - mean[3]
        for j in range(4):
            for k in range(j + 1):
                scatter[j, k] += apart[j] * apart[k]
    for j in range(4):
        for k in range(j):
            scatter[k, j] = scatter[j, k]
    return mean, scatter


@njit(cache=True)
def _resample(groups: Any, replicates: int, key: Any) -> Any:
    m = len(groups)
    totals = np.zeros((replicates, 5))
    word = np.uint64(0)
    for b in range(replicates):
        for _ in range(m):
            g = np.int64(((streams.mix(key, word) >> np.uint64(32)) * np.uint64(m)) >> np.uint64(32))
            word += np.uint64(1)
            for j in range(5):
                totals[b, j] += groups[g, j]
    return totals
