"""Replays of policies on a log: values with intervals where the log can say, reasons where it cannot."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmarks.pages import replay_page
from benchmarks.replay import LOGGED, Replays, replay
from envs.feedback import LogError, LoggedFeedback
from policies.policy import Decisions, Feedback, PolicyError


def growing(n: int = 6000, users: int = 0) -> LoggedFeedback:
    """Uniform logging of two items, from day 5 on of three; they are bought in 1, 2 and 6 of 10 cases."""
    rng = np.random.default_rng(0)
    times = np.linspace(0, 10, n, endpoint=False)
    offered = np.where(times < 5, 2, 3)
    chosen = rng.integers(0, offered)
    rewards = (rng.random(n) < np.array([0.1, 0.2, 0.6])[chosen]).astype(float)
    decisions = Decisions(times, np.ones((n, 1)), np.zeros((3, 0)), np.arange(3) < offered[:, None])
    feedback = Feedback(decisions, chosen, 1 / offered, rewards)
    return LoggedFeedback(feedback, ["tea", "mate", "=cola"], users=np.arange(n) % users if users else None)


@pytest.fixture(scope="module")
def replays() -> Replays:
    return replay(growing(), ["uniform", "linucb(alpha=0.5)"], repeats=20)


def test_uniform_earns_what_was_logged_and_a_learner_what_the_best_items_earn(replays: Replays) -> None:
    """Of all visits half see means 0.15 and half 0.3; the best items earn 0.2 and 0.6."""
    table = replays.table
    assert table.index.tolist() == [LOGGED, "uniform", "linucb(alpha=0.5)"]
    assert table.lower["uniform"] < 0.225 < table.upper["uniform"]
    assert (table.lower < table.value).all()
    assert (table.value < table.upper).all()
    assert table.value[LOGGED] == pytest.approx(0.225, abs=0.02)
    assert table.value["linucb(alpha=0.5)"] == pytest.approx(0.4, abs=0.06)
    assert (table.reason == "").all()
    assert table.accepted["uniform"] == pytest.approx(2000, abs=4 * np.sqrt(2000 * 2 / 3))


def test_intervals_are_about_as_wide_as_the_binomial_says(replays: Replays) -> None:
    row = replays.table.loc["uniform"]
    half = 1.96 * np.sqrt(row.value * (1 - row.value) / row.accepted)
    assert (row.upper - row.lower) / 2 == pytest.approx(half, rel=0.6)


def test_support_says_which_items_are_new_and_how_many_rows_speak_for_each(replays: Replays) -> None:
    support = replays.support.set_index(["policy", "item"])
    assert support.new["uniform"].tolist() == [False, False, True]
    assert support.first_day["uniform", "=cola"] == 5
    for policy in ("uniform", "linucb(alpha=0.5)"):
        assert support.accepted[policy].sum() == replays.table.accepted[policy]
    assert support.logged["uniform"].sum() == 6000


def test_the_curve_ends_at_the_whole(replays: Replays) -> None:
    last = replays.curves[replays.curves.policy == "uniform"].iloc[-1]
    assert last["rows"] == replays.table.accepted["uniform"]
    assert last.reward / last["rows"] == pytest.approx(replays.table.value["uniform"], abs=0.05)
    assert last.day == 10


def test_counts_with_few_users_behind_them_are_left_out() -> None:
    found = replay(growing(600, users=3), ["uniform"], repeats=2, least=4)
    assert found.support.logged.isna().all()
    assert found.support.accepted.isna().all()
    found = replay(growing(600, users=3), ["uniform"], repeats=2, least=3)
    assert found.support.accepted.notna().all()


def test_a_log_too_small_or_too_seldom_rewarded_gets_a_reason() -> None:
    assert "fewer than 100" in replay(growing(60), ["uniform"], repeats=2).table.reason["uniform"]
    log = growing()
    log.feedback.rewards[:] = 0
    log.feedback.rewards[:9] = 1
    reason = replay(log, ["uniform"], repeats=2).table.reason["uniform"]
    assert "accepted rows have a reward: fewer than 10 say nothing" in reason


def test_bad_policies_and_logs_are_told_before_any_work() -> None:
    ticks: list[int] = []
    with pytest.raises(PolicyError, match="got 'nobody'"):
        replay(growing(60), ["uniform", "nobody"], advance=lambda: ticks.append(1))
    assert not ticks
    feedback = growing(60).feedback
    feedback.propensities[:] = np.nan
    with pytest.raises(LogError, match="replay must have propensities"):
        replay(LoggedFeedback(feedback, propensities="missing"), ["uniform"])


def test_the_page_is_whole_private_and_runs_nothing(replays: Replays, tmp_path: Path) -> None:
    page = replay_page.write(tmp_path / "out", replays, "<visits>.csv")
    text = page.read_text()
    assert "&lt;visits&gt;.csv" in text
    assert "http" not in text.replace("http-equiv", "")
    assert text.count("data:image/png;base64,") == 2 * 3  # wide and narrow
    names = {file.name for file in page.parent.iterdir()}
    assert {"index.html", "replay.csv", "replay.parquet", "support.csv", "support.parquet"} <= names
    assert all(file.stat().st_mode & 0o777 == 0o600 for file in page.parent.iterdir())
    assert page.parent.stat().st_mode & 0o777 == 0o700
    assert "'=cola" in (page.parent / "support.csv").read_text()
    table = pd.read_parquet(page.parent / "replay.parquet").set_index("policy")
    pd.testing.assert_series_equal(table.value, replays.table.value)
    words = re.sub("<[^>]*>", "", text)
    assert "The log can answer for uniform, linucb(alpha=0.5)." in words


def test_a_page_of_refusals_says_so_first(tmp_path: Path) -> None:
    log = growing(60)
    log.feedback.propensities[0] = 1e-6
    drawn = (replay(log, ["uniform"], repeats=2, seed=seed) for seed in range(20))
    found = next(found for found in drawn if found.table.accepted["uniform"] == 0)  # half of the seeds match row 0
    assert np.isnan(found.table.value["uniform"])
    page = replay_page.write(tmp_path, found, "small.csv")
    assert "<h1>This log cannot say" in page.read_text()


def test_estimated_propensities_are_said_on_the_page(tmp_path: Path) -> None:
    log = growing()
    estimated = log.with_propensities(log.feedback.propensities)
    page = replay_page.write(tmp_path, replay(estimated, ["uniform"], repeats=2), "log")
    assert "propensities of this log are estimated" in page.read_text()
