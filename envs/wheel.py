"""The wheel bandit: a safe action everywhere, a rich one only at the rim; who does not explore never finds it."""

from __future__ import annotations

import numpy as np

from envs.outcomes import Outcomes

_SAFE, _POOR, _RICH = 1.2, 1.0, 50.0
_NOISE = 0.01


class Wheel(Outcomes):
    """Riquelme, Tucker & Snoek (2018), "Deep Bayesian Bandits Showdown", section 5.4.

    Contexts are a constant and a point (x, y), uniform on the unit disk. Action 0 always brings 1.2. Actions 1 to 4
    bring 1, but outside the radius delta the one that belongs to the quadrant brings 50: 1 where x, y > 0; 2 where x >
    0 > y; 3 where x < 0 < y; 4 where x, y < 0. Rewards have standard deviation 0.01.

    Args:
        delta: radius of the safe disk, 0 to 1; the rim has the share 1 - delta ** 2 of all rounds.
        n: rounds.
        seed: of contexts and noise.
        batch: decisions asked at once.
    """

    def __init__(self, delta: float, n: int, seed: int = 0, *, batch: int = 1) -> None:
        if not 0.0 <= delta <= 1.0:
            raise ValueError(f"delta must be between 0 and 1, got {delta!r}")
        self.delta = delta
        rng = np.random.default_rng(seed)
        radius = np.sqrt(rng.random(n))
        angle = 2.0 * np.pi * rng.random(n)
        x, y = radius * np.cos(angle), radius * np.sin(angle)
        rim = radius > delta
        truth = np.full((n, 5), _POOR)
        truth[:, 0] = _SAFE
        truth[rim, 1 + 2 * (x[rim] < 0) + (y[rim] < 0)] = _RICH
        super().__init__(np.column_stack([x, y]), truth + _NOISE * rng.standard_normal((n, 5)), truth, batch=batch)
