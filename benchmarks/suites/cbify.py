"""VW's own `--cbify` on the rounds of a bandit of labels, and our policy and loop on the same: equal losses.

Both learn the same weights, one set an action, so only the draws are left to agree on. Those of VW's cbify.cc follow
from the number of the example, the probabilities and the order of predicted costs: `draw` takes them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from vowpalwabbit import Workspace

from envs.environment import Choices
from envs.outcomes import Outcomes
from policies.policy import Decisions, Floats
from policies.vowpal import Vowpal

EXPLORATIONS: dict[str, tuple[dict[str, Any], list[str]]] = {  # our settings and VW's options
    "greedy": ({"epsilon": 0.0}, ["--epsilon", "0"]),
    "epsilon 0.05": ({"epsilon": 0.05}, ["--epsilon", "0.05"]),
    "softmax": ({"explore": "softmax", "inverse_temperature": 5.0}, ["--softmax", "--lambda", "5"]),
}
_BITS = 22  # of the table of weights: no two weights share a place, which is the one thing that would differ
_SEED = 53_980_556  # VW's hash of "vw": uniform_hash("vw", 2, 0)
_FACTOR, _SHIFT = 0xEECE66D5DEECE66D, 2_147_483_647  # of VW's merand48
_NAMESPACE = ord(" ")


@dataclass(frozen=True)
class Beside:
    """Both on one set.

    Args:
        environments: seed -> a bandit of labels in which a right guess brings 1 more than a wrong one; must pickle.
        exploration: of EXPLORATIONS.
        seed: of the order of examples.
    """

    environments: Callable[[int], Outcomes]
    exploration: str
    seed: int = 0

    def answer(self) -> dict[str, float]:
        """How many examples there are, and the wrong guesses of ours and of VW's own."""
        settings, options = EXPLORATIONS[self.exploration]
        played = self.environments(self.seed)
        counts = {"ours": ours(played, settings), "theirs": theirs(self.environments(self.seed), options)}
        return {"n": len(played.rewards), **counts}


def ours(environment: Outcomes, settings: dict[str, Any]) -> int:
    """Wrong guesses of our policy in our environment, with VW's draws."""
    policy = Vowpal(environment.problem, main_effects=False, bits=_BITS, **settings)
    right, wrong = environment.rewards.max(), 0

    def choose(decisions: Decisions) -> Choices:
        pmf = policy.probabilities(decisions)
        chosen = draw(pmf[0], _costs(policy, decisions), int(decisions.times[0]))
        return Choices(np.array([chosen]), pmf[:, chosen])

    for rounds in environment.play(choose):
        policy.learn(rounds.feedback)
        wrong += int(rounds.feedback.rewards[0] < right)
    return wrong


def _costs(policy: Vowpal, decisions: Decisions) -> Floats:
    """(K,) what VW has just predicted of each action."""
    _, examples = policy._parsed(decisions.actions)
    return np.array([example.get_partial_prediction() for example in examples])


def draw(pmf: Floats, costs: Floats, example: int) -> int:
    """The action that VW draws for its n-th example, the one of least cost first (`sample_after_normalizing`)."""
    order = np.argsort(costs, kind="stable")
    reached = np.cumsum(pmf[order].astype(np.float32), dtype=np.float32)
    wanted = reached[-1] * _unit(_SEED + example)
    return int(order[min(np.searchsorted(reached, wanted, side="right"), len(pmf) - 1)])


def _unit(seed: int) -> np.float32:
    """VW's merand48: 23 bits as the mantissa of a float in [1, 2), minus 1."""
    mantissa = ((_FACTOR * seed + _SHIFT) & (2**64 - 1)) >> 25 & 0x7FFFFF
    return np.float32(mantissa / 2**23)


def theirs(environment: Outcomes, options: list[str]) -> int:
    """Wrong guesses of `vw --cbify`."""
    K, width = environment.problem.n_actions, environment.contexts.shape[1]
    costs = ["--loss0", f"{-environment.rewards.max():g}", "--loss1", f"{-environment.rewards.min():g}"]
    same = ["--cb_type", "mtr", "--noconstant", "--bit_precision", str(_BITS)]
    workspace = Workspace(arg_list=["--quiet", "--cbify", str(K), "--cb_explore_adf", *same, *costs, *options])
    # VW 9.11 gives one weight to features whose numbers differ in the lowest bits alone, as many bits as K needs.
    apart = max(16, 1 << (K - 1).bit_length())
    [template] = workspace._parse("1 | " + " ".join(f"{apart * i}:1" for i in range(width)))
    places = [template.feature(_NAMESPACE, i) for i in range(width)]
    wrong = 0
    for label, context in zip(environment.rewards.argmax(axis=1) + 1, environment.contexts.tolist(), strict=True):
        example = workspace.parse(f"{label} | 0:1")
        example.erase_namespace(_NAMESPACE)  # VW reads decimals from text off by a bit now and then
        features = [(place, value) for place, value in zip(places, context, strict=True) if value]
        example.push_feature_list(workspace, _NAMESPACE, 0, features)
        workspace.learn(example)
        wrong += int(example.get_multiclass_prediction() != label)
        workspace.finish_example(example)
    workspace.finish()
    return wrong
