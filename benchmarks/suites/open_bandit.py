"""Open Bandit Pipeline's own examples (Saito et al. 2021): its quickstart, its synthetic table, its replay notebook."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import special
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import KFold

import policies
from benchmarks.comparison.statistics import mean_interval
from benchmarks.off_policy import estimate, slope
from benchmarks.off_policy.bernoulli_ts import probabilities
from benchmarks.runner import run
from benchmarks.suites.kept import Answer, answers
from benchmarks.suites.suite import COLUMNS, Asked
from benchmarks.suites.synthetic import Synthetic
from envs.environment import with_constant
from envs.logged import Logged
from envs.open_bandit import load
from envs.outcomes import Outcomes
from policies.calls import parse
from policies.policy import Feedback, Floats

_SEED = 12345  # of theirs
_PLAIN = {"dm": "dm", "ipw": "ips", "snipw": "snips", "dr": "dr", "sndr": "sndr"}  # theirs -> ours
_TUNED = {"switch-dr": "switch_dr(threshold={})", "dr-os": "dros(shrinkage={})"}
_LAMBDAS = (10.0, 50.0, 100.0, 500.0, 1_000.0, 5_000.0, 10_000.0, 1e15)  # the last stands for infinity
REPLAYED = {
    "EpsilonGreedy": "epsilon_greedy(epsilon=0.1)",
    "LinUCB": "linucb(alpha=0.0)",  # theirs has no bonus unless asked for one
    "LinTS": "linear_thompson",
}


def rows(asked: Asked) -> pd.DataFrame:
    """The quickstart's value, errors of estimators on synthetic logs, and what replay says beside the truth."""
    runs, n = (2, 2_000) if asked.small else (20, 10_000)
    return pd.concat([quickstart(), _errors(runs, n, asked), *_replays(runs, n, asked)], ignore_index=True)


def quickstart() -> pd.DataFrame:
    """What Thompson sampling would have earned on the uniform log, in units of what that log earned."""
    log = load("random", "all")
    assert log.positions is not None
    table = estimate(log.feedback, probabilities("all", log.positions), ("ips",))
    told = [float(table[name].iloc[0]) / log.feedback.rewards.mean() for name in ("value", "lower", "upper")]
    return pd.DataFrame([["quickstart, relative value", "ipw", *told, 1, np.nan]], columns=COLUMNS)


@dataclass(frozen=True)
class Errors:
    """One run of `examples/synthetic/evaluate_off_policy_estimators.py`: relative error of each estimator.

    Args:
        random_state: of the data.
        n: rounds of the log that a policy is learned on, and of the log that it is judged on.
        n_actions, dim_context, beta: of the data.
    """

    random_state: int
    n: int = 10_000
    n_actions: int = 30
    dim_context: int = 5
    beta: float = -3.0

    def answer(self) -> Answer:
        """Estimator, as they call it -> |estimate - truth| / truth."""
        data = Synthetic(self.n_actions, self.dim_context, self.beta, self.random_state)
        learned, judged = data.log(self.n), data.log(self.n)
        chances = _policy(learned.feedback, judged.feedback.decisions.contexts)
        truth = float((chances * judged.truth).sum(axis=1).mean())
        found = _estimates(judged.feedback, chances, reward_model(judged.feedback))
        return {name: abs(value - truth) / truth for name, value in found.items()}


def _policy(feedback: Feedback, contexts: Floats) -> Floats:
    """(n, K) softmax of the scores of a classifier that was taught by inverse propensities."""
    classifier = LogisticRegression(max_iter=10_000, C=100, random_state=_SEED)
    weights = feedback.rewards / feedback.propensities
    classifier.fit(feedback.decisions.contexts, feedback.chosen, sample_weight=weights)
    chances: Floats = special.softmax(classifier.predict_proba(contexts), axis=1)
    return chances


def reward_model(feedback: Feedback) -> Floats:
    """(n, K) chances of a reward by logistic regression on context and one-hot action, cross-fitted in three folds."""
    contexts, K = feedback.decisions.contexts, feedback.decisions.available.shape[1]
    actions, found = np.eye(K), np.empty((len(contexts), K))
    for train, test in KFold(3, shuffle=True, random_state=_SEED).split(contexts):
        model = LogisticRegression(max_iter=10_000, C=100, random_state=_SEED)
        model.fit(np.hstack([contexts[train], actions[feedback.chosen[train]]]), feedback.rewards[train])
        for k in range(K):
            of_action = np.hstack([contexts[test], np.tile(actions[k], (len(test), 1))])
            found[test, k] = model.predict_proba(of_action)[:, 1]
    return found


