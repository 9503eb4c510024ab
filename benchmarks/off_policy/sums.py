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


class Averages:
    """Means (k,) of k numbers a row over the visits that the rows stand for: sum(count x) / sum(count).

    In a log that was thinned out, a row counts for as many visits as it had a chance to be kept (Horvitz & Thompson
    1952); without, for one. What varies is then count * x, which the moments are of, with the count itself as first.
    """

    def __init__(self, k: int = 4) -> None:
        self.moments = Moments(1 + k)

    def add(self, n: int, mean: Floats, scatter: Floats) -> None:
        """Take in n rows by the mean (1 + k,) and scatter (1 + k, 1 + k) of count and count * x."""
        self.moments.add(n, mean, scatter)

    def merge(self, other: Averages) -> None:
        """Take in what another has seen."""
        self.moments.merge(other.moments)

    @property
    def n(self) -> int:
        """Rows."""
        return self.moments.n

    @property
    def total(self) -> float:
        """Visits that the rows stand for."""
        return float(self.moments.n * self.moments.mean[0])

    @property
    def mean(self) -> Floats:
        """(k,) means over these visits."""
        means: Floats = self.moments.mean[1:] / (self.moments.mean[0] if self.moments.n else 1.0)
        return means

    @property
    def covariance(self) -> Floats:
        """(k, k) covariance of count * (x - mean) / mean count: that of x, where every row stands for one."""
        residual = np.hstack([-self.mean[:, None], np.eye(len(self.mean))])
        covariance: Floats = residual @ self.moments.covariance @ residual.T
        return covariance / (self.moments.mean[0] if self.moments.n else 1.0) ** 2

    def error(self, index: int) -> float:
        """Standard error of one of the means, where rows are independent."""
        return float(np.sqrt(max(self.covariance[index, index], 0.0) / max(self.n, 1)))

    def worth(self, index: int) -> float:
        """(sum x)^2 / sum of squares: how many equal rows are worth as much (Kong 1992); 0 where all are 0."""
        place, n, mean = 1 + index, self.moments.n, self.moments.mean
        squares = self.moments.scatter[place, place] + n * mean[place] ** 2
        return float((n * mean[place]) ** 2 / squares) if squares > 0.0 else 0.0


class Sums:
    """Row terms of an estimator as moments and as sums over groups of rows.

    Row i of the whole log belongs to group i mod 16,381: a log with fewer rows is kept row by row, so resampling
    groups is the ordinary bootstrap; in a longer one each group is a systematic sample of it. Where users are known,
    user u belongs to group u mod 16,381 with all rows, wherever in the log or on which shard they are: what depends on
    one another then is in one group, and groups are independent. A row of which nobody knows who decided stands alone.
    """

    def __init__(self) -> None:
        self.moments = Averages()
        self.groups: Floats = np.zeros((GROUPS, 5))  # count, then the four terms, each times its count
        self.low: Floats = np.full(4, np.inf)  # smallest of each term
        self.high: Floats = np.full(4, -np.inf)
        self.weighted = False  # whether rows stand for several visits each
        self.largest_count = 0.0  # of these
        self._drawn: dict[tuple[int, int], Floats] = {}  # bootstrap replicates, until further rows come

    def add(self, terms: Terms, start: int, users: Users | None = None, counts: Floats | None = None) -> None:
        """Take in the terms of consecutive rows, the first of which is row `start` of the log.

        Args:
            terms, start: of n rows.
            users: (n,) who decided.
            counts: (n,) visits that each row stands for; one where not given.
        """
        n = len(terms.rewards)
        alone = np.arange(start, start + n, dtype=np.uint64)
        numbers = alone if users is None else np.where(users == NOBODY, alone, users)
        columns = terms.direct, terms.weights, terms.residuals, terms.rewards
        stands_for = np.empty(0) if counts is None else counts
        mean, scatter = _add(*columns, numbers, stands_for, self.groups, self.low, self.high)
        self.moments.add(n, mean, scatter)
        self.weighted = self.weighted or counts is not None
        self.largest_count = max(self.largest_count, 1.0 if counts is None else float(counts.max(initial=0.0)))
        self._drawn = {}

    def merge(self, other: Sums) -> None:
        """Take in what another has seen."""
        self.moments.merge(other.moments)
        self.groups += other.groups
        self.low = np.minimum(self.low, other.low)
        self.high = np.maximum(self.high, other.high)
        self.largest_count = max(self.largest_count, other.largest_count)
        self.weighted = self.weighted or other.weighted
        self._drawn = {}

    @property
    def independent(self) -> float:
        """How many users (or rows) of equally many rows are worth as much as these: (sum n)^2 / sum n^2 (Kish 1965)."""
        counts = self.groups[:, 0]
        squares = float(np.square(counts).sum())  # a product of vectors would wake the threads of linear algebra
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
    direct: Any,
    weights: Any,
    residuals: Any,
    rewards: Any,
    numbers: Any,
    counts: Any,
    groups: Any,
    low: Any,
    high: Any,
) -> Any:
    n = len(rewards)
    first = 0 if len(counts) else 1  # where each row stands for one, that does not vary
    mean, scatter = np.zeros(5), np.zeros((5, 5))
    mean[0] = first
    row, apart = np.empty(5), np.zeros(5)
    for i in range(n):
        g = np.int64(numbers[i] % np.uint64(len(groups)))
        row[0], row[1], row[2], row[3], row[4] = 1.0, direct[i], weights[i] * residuals[i], weights[i], rewards[i]
        count = 1.0 if first else counts[i]
        for j in range(1, 5):
            low[j - 1] = min(low[j - 1], row[j])
            high[j - 1] = max(high[j - 1], row[j])
        groups[g, 0] += count
        for j in range(1, 5):
            groups[g, j] += count * row[j]
        for j in range(first, 5):
            mean[j] += count * row[j]
    for j in range(first, 5):
        mean[j] /= max(n, 1)
    for i in range(n):
        count = 1.0 if first else counts[i]
        apart[0] = count - mean[0]
        apart[1] = count * direct[i] - mean[1]
        apart[2] = count * (weights[i] * residuals[i]) - mean[2]
        apart[3] = count * weights[i] - mean[3]
        apart[4] = count * rewards[i] - mean[4]
        for j in range(first, 5):
            for k in range(first, j + 1):
                scatter[j, k] += apart[j] * apart[k]
    for j in range(5):
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
