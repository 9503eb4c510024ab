"""Every budget of speed in one table: what is reached, beside a floor that is measured in the same minute.

The machine, and whoever else is busy on it, count for both alike, so the ratio is what to look at. Nothing is kept: a
speed is one of now. Times are processor time, of one process, but for what somebody waits for.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

import policies
from benchmarks.compare import compare
from benchmarks.off_policy import evaluate
from benchmarks.off_policy.passes import Streamed
from benchmarks.suites import contenders, linear_policies, market, neural_policies, off_policy, vowpal
from benchmarks.suites.contenders import ENTRIES
from benchmarks.suites.off_policy_peers import WORKS, Judged
from benchmarks.suites.peers import race
from benchmarks.suites.suite import COLUMNS, Asked
from envs.feedback import LoggedFeedback
from envs.linear import Linear
from policies.policy import Floats
from simulator.scenario import Scenario

_REPEATS = 3
_D = 16  # context features, one of them a constant
_SEVEN = ["uniform", "newest", "popularity", "epsilon_greedy", "linucb", "linear_thompson", "fixed_order"]


class Speed(NamedTuple):
    """One piece of work: what it takes, and what its floor does."""

    work: str
    unit: str  # of both
    ours: float
    floor: float
    beside: str  # what the floor is
    wanted: str


def rows(asked: Asked) -> pd.DataFrame:
    """A row a piece of work: `ours` and its `floor` in the unit `contestant`; a `ratio` above 1 is faster than it."""
    found = list(_all(asked))
    table = pd.DataFrame(
        [(one.work, one.unit, one.ours, np.nan, np.nan, 1, np.nan) for one in found], columns=COLUMNS
    ).assign(floor=[one.floor for one in found], beside=[one.beside for one in found])
    return table.assign(ratio=[ratio(one) for one in found], wanted=[one.wanted for one in found])


def ratio(one: Speed) -> float:
    """How many times as fast as its floor."""
    faster = one.ours / one.floor
    return faster if one.unit.endswith("/s") else 1 / faster


def _all(asked: Asked) -> Iterator[Speed]:
    yield from _linucb(2_000 if asked.small else 10_000)
    yield _vowpal()
    yield from _market(asked.small)
    yield _step()
    yield from _log(200_000 if asked.small else 1_000_000)
    yield _seasons(2 if asked.small else 20)
    if not asked.small:
        yield from _neural()


# Decisions


def _linucb(n: int) -> Iterator[Speed]:
    problem = Linear(10, _D - 1, n)
    race(ENTRIES["launchsim"], Linear(10, _D - 1, 20))  # compiles
    for name, wanted in {"plain numpy": "2.6x", "pymab": "7.2x"}.items():
        entry = ENTRIES.get(name, contenders.Entry("numpy", "numpy", Plain))
        if not entry.missing():
            ours, floor = _alternating(partial(_raced, ENTRIES["launchsim"], problem), partial(_raced, entry, problem))
            yield Speed("linucb, one decision and lesson, K=10, d=16", "rounds/s", n / ours, n / floor, name, wanted)
    batches = Linear(20, _D - 1, 10 * n, batch=1_000)
    linear_policies.ask_and_learn(batches)
    ours, floor = _alternating(
        partial(seconds, partial(linear_policies.ask_and_learn, batches)), partial(seconds, partial(scored, batches))
    )
    beside = "the bounds alone as matrix products, nothing learned"
    yield Speed("linucb, batches of 1,000, K=20, d=16", "rounds/s", 10 * n / ours, 10 * n / floor, beside, "")


def _raced(entry: contenders.Entry, problem: Linear) -> float:
    return race(entry, problem)[1]


class Plain:
    """LinUCB in plain numpy: all inverses in one array, one row of it moved by Sherman and Morrison."""

    def __init__(self, K: int, d: int) -> None:
        self._inverse, self._moments, self._theta = np.tile(np.eye(d), (K, 1, 1)), np.zeros((K, d)), np.zeros((K, d))

    def shaped(self, contexts: Floats, menus: Any) -> list[Any]:
        """As they are; everything is on offer, always."""
        return list(contexts)

    def ask(self, i: int, x: Floats) -> int:
        """The best bound."""
        return int((self._theta @ x + np.sqrt((self._inverse @ x) @ x)).argmax())

    def tell(self, i: int, x: Floats, action: int, reward: float) -> None:
        """One lesson."""
        turned = self._inverse[action] @ x
        self._inverse[action] -= np.outer(turned, turned) / (1 + x @ turned)
        self._moments[action] += reward * x
        self._theta[action] = self._inverse[action] @ self._moments[action]


def scored(problem: Linear) -> None:
    """Bounds of every batch from matrices that stand still."""
    (K, d), size = (problem.rewards.shape[1], problem.contexts.shape[1]), problem.batch
    theta, inverse = np.zeros((d, K)), np.tile(np.eye(d), (K, 1, 1))
    for start in range(0, len(problem.contexts), size):
        x = problem.contexts[start : start + size]
        (x @ theta + np.sqrt(((x @ inverse) * x).sum(axis=2)).T).argmax(axis=1)


def _vowpal() -> Speed:
    feedback = vowpal.rounds(seed=0)
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "rounds.txt"
        log.write_text(vowpal.text(feedback))
        ours, _, driver = vowpal.compare({}, feedback, log)
    return Speed(
        "vowpal, decide and learn, K=10, d=16", "us", ours, driver, "VW's own driver on the same rounds", "0.3x"
    )


# The market


def _market(small: bool) -> Iterator[Speed]:
    flagship = Scenario.load("flagship")
    brief = flagship.changed(days=2, **market.until(flagship, 2))
    market.measure(brief, "linucb")  # compiles
    for policy in ("uniform", "linucb"):
        runs = [
            (1e6 / market.measure(brief if small else flagship, policy).per_second, market.timeout())
            for _ in range(_REPEATS)
        ]
        yield _visit(f"market in batches, flagship{', 2 days' if small else ''}, {policy}", runs, "0.3x" * (not small))
    single = market.small(refresh_minutes=0.0)
    market.unwatched(single.changed(days=1), "linucb")
    runs = [(1e6 / market.unwatched(single, "linucb"), market.timeout()) for _ in range(_REPEATS)]
    yield _visit("market, one visit at a time, linucb", runs, "")
    if not small:
        visits, _, microseconds, gigabytes, bare = _apart()
        work = f"market, 1,000,000 users, 4,000 products, {visits:,} visits, {gigabytes:.2f} GiB"
        yield _visit(work, [(microseconds, bare)], "10 us, 3 GiB")


def _apart() -> tuple[int, int, float, float, float]:
    import multiprocessing

    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(market.in_large_shop)


def _visit(work: str, runs: list[tuple[float, float]], wanted: str) -> Speed:
    """The run whose ratio is in the middle."""
    ours, bare = sorted(runs, key=lambda run: run[0] / run[1])[len(runs) // 2]
    return Speed(f"{work}, a visit", "us", ours, bare, "one bare SimPy timeout", wanted)


# Networks


def _step() -> Speed:
    ours, floor = _alternating(partial(neural_policies.step_time, (64, 64)), lambda: 1e6 * products())
    beside = "the nine matrix products of that step in numpy"
    return Speed("neural argmax, one Adam step, batch 64, 2 x 64 hidden", "us", ours, floor, beside, "74 us")


def products(batch: int = 64, width: int = 64, features: int = 48, steps: int = 300) -> float:
    """Seconds of the matrix products of one step forward and back through two layers and a score, without the rest."""
    random = np.random.default_rng(0)
    shapes = ((features, width), (width, width), (width, 1))
    layers = [(random.normal(size=(batch, a)).astype("f"), random.normal(size=(a, b)).astype("f")) for a, b in shapes]
    started = time.process_time()
    for _ in range(steps):
        for x, weights in layers:
            out = x @ weights
            _, _ = x.T @ out, out @ weights.T
    return (time.process_time() - started) / steps


def _neural() -> Iterator[Speed]:
    flagship = Scenario.load("flagship")
    bare = market.measure(flagship, "uniform").seconds
    for name, wanted in {"neural_argmax": "90 s", "neural_linear": "180 s", "neural_ensemble": "240 s"}.items():
        yield Speed(
            f"{name}, a flagship season", "s", market.measure(flagship, name).seconds, bare, "uniform's season", wanted
        )


# Logs


def _log(n: int) -> Iterator[Speed]:
    log = off_policy.made(n)
    work = "IPS + SNIPS + DR, one pass, 10 actions"
    for name, floor in {"the sums alone in numpy": sums, "Open Bandit Pipeline": WORKS["Open Bandit Pipeline"]}.items():
        if name in ENTRIES and ENTRIES[name].missing():
            continue
        ours, theirs = _alternating(
            partial(seconds, partial(WORKS["launchsim"], log)), partial(seconds, partial(floor, log))
        )
        yield Speed(work, "rows/s", n / ours, n / theirs, name, "6x" if name in ENTRIES else "")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "log.parquet"
        LoggedFeedback(log.feedback).write(path)
        ours, theirs = _alternating(partial(seconds, partial(_streamed, path)), lambda: off_policy.in_sql(path))
    yield Speed("IPS + SNIPS from Parquet", "rows/s", n / ours, n / theirs, "the two sums as SQL in DuckDB", "")


def _streamed(path: Path) -> None:
    log = LoggedFeedback.read(path)
    evaluate(Streamed(log, policies.load("uniform", log.problem)), ("ips", "snips"), placebo=False).table()


def sums(log: Judged) -> dict[str, float]:
    """The three estimates as whole columns."""
    rows, feedback = np.arange(len(log.feedback)), log.feedback
    weights = log.probabilities[rows, feedback.chosen] / feedback.propensities
    paid = weights * feedback.rewards
    direct = np.einsum("nk,nk->n", log.probabilities, log.predictions)
    residuals = weights * (feedback.rewards - log.predictions[rows, feedback.chosen])
    return {
        "ips": float(paid.mean()),
        "snips": float(paid.sum() / weights.sum()),
        "dr": float((direct + residuals).mean()),
    }


# Seasons


def _seasons(n: int) -> Speed:
    started = time.perf_counter()
    found = compare("spring_launch", _SEVEN, n, processes=2)
    taken = time.perf_counter() - started
    bare = float(found.runs.seconds.sum()) / 2
    beside = "half of the seconds of the seasons themselves"
    return Speed(
        f"7 policies x {n} seasons of spring_launch, 2 processes", "s", taken, bare, beside, "60 s" * (n == 20)
    )


def seconds(work: Callable[[], object]) -> float:
    """Of processor time."""
    started = time.process_time()
    work()
    return max(time.process_time() - started, 1e-9)


def _alternating(ours: Callable[[], float], floor: Callable[[], float]) -> tuple[float, float]:
    """Medians of both, measured in turn, so that a busy machine is busy for both."""
    pairs = [(ours(), floor()) for _ in range(_REPEATS)]
    return median(one for one, _ in pairs), median(other for _, other in pairs)


def told(table: pd.DataFrame) -> str:
    """A row a piece of work."""
    head = ["| work | reached | floor | times as fast | wanted |", "|---|---|---|---|---|"]
    return "\n".join([*head, *(_line(row) for row in table.to_dict("records"))])


def _line(row: dict[Any, Any]) -> str:
    unit = row["contestant"]
    reached, floor = (f"{row[column]:,.{0 if row[column] >= 100 else 1}f} {unit}" for column in ("ours", "floor"))
    return f"| {row['case']} | {reached} | {floor}: {row['beside']} | {row['ratio']:.2g}x | {row['wanted']} |"
