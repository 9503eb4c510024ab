"""How fast off-policy estimates are made, in memory and from disk, beside Open Bandit Pipeline where it is installed.

Run `python -m benchmarks.suites.off_policy`, or with a number of rows (millions) for the log on disk.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from itertools import count
from pathlib import Path
from statistics import median

import duckdb
import numpy as np
import pyarrow.parquet as pq

import policies
from benchmarks.off_policy import Accumulator, evaluate
from benchmarks.off_policy.evidence import weigh
from benchmarks.off_policy.intervals import bootstrap
from benchmarks.off_policy.passes import ROWS, InMemory, Streamed
from envs.feedback import LoggedFeedback
from policies.policy import Decisions, Feedback, Floats

_K, _ROWS, _REPEATS = 10, 1_000_000, 5
_ESTIMATORS = ("ips", "snips", "dr")


def main() -> None:
    """Print medians: million rows a second of processor time, and the seconds of 1,000 bootstraps."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("millions", type=float, nargs="?", default=2.0, help="of rows read from disk [default: 2]")
    asked = parser.parse_args()
    feedback, probabilities, predictions = made(_ROWS)
    passes = InMemory(feedback, probabilities, predictions)
    print(f"{_ROWS:,} rows, {_K} actions, median of {_REPEATS}, processor time")
    for name, work in {
        "IPS + SNIPS + DR, accumulators alone": lambda: accumulated(feedback, probabilities, predictions),
        "the same with diagnostics": lambda: evaluate(passes, _ESTIMATORS, placebo=False),
    }.items():
        print(f"  {name:48} {_ROWS / seconds(work) / 1e6:8.1f} M rows/s")
    sums, seeds = accumulated(feedback, probabilities, predictions)["dr"].sums, count()
    drawn = seconds(lambda: bootstrap(sums, False, seed=next(seeds)))  # replicates of one seed are kept
    print(f"  {'1,000 bootstraps (BCa) of DR':48} {drawn:8.3f} s")
    _peer(feedback, probabilities)
    from_disk(asked.millions)


def made(n: int, seed: int = 0) -> tuple[Feedback, Floats, Floats]:
    """A log of a uniform policy, the answers of another, and somebody's predictions."""
    rng = np.random.default_rng(seed)
    chosen = rng.integers(0, _K, n)
    rewards = (rng.random(n) < 0.02 + 0.01 * chosen) * 1.0
    decisions = Decisions(np.arange(n) * 1e-6, rng.normal(size=(n, 2)), np.empty((_K, 0)), np.ones((n, _K), dtype=bool))
    weights = rng.exponential(size=(n, _K))
    feedback = Feedback(decisions, chosen, np.full(n, 1 / _K), rewards)
    return feedback, weights / weights.sum(axis=1, keepdims=True), rng.random((n, _K))


def accumulated(feedback: Feedback, probabilities: Floats, predictions: Floats) -> dict[str, Accumulator]:
    """One pass."""
    accumulators = {name: Accumulator(name) for name in _ESTIMATORS}
    for start in range(0, len(feedback), ROWS):
        rows = slice(start, start + ROWS)
        evidence = weigh(feedback.take(rows), probabilities[rows], predictions[rows])
        for accumulator in accumulators.values():
            accumulator.add(evidence, start)
    return accumulators


def from_disk(millions: float) -> None:
    """Print the time and the peak memory of an evaluation of a Parquet file, written a million rows at a time."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "log.parquet"
        _write(path, millions)
        log = LoggedFeedback.read(path)
        before = time.process_time()
        evaluate(Streamed(log, policies.load("uniform", log.problem)), ("ips", "snips"), placebo=False).table()
        taken = time.process_time() - before
        command, sql = _command(path, Path(folder) / "page"), _sql(path)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"  {len(log):,} rows of Parquet, IPS + SNIPS with diagnostics: {len(log) / taken / 1e6:.2f} M rows/s")
    print(f"  launchsim evaluate on it, command to page, wall clock: {command:.1f} s")
    print(f"  the same two sums as SQL in DuckDB, no intervals or diagnostics: {sql:.2f} s of processor time")
    print(f"  peak memory of this process: {peak:.2f} GiB")


def _command(path: Path, out: Path) -> float:
    """Seconds from the call to the page."""
    started = time.perf_counter()
    arguments = ["--policy", "uniform", "--estimator", "ips", "--estimator", "snips", "--no-placebo", "--out", str(out)]
    subprocess.run(
        [sys.executable, "-m", "benchmarks.cli", "evaluate", str(path), *arguments],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    return time.perf_counter() - started


def _sql(path: Path) -> float:
    """Seconds of processor time that IPS and SNIPS of a uniform policy take as one query."""
    weight = f"1.0 / {_K} / propensity"
    query = f"SELECT avg({weight} * reward), sum({weight} * reward) / sum({weight}) FROM read_parquet('{path}')"
    before = time.process_time()
    duckdb.sql(query).fetchall()
    return time.process_time() - before


def _write(path: Path, millions: float) -> None:
    """A long log without holding it: the first part is written as a log, then its row groups are repeated."""
    part = path.with_suffix(".part")
    LoggedFeedback(made(int(min(millions, 1.0) * 1e6))[0]).write(part)
    table = pq.read_table(part)
    with pq.ParquetWriter(path, table.schema) as writer:
        for _ in range(max(round(millions), 1)):
            writer.write_table(table, row_group_size=100_000)


def _peer(feedback: Feedback, probabilities: Floats) -> None:
    """Open Bandit Pipeline's IPS, SNIPS and DR on the same rows, where it is installed."""
    try:
        from obp.ope import DoublyRobust, InverseProbabilityWeighting, SelfNormalizedInverseProbabilityWeighting
    except ImportError:
        print("  Open Bandit Pipeline is not installed: pip install launchsim[peers]")
        return
    logged = {"reward": feedback.rewards, "action": feedback.chosen, "pscore": feedback.propensities}
    logged |= {"position": np.zeros(len(feedback), int), "action_dist": probabilities[:, :, None]}
    predictions = np.zeros((*probabilities.shape, 1))

    def work() -> None:
        InverseProbabilityWeighting().estimate_policy_value(**logged)
        SelfNormalizedInverseProbabilityWeighting().estimate_policy_value(**logged)
        DoublyRobust().estimate_policy_value(**logged, estimated_rewards_by_reg_model=predictions)

    print(f"  {'Open Bandit Pipeline, IPW + SNIPW + DR':48} {len(feedback) / seconds(work) / 1e6:8.1f} M rows/s")


def seconds(work: Callable[[], object]) -> float:
    """Median seconds of processor time, once everything is compiled."""
    _taken(work)
    return median(_taken(work) for _ in range(_REPEATS))


def _taken(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


if __name__ == "__main__":
    main()
