"""A log goes to disk and comes back bit for bit, a batch at a time or all at once; bad rows are told by their rule."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import policies
from benchmarks.runner import Draw, run
from envs.feedback import LogError, LoggedFeedback
from envs.logged import Logged
from envs.wheel import Wheel
from policies.policy import Decisions, Feedback


def made(n: int = 7, K: int = 3, *, seed: int = 0, a: int = 2, L: int = 0, dtype: Any = np.float64) -> Feedback:
    rng = np.random.default_rng(seed)
    available = rng.random((n, K)) < 0.5
    chosen = rng.integers(0, K, n)
    available[np.arange(n), chosen] = True
    decisions = Decisions(
        np.sort(rng.random(n)) * 9,
        rng.normal(size=(n, 4)).astype(dtype),
        rng.normal(size=(K, a)),
        available,
        rng.integers(-1, K, (n, L)) if L else None,
        rng.integers(0, 2**63, n, dtype=np.uint64),
    )
    return Feedback(decisions, chosen, 1 - rng.random(n), rng.normal(size=n))


def assert_same(left: Feedback, right: Feedback) -> None:
    for name in ("chosen", "propensities", "rewards"):
        np.testing.assert_array_equal(getattr(left, name), getattr(right, name))
    for name in ("times", "contexts", "actions", "available", "histories", "ids"):
        one, other = getattr(left.decisions, name), getattr(right.decisions, name)
        assert (one is None) == (other is None)
        if one is not None:
            np.testing.assert_array_equal(one, other)
            assert one.dtype == other.dtype


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    n=st.integers(1, 40),
    K=st.integers(1, 20),
    a=st.integers(0, 3),
    L=st.integers(0, 3),
    seed=st.integers(0, 99),
    dtype=st.sampled_from([np.float32, np.float64]),
)
def test_a_log_comes_back_from_disk_bit_for_bit(
    n: int, K: int, a: int, L: int, seed: int, dtype: Any, tmp_path: Path
) -> None:
    feedback = made(n, K, seed=seed, a=a, L=L, dtype=dtype)
    users = np.arange(n, dtype=np.uint64) + np.uint64(2**63)
    log = LoggedFeedback(feedback, [f"item {k}" for k in range(K)], positions=np.arange(n), users=users)
    log.write(tmp_path / "log.parquet")
    back = LoggedFeedback.read(tmp_path / "log.parquet")
    assert_same(back.feedback, feedback)
    assert back.about == log.about
    assert back.problem == log.problem
    np.testing.assert_array_equal(back.positions, np.arange(n))
    np.testing.assert_array_equal(back.users, users)
    back.write(tmp_path / "again.parquet")
    assert (tmp_path / "again.parquet").read_bytes() == (tmp_path / "log.parquet").read_bytes()


@pytest.mark.parametrize("rows", [1, 3, 100])
def test_batches_of_any_size_are_the_whole(rows: int, tmp_path: Path) -> None:
    feedback = made(10)
    LoggedFeedback(feedback).write(tmp_path / "log.parquet")
    for log in (LoggedFeedback(feedback), LoggedFeedback.read(tmp_path / "log.parquet")):
        batches = list(log.batches(rows))
        assert max(len(batch) for batch in batches) <= rows
        np.testing.assert_array_equal(np.concatenate([batch.chosen for batch in batches]), feedback.chosen)
        np.testing.assert_array_equal(
            np.concatenate([batch.decisions.contexts for batch in batches]), feedback.decisions.contexts
        )


def test_a_price_cut_stands_in_every_batch_as_it_was_then(tmp_path: Path) -> None:
    """Batches overlap in time: rows are put in order, each with the products it saw."""
    early, late = made(5, seed=1), made(5, seed=2)
    log = LoggedFeedback([late, early])
    log.write(tmp_path / "log.parquet")
    for version in (log, LoggedFeedback.read(tmp_path / "log.parquet")):
        seen = {float(t): batch.decisions.actions for batch in version.batches(4) for t in batch.decisions.times}
        assert list(seen) == sorted(seen)
        for batch in (early, late):
            for time in batch.decisions.times:
                np.testing.assert_array_equal(seen[float(time)], batch.decisions.actions)


def test_play_save_reload_and_replay_close_on_themselves_bit_for_bit(tmp_path: Path) -> None:
    world = Wheel(0.9, 3000, 0)
    logger = policies.load("uniform", world.problem)
    log = LoggedFeedback([rounds.feedback for rounds in world.play(Draw(logger, 0))])
    log.write(tmp_path / "log.parquet")
    back = LoggedFeedback.read(tmp_path / "log.parquet")
    assert_same(back.feedback, log.feedback)
    traces = [run(policies.load("linucb", log.problem), Logged(version, 5), 5) for version in (log, back)]
    assert len(traces[0]) > 500
    np.testing.assert_array_equal(traces[0].rewards, traces[1].rewards)
    np.testing.assert_array_equal(traces[0].chosen, traces[1].chosen)


def test_a_log_on_disk_is_its_owners_alone_and_any_tool_can_read_it(tmp_path: Path) -> None:
    LoggedFeedback(made(), context=["age", "b", "c", "d"]).write(tmp_path / "log.parquet")
    assert (tmp_path / "log.parquet").stat().st_mode & 0o777 == 0o600
    frame = pd.read_parquet(tmp_path / "log.parquet")
    assert {"time", "action", "reward", "propensity", "context.age"} <= set(frame)


BROKEN = {
    "propensity must be above 0 and at most 1, got 1.2 at row 2": ("propensities", 1.2),
    "propensity must be above 0 and at most 1, got nan at row 2": ("propensities", np.nan),
    "propensity must be above 0 and at most 1, got 0.0 at row 2": ("propensities", 0.0),
    "reward must be finite, got inf at row 2": ("rewards", np.inf),
    "action must be from 0 to 2, got 3 at row 2": ("chosen", 3),
    "action must be from 0 to 2, got -1 at row 2": ("chosen", -1),
}


@pytest.mark.parametrize("message", BROKEN)
def test_a_row_that_cannot_be_is_told_with_rule_and_value(message: str) -> None:
    feedback = made()
    column, value = BROKEN[message]
    getattr(feedback, column)[2] = value
    with pytest.raises(LogError, match=f"^{message}$"):
        LoggedFeedback(feedback)


def test_times_contexts_availability_and_names_are_checked_too() -> None:
    feedback = made()
    feedback.decisions.times[0] = -1
    with pytest.raises(LogError, match=r"time must be 0 or more days, got -1.0 at row 0"):
        LoggedFeedback(feedback)
    feedback = made()
    feedback.decisions.contexts[3, 1] = np.nan
    with pytest.raises(LogError, match=r"context must be finite, got .* at row 3"):
        LoggedFeedback(feedback)
    feedback = made()
    feedback.decisions.available[4] = False
    with pytest.raises(LogError, match=r"action must be available, got . at row 4"):
        LoggedFeedback(feedback)
    for names in (["a", "b"], ["a", "b", "b"]):
        with pytest.raises(LogError, match=r"3 different names"):
            LoggedFeedback(made(), names)
    with pytest.raises(LogError, match=r"at least one row"):
        LoggedFeedback([])
    with pytest.raises(LogError, match=r"users must have length 7"):
        LoggedFeedback(made(), users=np.arange(3))
    with pytest.raises(LogError, match=r"reward must have shape \(7,\)"):
        LoggedFeedback(Feedback(made().decisions, made().chosen, made().propensities, made(3).rewards))


def test_estimated_propensities_are_marked_wherever_the_log_goes(tmp_path: Path) -> None:
    feedback = made()
    feedback.propensities[:] = np.nan
    missing = LoggedFeedback(feedback, propensities="missing")
    with pytest.raises(LogError, match=r"replay must have propensities"):
        Logged(missing)
    estimated = missing.with_propensities(np.full(7, 0.25))
    estimated.write(tmp_path / "log.parquet")
    assert LoggedFeedback.read(tmp_path / "log.parquet").propensities == "estimated"
    assert missing.propensities == "missing"
    with pytest.raises(LogError, match=r"got 2.0 at row 0"):
        missing.with_propensities(np.full(7, 2.0))


def test_a_log_of_another_version_or_cut_short_is_refused_in_one_line(tmp_path: Path) -> None:
    LoggedFeedback(made()).write(tmp_path / "log.parquet")
    (tmp_path / "half.parquet").write_bytes((tmp_path / "log.parquet").read_bytes()[:-100])
    with pytest.raises(LogError) as caught:
        LoggedFeedback.read(tmp_path / "half.parquet")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("library", ["pandas", "polars", "pyarrow"])
def test_a_frame_of_any_library_is_a_log(library: str) -> None:
    n = 40
    columns = {
        "timestamp": [f"2024-01-{1 + i // 24:02} {i % 24:02}:00:00" for i in range(n)],
        "item_id": ["tea" if i % 3 else "mate" for i in range(n)],
        "click": [i % 2 for i in range(n)],
        "probability": [0.5] * n,
        "age": [20 + i for i in range(n)],
    }
    there = pytest.importorskip(library)
    frame = there.table(columns) if library == "pyarrow" else there.DataFrame(columns)
    feedback = LoggedFeedback.read(frame).feedback
    assert feedback.rewards.tolist() == [i % 2 for i in range(n)]
    assert feedback.decisions.times[24] == pytest.approx(1.0)
