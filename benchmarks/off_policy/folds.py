"""Which fold a row of a log belongs to: drawn from its number, so that it is the same in every pass and every shard."""

from __future__ import annotations

import numpy as np

from policies.policy import Integers
from simulator import streams


def folds(start: int, n: int, count: int) -> Integers:
    """(n,) fold, 0 to count - 1, of consecutive rows, the first of which is row `start` of the log.

    Drawn, not dealt in turn: a log that alternates (two slots, two shops) would put one kind into each fold.
    """
    numbers = np.arange(start, start + n, dtype=np.uint64)
    drawn: Integers = (streams.uniforms(streams.key(0, "folds"), numbers) * count).astype(np.int64)
    return drawn
