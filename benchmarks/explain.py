"""Why this product? What each feature does to a policy's choices, and what a linear policy believes of each product."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from scipy import special

from benchmarks.comparison.statistics import CONFIDENCE, mean_interval
from benchmarks.notebook import html
from benchmarks.runner import Draw
from benchmarks.sweeps.runs import make
from benchmarks.sweeps.watched import Watched
from benchmarks.workers.jobs import play_all
from envs.simulated import Simulated
from policies.policy import Decisions, Feedback, Floats, Integers, PolicyError
from simulator import streams
from simulator.scenario import Scenario, ScenarioError

_LATE = 0.75  # of the season: what is explained are the choices of a policy that has learned
_KEPT = 20_000  # decisions of those days that are kept, about
_FEWEST = 30  # rows behind a product's own noise; below, that of all products is taken
_SHARED = "all products"
_TELLING = 0.1  # correlation with a taste below which a feature is said to tell nothing
_LAUNCH_CONTEXT = [
    "constant",
    "share of the season gone",
    "share of products launched",
    "visits of the last week",
    "sales of the last week",
]

Shuffle = Callable[[Decisions, np.random.Generator], Decisions]


@dataclass(frozen=True)
class Explanation:
    """Why a policy chose what it chose, in one season.

    `importance` has a row a feature, the one that moves most first: `feature`; `of` ("visitor" or "product");
    `changed`, the share of choices that are others where the feature is shuffled (total variation distance of the
    probabilities, 0 to 1); `lost`, the expected reward a decision that this costs under the truth, with `lost_lower`
    and `lost_upper` (95%, over decisions).

    `coefficients` has a row a product and feature of a linear policy: `product` ("all products" for what they share),
    `feature`, `coefficient` in rewards a unit of the feature, `lower`, `upper` (95%). Of other policies it is empty.
    Products that could not be shown are left out.
    """

    policy: str
    scenario: Scenario
    seed: int
    decisions: int  # sampled
    expected: float  # reward a decision under the truth
    importance: pd.DataFrame
    coefficients: pd.DataFrame

    def _repr_html_(self) -> str:
        told = f"What the choices of {self.policy} rest on: where a feature is shuffled, so much changes and is lost."
        return html([told], self.importance)


@dataclass(frozen=True)
class Names:
    """What people call the features of a season."""

    contexts: list[str]  # (d,)
    actions: list[str]  # (a,) one a column
    groups: dict[str, list[int]]  # columns of action features that are one thing, such as the category
    products: list[str]  # (K,)


def explain(
    scenario: Scenario | str,
    policy: str,
    seed: int = 0,
    *,
    sample: int = 2_000,
    repeats: int = 5,
    progress: bool = False,
    executor: Executor | None = None,
) -> Explanation:
    """Let a policy play a season, then ask what its choices of the last quarter rest on.

    Permutation importance (Breiman 2001; Fisher, Rudin & Dominici 2019): one feature is shuffled between visitors, or
    between products, the policy is asked again, and its new answers are compared with the old ones, and judged by what
    each visitor really wanted. Features that say the same share their importance: either can stand in for the other.

    Args:
        scenario: a Scenario, the name of one, or the path of its TOML.
        policy: such as `linucb(alpha=0.5)`.
        seed: of the season and of the shuffles.
        sample: decisions that are asked again.
        repeats: shuffles of each feature.
        progress: show a bar on stderr; none where somebody else plays.
        executor: plays in place of this process, such as that of a cluster; it is not shut down.

    Raises:
        ScenarioError: there is no such scenario, or nothing is decided in its last quarter.
        PolicyError: there is no such policy, or it is the oracle.
    """
    if policy.strip() == "oracle":
        raise PolicyError("policy to explain must decide by features, got 'oracle', which knows the truth")
    if executor is not None:
        return next(play_all([Explained(scenario, policy, seed, sample, repeats)], executor))
    environment = Simulated(scenario, seed)
    names = names_of(environment)
    learned = make(policy, environment, seed)
    feedback, truth = _late_rounds(environment, learned, seed, progress)
    rows = streams.generator(seed, "explained").permutation(len(feedback))[:sample]
    table, expected = importance(learned, feedback.decisions.take(rows), truth[rows], names, seed, repeats)
    believed = coefficients(learned, feedback, names)
    there = np.array(names.products)[feedback.decisions.available.any(axis=0)]
    believed = believed[believed["product"].isin([*there, _SHARED])]
    return Explanation(policy.strip(), environment.scenario, seed, len(rows), expected, table, believed)


@dataclass(frozen=True)
class Explained:
    """A policy to be explained."""

    scenario: Scenario | str
    policy: str
    seed: int = 0
    sample: int = 2_000
    repeats: int = 5

    def play(self) -> Explanation:
        """Explain it."""
        return explain(self.scenario, self.policy, self.seed, sample=self.sample, repeats=self.repeats)


def names_of(environment: Simulated) -> Names:
    """The names of a season's features and products, in the order of their columns."""
    scenario, problem = environment.scenario, environment.problem
    categories = [f"category {name}" for name in scenario.categories]
    styles = [f"style {number}" for number in range(1, scenario.styles + 1)]
    columns = [*categories, *styles, "price", "discount"][: problem.n_action_features]
    groups = {"category": list(range(len(categories)))} if len(categories) > 1 else {}
    groups |= {name: [column] for column, name in enumerate(columns) if column >= len(categories)}
    contexts = _LAUNCH_CONTEXT if scenario.question == "launch" else _visitors(environment)
    return Names(contexts, columns, groups, environment.action_names)


