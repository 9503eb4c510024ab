"""How exactly were chances written down? What a test that is exact must put up with."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit

ALWAYS = 1e-6  # relative: what float32, and the sums of some libraries, leave of a chance
FINEST = 7  # decimals: whoever writes as many has left nothing that counts


@njit(cache=True)
def decimals(chances: Any, least: int = 0) -> int:
    """How many decimals these (n,) numbers were written with, counted from `least` to `FINEST`.

    Numbers kept as float32 have as many as were written before.
    """
    found = least
    for i in range(len(chances)):
        while found < FINEST:
            scaled = chances[i] * 10.0**found
            if abs(scaled - np.rint(scaled)) <= 1e-6 + 1.2e-7 * abs(scaled):
                break
            found += 1
    return found


def share(written: int, mean_inverse: float, rows: int) -> float:
    """By which share a mean of weights may be off because propensities were rounded to so many decimals.

    Half a unit of the last decimal, divided by the propensity; but no more than a sample of so many rows could be off
    by chance, for 0.5 is as likely to be one half as something near it.

    Args:
        written: decimals.
        mean_inverse: 1 / propensity, mean over the rows, weighted as they are.
        rows: of the log.
    """
    rounded = 0.0 if written >= FINEST else 0.5 * 10.0**-written * mean_inverse
    return ALWAYS + min(rounded, 1.0 / math.sqrt(max(rows, 1)))
