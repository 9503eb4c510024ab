"""Policies of other libraries that play our seasons: each is a class that answers our two questions."""

from __future__ import annotations

from typing import Any

import numpy as np

from policies.policy import Decisions, Feedback, Floats, PolicyError, Problem

_DAY = 86_400.0  # seconds


class Gittins:
    """The engine of gittins: a hashed linear model, epsilon-greedy, for candidates that come and go and late rewards.

    It draws its choice itself, so each row has its whole chance on one action.

    Args:
        problem: what is decided.
        seed: salt of its draws.
        epsilon: share of visits at random; None for its own default.
        bits: size of its table.
        names: whether it sees which product it is beside the product's features.
    """

    def __init__(
        self, problem: Problem, *, seed: int = 0, epsilon: float | None = None, bits: int = 18, names: bool = True
    ) -> None:
        self._engine = _module("gittins")
        settings = {} if epsilon is None else {"epsilon": epsilon}
        self._state = self._engine.create(bits=bits, horizon=1000 * _DAY, **settings)
        self._salt = str(seed)
        self._names = names
        self._open: dict[tuple[int, int], str] = {}  # visit and action -> its decision

    def probabilities(self, decisions: Decisions) -> Floats:
        """(n, K) 1 for the action it decides on."""
        answer = np.zeros(decisions.available.shape)
        candidates = self._candidates(decisions.actions)
        for i, x in enumerate(decisions.contexts.tolist()):
            answer[i, self._decide(decisions, i, x, candidates)] = 1.0
        return answer

    def _candidates(self, actions: Floats) -> list[tuple[str, dict[str, Any]]]:
        rows = actions.tolist()
        return [
            (str(k), {f"a{j}": value for j, value in enumerate(row)} | ({"product": str(k)} if self._names else {}))
            for k, row in enumerate(rows)
        ]

    def _decide(self, decisions: Decisions, i: int, x: list[float], candidates: list[Any]) -> int:
        menu = np.flatnonzero(decisions.available[i]).tolist()
        context = {f"x{j}": value for j, value in enumerate(x)}
        offered = [candidates[k] for k in menu]
        record = self._engine.decide(self._state, context, offered, float(decisions.times[i]) * _DAY, self._salt)
        chosen: int = menu[record.chosen]
        self._open[_visit(decisions, i), chosen] = record.decision_id
        return chosen

    def learn(self, feedback: Feedback) -> None:
        """Close the decisions whose rewards are known."""
        times = feedback.decisions.times.tolist()
        for i, (action, reward) in enumerate(zip(feedback.chosen.tolist(), feedback.rewards.tolist(), strict=True)):
            decision = self._open.pop((_visit(feedback.decisions, i), action), None)
            if decision is not None:
                self._engine.learn(self._state, decision, reward, times[i] * _DAY)


class Pymab:
    """LinUCB of pymab, an arm a product; it sees no product features.

    Args:
        problem: what is decided.
        seed: of its ties.
        alpha: width of the bound.
        ridge: l2.
    """

    def __init__(self, problem: Problem, *, seed: int = 0, alpha: float = 1.0, ridge: float = 1.0) -> None:
        found = _module("pymab.policies").LinUCBPolicy
        self._K = problem.n_actions
        self._policy = found(n_arms=self._K, n_features=problem.n_context_features, alpha=alpha, l2=ridge)
        self._random = np.random.default_rng(seed)

    def probabilities(self, decisions: Decisions) -> Floats:
        """(n, K) 1 for the available action with the greatest bound."""
        answer = np.zeros(decisions.available.shape)
        for i, (x, menu) in enumerate(zip(decisions.contexts, decisions.available, strict=True)):
            answer[i, self._choose(np.tile(x, (self._K, 1)), menu)] = 1.0
        return answer

    def _choose(self, rows: Floats, menu: Any) -> int:
        """An arm that is not there gets a row of zeros, so that its bound is 0; see `contenders.Pymab.ask`."""
        action = int(self._policy.select_action(rng=self._random, context=rows * menu[:, None]))
        if menu[action]:
            return action
        return int(np.where(menu, self._policy.upper_confidence_bounds(rows), -np.inf).argmax())

    def learn(self, feedback: Feedback) -> None:
        """One lesson after another."""
        lessons = zip(feedback.decisions.contexts, feedback.chosen.tolist(), feedback.rewards.tolist(), strict=True)
        for x, action, reward in lessons:
            self._policy.update(action=action, reward=reward, context=np.tile(x, (self._K, 1)))


def _visit(decisions: Decisions, i: int) -> int:
    return i if decisions.ids is None else int(decisions.ids[i])


def _module(name: str) -> Any:
    import importlib

    try:
        return importlib.import_module(name)
    except ImportError:
        package = name.partition(".")[0]
        raise PolicyError(f"{package} must be installed for this policy: pip install launchsim[peers]") from None
