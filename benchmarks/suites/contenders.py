"""Other libraries' contextual bandits, each asked in its own leanest way, and ours asked like them."""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

import policies
from policies.policy import Booleans, Decisions, Feedback, Floats, Problem

ALPHA, RIDGE = 1.0, 1.0  # of every LinUCB here


class Contender(Protocol):
    """Whatever decides one round at a time."""

    def shaped(self, contexts: Floats, menus: Booleans | None) -> Sequence[Any]:
        """Each round as this one wants to be handed it, made before the clock starts.

        Args:
            contexts: (n, d), a constant first.
            menus: (n, K) what may be chosen; None where everything may, always.
        """

    def ask(self, i: int, x: Any) -> int:
        """The action of round i."""

    def tell(self, i: int, x: Any, action: int, reward: float) -> None:
        """What round i brought."""


@dataclass(frozen=True)
class Entry:
    """One library's best fit to the linear problem.

    Args:
        package: as it is installed.
        module: as it is imported.
        make: (K, d) -> a fresh contender.
        menus: why it cannot choose among some of its actions; empty where it can.
    """

    package: str
    module: str
    make: Callable[[int, int], Contender]
    menus: str = ""

    def missing(self) -> str:
        """Why it cannot play here; empty where it can."""
        try:
            importlib.import_module(self.module)
        except ImportError as reason:
            known = importlib.util.find_spec(self.module.partition(".")[0]) is not None
            return f"does not import: {reason}" if known else f"not installed: pip install {self.package}"
        return ""

    def version(self) -> str:
        """Of the package that is installed."""
        return importlib.metadata.version(self.package)


class Ours:
    """`linucb`, with the questions and lessons that `run` would put to it."""

    def __init__(self, K: int, d: int) -> None:
        self._policy = policies.load("linucb", Problem(K, d), alpha=ALPHA, ridge=RIDGE)
        self._K = K
        self._sure = np.ones(1)
        self._random = np.random.default_rng(0)

    def shaped(self, contexts: Floats, menus: Booleans | None) -> Sequence[Any]:
        """One question each."""
        menus = np.ones((len(contexts), self._K), bool) if menus is None else menus
        actions, times = np.empty((self._K, 0)), np.arange(len(contexts), dtype=float)
        return [
            Decisions(times[i : i + 1], contexts[i : i + 1], actions, menus[i : i + 1]) for i in range(len(contexts))
        ]

    def ask(self, i: int, x: Any) -> int:
        """One draw, as what is tied has equal chances."""
        chances = self._policy.probabilities(x)[0]
        sure = int(chances.argmax())
        return sure if chances[sure] == 1.0 else int(self._random.choice(self._K, p=chances))

    def tell(self, i: int, x: Any, action: int, reward: float) -> None:
        """One lesson."""
        self._policy.learn(Feedback(x, np.array([action]), self._sure, np.array([reward])))


class Pymab:
    """LinUCB of pymab, its core in Rust. Of some actions: see `ask`."""

    def __init__(self, K: int, d: int) -> None:
        from pymab.policies import LinUCBPolicy

        self._policy = LinUCBPolicy(n_arms=K, n_features=d, alpha=ALPHA, l2=RIDGE)
        self._random = np.random.default_rng(0)
        self._K = K

    def shaped(self, contexts: Floats, menus: Booleans | None) -> Sequence[Any]:
        """It wants one row an arm; an arm that is not there gets a row of zeros."""
        rows = np.repeat(contexts[:, np.newaxis], self._K, axis=1)
        if menus is None:
            return [(x, x, None) for x in rows]
        return list(zip(rows, rows * menus[:, :, np.newaxis], menus, strict=True))

    def ask(self, i: int, x: Any) -> int:
        """Its choice; the bound of an arm with a row of zeros is 0, and is best only where no arm that is there has a
        bound above. Then `upper_confidence_bounds` is asked, which takes some 30 ms.
        """
        whole, shown, menu = x
        action = int(self._policy.select_action(rng=self._random, context=shown))
        if menu is None or menu[action]:
            return action
        return int(np.where(menu, self._policy.upper_confidence_bounds(whole), -np.inf).argmax())

    def tell(self, i: int, x: Any, action: int, reward: float) -> None:
        """One lesson."""
        self._policy.update(action=action, reward=reward, context=x[0])


class OpenBanditPipeline:
    """LinUCB of Open Bandit Pipeline; what it calls epsilon is the width of the bound."""

    def __init__(self, K: int, d: int) -> None:
        from obp.policy.linear import LinUCB

        self._policy = LinUCB(dim=d, n_actions=K, epsilon=ALPHA)

    def shaped(self, contexts: Floats, menus: Booleans | None) -> Sequence[Any]:
        """(1, d) each."""
        return [contexts[i : i + 1] for i in range(len(contexts))]

    def ask(self, i: int, x: Any) -> int:
        """Its choice."""
        return int(self._policy.select_action(x)[0])

    def tell(self, i: int, x: Any, action: int, reward: float) -> None:
        """One lesson."""
        self._policy.update_params(action, reward, x)


class River:
    """LinUCB of river: a Bayesian regression an arm, contexts by name."""

    def __init__(self, K: int, d: int) -> None:
        from river.bandit import LinUCBDisjoint

        self._policy = LinUCBDisjoint(alpha=ALPHA, seed=0)
        self._all = list(range(K))

    def shaped(self, contexts: Floats, menus: Booleans | None) -> Sequence[Any]:
        """Features by name, and the arms there are."""
        named = [{str(j): value for j, value in enumerate(x)} for x in contexts.tolist()]
        return [(x, self._all if menus is None else np.flatnonzero(menus[i]).tolist()) for i, x in enumerate(named)]

    def ask(self, i: int, x: Any) -> int:
        """Its choice."""
        return int(self._policy.pull(x[1], context=x[0]))

    def tell(self, i: int, x: Any, action: int, reward: float) -> None:
        """One lesson."""
        self._policy.update(action, x[0], reward)