def _visitors(environment: Simulated) -> list[str]:
    """The features of visitors, each with what it tells most of: a taste, or how much prices matter."""
    users, scenario = environment.market.users, environment.scenario
    tastes = users.tastes((1 + _LATE) / 2 * scenario.days)
    features, wants = users.features[:, 1:], np.column_stack([tastes, users.sensitivities])
    likes = [(f"likes style {number}", f"avoids style {number}") for number in range(1, scenario.styles + 1)]
    words = [*likes, ("minds prices", "minds prices less")]
    d = features.shape[1]
    with np.errstate(invalid="ignore", divide="ignore"):  # all may be alike
        told = np.nan_to_num(np.corrcoef(features, wants, rowvar=False)[:d, d:])  # (d, q + 1)
    return ["constant", *(_visitor(number, row, words) for number, row in enumerate(told, 1))]


def _visitor(number: int, told: Floats, words: list[tuple[str, str]]) -> str:
    most = int(np.argmax(np.abs(told)))
    if abs(told[most]) < _TELLING:
        return f"feature {number}"
    return f"feature {number} ({words[most][int(told[most] < 0)]})"


def importance(
    policy: Any, decisions: Decisions, truth: Floats, names: Names, seed: int = 0, repeats: int = 5
) -> tuple[pd.DataFrame, float]:
    """The table `Explanation.importance`, and the expected reward a decision of the policy as it is.

    Args:
        policy: asked, not taught.
        decisions: n of them.
        truth: (n, K) expected rewards.
        names: of the features.
        seed: of the shuffles.
        repeats: of each.
    """
    before = policy.probabilities(decisions)
    expected = np.sum(before * truth, axis=1)  # (n,)
    rows = []
    for number, (feature, of, shuffle) in enumerate(_shuffles(decisions, names)):
        random = streams.generator(seed, "shuffles", number)
        changed, lost = np.zeros(len(decisions)), np.zeros(len(decisions))
        for _ in range(repeats):
            after = policy.probabilities(shuffle(decisions, random))
            changed += np.abs(after - before).sum(axis=1) / 2 / repeats
            lost += (expected - np.sum(after * truth, axis=1)) / repeats
        mean, lower, upper = (float(value) for value in mean_interval(lost))
        rows.append([feature, of, float(changed.mean()), mean, lower, upper])
    columns = ["feature", "of", "changed", "lost", "lost_lower", "lost_upper"]
    table = pd.DataFrame(rows, columns=pd.Index(columns))
    return table.sort_values("changed", ascending=False, kind="stable", ignore_index=True), float(expected.mean())


def coefficients(policy: Any, feedback: Feedback, names: Names) -> pd.DataFrame:
    """The table `Explanation.coefficients`.

    Intervals are of the posterior of a ridge regression, N(theta, s^2 inverse(A)), with s the standard deviation of
    the rewards in `feedback` around the model, product by product. The policy chose its own lessons, and where
    lessons fade fewer count: read them as what the policy believes, not as an experiment's.
    """
    state = policy.state() if hasattr(policy, "state") else {}
    if "solved" in state:
        parts = _disjoint(state["solved"], names)
    elif "beta" in state:
        parts = _hybrid(state, getattr(policy, "shared", "actions"), names)
    else:
        return pd.DataFrame(columns=pd.Index(["product", "feature", "coefficient", "lower", "upper"]))
    noise = _noise(policy, parts, feedback, names)
    z = float(special.ndtri((1 + CONFIDENCE) / 2))
    rows: list[tuple[Any, ...]] = []
    for product, features, values, widths in parts:
        half = z * noise.get(product, noise[_SHARED]) * widths
        rows += zip([product] * len(features), features, values, values - half, values + half, strict=True)
    return pd.DataFrame(rows, columns=pd.Index(["product", "feature", "coefficient", "lower", "upper"]))


Part = tuple[str, list[str], Floats, Floats]  # product, names of features, coefficients, widths for noise 1


def _disjoint(solved: Floats, names: Names) -> list[Part]:
    """Coefficients lead each row, then the triangle that is asked, then the inverse of its matrix."""
    d = len(names.contexts)
    first = d + d * (d + 1) // 2
    inverses = solved[:, first : first + d * d].reshape(-1, d, d)
    widths = np.sqrt(np.einsum("kii->ki", inverses))
    return [(product, names.contexts, solved[k, :d], widths[k]) for k, product in enumerate(names.products)]


