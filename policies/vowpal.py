"""Vowpal Wabbit's contextual bandits with action-dependent features (`--cb_explore_adf`), near its driver's speed."""

from __future__ import annotations

import tempfile
import weakref
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import chain, compress
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from numba import njit
from vowpalwabbit import Workspace

from policies.policy import Decisions, Feedback, Floats, PolicyError, Problem
from policies.saving import Saveable
from policies.settings import at_least, between, one_of, positive, whole

_EXPLORATIONS: dict[str, dict[str, Any]] = {  # each with the settings it has and what they are where not given
    "epsilon": {"epsilon": 0.05},
    "first": {"first": 100, "epsilon": 0.0},
    "bag": {"bag": 5, "greedify": False, "epsilon": 0.0},
    "cover": {"cover": 5, "psi": 1.0, "nounif": False, "epsilon": 0.05},  # without an epsilon VW lets it decay
    "softmax": {"inverse_temperature": 1.0, "epsilon": 0.0},
    "squarecb": {"gamma_scale": 10.0, "gamma_exponent": 0.5, "elim": False, "mellowness": 0.001, "epsilon": 0.0},
    "regcb": {"mellowness": 0.1},
    "regcbopt": {"mellowness": 0.1},
    "rnd": {"rnd": 3, "rnd_alpha": 0.1, "rnd_invlambda": 0.1, "epsilon": 0.0},
    "synthcover": {"synthcoverpsi": 0.1, "synthcoversize": 100, "epsilon": 0.0},
}
_CB_TYPES = {"cover": ("mtr", "ips", "dr"), "squarecb": ("mtr",), "regcb": ("mtr",), "regcbopt": ("mtr",)}
_ALL_CB_TYPES = ("mtr", "ips", "dr", "dm")
_NEEDS_COST_RANGE = ("squarecb", "regcb", "regcbopt")
_LARGE = ("epsilon", "softmax", "squarecb")  # else VW 9.11 refuses, crashes or changes its answers
_TUNING = dict.fromkeys(name for settings in _EXPLORATIONS.values() for name in settings)
_OPTIONS = {"inverse_temperature": "lambda"}  # settings that VW calls otherwise


