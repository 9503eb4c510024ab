"""From scores to probabilities: greedy, epsilon-greedy, softmax, top of a posterior.

Every function takes (n, K) scores and availability and answers (n, K) probabilities: rows sum to 1, 0 where
unavailable. Ties share equally, so propensities stay exact where nothing has been learned yet.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from policies.policy import Booleans, Floats


def uniform(available: Booleans) -> Floats:
    """(n, K) the same chance for every available action."""
    probabilities: Floats = available / available.sum(axis=1, keepdims=True)
    return probabilities


def greedy(scores: Floats, available: Booleans) -> Floats:
    """(n, K) all on the best available score."""
    return epsilon_greedy(scores, available, 0.0)


def epsilon_greedy(scores: Floats, available: Booleans, epsilon: float) -> Floats:
    """(n, K) epsilon spread over all available actions, the rest on the best."""
    probabilities: Floats = _epsilon_greedy(scores, available, epsilon)
    return probabilities


def softmax(scores: Floats, available: Booleans, temperature: float) -> Floats:
    """(n, K) proportional to exp(score / temperature)."""
    masked = np.where(available, scores / temperature, -np.inf)
    weights = np.exp(masked - masked.max(axis=1, keepdims=True))
    probabilities: Floats = weights / weights.sum(axis=1, keepdims=True)
    return probabilities


def fraction_won(draws: Floats, available: Booleans) -> Floats:
    """(n, K) fraction of posterior draws that each action wins: draws is (n, m, K) scores."""
    probabilities: Floats = _fraction_won(draws, available)
    return probabilities


@njit(cache=True)
def _epsilon_greedy(scores: Any, available: Any, epsilon: float) -> Any:
    n, K = scores.shape
    probabilities = np.zeros((n, K))
    for i in range(n):
        best = -np.inf
        ties = 0
        offered = 0
        for k in range(K):
            if available[i, k]:
                offered += 1
                if scores[i, k] > best:
                    best = scores[i, k]
                    ties = 1
                elif scores[i, k] == best:
                    ties += 1
        for k in range(K):
            if available[i, k]:
                probabilities[i, k] = epsilon / offered
                if scores[i, k] == best:
                    probabilities[i, k] += (1.0 - epsilon) / ties
    return probabilities


@njit(cache=True)
def _fraction_won(draws: Any, available: Any) -> Any:
    n, m, K = draws.shape
    probabilities = np.zeros((n, K))
    for i in range(n):
        for j in range(m):
            winner = -1
            for k in range(K):
                if available[i, k] and (winner < 0 or draws[i, j, k] > draws[i, j, winner]):
                    winner = k
            probabilities[i, winner] += 1.0 / m
    return probabilities