def _hybrid(state: dict[str, Any], shared: str, names: Names) -> list[Part]:
    """Shared coefficients, and each product's own given them: theta_k = alone_k - C_k beta."""
    crossed = [f"{context} x {action}" for context in names.contexts for action in names.actions]
    features = names.actions if shared == "actions" else crossed
    covariance, beta = state["shared_inverse"], state["beta"][:, 0]
    parts: list[Part] = [(_SHARED, features, beta, np.sqrt(np.diag(covariance)))]
    for k, product in enumerate(names.products):
        coupling = state["couplings"][k]
        spread = state["inverses"][k] + coupling @ covariance @ coupling.T
        parts.append((product, names.contexts, state["alone"][k][:, 0] - coupling @ beta, np.sqrt(np.diag(spread))))
    return parts


def _noise(policy: Any, parts: list[Part], feedback: Feedback, names: Names) -> dict[str, float]:
    """Standard deviation of rewards around the model, by product and over all."""
    own = {product: values for product, _, values, _ in parts}
    thetas = np.array([own[product] for product in names.products])
    predicted = np.einsum("nd,nd->n", feedback.decisions.contexts, thetas[feedback.chosen])
    if _SHARED in own:
        predicted += _shared_means(own[_SHARED], feedback, getattr(policy, "shared", "actions"))
    residuals = feedback.rewards - predicted
    noise = {_SHARED: float(residuals.std())}
    for k, product in enumerate(names.products):
        mine = residuals[feedback.chosen == k]
        if len(mine) >= _FEWEST:
            noise[product] = float(mine.std())
    return noise


def _shared_means(beta: Floats, feedback: Feedback, shared: str) -> Floats:
    z = feedback.decisions.actions[feedback.chosen]
    if shared == "outer":
        z = np.einsum("ni,nj->nij", feedback.decisions.contexts, z).reshape(len(z), -1)
    means: Floats = z @ beta
    return means


def _late_rounds(environment: Simulated, policy: Any, seed: int, progress: bool) -> tuple[Feedback, Floats]:
    """Play the season; some of its last quarter's rounds and their truth, all of it where decisions are few."""
    scenario = environment.scenario
    showing = scenario.question == "show"
    since = _LATE * scenario.days if showing else 0.0
    expected = scenario.arrivals.per_day * (scenario.days - since) * scenario.slots
    random = streams.generator(seed, "kept")
    kept: list[tuple[Feedback, Floats]] = []
    for rounds in Watched(environment, scenario.days, progress).play(Draw(policy, seed)):
        times = rounds.feedback.decisions.times
        rows = (times >= since) & (random.random(len(times)) < (_KEPT / expected if showing else 1.0))
        if rows.any() and rounds.truth is not None:
            kept.append((rounds.feedback.take(rows), rounds.truth[rows]))
        policy.learn(rounds.feedback)
    if not kept:
        raise ScenarioError("season must have decisions in its last quarter to be explained, got none")
    return _joined([feedback for feedback, _ in kept]), np.concatenate([truth for _, truth in kept])


def _joined(parts: list[Feedback]) -> Feedback:
    """All rows as one; products look as they did last."""
    questions = [part.decisions for part in parts]
    histories = [question.histories for question in questions if question.histories is not None]
    decisions = Decisions(
        np.concatenate([question.times for question in questions]),
        np.concatenate([question.contexts for question in questions]),
        questions[-1].actions,
        np.concatenate([question.available for question in questions]),
        np.concatenate(histories) if histories else None,
    )
    columns = ([getattr(part, name) for part in parts] for name in ("chosen", "propensities", "rewards"))
    return Feedback(decisions, *(np.concatenate(column) for column in columns))


def _shuffles(decisions: Decisions, names: Names) -> list[tuple[str, str, Shuffle]]:
    """What can be shuffled: context features that vary, the history as a whole, and what products look like."""
    varying = np.ptp(decisions.contexts, axis=0) > 0
    found: list[tuple[str, str, Shuffle]] = [
        (name, "visitor", partial(_shuffled_context, j)) for j, name in enumerate(names.contexts) if varying[j]
    ]
    if decisions.histories is not None:
        found.append(("products seen last", "visitor", _shuffled_history))
    return found + [(name, "product", partial(_shuffled_look, columns)) for name, columns in names.groups.items()]


def _shuffled_context(column: int, decisions: Decisions, random: np.random.Generator) -> Decisions:
    contexts = decisions.contexts.copy()
    contexts[:, column] = random.permutation(contexts[:, column])
    return _asked(decisions, contexts, decisions.actions, decisions.histories)


def _shuffled_history(decisions: Decisions, random: np.random.Generator) -> Decisions:
    assert decisions.histories is not None
    return _asked(decisions, decisions.contexts, decisions.actions, random.permutation(decisions.histories))


def _shuffled_look(columns: list[int], decisions: Decisions, random: np.random.Generator) -> Decisions:
    actions = decisions.actions.copy()
    actions[:, columns] = random.permutation(actions[:, columns])
    return _asked(decisions, decisions.contexts, actions, decisions.histories)


def _asked(decisions: Decisions, contexts: Floats, actions: Floats, histories: Integers | None) -> Decisions:
    return Decisions(decisions.times, contexts, actions, decisions.available, histories)
