"""Logs: how fast they are taken in, streamed and replayed, and whether replay says the truth on a growing catalogue.

Example:
    python -m benchmarks.suites.logs
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import pandas as pd

import policies
from benchmarks.runner import run
from envs.feedback import LoggedFeedback
from envs.logged import Logged
from envs.logs.ingest import ingested
from policies.policy import Decisions, Feedback, Floats

_K, _D, _ROWS, _REPEATS, _LOGS = 10, 16, 500_000, 3, 50
_PAYS = np.array([3.0, 12.0, 40.0])  # of the items of the growing catalogue, on average


def main() -> None:
    """Print the table of speeds, then the table of truths."""
    print(f"Rows/s, K = {_K}, d = {_D}, {_ROWS:,} rows, median of {_REPEATS}")
    log = uniform_log(_ROWS, seed=0)
    with tempfile.TemporaryDirectory() as folder:
        for name, work in jobs(log, Path(folder)).items():
            print(f"{name:40} {_ROWS / median(_seconds(work) for _ in range(_REPEATS)):12,.0f}")
    truth, matching, replay = growing_catalogue()
    print(
        f"\nA catalogue growing from 1 to 3 items, the newest always shown, {_LOGS} logs: mean reward (standard error)"
    )
    print(f"{'truth':40} {truth:12.2f}")
    for name, values in (("plain matching", matching), ("replay", replay)):
        print(f"{name:40} {np.mean(values):12.2f} ({np.std(values) / np.sqrt(len(values)):.2f})")


def uniform_log(n: int, seed: int) -> LoggedFeedback:
    """A week of uniform logging in which one linear reward per action can be learned."""
    rng = np.random.default_rng(seed)
    contexts = rng.normal(size=(n, _D))
    chosen = rng.integers(_K, size=n)
    rewards = ((contexts * rng.normal(size=(_K, _D))[chosen]).sum(axis=1) > 3).astype(float)
    decisions = Decisions(np.linspace(0, 7, n), contexts, np.zeros((_K, 0)), np.ones((n, _K), bool))
    return LoggedFeedback(Feedback(decisions, chosen, np.full(n, 1 / _K), rewards))


def jobs(log: LoggedFeedback, folder: Path) -> dict[str, Callable[[], Any]]:
    """What is timed, by name."""
    feedback = log.feedback
    frame = pd.DataFrame(feedback.decisions.contexts, columns=[f"x{j}" for j in range(_D)]).assign(
        time=feedback.decisions.times, action=feedback.chosen, reward=feedback.rewards, propensity=1 / _K
    )
    frame.to_csv(folder / "log.csv", index=False)
    frame.to_parquet(folder / "foreign.parquet")
    log.write(folder / "log.parquet")

    def replayed(refresh: float) -> None:
        run(policies.load("linucb", log.problem), Logged(log, 0, refresh=refresh))

    replayed(1.0)  # compiles
    return {
        "take in CSV": lambda: ingested(folder / "log.csv"),
        "take in Parquet": lambda: ingested(folder / "foreign.parquet"),
        "write": lambda: log.write(folder / "again.parquet"),
        "stream": lambda: [None for _ in LoggedFeedback.read(folder / "log.parquet").batches()],
        "replay LinUCB, refreshed every 15 min": lambda: replayed(15 / (24 * 60)),
        "replay LinUCB, refreshed every row": lambda: replayed(0.0),
    }


def growing_catalogue() -> tuple[float, list[float], list[float]]:
    """The truth of always showing the newest item, and what plain matching and replay say of it on many logs."""
    matching, replay = [], []
    for seed in range(_LOGS):
        rng = np.random.default_rng(seed)
        offered = np.repeat([1, 2, 3], 1000)
        chosen = rng.integers(0, offered)
        decisions = Decisions(
            np.linspace(0, 3, 3000), np.zeros((3000, 0)), np.zeros((3, 0)), np.arange(3) < offered[:, None]
        )
        feedback = Feedback(decisions, chosen, 1 / offered, _PAYS[chosen] + rng.normal(size=3000))
        matching.append(float(feedback.rewards[chosen == offered - 1].mean()))
        replay.append(float(run(Newest(), Logged(feedback, seed)).rewards.mean()))
    return float(_PAYS.mean()), matching, replay


class Newest:
    """The last item available."""

    def probabilities(self, decisions: Decisions) -> Floats:
        """(n, K) all on it."""
        newest: Floats = np.eye(decisions.available.shape[1])[decisions.available.sum(axis=1) - 1]
        return newest

    def learn(self, feedback: Feedback) -> None:
        """Nothing to learn."""


def _seconds(work: Callable[[], Any]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
