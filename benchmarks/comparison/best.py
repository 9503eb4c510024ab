"""Which is the best, and with what chance?"""

from __future__ import annotations

from typing import Any

import numpy as np

from policies.policy import Floats

_DRAWS = 20_000


def chances_of_best(sales: Any, seed: int = 0) -> Floats:
    """Chance that each policy's mean is the highest, given these seasons and no opinion before them.

    Means have a multivariate t distribution with the seasons' own covariances, so that what policies share is no doubt
    about which is better; of two policies the chance is 1 minus the one-sided p-value of the paired t-test. Those that
    sold the same in every season share their chance.

    Args:
        sales: (n seasons, K).
        seed: of the draws.

    Returns:
        (K,) sums to 1; NaN with one season.
    """
    sales = np.asarray(sales, float)
    n, K = sales.shape
    if n < 2:
        return np.full(K, np.nan)
    random = np.random.default_rng(seed)
    apart = sales - sales.mean(axis=0)
    spread = np.sqrt((n - 1) / random.chisquare(n - 1, _DRAWS))[:, None]
    drawn = sales.mean(axis=0) + spread * (random.normal(size=(_DRAWS, n)) @ apart) / np.sqrt(n * (n - 1))
    ahead = drawn >= drawn.max(axis=1, keepdims=True) - 1e-9 * np.abs(drawn).max()
    chances: Floats = (ahead / ahead.sum(axis=1, keepdims=True)).mean(axis=0)
    return chances
