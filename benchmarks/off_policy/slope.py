"""Which of several estimates to go by, when less variance may mean more bias?"""

from __future__ import annotations

import numpy as np
from scipy import special


def choose(estimates: dict[str, tuple[float, float]], confidence: float = 0.95) -> tuple[str, str]:
    """The most precise estimate that still agrees with all that are less precise, and the reason.

    SLOPE (Su, Srinath & Krishnamurthy 2020, "Adaptive estimator selection for off-policy evaluation", section 4):
    ordered from widest to narrowest, the last before the intervals of twice the usual width cease to intersect.

    Args:
        estimates: value and standard error by name.
        confidence: of the intervals.
    """
    usable = {name: pair for name, pair in estimates.items() if np.isfinite(pair).all()}
    usable = {name: pair for name, pair in usable.items() if pair[1] > 0.0} or usable  # no spread: nothing was weighed
    if not usable:
        return "", "No estimator has an interval."
    reach = 2.0 * float(special.ndtri(0.5 + confidence / 2.0))
    ordered = sorted(usable, key=lambda name: -usable[name][1])
    low, high = -np.inf, np.inf
    chosen = ordered[0]
    for name in ordered:
        value, error = usable[name]
        low, high = max(low, value - reach * error), min(high, value + reach * error)
        if low > high:
            return chosen, f"{name} is more precise but disagrees with those before it, so it must be biased."
        chosen = name
    return chosen, "It is the most precise, and agrees with all that are less so."
