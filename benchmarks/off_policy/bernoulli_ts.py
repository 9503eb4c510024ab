"""The Thompson sampling policy of the Open Bandit Dataset's `bts` logs: its exact chances, item by slot."""

from __future__ import annotations

import numpy as np
from scipy import special

from policies.policy import Floats, Integers, PolicyError

SLOTS = 3
_NODES = 128  # of Gauss-Legendre quadrature

# Beta parameters (alpha, then beta) of each item when the logging began.
# Source: Open Bandit Pipeline (Apache-2.0), obp/policy/conf/prior_bts.yaml.
_PRIORS = {
    "all": (
        "47 8 62 142 3 14 7 857 12 15 6 100 48 23 71 61 13 16 518 30 7 4 23 8 10 11 11 18 121 11 11 10 14 9 204 58 "
        "3 19 42 1013 2 328 15 31 14 138 45 55 23 38 10 401 52 6 3 6 5 32 35 133 52 820 43 195 8 42 40 4 32 30 9 "
        "22 6 23 5 54 8 22 65 246",
        "12198 3566 15993 35522 2367 4609 3171 181745 4372 4951 3100 24665 13210 7061 18061 17449 5644 6787 111326 "
        "8776 3334 2271 7389 2659 3665 4724 3561 5085 27407 4601 4756 4120 4736 3788 45292 14719 2189 5589 11995 "
        "222255 2308 70034 4801 8274 5421 31912 12213 13576 6230 10382 4141 85731 12811 2707 2250 2668 2886 9581 "
        "9465 28336 12062 162793 12107 41240 3162 11604 10818 2923 8897 8654 4000 6580 3174 6766 2602 14506 3968 "
        "7523 16532 51964",
    ),
    "men": (
        "47 8 62 142 3 6 100 48 23 71 61 13 16 518 30 7 4 23 8 10 11 11 18 121 11 4 32 30 9 22 6 23 5 54",
        "12198 3566 15993 35522 2367 3100 24665 13210 7061 18061 17449 5644 6787 111326 8776 3334 2271 7389 2659 "
        "3665 4724 3561 5085 27407 4601 2923 8897 8654 4000 6580 3174 6766 2602 14506",
    ),
    "women": (
        "12 7 984 13 15 15 11 14 9 200 72 3 14 49 1278 3 325 14 27 14 169 48 47 18 40 12 447 46 5 3 5 7 35 34 99 "
        "30 880 51 182 6 45 39 10 24 72 229",
        "3612 3173 204484 4517 4765 5331 4131 4728 4028 44280 17918 2309 4339 12922 270771 2480 68475 5129 7367 "
        "5819 38026 13047 11604 5394 10912 4439 94485 10700 2679 2319 2578 3288 9566 9775 20120 7317 172026 13673 "
        "37329 3365 10911 10734 4278 7574 16826 47462",
    ),
}


def probabilities(campaign: str, positions: Integers) -> Floats:
    """(n, K) chance of each item in the slot of each row.

    Args:
        campaign: "all", "men" or "women".
        positions: (n,) slots, 1 to 3, as the data set has them.

    Raises:
        PolicyError: there is no such campaign, or a slot is none of the three.
    """
    if campaign not in _PRIORS:
        raise PolicyError(f"campaign must be one of {', '.join(_PRIORS)}, got {campaign!r}")
    outside = np.flatnonzero((positions < 1) | (positions > SLOTS))
    if len(outside):
        raise PolicyError(f"position must be 1 to {SLOTS}, got {positions[outside[0]]} in row {outside[0]}")
    alpha, beta = (np.array(words.split(), dtype=float) for words in _PRIORS[campaign])
    chances: Floats = ranks(alpha, beta, SLOTS)[:, positions - 1].T
    return chances


def ranks(alpha: Floats, beta: Floats, slots: int) -> Floats:
    """(K, slots) chance that an item's posterior draw is the highest, the second highest, and so on.

    P(item i is at rank s) = integral over u of P(exactly s others draw more than the u-quantile of i): a Poisson
    binomial within a Gauss-Legendre quadrature, where others simulate (Saito et al. 2021, arXiv 2008.07146, section 3).
    """
    nodes, weights = np.polynomial.legendre.leggauss(_NODES)
    draws = special.betaincinv(alpha[:, None], beta[:, None], (nodes + 1.0) / 2.0)  # (K, nodes)
    above = np.zeros((*draws.shape, slots))  # chance that exactly s others draw more
    above[:, :, 0] = 1.0
    for other in range(len(alpha)):
        more = special.betaincc(alpha[other], beta[other], draws)
        more[other] = 0.0
        shifted = np.concatenate([np.zeros((*draws.shape, 1)), above[:, :, :-1]], axis=2)
        above = above * (1.0 - more)[:, :, None] + shifted * more[:, :, None]
    chances = np.einsum("q,iqs->is", weights / 2.0, above)
    total: Floats = chances / chances.sum(axis=0)  # quadrature leaves 1e-6 or so
    return total
