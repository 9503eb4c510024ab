"""Off-policy estimators, each a function from evidence to the terms that are averaged.

All have one form: value = mean(direct) + sum(weights * residuals) / N, where N is the number of rows or, where the
estimator is self-normalised, the sum of the weights. A further estimator is a further function of this kind.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from benchmarks.off_policy.evidence import Evidence
from policies.policy import Floats

View: TypeAlias = Literal["weights", "modelled", "variance", "marginal"]


@dataclass(frozen=True, slots=True, eq=False)
class Terms:
    """What n rows add to an estimate. All arrays are (n,)."""

    direct: Floats  # taken from a reward model
    weights: Floats  # as the estimator uses them
    residuals: Floats  # what the weights multiply
    rewards: Floats  # of the log itself, for the comparison with the policy that made it


def ips(evidence: Evidence, *, clip: float = np.inf) -> Terms:
    """Inverse propensity scoring (Horvitz & Thompson 1952; Precup et al. 2000): mean of w r.

    Clipped at `clip`, w becomes min(w, clip) (Ionides 2008): biased downwards for positive rewards, less variable.
    """
    return Terms(_zeros(evidence), np.minimum(evidence.weights, clip), evidence.rewards, evidence.rewards)


def dm(evidence: Evidence) -> Terms:
    """Direct method: mean over rows of sum_a pi(a|x) q(x, a) (Beygelzimer & Langford 2009).

    As good as its reward model; the interval takes that model as given, so it knows nothing of the model's bias.
    """
    return Terms(evidence.expected, np.ones(len(evidence)), _zeros(evidence), evidence.rewards)


def dr(evidence: Evidence, *, clip: float = np.inf) -> Terms:
    """Doubly robust: mean of sum_a pi(a|x) q(x, a) + w (r - q(x, a_i)) (Dudik et al. 2014, eq. 6)."""
    return _corrected(evidence, np.minimum(evidence.weights, clip))


def switch_dr(evidence: Evidence, *, threshold: float = 10.0) -> Terms:
    """Switch-DR: the model's word where w > threshold, DR elsewhere (Wang, Agarwal & Dudik 2017, section 4)."""
    return _corrected(evidence, np.where(evidence.weights <= threshold, evidence.weights, 0.0))


def dros(evidence: Evidence, *, shrinkage: float = 100.0) -> Terms:
    """DR with optimistic shrinkage: w becomes lambda w / (w^2 + lambda) (Su et al. 2020, "Doubly robust off-policy
    evaluation with shrinkage", eq. 6). lambda -> infinity is DR, lambda -> 0 the direct method."""
    weights = evidence.weights
    return _corrected(evidence, shrinkage * weights / (weights * weights + shrinkage))


def _corrected(evidence: Evidence, weights: Floats) -> Terms:
    return Terms(evidence.expected, weights, evidence.rewards - evidence.fitted, evidence.rewards)


def _zeros(evidence: Evidence) -> Floats:
    return np.zeros(len(evidence))


@dataclass(frozen=True, slots=True)
class Estimator:
    """A formula, the evidence it looks at, and whether its weights are normalised by their sum.

    Views: `weights` needs no model; `modelled` has a reward model; `variance` one fitted to make DR vary least (MRDR);
    `marginal` has weights of what an action looks like instead of the action itself (MIPS).
    """

    terms: Callable[..., Terms]
    view: View
    self_normalised: bool = False

    @property
    def weighted(self) -> bool:
        """Whether it rests on importance weights rather than on the reward model alone."""
        return self.terms is not dm


# SNIPS: sum w r / sum w (Swaminathan & Joachims 2015, eq. 9). SNDR: its doubly robust form (Thomas & Brunskill 2016).
# MRDR: DR whose model minimises DR's variance (Farajtabar et al. 2018, section 4).
# MIPS: IPS with the weights of action features (Saito & Joachims 2022, eq. 5).
ESTIMATORS: dict[str, Estimator] = {
    "ips": Estimator(ips, "weights"),
    "snips": Estimator(ips, "weights", self_normalised=True),
    "dm": Estimator(dm, "modelled"),
    "dr": Estimator(dr, "modelled"),
    "sndr": Estimator(dr, "modelled", self_normalised=True),
    "switch_dr": Estimator(switch_dr, "modelled"),
    "dros": Estimator(dros, "modelled"),
    "mrdr": Estimator(dr, "variance"),
    "mips": Estimator(ips, "marginal"),
}
