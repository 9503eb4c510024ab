"""Weights of what actions look like instead of the actions themselves, for large catalogues."""

from __future__ import annotations

import numpy as np
from scipy.cluster.vq import kmeans2

from policies.policy import Feedback, Floats, Integers


def marginal_weights(feedback: Feedback, probabilities: Floats, logging: Floats, groups: Integers) -> Floats:
    """(n,) chance under the policy / chance under the log, of an action that looks like the one in the log.

    With features that are a function of the action, w(x, e) = sum of pi(a|x) over actions of look e / the same of the
    logging policy. Unbiased where rewards depend on the action through its look only.
    Source: Saito & Joachims (2022), "Off-policy evaluation for large action spaces via embeddings", eq. 4 and 5.

    Args:
        feedback: n rows of the log.
        probabilities: (n, K) of the policy under evaluation.
        logging: (n, K) of the policy that made the log, known or estimated.
        groups: (K,) which actions look alike.
    """
    alike = groups[:, None] == groups[feedback.chosen]  # (K, n)
    wanted = np.einsum("nk,kn->n", probabilities, alike)
    logged = np.einsum("nk,kn->n", logging, alike)
    weights: Floats = np.divide(wanted, logged, out=np.zeros(len(wanted)), where=logged > 0.0)
    return weights


def look_alikes(actions: Floats) -> Integers:
    """(K,) group of each action by its (K, a) features: those with the same features, or, where no two are the same,
    about sqrt(K) clusters of them (k-means), which then is an approximation. Without features every action is its own.
    """
    K, a = actions.shape
    if a == 0:
        return np.arange(K)
    distinct, groups = np.unique(actions, axis=0, return_inverse=True)
    if len(distinct) == K and K > 3:
        clusters = kmeans2(actions, int(np.ceil(np.sqrt(K))), minit="++", rng=0)[1]
        return clusters.astype(np.int64)
    return groups.reshape(K).astype(np.int64)
