"""The one loop: a policy plays an environment."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from benchmarks.foreign import numbers
from benchmarks.trace import Trace
from envs.environment import Choices, Environment
from policies.policy import Decisions, Floats, Policy, PolicyError
from simulator import streams

_TOLERANCE = 1e-6  # of a row's sum; float32 probabilities of some libraries miss 1 by 3e-8
_RULES = {1: "be finite and not negative", 2: "be 0 where unavailable", 3: "sum to 1"}


def run(policy: Policy, environment: Environment, seed: int = 0) -> Trace:
    """Let the policy decide every round of the environment, learning as rewards become known.

    Args:
        policy: asked and taught.
        environment: fresh; it plays once.
        seed: of the draws from the policy's probabilities; the same decision id meets the same luck under every policy.

    Raises:
        PolicyError: the policy answered with something that is no distribution over the available actions.
    """
    trace = Trace()
    draw = Draw(policy, seed)
    for rounds in environment.play(draw):
        trace.add(rounds)
        policy.learn(rounds.feedback)
    trace.ledger = getattr(environment, "ledger", None)
    return trace


class Draw:
    """Asks a policy for probabilities and draws from them, in this one place."""

    def __init__(self, policy: Policy, seed: int) -> None:
        self._policy = policy
        self._key = int(streams.key(seed, "choice").view(np.int64))  # a plain int is passed to the kernel faster
        self._asked = 0

    def __call__(self, decisions: Decisions) -> Choices:
        """One action for each decision, with the probability it had."""
        n = len(decisions.contexts)
        probabilities = numbers(self._policy.probabilities(decisions), _name(self._policy))
        if probabilities.shape != decisions.available.shape:
            shapes = f"{decisions.available.shape}, got {probabilities.shape}"
            raise PolicyError(f"{_name(self._policy)}: probabilities must have shape {shapes}")
        ids = decisions.ids
        if ids is None:
            ids = np.arange(self._asked, self._asked + n, dtype=np.uint64)
        self._asked += n
        chosen = np.empty(n, np.int64)
        propensities = np.empty(n)
        rule = _draw(self._key, ids, probabilities, decisions.available, chosen, propensities)
        if rule:
            raise PolicyError(self._broken(rule, int(chosen[0]), probabilities, decisions))
        return Choices(chosen, propensities)

    def _broken(self, rule: int, row: int, probabilities: Floats, decisions: Decisions) -> str:
        answer = np.array2string(probabilities[row], precision=4, threshold=12)
        return (
            f"{_name(self._policy)}: probabilities must {_RULES[rule]}, got {answer} "
            f"at decision {self._asked - len(decisions) + row} (time {float(decisions.times[row]):.4f} days)"
        )


def _name(policy: Policy) -> str:
    return type(policy).__name__


@njit(cache=True, fastmath={"reassoc"})  # sums may be taken in any order, the same for every row
def _draw(key: Any, ids: Any, probabilities: Any, available: Any, chosen: Any, propensities: Any) -> int:
    """Fill chosen and propensities by inverse transform; answers 0, or the broken rule, its row in chosen[0]."""
    n, K = probabilities.shape
    for i in range(n):
        total = 0.0
        wrong = False
        for k in range(K):
            p = probabilities[i, k]
            total += p
            wrong |= not p >= 0.0
            wrong |= (p != 0.0) & (not available[i, k])
        if wrong or not abs(total - 1.0) <= _TOLERANCE:
            chosen[0] = i
            return int(_rule(probabilities[i], available[i]))
        luck = streams.unit(streams.mix(np.uint64(key), ids[i])) * total
        picked, reached = 0, probabilities[i, 0]
        while reached <= luck and picked < K - 1:
            picked += 1
            reached += probabilities[i, picked]
        while probabilities[i, picked] == 0.0:  # rounding led past the last
            picked -= 1
        chosen[i] = picked
        propensities[i] = probabilities[i, picked]
    return 0


@njit(cache=True)
def _rule(row: Any, available: Any) -> int:
    """Which rule this row breaks."""
    for k in range(len(row)):
        if not 0.0 <= row[k] < np.inf:
            return 1
        if row[k] > 0.0 and not available[k]:
            return 2
    return 3
