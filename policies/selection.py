"""From scores to probabilities: greedy, epsilon-greedy, softmax, top of a posterior.

Every function takes scores and (n, K) availability and answers (n, K) probabilities: rows sum to 1, 0 where
unavailable. Ties share equally, so propensities stay exact where nothing has been learned yet.
"""

from __future__ import annotations

from difflib import get_close_matches
from typing import Any

import numpy as np
from numba import njit

from policies.policy import Booleans, Floats, Integers, PolicyError, Problem


def uniform(available: Booleans) -> Floats:
    """(n, K) the same chance for every available action."""
    probabilities = np.empty(available.shape)
    _uniform(available, probabilities)
    return probabilities


def greedy(scores: Floats, available: Booleans) -> Floats:
    """(n, K) all on the best available of (n, K) scores."""
    probabilities = np.empty(available.shape)
    fill_epsilon_greedy(scores, available, 0.0, probabilities)
    return probabilities


def epsilon_greedy(scores: Floats, available: Booleans, epsilon: float) -> Floats:
    """(n, K) epsilon spread over all available actions, the rest on the best of (n, K) or (1, K) scores."""
    probabilities = np.empty(available.shape)
    fill_epsilon_greedy(scores, available, epsilon, probabilities)
    return probabilities


def epsilon_first(ranks: Integers, available: Booleans, epsilon: float) -> Floats:
    """(n, K) epsilon spread over all available actions, the rest on the lowest of (K,) ranks, the earlier if tied."""
    return epsilon_at(np.where(available, ranks, np.inf).argmin(axis=1), available, epsilon)


def epsilon_at(chosen: Integers, available: Booleans, epsilon: float) -> Floats:
    """(n, K) epsilon spread over all available actions, the rest on the (n,) chosen."""
    probabilities = epsilon * uniform(available)
    probabilities[np.arange(len(available)), chosen] += 1.0 - epsilon
    return probabilities


def numbered(name: str, actions: Any, problem: Problem) -> list[int]:
    """Actions given by number or, where the problem knows them, by name; each once.

    Raises:
        PolicyError: there is no such action, or one is there twice; `name` is the setting's.
    """
    if not isinstance(actions, (list, tuple)):
        raise _no_actions(name, actions, problem)
    names = {known: number for number, known in enumerate(problem.action_names)}
    found = [names.get(action, -1) if isinstance(action, str) else action for action in actions]
    for action, number in zip(actions, found, strict=True):
        if isinstance(number, bool) or number not in range(problem.n_actions):
            raise _no_actions(name, action if isinstance(action, str) else actions, problem)
    if len(set(found)) < len(found):
        raise PolicyError(f"{name} must name no action twice, got {actions!r}")
    return [int(number) for number in found]


def _no_actions(name: str, given: Any, problem: Problem) -> PolicyError:
    if isinstance(given, str) and not problem.action_names:
        return PolicyError(f"{name} must be a list of numbers, as these products have no names, got {given!r}")
    if isinstance(given, str):
        like = get_close_matches(given, problem.action_names, 1, 0.0)[0]
        return PolicyError(f"{name} must be a list of products by their names, such as {like!r}, got {given!r}")
    return PolicyError(f"{name} must be a list of actions from 0 to {problem.n_actions - 1}, got {given!r}")


def softmax(scores: Floats, available: Booleans, temperature: float) -> Floats:
    """(n, K) proportional to exp(score / temperature)."""
    masked = np.where(available, scores / temperature, -np.inf)
    weights = np.exp(masked - masked.max(axis=1, keepdims=True))
    probabilities: Floats = weights / weights.sum(axis=1, keepdims=True)
    return probabilities


def fraction_won(draws: Floats, available: Booleans) -> Floats:
    """(n, K) fraction of posterior draws that each action wins: draws is (n, m, K) scores."""
    probabilities = np.zeros(available.shape)
    _fraction_won(draws, available, probabilities)
    return probabilities


def normal_fraction_won(means: Floats, deviations: Floats, normals: Floats, available: Booleans) -> Floats:
    """(n, K) fraction of draws that each action wins where its score is normal.

    Args:
        means: (n, K) of the scores.
        deviations: (n, K) standard deviations of the scores.
        normals: (m, K) standard normal draws, used for every row.
        available: (n, K).
    """
    probabilities = np.zeros(available.shape)
    _normal_fraction_won(means, deviations, normals, available, probabilities)
    return probabilities


@njit(cache=True)
def _uniform(available: Any, probabilities: Any) -> None:
    n, K = available.shape
    for i in range(n):
        offered = 0
        for k in range(K):
            offered += available[i, k]
        share = 1.0 / max(offered, 1)
        for k in range(K):
            probabilities[i, k] = share if available[i, k] else 0.0


@njit(cache=True)
def fill_epsilon_greedy(scores: Any, available: Any, epsilon: float, probabilities: Any) -> None:
    """`epsilon_greedy` into an array that is there already, for kernels that do several things in one call."""
    n, K = available.shape
    for i in range(n):
        row = scores[i if len(scores) > 1 else 0]
        best = -np.inf
        ties = 0
        offered = 0
        for k in range(K):
            if available[i, k]:
                offered += 1
                if row[k] > best or ties == 0:
                    best = row[k]
                    ties = 1
                elif row[k] == best:
                    ties += 1
        spread = epsilon / max(offered, 1)
        top = spread + (1.0 - epsilon) / max(ties, 1)
        for k in range(K):
            probabilities[i, k] = 0.0 if not available[i, k] else top if row[k] == best else spread


@njit(cache=True)
def _share_of_winners(scores: Any, available: Any, share: float, probabilities: Any) -> None:
    """Give a share to the best available score, split where several are best."""
    best = -np.inf
    ties = 0
    for k in range(len(scores)):
        if available[k]:
            if scores[k] > best or ties == 0:
                best = scores[k]
                ties = 1
            elif scores[k] == best:
                ties += 1
    for k in range(len(scores)):
        if available[k] and scores[k] == best:
            probabilities[k] += share / ties


@njit(cache=True)
def _fraction_won(draws: Any, available: Any, probabilities: Any) -> None:
    n, m, _ = draws.shape
    for i in range(n):
        for j in range(m):
            _share_of_winners(draws[i, j], available[i], 1.0 / m, probabilities[i])


@njit(cache=True, fastmath={"nnan", "nsz", "reassoc", "contract"})  # lets the search for the best use vector units
def _normal_fraction_won(means: Any, deviations: Any, normals: Any, available: Any, probabilities: Any) -> None:
    n, K = means.shape
    m = len(normals)
    mean, deviation, draw, won = np.empty(K), np.empty(K), np.empty(K), np.empty(K)
    for i in range(n):
        for k in range(K):
            mean[k] = means[i, k] if available[i, k] else -np.inf
            deviation[k] = deviations[i, k] if available[i, k] else 0.0
            won[k] = 0.0
        for j in range(m):
            best = -np.inf
            for k in range(K):
                draw[k] = mean[k] + deviation[k] * normals[j, k]
                best = max(best, draw[k])
            ties = 0
            for k in range(K):
                ties += draw[k] == best
            for k in range(K):
                won[k] += 1.0 / (m * ties) if draw[k] == best else 0.0
        probabilities[i] = won
