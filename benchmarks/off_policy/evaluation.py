"""What would this policy have earned on that log? Estimates that add up in one pass and merge, with a verdict each."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from copy import deepcopy
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.off_policy import intervals, slope
from benchmarks.off_policy.diagnostics import Diagnosis, Health
from benchmarks.off_policy.estimators import ESTIMATORS, Estimator, View
from benchmarks.off_policy.evidence import Evidence, reweigh, weigh
from benchmarks.off_policy.logging_model import CrossFittedLogging
from benchmarks.off_policy.marginal import look_alikes, marginal_weights
from benchmarks.off_policy.passes import InMemory, Passes, Slice
from benchmarks.off_policy.reward_models import CrossFitted, RewardModel, Ridge
from benchmarks.off_policy.sums import WEIGHT, Sums
from benchmarks.off_policy.verdicts import Claim, judge
from envs.feedback import LogError
from policies.calls import parse
from policies.policy import Feedback, Floats, Integers, PolicyError

METHODS: dict[str, Callable[..., tuple[float, float]]] = {
    "gamma": intervals.gamma,
    "bootstrap": intervals.bootstrap,
    "student_t": intervals.student_t,
    "empirical_bernstein": intervals.empirical_bernstein,
    "confidence_sequence": intervals.confidence_sequence,
}


def estimate(
    feedback: Feedback,
    probabilities: Floats,
    estimators: Sequence[str] = ("ips", "snips", "dm", "dr"),
    confidence: float = 0.95,
    *,
    method: str = "gamma",
    predictions: Floats | None = None,
    reward_model: Callable[[], RewardModel] = Ridge,
    placebo: bool = False,
    users: Any = None,
    positions: Any = None,
    counts: Floats | None = None,
) -> pd.DataFrame:
    """What a policy would have earned per decision on a log in memory.

    Args:
        feedback: n rows of the log.
        probabilities: (n, K) what the policy answers to `feedback.decisions`.
        estimators: names of `estimators.ESTIMATORS`, with settings as in `ips(clip=10)`.
        confidence: of the intervals.
        method: of the intervals, a name of `METHODS`, with settings as in `confidence_sequence(reward_range=(0, 1))`.
        predictions: (n, K) expected rewards; by a cross-fitted `reward_model` where not given.
        reward_model: makes a fresh model.
        placebo: also estimate the logging policy, re-learned from the log.
        users: (n,) who decided, as uint64, 0 where unknown: rows of one user then count as one in the intervals.
        positions: (n,) slot on the page, which logging and reward models then see.
        counts: (n,) visits that each row stands for, where the log was thinned out: 1 / its chance of being kept.

    Returns:
        A row per estimator: value, lower, upper, n, effective_sample_size, verdict and its reason. The verdict compares
        the policy with the one that made the log.

    Raises:
        PolicyError: an unknown estimator or method, or probabilities that are none.
        LogError: a row that cannot be.
    """
    passes = InMemory(feedback, probabilities, predictions, users, positions, counts)
    return evaluate(passes, estimators, reward_model=reward_model, placebo=placebo).table(confidence, method)


def evaluate(
    passes: Passes,
    estimators: Sequence[str] = ("ips", "snips", "dm", "dr"),
    *,
    reward_model: Callable[[], RewardModel] = Ridge,
    placebo: bool = True,
) -> Evaluation:
    """Two passes over a log, in constant memory: one to fit what models the estimators need, one to estimate.

    Args:
        passes: the log with the answers of the policy.
        estimators: names of `estimators.ESTIMATORS`, with settings as in `ips(clip=10)`.
        reward_model: makes a fresh model.
        placebo: also estimate the logging policy, re-learned from the log.
    """
    if not len(passes):
        raise LogError("log must have at least one row, got none")
    evaluation = Evaluation(estimators, placebo=placebo, estimated=passes.estimated)
    models = Models(evaluation.views, reward_model, rows=len(passes), placebo=evaluation.placebo)
    if models.needed:
        for piece in passes:
            models.add(piece)
    for piece in passes:
        evaluation.add(piece, models)
    return evaluation


def evaluate_shards(
    executor: Executor,
    shards: Sequence[Passes],
    estimators: Sequence[str] = ("ips", "snips", "dm", "dr"),
    *,
    reward_model: Callable[[], RewardModel] = Ridge,
    placebo: bool = False,
) -> Evaluation:
    """`evaluate` with a worker a shard: models and estimates are merged, so the result is that of one pass.

    Args:
        executor: a pool of processes, or of a cluster (`distributed.Client.get_executor()`).
        shards: consecutive parts of a log, in order.
    """
    total = sum(len(shard) for shard in shards)
    firsts = [sum(len(shard) for shard in shards[:s]) for s in range(len(shards))]
    evaluation = Evaluation(estimators, placebo=placebo, estimated=any(shard.estimated for shard in shards))
    models = Models(evaluation.views, reward_model, rows=total, placebo=evaluation.placebo)
    if models.needed:
        fitting = [executor.submit(_fit, models, *part) for part in zip(shards, firsts, strict=True)]
        for fitted in [future.result() for future in fitting]:
            models.merge(fitted)
    judging = [executor.submit(_judge, evaluation, models, *part) for part in zip(shards, firsts, strict=True)]
    for seen in [future.result() for future in judging]:
        evaluation.merge(seen)
    return evaluation


class Accumulator:
    """One estimator over a log that passes by: `add`, `merge`, `value`, `interval`.

    Args:
        estimator: its name, one of `estimators.ESTIMATORS`.
        settings: of its formula, such as `clip`.

    Raises:
        PolicyError: there is no estimator of that name, or it has no such setting.
    """

    def __init__(self, estimator: str, **settings: float) -> None:
        self.estimator = find(estimator)
        self.largest_weight = 0.0  # of the rows, before the estimator clips or shrinks it
        known = [name for name in inspect.signature(self.estimator.terms).parameters if name != "evidence"]
        for name, value in settings.items():
            if name not in known:
                raise PolicyError(f"{estimator} setting must be one of {', '.join(known) or '(none)'}, got {name!r}")
            if not isinstance(value, (int, float)) or not value > 0.0:
                raise PolicyError(f"{estimator} {name} must be a number above 0, got {value!r}")
        self._terms = partial(self.estimator.terms, **settings)
        self.sums = Sums()

    def add(self, evidence: Evidence, start: int) -> None:
        """Take in consecutive rows, the first of which is row `start` of the whole log."""
        self.largest_weight = max(self.largest_weight, float(evidence.weights.max(initial=0.0)))
        self.sums.add(self._terms(evidence), start, evidence.users, evidence.counts)

    def merge(self, other: Accumulator) -> None:
        """Take in what an accumulator of the same estimator has seen elsewhere."""
        self.largest_weight = max(self.largest_weight, other.largest_weight)
        self.sums.merge(other.sums)

    @property
    def bounded(self) -> bool:
        """Whether its weights were clipped or shrunk on these rows."""
        return bool(self.sums.high[WEIGHT] < self.largest_weight)

    def value(self, relative: bool = False) -> float:
        """The estimate, or its difference to the mean reward of the log."""
        return intervals.value(self.sums.moments, self.estimator.self_normalised, relative)

    def interval(
        self, confidence: float = 0.95, relative: bool = False, method: str = "gamma", **settings: Any
    ) -> tuple[float, float]:
        """(lower, upper) by a name of `METHODS`, with settings as in `confidence_sequence(reward_range=(0, 1))`.

        The value lies between them, even where the weights of a small log put it beyond the largest reward. (NaN, NaN)
        where the log does not bear such an interval: `unfit` says why.
        """
        name, given = parse(method)
        if name not in METHODS:
            raise PolicyError(f"interval must be one of {', '.join(METHODS)}, got {name!r}")
        if not 0.0 < confidence < 1.0:
            raise PolicyError(f"confidence must lie between 0 and 1, got {confidence}")
        known = inspect.getfullargspec(METHODS[name]).kwonlyargs
        for setting in given:
            if setting not in known:
                raise PolicyError(f"{name} setting must be one of {', '.join(known) or '(none)'}, got {setting!r}")
        if self.unfit(name, relative):
            return np.nan, np.nan
        limits = METHODS[name](self.sums, self.estimator.self_normalised, confidence, relative, **given, **settings)
        return intervals.around(self.value(relative), limits)

    def unfit(self, method: str = "gamma", relative: bool = False) -> str:
        """Why the log does not bear an interval of this kind; nothing where it does."""
        return intervals.unfit(parse(method)[0], self.sums, self.estimator.self_normalised, relative)

    def effective_sample_size(self) -> float:
        """(sum w)^2 / sum w^2 of the weights as the estimator uses them (Kong 1992); 0 where all are 0."""
        return self.sums.moments.worth(WEIGHT)


def find(name: str) -> Estimator:
    """The estimator of that name.

    Raises:
        PolicyError: there is none.
    """
    if name not in ESTIMATORS:
        raise PolicyError(f"estimator must be one of {', '.join(ESTIMATORS)}, got {name!r}")
    return ESTIMATORS[name]


class Models:
    """What a first pass over the log learns for the second: reward models, and a sample for the logging policy."""

    def __init__(self, views: set[View], make: Callable[[], RewardModel], rows: int, placebo: bool) -> None:
        self._plain = CrossFitted(make) if "modelled" in views else None
        self._variance = CrossFitted(make) if "variance" in views else None
        self._logging = CrossFittedLogging(rows) if placebo or "marginal" in views else None

    @property
    def needed(self) -> bool:
        """Whether there is anything to learn."""
        return any(part is not None for part in (self._plain, self._variance, self._logging))

    def add(self, piece: Slice) -> None:
        """Take in a slice of the log."""
        weights = weigh(
            piece.feedback, piece.probabilities, start=piece.start
        ).weights  # a bad row is told before it counts
        counts = np.ones(len(weights)) if piece.counts is None else piece.counts
        if self._plain is not None and piece.predictions is None:
            self._plain.add(piece.seen, piece.start, counts)
        if self._variance is not None:
            self._variance.add(piece.seen, piece.start, counts * weights**2 * (1.0 - piece.feedback.propensities))
        if self._logging is not None:
            self._logging.add(piece.seen, piece.start, piece.counts)

    def merge(self, other: Models) -> None:
        """Take in what others have learned from another part of the log."""
        for name in ("_plain", "_variance", "_logging"):
            if getattr(self, name) is not None:
                getattr(self, name).merge(getattr(other, name))

    def predictions(self, piece: Slice, view: View) -> Floats | None:
        """(n, K) expected rewards, by models that have not seen these rows; None where a view has no model."""
        if view == "variance" and self._variance is not None:
            return self._variance.predict(piece.seen.decisions, piece.start)
        if view == "modelled" and self._plain is not None:
            given = piece.predictions
            return given if given is not None else self._plain.predict(piece.seen.decisions, piece.start)
        return None

    def logging(self, piece: Slice) -> Floats:
        """(n, K) chances under the policy that made the log, re-learned."""
        assert self._logging is not None
        return self._logging.probabilities(piece.seen.decisions, piece.start)


@dataclass
class Evaluation:
    """All that one pass over a log finds out about a policy; parts of a log merge.

    There is no placebo where propensities are estimated: it would test the model that made them against itself.
    """

    estimators: Sequence[str]
    placebo: bool = True
    estimated: bool = False  # propensities

    def __post_init__(self) -> None:
        self.placebo = self.placebo and not self.estimated
        self.accumulators = {call: _accumulator(call) for call in self.estimators}
        self.diagnosis = Diagnosis()
        self._of_looks = Diagnosis()  # the same of what actions look like, for estimators that go by that
        self._placebo = Accumulator("ips")

    @property
    def views(self) -> set[View]:
        """What the estimators need to look at."""
        return {accumulator.estimator.view for accumulator in self.accumulators.values()}

    def add(self, piece: Slice, models: Models) -> None:
        """Take in a slice of the log."""
        plain = _evidence(piece, models, "modelled" if "modelled" in self.views else "weights")
        views: dict[View, Evidence] = {"weights": plain, "modelled": plain}  # the weights of both are the same
        views |= {view: _evidence(piece, models, view) for view in self.views - {*views, "marginal"}}
        if "marginal" in self.views:
            groups = look_alikes(piece.feedback.decisions.actions)
            views["marginal"] = _marginal(plain, piece, models, groups)
            self._of_looks.add(piece.feedback, piece.probabilities, views["marginal"], groups)
        for accumulator in self.accumulators.values():
            accumulator.add(views[accumulator.estimator.view], piece.start)
        self.diagnosis.add(piece.feedback, piece.probabilities, plain)
        if self.placebo:
            self._placebo.add(
                weigh(piece.feedback, models.logging(piece), users=piece.users, counts=piece.counts), piece.start
            )

    def merge(self, other: Evaluation) -> None:
        """Take in what another has seen."""
        for name, accumulator in self.accumulators.items():
            accumulator.merge(other.accumulators[name])
        self.diagnosis.merge(other.diagnosis)
        self._of_looks.merge(other._of_looks)
        self._placebo.merge(other._placebo)

    def health(self, view: View = "weights") -> Health:
        """Whether the numbers can be believed, of estimators with this view."""
        sums = next(iter(self.accumulators.values()), self._placebo).sums
        diagnosis = self._of_looks if view == "marginal" else self.diagnosis
        health = replace(diagnosis.health(), estimated=self.estimated, users=sums.independent)
        if not self.placebo:
            return health
        moments = self._placebo.sums.moments
        weight = (float(moments.mean[WEIGHT]), moments.error(WEIGHT))
        return replace(health, placebo=(self._placebo.value(), *self._placebo.interval()), placebo_weight=weight)

    def health_of(self, estimator: str) -> Health:
        """Whether the numbers of this estimator can be believed."""
        return self.health(self.accumulators[estimator].estimator.view)

    def trusted(self, estimator: str) -> bool:
        """Whether its interval holds all of its error: nothing stands in for what the log says of an action."""
        one = self.accumulators[estimator]
        return one.estimator.weighted and one.estimator.view != "marginal" and not one.bounded

    def claim(self, estimator: str, confidence: float = 0.95, method: str = "gamma") -> Claim:
        """What the estimator says of the policy beside the log, the interval of the difference with this confidence."""
        one = self.accumulators[estimator]
        return Claim(
            one.value(),
            *one.interval(confidence, relative=True, method=method),
            effective_sample_size=one.effective_sample_size(),
            weighted=one.estimator.weighted,
            bounded=one.bounded,
            modelled=one.bounded and one.estimator.view in ("modelled", "variance"),
            unfit=one.unfit(method, relative=True),
        )

    def table(self, confidence: float = 0.95, method: str = "gamma", comparisons: int = 1) -> pd.DataFrame:
        """A row per estimator: value, lower, upper, n, effective_sample_size, verdict, reason.

        Args:
            confidence: of the intervals.
            method: a name of `METHODS`, with settings.
            comparisons: policies that are judged on this log: verdicts of so many hold together with this confidence
                (Bonferroni).
        """
        together = 1.0 - (1.0 - confidence) / comparisons
        rows = [self._row(name, confidence, together, method) for name in self.accumulators]
        return pd.DataFrame(rows, index=pd.Index(self.accumulators, name="estimator"))

    def _row(self, name: str, confidence: float, together: float, method: str) -> dict[str, Any]:
        one = self.accumulators[name]
        lower, upper = one.interval(confidence, method=method)
        claim = self.claim(name, together, method)
        verdict, reason = judge(claim, self.health_of(name))
        return {
            "value": claim.value,
            "lower": lower,
            "upper": upper,
            "n": one.sums.moments.n,
            "effective_sample_size": claim.effective_sample_size,
            "verdict": verdict,
            "reason": reason,
        }

    def choice(self, confidence: float = 0.95) -> tuple[str, str]:
        """The estimator to go by, and why: of those that trust no model, where there are any.

        What a model says in place of the log has an error that no interval shows: those of the direct method, of
        shrunken weights and of what actions look like hold the truth too seldom.
        """
        plain = {name: one for name, one in self.accumulators.items() if self.trusted(name)}
        found = {
            name: (one.value(), intervals.standard_error(one.sums, one.estimator.self_normalised))
            for name, one in (plain or self.accumulators).items()
        }
        return slope.choose(found, confidence)


def _accumulator(call: str) -> Accumulator:
    name, settings = parse(call)
    return Accumulator(name, **settings)


def _evidence(piece: Slice, models: Models, view: View) -> Evidence:
    predictions = models.predictions(piece, view)
    return weigh(piece.feedback, piece.probabilities, predictions, piece.start, piece.users, piece.counts)


def _marginal(plain: Evidence, piece: Slice, models: Models, groups: Integers) -> Evidence:
    return reweigh(plain, marginal_weights(piece.feedback, piece.probabilities, models.logging(piece), groups))


def _fit(empty: Models, shard: Passes, first: int) -> Models:
    models = deepcopy(empty)  # workers that are threads share it
    for piece in shard:
        models.add(replace(piece, start=piece.start + first))
    return models


def _judge(empty: Evaluation, models: Models, shard: Passes, first: int) -> Evaluation:
    evaluation = deepcopy(empty)
    for piece in shard:
        evaluation.add(replace(piece, start=piece.start + first), models)
    return evaluation
