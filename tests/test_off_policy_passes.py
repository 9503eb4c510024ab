"""A log from disk passes by as it does in memory, with propensities or without."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import policies
from benchmarks.off_policy import evaluate
from benchmarks.off_policy.passes import InMemory, Streamed, after, before
from envs.feedback import LoggedFeedback
from policies.policy import Decisions, Feedback


def log_of(n: int, *, known: bool = True) -> LoggedFeedback:
    rng = np.random.default_rng(0)
    contexts = rng.normal(size=(n, 2))
    chances = 1.0 / (1.0 + np.exp(-contexts[:, 0]))
    chosen = (rng.random(n) < chances).astype(np.int64)
    decisions = Decisions(np.arange(n) * 0.01, contexts, np.empty((2, 0)), np.ones((n, 2), dtype=bool))
    rewards = (rng.random(n) < 0.2 + 0.4 * chosen) * 1.0
    propensities = np.where(chosen == 1, chances, 1.0 - chances) if known else np.full(n, np.nan)
    feedback = Feedback(decisions, chosen, propensities, rewards)
    return LoggedFeedback(feedback, propensities="logged" if known else "missing")


def test_before_and_after_part_a_log_without_loss() -> None:
    log = log_of(50)
    first = [batch.decisions.times for batch in before(log.batches(7), 23)]
    last = [batch.decisions.times for batch in after(log.batches(7), 23)]
    assert sum(map(len, first)) == 23
    np.testing.assert_array_equal(np.concatenate([*first, *last]), log.feedback.decisions.times)


def test_a_log_on_disk_is_judged_as_in_memory(tmp_path: Path) -> None:
    log = log_of(20_000)
    log.write(tmp_path / "log.parquet")
    policy = policies.load("uniform", log.problem)
    streamed = evaluate(Streamed(LoggedFeedback.read(tmp_path / "log.parquet"), policy, 1_000), ("snips", "dr"))
    rest = log.feedback.take(slice(1_000, None))
    whole = evaluate(InMemory(rest, np.full((19_000, 2), 0.5)), ("snips", "dr"))
    columns = ["value", "lower", "upper", "n"]
    np.testing.assert_allclose(
        streamed.table()[columns].to_numpy(float), whole.table()[columns].to_numpy(float), rtol=1e-9
    )


def test_missing_propensities_are_estimated_and_said_to_be() -> None:
    """Truth for the uniform policy 0.4; a log that follows the context, its propensities withheld."""
    log = log_of(20_000, known=False)
    passes = Streamed(log, policies.load("uniform", log.problem))
    table = evaluate(passes, ("ips", "snips", "dr")).table()
    assert table["value"].to_numpy() == pytest.approx(0.4, abs=0.02)
    assert table["reason"].str.endswith("Propensities are estimated, not logged.").all()