class Coba:
    """LinUCB of coba over context times one-hot action, which makes it the disjoint one."""

    def __init__(self, K: int, d: int) -> None:
        from coba.learners import LinUCBLearner

        self._policy = LinUCBLearner(alpha=ALPHA, features=["ax"])
        self._arms = [tuple(float(j == k) for j in range(K)) for k in range(K)]
        self._number = {arm: k for k, arm in enumerate(self._arms)}

    def shaped(self, contexts: Floats, menus: Booleans | None) -> Sequence[Any]:
        """Lists, and the arms there are."""
        offered = [self._arms if menus is None else [self._arms[k] for k in np.flatnonzero(row)]
                   for row in (range(len(contexts)) if menus is None else menus)]  # fmt: skip
        return list(zip(contexts.tolist(), offered, strict=True))

    def ask(self, i: int, x: Any) -> int:
        """Its choice."""
        return self._number[self._policy.predict(*x)[0]]

    def tell(self, i: int, x: Any, action: int, reward: float) -> None:
        """One lesson."""
        self._policy.learn(x[0], self._arms[action], reward, 1.0)


class Mabwiser:
    """LinUCB of mabwiser. Of some actions: the best of `predict_expectations`."""

    def __init__(self, K: int, d: int) -> None:
        from mabwiser.mab import MAB, LearningPolicy

        self._policy = MAB(list(range(K)), LearningPolicy.LinUCB(alpha=ALPHA, l2_lambda=RIDGE))
        self._policy.fit([0], [0.0], np.zeros((1, d)))  # it must have been fitted; a row of zeros says nothing

    def shaped(self, contexts: Floats, menus: Booleans | None) -> Sequence[Any]:
        """(1, d) each."""
        return [(contexts[i : i + 1], None if menus is None else np.flatnonzero(menus[i]).tolist())
                for i in range(len(contexts))]  # fmt: skip

    def ask(self, i: int, x: Any) -> int:
        """Its choice."""
        context, menu = x
        if menu is None:
            return int(self._policy.predict(context))
        return int(max(menu, key=self._policy.predict_expectations(context).__getitem__))

    def tell(self, i: int, x: Any, action: int, reward: float) -> None:
        """One lesson."""
        self._policy.partial_fit([action], [reward], x[0])


class ContextualBandits:
    """LinUCB of contextualbandits. Of some actions: the best of `decision_function`."""

    def __init__(self, K: int, d: int) -> None:
        from contextualbandits.online import LinUCB

        self._policy = LinUCB(K, alpha=ALPHA, lambda_=RIDGE, fit_intercept=False, use_float=False, random_state=1)

    def shaped(self, contexts: Floats, menus: Booleans | None) -> Sequence[Any]:
        """(1, d) each."""
        return [(contexts[i : i + 1], None if menus is None else np.flatnonzero(menus[i]))
                for i in range(len(contexts))]  # fmt: skip

    def ask(self, i: int, x: Any) -> int:
        """Its choice."""
        context, menu = x
        if menu is None:
            return int(self._policy.predict(context)[0])
        return int(menu[self._policy.decision_function(context)[0][menu].argmax()])

    def tell(self, i: int, x: Any, action: int, reward: float) -> None:
        """One lesson."""
        self._policy.partial_fit(x[0], np.array([action]), np.array([reward]))


class Gittins:
    """The engine of gittins with its defaults: a hashed linear model, epsilon-greedy, open decisions by number."""

    def __init__(self, K: int, d: int) -> None:
        import gittins

        self._engine = gittins
        self._state = gittins.create(bits=18, horizon=1e9)
        self._arms: list[tuple[str, dict[str, float]]] = [(str(k), {}) for k in range(K)]
        self._open: dict[int, str] = {}

    def shaped(self, contexts: Floats, menus: Booleans | None) -> Sequence[Any]:
        """Features by name, and the candidates there are."""
        named = [{f"x{j}": value for j, value in enumerate(x)} for x in contexts.tolist()]
        whole = list(range(len(self._arms)))
        lists = [whole] * len(named) if menus is None else [np.flatnonzero(row).tolist() for row in menus]
        return [(x, menu, [self._arms[k] for k in menu]) for x, menu in zip(named, lists, strict=True)]

    def ask(self, i: int, x: Any) -> int:
        """Its choice, which stays open until it is told what came of it."""
        context, menu, candidates = x
        record = self._engine.decide(self._state, context, candidates, float(i), "race")
        self._open[i] = record.decision_id
        return int(menu[record.chosen])

    def tell(self, i: int, x: Any, action: int, reward: float) -> None:
        """Close the decision."""
        self._engine.learn(self._state, self._open.pop(i), reward, float(i))


ENTRIES: dict[str, Entry] = {
    "launchsim": Entry("launchsim", "policies", Ours),
    "pymab": Entry("pymab", "pymab.policies", Pymab),
    "gittins": Entry("gittins", "gittins", Gittins),
    "Open Bandit Pipeline": Entry(
        "obp",
        "obp.policy.linear",
        OpenBanditPipeline,
        menus="select_action takes no set of actions, tells no scores",
    ),
    "contextualbandits": Entry("contextualbandits", "contextualbandits.online", ContextualBandits),
    "mabwiser": Entry("mabwiser", "mabwiser.mab", Mabwiser),
    "river": Entry("river", "river.bandit", River),
    "coba": Entry("coba", "coba.learners", Coba),
}
