"""The standard linear contextual bandit: each action's expected reward is linear in the context."""

from __future__ import annotations

import numpy as np

from envs.outcomes import Outcomes


class Linear(Outcomes):
    """Contexts and coefficients uniform on the unit sphere, rewards `theta_k . x` plus normal noise.

    Args:
        n_actions: K.
        n_context_features: d, beside the constant that contexts carry.
        n: rounds.
        noise: standard deviation of rewards.
        batch: decisions asked at once.
        seed: of coefficients, contexts and noise.
    """

    def __init__(
        self, n_actions: int, n_context_features: int, n: int, *, noise: float = 0.1, batch: int = 1, seed: int = 0
    ) -> None:
        coefficients, contexts, luck = (np.random.default_rng(s) for s in np.random.SeedSequence(seed).spawn(3))
        self.theta = _directions(coefficients, n_actions, n_context_features)  # (K, d)
        x = _directions(contexts, n, n_context_features)
        truth = x @ self.theta.T
        super().__init__(x, truth + noise * luck.standard_normal(truth.shape), truth, batch=batch)


def _directions(rng: np.random.Generator, n: int, d: int) -> np.ndarray:
    drawn = rng.standard_normal((n, d))
    drawn /= np.linalg.norm(drawn, axis=1, keepdims=True)
    return drawn