def _flag(name: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise PolicyError(f"{name} must be True or False, got {value!r}")
    return value


def _bits(name: str, value: Any) -> int:
    return whole(name, between(name, value, 1, 30), 1)


_CHECKS: dict[str, Callable[[str, Any], Any]] = {
    "seed": partial(whole, low=0),
    "epsilon": partial(between, low=0, high=1),
    **dict.fromkeys(("first", "bag", "cover", "rnd", "synthcoversize", "max_actions"), partial(whole, low=1)),
    **dict.fromkeys(("psi", "inverse_temperature", "gamma_scale", "gamma_exponent"), partial(at_least, low=0)),
    **dict.fromkeys(("mellowness", "rnd_alpha", "rnd_invlambda", "synthcoverpsi"), partial(at_least, low=0)),
    **dict.fromkeys(("greedify", "nounif", "elim", "identity", "main_effects", "coin"), _flag),
    "learning_rate": positive,
    "power_t": partial(between, low=0, high=1),
    "bits": _bits,
}
_INTERACTIONS_ALONE = ["--noconstant", "--ignore_linear", "c", "--ignore_linear", "a", "--ignore_linear", "i"]
_POWER_T = 0.5  # VW's own default
_CONTEXT = ord("c")  # namespaces: c the context, a the features of an action, i the number of an action
_CACHED = 8  # action matrices kept parsed; an example takes some 30 kB
_LESSONS = 256  # labelled examples kept parsed


class Vowpal(Saveable):
    """`vw --cb_explore_adf` asked through the Python package: cost is minus the reward.

    Features: context in namespace `c`, action features in `a`, the action's number in `i`; by default context is
    crossed with both, so that every action has its own model and unknown actions borrow from alike ones. Histories
    are not used. What VW keeps beside its weights (rounds counted by `first`, `squarecb` and `regcb`, luck of `bag`)
    moves with lessons only, never with questions. `explore` is one of

    - `epsilon`: best action by the costs predicted, `epsilon` spread over all;
    - `first`: `first` lessons of equal chances, then greedy;
    - `bag`: `bag` policies on bootstrap samples vote (Eckles & Kaptein 2014); `greedify` shows the first every lesson;
    - `cover`: `cover` policies that disagree by `psi` (Agarwal et al. 2014); `nounif` leaves losers out;
    - `softmax`: proportional to exp(`inverse_temperature` x score);
    - `squarecb`: inverse gap weighting with gamma = `gamma_scale` x rounds^`gamma_exponent` (Foster & Rakhlin 2020);
      `elim` only among the plausible actions of RegCB;
    - `regcb`, `regcbopt`: confidence sets of costs by `mellowness`, elimination or optimism (Foster et al. 2018);
    - `rnd`: bonus from `rnd` random predictions (after Burda et al. 2018), scaled by `rnd_alpha` and `rnd_invlambda`;
    - `synthcover`: cover without policies, `synthcoversize` draws with bonus `synthcoverpsi`.

    Each takes only the settings named with it, and all but regcb `epsilon`.

    The default asks for nothing to be known and leaves a log that can judge other policies. What wins in Bietti,
    Agarwal & Langford (2021), A contextual bandit bake-off, is `regcbopt`, there with a model for each action:
    `interactions=["ci"], main_effects=False, mellowness=0.001`. It sells more than the default here too
    (docs/policies.md), but must be told `reward_range` and gives all actions but its choice a chance of 0.

    VW's distribution is float32; with `regcbopt` it can sum to the number of tied actions, and with `squarecb` and
    `elim` hold negative values: those become 0, and rows are scaled to sum to 1. `bag`, `first`, `synthcover`, `regcb`,
    `elim`, `nounif` and `max_actions` give some actions a chance of exactly 0, which leaves a log that cannot judge
    other policies; they stay 0 unless `floor` lifts them.

    Args:
        problem: what it will be asked.
        seed: of bootstrap samples and random features.
        explore: see above.
        cb_type: how costs not seen are estimated: mtr, ips, dr or dm (cover: no dm; squarecb and regcb: mtr only).
        epsilon: chance spread over all; 0.05 for `epsilon` and `cover`, else 0.
        reward_range: least and greatest reward there can be, in the reward's unit; squarecb and regcb rest on it, and
            refuse a reward outside.
        floor: least chance of every available action, at most 1 / n_actions: p becomes floor + (1 - n floor) p.
        interactions: namespaces to cross, such as ["ca", "ci"] (the default, as far as there are features).
        main_effects: whether features count on their own too, and VW's constant; without, only what is crossed does, so
            that with the default crossing each action's model is its own, as under VW's `--cbify`.
        identity: whether actions have their number as a feature; without it only their features tell them apart.
        learning_rate: VW's `-l`.
        power_t: VW's `--power_t`: rates fall with the sum of squared gradients to this power; 0 keeps them.
        coin: VW's `--coin`, a betting optimiser that has no rate to set, in place of its adaptive gradient descent.
        bits: of the weight table, 2^bits weights.
        max_actions: with many actions, how many VW's large action space method keeps beside the best, the rest having
            chance 0 (Zhu et al. 2022); with epsilon, softmax and squarecb (without elim) only. Milliseconds a decision.

    Raises:
        PolicyError: a setting is out of its range, or does not belong to the exploration.
    """

    def __init__(
        self,
        problem: Problem,
        *,
        seed: int = 0,
        explore: str = "epsilon",
        cb_type: Literal["mtr", "ips", "dr", "dm"] = "mtr",
        epsilon: float | None = None,
        first: int | None = None,
        bag: int | None = None,
        greedify: bool | None = None,
        cover: int | None = None,
        psi: float | None = None,
        nounif: bool | None = None,
        inverse_temperature: float | None = None,
        gamma_scale: float | None = None,
        gamma_exponent: float | None = None,
        elim: bool | None = None,
        mellowness: float | None = None,
        rnd: int | None = None,
        rnd_alpha: float | None = None,
        rnd_invlambda: float | None = None,
        synthcoverpsi: float | None = None,
        synthcoversize: int | None = None,
        reward_range: Sequence[float] = (0.0, 1.0),
        floor: float = 0.0,
        interactions: Sequence[str] | None = None,
        main_effects: bool = True,
        identity: bool = True,
        learning_rate: float = 0.5,
        power_t: float = 0.5,
        coin: bool = False,
        bits: int = 18,
        max_actions: int | None = None,
    ) -> None:
        vars(self).update({name: value for name, value in locals().items() if name != "self"})
        self.arguments = _arguments(problem, self.settings())  # of VW's command line
        self._floor = between("floor", floor, 0.0, 1.0 / problem.n_actions)
        self._start(["--random_seed", str(seed)])

    def probabilities(self, decisions: Decisions) -> Floats:
        """(n, K) VW's distribution in float64, with `floor`."""
        scores: list[float] = []
        predict, answer = self._workspace.predict_multi, self._shared.get_action_scores
        for examples in self._questions(decisions):
            predict(examples)
            scores += answer()
        probabilities, row = _distribution(np.array(scores), decisions.available, self._floor)
        if row >= 0:
            raise PolicyError(f"vowpal: VW's probabilities must be finite and not all 0, got others in row {row}")
        answered: Floats = probabilities
        return answered

    def learn(self, feedback: Feedback) -> None:
        """One VW lesson a round, in order, labelled `action:cost:probability` with the propensity of its decision."""
        decisions = feedback.decisions
        self._check_range(feedback.rewards)
        lines, _ = self._parsed(decisions.actions)
        workspace = self._workspace
        # The shared example comes first, so the k-th of the available actions is example k + 1.
        places = np.cumsum(decisions.available, axis=1)[np.arange(len(feedback)), feedback.chosen]
        told = (feedback.chosen, feedback.rewards, feedback.propensities, places)
        labels = zip(*(each.tolist() for each in told), strict=True)
        for examples, (action, reward, propensity, place) in zip(self._questions(decisions), labels, strict=True):
            labelled = self._labelled(f"0:{-reward:.9g}:{propensity:.9g} {lines[action]}")
            workspace.learn_multi([*examples[:place], *labelled, *examples[place + 1 :]])

    def _labelled(self, line: str) -> list[Any]:
        """An action as an example with a label, which stays on it for good; most lessons are like one before."""
        if line not in self._lessons:
            if len(self._lessons) == _LESSONS:
                self._workspace._finish_example_multi_ex(self._lessons.pop(next(iter(self._lessons))))
            self._lessons[line] = self._workspace._parse(line)
        return self._lessons[line]

    def _check_range(self, rewards: Floats) -> None:
        """Costs outside the range that was stated are cut to it, and what is left of them teaches next to nothing."""
        low, high = self.reward_range  # type: ignore[attr-defined]
        explore = self.explore  # type: ignore[attr-defined]
        if explore in _NEEDS_COST_RANGE and len(rewards) and not low <= rewards.min() <= rewards.max() <= high:
            outside = rewards.min() if rewards.min() < low else rewards.max()
            raise PolicyError(
                f"vowpal: reward_range with explore={explore!r} must hold every reward, got ({low:g}, {high:g}) and a "
                f"reward of {outside:g}"
            )

    def state(self) -> dict[str, npt.NDArray[Any]]:
        """VW's own model file, byte by byte."""
        with tempfile.TemporaryDirectory() as folder:
            model = Path(folder) / "model.vw"
            self._workspace.save(model)
            return {"model": np.frombuffer(model.read_bytes(), dtype=np.uint8)}

    def set_state(self, state: dict[str, npt.NDArray[Any]]) -> None:
        """Continue with a model file, which holds the place in the sequence of random numbers too."""
        with tempfile.TemporaryDirectory() as folder:
            model = Path(folder) / "model.vw"
            model.write_bytes(state["model"].tobytes())
            self._give_back()
            self._start(["--initial_regressor", str(model)])

    def _start(self, further: list[str]) -> None:
        try:
            self._workspace = Workspace(arg_list=[*self.arguments, *further])
        except RuntimeError as reason:
            raise PolicyError(
                f"vowpal settings must be ones that VW takes, got {str(reason).splitlines()[0]}"
            ) from None
        every = range(self.problem.n_context_features)
        [self._shared] = self._workspace._parse("shared |c " + " ".join(f"{i}:1" for i in every))
        self._hashes = [self._shared.feature(_CONTEXT, i) for i in every]  # as VW's setup left them
        self._cache: dict[bytes, tuple[list[str], list[Any]]] = {}
        self._lessons: dict[str, list[Any]] = {}
        # VW frees only examples that were given back.
        self._give_back = weakref.finalize(self, _give_back, self._workspace, self._shared, self._cache, self._lessons)

    def _questions(self, decisions: Decisions) -> Iterator[list[Any]]:
        """VW's examples of each decision in turn: the one shared example refilled, and the actions on offer."""
        shared, workspace, hashes = self._shared, self._workspace, self._hashes
        _, actions = self._parsed(decisions.actions)
        offers: dict[bytes, list[Any]] = {}
        for context, available in zip(decisions.contexts.tolist(), decisions.available, strict=True):
            offer = available.tobytes()
            if offer not in offers:
                offers[offer] = [shared, *compress(actions, available)]
            shared.erase_namespace(_CONTEXT)
            # VW's parser drops zeros; so must we for the same predictions.
            shared.push_feature_list(workspace, _CONTEXT, 0, [*compress(zip(hashes, context), context)])  # noqa: B905
            yield offers[offer]

    def _parsed(self, actions: Floats) -> tuple[list[str], list[Any]]:
        """The actions as lines of text and as examples, parsed once for each state of the catalogue."""
        catalogue = actions.tobytes()
        if catalogue not in self._cache:
            if len(self._cache) == _CACHED:
                _, oldest = self._cache.pop(next(iter(self._cache)))
                self._workspace._finish_example_multi_ex(oldest)
            lines = [self._line(k, features) for k, features in enumerate(actions.tolist())]
            self._cache[catalogue] = lines, self._workspace._parse("\n".join(lines))
        return self._cache[catalogue]

    def _line(self, action: int, features: list[float]) -> str:
        number = f"|i {action} " if self.identity else ""  # type: ignore[attr-defined]
        return number + "|a " + " ".join(f"{i}:{value:.9g}" for i, value in enumerate(features))


def _arguments(problem: Problem, given: dict[str, Any]) -> list[str]:
    """VW's command line of these settings, checked."""
    explore = one_of("explore", given["explore"], list(_EXPLORATIONS))
    cb_type = one_of(f"cb_type with explore={explore!r}", given["cb_type"], _CB_TYPES.get(explore, _ALL_CB_TYPES))
    settings = {
        name: _CHECKS[name](name, value) if name in _CHECKS and value is not None else value
        for name, value in given.items()
    }
    arguments = ["--quiet", "--cb_explore_adf", "--cb_type", cb_type]
    # One setting of the regressor for each of VW's inner models (bag, cover, rnd, dr): the file would hold the first's.
    arguments.append("--per_model_save_load")
    arguments += ["--learning_rate", str(settings["learning_rate"]), "--bit_precision", str(settings["bits"])]
    arguments += _learner(settings)
    if settings["max_actions"] is not None:
        _check_large(settings)
        # The one-pass method, VW's default, is far faster but can answer the same question otherwise when asked again.
        arguments += ["--large_action_space", "--max_actions", str(settings["max_actions"]), "--two_pass_svd"]
    return arguments + _exploration(settings) + _cost_range(settings) + _interactions(problem, settings)


def _learner(settings: dict[str, Any]) -> list[str]:
    """How rates fall, and by which optimiser VW learns."""
    fading = [] if settings["power_t"] == _POWER_T else ["--power_t", str(settings["power_t"])]
    return fading + ["--coin"] * settings["coin"]


def _check_large(settings: dict[str, Any]) -> None:
    if settings["explore"] not in _LARGE or settings["elim"]:
        rule = f"be left out unless explore is {' or '.join(_LARGE)}, without elim"
        raise PolicyError(f"max_actions must {rule}, got {settings['max_actions']!r}")


def _exploration(settings: dict[str, Any]) -> list[str]:
    explore = settings["explore"]
    defaults = _EXPLORATIONS[explore]
    for name in _TUNING:
        if name not in defaults and settings[name] is not None:
            raise PolicyError(f"{name} must be left out with explore={explore!r}, got {settings[name]!r}")
    arguments = [] if explore in defaults else [f"--{explore}"]
    for name, default in defaults.items():
        value = default if settings[name] is None else settings[name]
        option = f"--{_OPTIONS.get(name, name)}"
        if value is not False:
            arguments += [option] if value is True else [option, str(value)]
    return arguments


def _cost_range(settings: dict[str, Any]) -> list[str]:
    """VW's default range, costs of 0 to 1, is never met by minus a reward: RegCB and SquareCB would not learn."""
    low, high = _reward_range(settings["reward_range"])
    return ["--cb_min_cost", str(-high), "--cb_max_cost", str(-low)] if settings["explore"] in _NEEDS_COST_RANGE else []


def _reward_range(given: Any) -> tuple[float, float]:
    try:
        low, high = (float(value) for value in given)
    except (TypeError, ValueError):
        low, high = np.nan, np.nan
    if not -np.inf < low < high < np.inf:
        raise PolicyError(f"reward_range must be the least and the greatest reward, least first, got {given!r}")
    return low, high


def _interactions(problem: Problem, settings: dict[str, Any]) -> list[str]:
    identity, crossed = settings["identity"], settings["interactions"]
    if not identity and not problem.n_action_features:
        raise PolicyError(f"identity must be True where actions have no features, got {identity!r}")
    if crossed is None:
        crossed = ["ci"] * identity + ["ca"] * (problem.n_action_features > 0)
    if not isinstance(crossed, list | tuple) or not all(_crosses(one) for one in crossed):
        raise PolicyError(
            f"interactions must be a list of words of two or more of the letters c, a, i, got {crossed!r}"
        )
    arguments = [argument for one in crossed for argument in ("--interactions", one)]
    return arguments if settings["main_effects"] else [*arguments, *_INTERACTIONS_ALONE]


def _crosses(one: Any) -> bool:
    return isinstance(one, str) and len(one) > 1 and set(one) <= set("cai")


def _give_back(
    workspace: Workspace,
    shared: Any,
    cache: dict[bytes, tuple[list[str], list[Any]]],
    lessons: dict[str, list[Any]],
) -> None:
    # In one list: VW reads as many examples as the first of a list holds probabilities.
    actions = chain.from_iterable(actions for _, actions in cache.values())
    workspace._finish_example_multi_ex([shared, *actions, *chain.from_iterable(lessons.values())])


@njit(cache=True)
def _distribution(scores: Any, available: Any, floor: float) -> Any:
    """Scores of the available actions, row after row, as (n, K) probabilities; and a row without any, or -1."""
    n, K = available.shape
    probabilities = np.zeros((n, K))
    at = 0
    for row in range(n):
        offered = 0
        total = 0.0
        for k in range(K):
            if available[row, k]:
                probabilities[row, k] = max(0.0, scores[at])
                total += probabilities[row, k]
                offered += 1
                at += 1
        if not 0.0 < total < np.inf:
            return probabilities, row
        for k in range(K):
            if available[row, k]:
                probabilities[row, k] = floor + (1.0 - floor * offered) * probabilities[row, k] / total
    return probabilities, -1