def _estimates(feedback: Feedback, chances: Floats, predictions: Floats) -> dict[str, float]:
    """Theirs by name; those with a threshold take the one that SLOPE chooses."""
    tuned = {name: [call.format(each) for each in _LAMBDAS] for name, call in _TUNED.items()}
    asked = (*_PLAIN.values(), *(call for calls in tuned.values() for call in calls))
    table = estimate(feedback, chances, asked, predictions=predictions, method="student_t")
    errors = (table.upper - table.lower) / 2 / 1.96
    found = {theirs: float(table.value[ours]) for theirs, ours in _PLAIN.items()}
    for name, calls in tuned.items():
        chosen, _ = slope.choose({call: (float(table.value[call]), float(errors[call])) for call in calls})
        found[name] = float(table.value[chosen])
    return found


def _errors(runs: int, n: int, asked: Asked) -> pd.DataFrame:
    found = pd.DataFrame(answers([Errors(seed, n) for seed in range(runs)], asked))
    return pd.DataFrame(
        [_row(f"relative error, {n:,} rounds, 30 actions", str(name), errors) for name, errors in found.items()],
        columns=COLUMNS,
    )


@dataclass(frozen=True)
class Replayed:
    """A policy replayed on a synthetic log, and played where the truth is known.

    Args:
        call: of the policy.
        seed: of the policy's luck and of rewards where it plays.
        n: rounds of the log.
        beta: of the log; 1 is theirs, which they call uniform, 0 is uniform.
    """

    call: str
    seed: int
    n: int = 10_000
    beta: float = 1.0

    def answer(self) -> Answer:
        """Mean reward of accepted rows, and the expected reward where as many, and where all rounds are played."""
        logged = Synthetic(10, 5, self.beta).log(self.n)
        feedback = logged.feedback
        contexts = with_constant(feedback.decisions.contexts)
        decisions = feedback.decisions
        decisions.contexts = contexts
        trace = run(self._made(Logged(feedback, self.seed, refresh=0).problem), Logged(feedback, self.seed, refresh=0))
        return {
            "replay": float(trace.rewards.mean()),
            "accepted": len(trace),
            "as many": self._online(contexts, logged.truth, len(trace)),
            "all": self._online(contexts, logged.truth, self.n),
        }

    def _made(self, problem: Any) -> Any:
        name, settings = parse(self.call)
        return policies.load(name, problem, seed=self.seed, **settings)

    def _online(self, contexts: Floats, truth: Floats, n: int) -> float:
        """Mean expected reward of the first n rounds."""
        rewards = (np.random.default_rng(self.seed).random(truth.shape) < truth).astype(float)
        environment = Outcomes(contexts[:n], rewards[:n], truth[:n])
        trace = run(self._made(environment.problem), environment, seed=self.seed)
        return float((truth[:n].max(axis=1) - trace.regrets).mean())


def _replays(runs: int, n: int, asked: Asked) -> Sequence[pd.DataFrame]:
    kinds = [(beta, name) for beta in (1.0, 0.0) for name in REPLAYED]
    jobs = [Replayed(REPLAYED[name], seed, n, beta) for beta, name in kinds for seed in range(runs)]
    found = answers(jobs, asked)
    told = []
    for place, (beta, name) in enumerate(kinds):
        own = pd.DataFrame(found[place * runs : (place + 1) * runs])
        log = "as theirs" if beta else "uniform log"
        for lessons in ("all", "as many"):
            errors = (own.replay - own[lessons].mean()).abs() / own[lessons].mean()
            told.append(_row(f"replay, {log}, truth of {lessons} rounds", name, errors))
    return [pd.DataFrame(told, columns=COLUMNS)]


def _row(case: str, name: str, values: pd.Series[float]) -> list[Any]:
    mean, lower, upper = (float(part) for part in mean_interval(values.to_numpy()))
    return [case, name, mean, lower, upper, len(values), np.nan]
