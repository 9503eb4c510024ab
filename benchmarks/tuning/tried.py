"""Where settings are tried: whole seasons of a scenario, or blocks of a log in order of time."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import foreign, logs
from benchmarks.compare import compare
from benchmarks.off_policy.diagnostics import Diagnosis
from benchmarks.off_policy.evaluation import evaluate, find
from benchmarks.off_policy.passes import Streamed, lessons
from benchmarks.off_policy.verdicts import Claim, judge
from benchmarks.runner import run
from benchmarks.sweeps.columns import SALES
from benchmarks.sweeps.runs import make
from envs.feedback import LogError, LoggedFeedback
from envs.logged import Logged
from envs.simulated import Simulated
from policies.calls import parse
from policies.policy import Floats, PolicyError, Problem
from simulator.scenario import Scenario

FIRST_TUNING_SEED = 1_000_000  # far from the seeds 0, 1, ... that comparisons use, so that none is met twice
_LESSON = 1_024  # rows
_FEWEST_ACCEPTED = 30  # rows of a block: below, its replay says nothing at all
_SURE = 1e-9  # so many blocks are replayed that a test at 1% would refuse sound logs


def named(
    where: str, objective: str | None, searched: int, judged: int, columns: Any = None, **ingest: Any
) -> tuple[Seasons | Blocks, range, range]:
    """The question that a scenario or a log names, the parts to search on and those to judge on.

    Args:
        where: name or TOML of a scenario, or a log as of `benchmarks.logs.named`.
        objective: as of `Seasons` and `Blocks`; "units" and "dr" where None.
        searched, judged: how many seasons or blocks.
        columns, ingest: of a log, as of `benchmarks.logs.named`.

    Raises:
        ScenarioError, LogError, PolicyError: there is no such scenario, log or objective.
    """
    looks_like_a_log = Path(where).is_file() or set(where) & set(":*./ ")
    if where in Scenario.names() or where.endswith(".toml") or not looks_like_a_log:
        seasons = Seasons(where, objective or "units")
        return seasons, range(FIRST_TUNING_SEED, FIRST_TUNING_SEED + searched), range(judged)
    blocks = Blocks(logs.named(where, columns, **ingest), 1 + searched + judged, objective or "dr")
    return blocks, range(1, 1 + searched), range(1 + searched, 1 + searched + judged)


class Seasons:
    """Seasons of a scenario: a part is a seed, its value the season's sales or the policy's own rewards.

    Args:
        scenario: a Scenario, the name of one, or the path of its TOML.
        objective: "units", "revenue" or "margin" (euros), the shop's, net of returns; or "reward", the policy's own.

    Raises:
        ScenarioError, PolicyError: there is no such scenario or objective.
    """

    part = "seasons"

    def __init__(self, scenario: Scenario | str, objective: str = "units") -> None:
        if objective not in (*SALES, "reward"):
            known = ", ".join((*SALES, "reward"))
            raise PolicyError(f"measure must be one of {known} for a scenario, got {objective!r}")
        self.scenario = scenario if isinstance(scenario, Scenario) else Scenario.load(scenario)
        self.objective = objective
        self.unit = {"units": "units sold", "revenue": "EUR revenue", "margin": "EUR margin"}.get(objective, "reward")
        self.name = f"{objective} {self.scenario.model_dump_json()}"

    @cached_property
    def problem(self) -> Problem:
        """What the policies are asked."""
        return Simulated(self.scenario, FIRST_TUNING_SEED).problem

    def together(self, parts: Sequence[int]) -> list[tuple[int, ...]]:
        """Every season alone."""
        return [(part,) for part in parts]

    def values(self, call: str, parts: Sequence[int]) -> list[float]:
        """What each of these seasons came to."""
        return [self._play(call, seed) for seed in parts]

    def _play(self, call: str, seed: int) -> float:
        season = Simulated(self.scenario, seed, foresee=False)  # no policy sees the truth, no value rests on it
        trace = run(make(call, season, seed), season, seed)
        if self.objective == "reward":
            return float(trace.rewards.sum())
        return float(trace.ledger.net_sales(self.objective)[1].sum())

    def judged(self, calls: Sequence[str], parts: Sequence[int], **how: Any) -> tuple[dict[str, Floats], str]:
        """The policies side by side on fresh seasons."""
        measure = "units" if self.objective == "reward" else self.objective
        comparison = compare(self.scenario, calls, parts, baseline=calls[0], measure=measure, **how)
        return {call: comparison.values(call, self.objective) for call in calls}, ""


class Blocks:
    """A log cut into blocks of equally many rows in order of time: a part is a block, its value a mean reward.

    With an estimator the policy learns all rows before a block as they were logged, is frozen, and its value on the
    block is estimated off-policy. With "replay" a fresh policy decides and learns within the block, by rejection.
    Block 0 is there to learn from.

    Args:
        log: with propensities, in order of time.
        blocks: how many.
        objective: an off-policy estimator, such as "dr" or "snips(...)", or "replay".
        seed: of policies and replays.

    Raises:
        LogError: the log has no propensities, or too few rows.
        PolicyError: there is no such estimator.
    """

    part = "blocks"

    def __init__(self, log: LoggedFeedback, blocks: int, objective: str = "dr", *, seed: int = 0) -> None:
        if objective != "replay":
            find(parse(objective)[0])
        if log.propensities == "missing":
            raise LogError("tuning on a log must have propensities, got a log without: map their column, or estimate")
        if blocks < 3 or len(log) < 2 * blocks:
            raise LogError(f"log must have at least 3 blocks of 2 rows, got {blocks} blocks and {len(log)} rows")
        self.problem = log.problem
        self.unit = "reward a decision"
        self.objective, self.seed = objective, seed
        self._log = log
        self._cuts = np.linspace(0, len(log), blocks + 1).astype(int)
        self.name = f"{objective} {blocks} {seed} {_fingerprint(log)}"

    def together(self, parts: Sequence[int]) -> list[tuple[int, ...]]:
        """All blocks in one pass, for what was learned before one is needed after it; replays alone."""
        return [(part,) for part in parts] if self.objective == "replay" else [tuple(sorted(parts))]

    def values(self, call: str, parts: Sequence[int]) -> list[float]:
        """The mean reward of the policy on each of these blocks."""
        if self.objective == "replay":
            return [self._replay(call, part) for part in parts]
        return [value for value, _ in self._estimates(call, parts)]

    def judged(self, calls: Sequence[str], parts: Sequence[int], **how: Any) -> tuple[dict[str, Floats], str]:
        """The policies on the same later blocks; refused where those rows cannot say what a policy is worth."""
        if self.objective == "replay":
            return {call: np.array(self.values(call, parts)) for call in calls}, ""
        values, refusals = {}, {}
        for call in calls:
            found = list(self._estimates(call, parts))
            values[call] = np.array([value for value, _ in found])
            refusals[call] = _refusal(values[call], [diagnosis for _, diagnosis in found])
        return values, " ".join(f"{call}: {reason}" for call, reason in refusals.items() if reason)

    def _estimates(self, call: str, parts: Sequence[int]) -> Iterator[tuple[float, Diagnosis]]:
        """The value of the policy on each of these blocks, and what it rests on."""
        policy = foreign.load(call, self.problem, seed=self.seed)
        for block in range(max(parts) + 1):
            rows = self._block(block)
            if block in parts:
                found = evaluate(Streamed(rows, policy), [self.objective], placebo=False)
                yield found.accumulators[self.objective].value(), found.diagnosis
            for lesson in lessons(rows, len(rows), _LESSON):
                policy.learn(lesson)

    def _block(self, block: int) -> LoggedFeedback:
        """The rows of a block as a log: each with the products as they looked then, and with all that is beside it."""
        rows = self._log.rows.take(slice(*self._cuts[block : block + 2]))
        return LoggedFeedback(
            [part.feedback for part in rows.parts(len(rows))],
            self._log.actions,
            propensities=self._log.propensities,
            known=rows.known,
            positions=rows.positions,
            users=rows.users,
            weights=rows.weights,
        )

    def _replay(self, call: str, block: int) -> float:
        environment = Logged(self._block(block), self.seed)
        run(foreign.load(call, self.problem, seed=self.seed), environment, self.seed)
        report = environment.report()
        if reason := report.refusal(_FEWEST_ACCEPTED, _SURE):
            raise LogError(f"block {block} of the log cannot be replayed by {call}: {reason}")
        return report.value


def _fingerprint(log: LoggedFeedback) -> str:
    """Another one as soon as a row, or what the products looked like then, is another."""
    rows = log.rows
    feedback, decisions = rows.feedback, rows.feedback.decisions
    columns = [feedback.chosen, feedback.rewards, feedback.propensities, decisions.contexts, decisions.actions]
    beside = rows.known, rows.users, rows.positions, rows.snapshots, rows.catalogue, rows.weights
    columns += [column for column in beside if column is not None]
    found = hashlib.sha256()
    for column in columns:
        found.update(np.ascontiguousarray(column).tobytes())
    return found.hexdigest()


def _refusal(values: Floats, diagnoses: list[Diagnosis]) -> str:
    """Why these rows cannot say what the policy is worth, or ''."""
    whole, *others = diagnoses
    for other in others:
        whole.merge(other)
    health = whole.health()
    claim = Claim(float(values.mean()), 0.0, 0.0, health.effective_sample_size, weighted=True, bounded=False)
    verdict, reason = judge(claim, health)
    return reason if verdict == "refuse" else ""
