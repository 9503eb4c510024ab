"""How fast off-policy estimates are made, in memory and from disk, beside other libraries where they are installed.

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
from functools import partial
from itertools import count
from pathlib import Path
from statistics import median

import duckdb
import numpy as np
import pyarrow.parquet as pq

import policies
from benchmarks.off_policy import evaluate
from benchmarks.off_policy.intervals import bootstrap
from benchmarks.off_policy.passes import InMemory, Streamed
from benchmarks.suites.contenders import ENTRIES
from benchmarks.suites.off_policy_peers import ESTIMATES, WORKS, Judged, accumulated
from envs.feedback import LoggedFeedback
from policies.policy import Decisions, Feedback

_K, _ROWS, _REPEATS = 10, 1_000_000, 5
_ESTIMATORS = ("ips", "snips", "dr")


def main() -> None:
    """Print medians: million rows a second of processor time, and the seconds of 1,000 bootstraps."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("millions", type=float, nargs="?", default=2.0, help="of rows read from disk [default: 2]")
    asked = parser.parse_args()
    log = made(_ROWS)
    passes = InMemory(*log)
    print(f"{_ROWS:,} rows, {_K} actions, median of {_REPEATS}, processor time")
    for name, work in {
        "IPS + SNIPS + DR, accumulators alone": lambda: accumulated(log, _ESTIMATORS),
        "the same with diagnostics": lambda: evaluate(passes, _ESTIMATORS, placebo=False),
    }.items():
        print(f"  {name:48} {_ROWS / seconds(work) / 1e6:8.1f} M rows/s")
    sums, seeds = accumulated(log, _ESTIMATORS)["dr"].sums, count()
    drawn = seconds(lambda: bootstrap(sums, False, seed=next(seeds)))  # replicates of one seed are kept
    print(f"  {'1,000 bootstraps (BCa) of DR':48} {drawn:8.3f} s")
    _peers(log)
    from_disk(asked.millions)


def made(n: int, seed: int = 0) -> Judged:
    """A log of a uniform policy, the answers of another, and somebody's predictions."""
    rng = np.random.default_rng(seed)
    chosen = rng.integers(0, _K, n)
    rewards = (rng.random(n) < 0.02 + 0.01 * chosen) * 1.0
    decisions = Decisions(np.arange(n) * 1e-6, rng.normal(size=(n, 2)), np.empty((_K, 0)), np.ones((n, _K), dtype=bool))
    weights = rng.exponential(size=(n, _K))
    feedback = Feedback(decisions, chosen, np.full(n, 1 / _K), rewards)
    return Judged(feedback, weights / weights.sum(axis=1, keepdims=True), rng.random((n, _K)))


def from_disk(millions: float) -> None:
    """Print the time and the peak memory of an evaluation of a Parquet file, written a million rows at a time."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "log.parquet"
        _write(path, millions)
        log = LoggedFeedback.read(path)
        before = time.process_time()
        evaluate(Streamed(log, policies.load("uniform", log.problem)), ("ips", "snips"), placebo=False).table()
        taken = time.process_time() - before
        command, sql = _command(path, Path(folder) / "page"), in_sql(path)
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


def in_sql(path: Path) -> float:
    """Seconds of processor time that IPS and SNIPS of a uniform policy take as one query."""
    weight = f"1.0 / {_K} / propensity"
    query = f"SELECT avg({weight} * reward), sum({weight} * reward) / sum({weight}) FROM read_parquet('{path}')"
    before = time.process_time()
    duckdb.sql(query).fetchall()
    return time.process_time() - before


def _write(path: Path, millions: float) -> None:
    """A long log without holding it: the first part is written as a log, then its row groups are repeated."""
    part = path.with_suffix(".part")
    LoggedFeedback(made(int(min(millions, 1.0) * 1e6)).feedback).write(part)
    table = pq.read_table(part)
    with pq.ParquetWriter(path, table.schema) as writer:
        for _ in range(max(round(millions), 1)):
            writer.write_table(table, row_group_size=100_000)


def _peers(log: Judged) -> None:
    """The others, where they are installed."""
    for name, work in WORKS.items():
        if name == "launchsim":
            continue
        if reason := ENTRIES[name].missing():
            print(f"  {name}: {reason}")
            continue
        speed = len(log.feedback) / seconds(partial(work, log)) / 1e6
        print(f"  {f'{name}, {ESTIMATES[name]}':48} {speed:8.2f} M rows/s")


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
