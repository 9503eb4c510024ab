"""Logs by name."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmarks.logs import named, taken_in, title, users_behind
from envs.feedback import LogError, LoggedFeedback
from policies.policy import Decisions, Feedback

FRAME = pd.DataFrame({"time": [0, 1, 2], "action": [0, 1, 1], "reward": [1, 0, 1], "propensity": [0.5, 0.5, 3]})


def test_a_file_is_a_log_and_so_is_a_public_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    FRAME[:2].to_csv(tmp_path / "log.csv", index=False)
    assert len(named(str(tmp_path / "log.csv"))) == 2
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(LogError, match="launchsim data open-bandit"):
        named("open-bandit:random/all")
    with pytest.raises(LogError, match="like open-bandit:random/all, got 'open-bandit:random'"):
        named("open-bandit:random")


def test_taking_in_counts_and_writes_and_taking_in_again_changes_nothing(tmp_path: Path) -> None:
    FRAME.to_csv(tmp_path / "log.csv", index=False)
    one, other = tmp_path / "one.parquet", tmp_path / "other.parquet"
    counts = taken_in(str(tmp_path / "log.csv"), into=one, rejects=tmp_path / "rejects.csv")
    assert (counts["rows"], counts["kept"], counts["rejected"]) == (3, 2, 1)
    counts = taken_in(str(one), into=other)
    assert (counts["rows"], counts["kept"], counts["rejected"]) == (2, 2, 0)
    assert one.read_bytes() == other.read_bytes()
    assert LoggedFeedback.read(other).about.ingest["rejected"] == 1


def test_a_later_log_can_be_made_like_an_earlier_one(tmp_path: Path) -> None:
    """Actions 0 and 1 of the earlier log stay 0 and 1; its x has mean 2 and spread 1."""
    columns = {"time": "time", "action": "action", "reward": "reward", "context": {"x": {"missing": "mean"}}}
    FRAME[:2].assign(x=[1, 3]).to_csv(tmp_path / "early.csv", index=False)
    FRAME[1:2].assign(x=[5]).to_csv(tmp_path / "late.csv", index=False)
    taken_in(str(tmp_path / "early.csv"), columns, into=tmp_path / "early.parquet")
    late = {"into": tmp_path / "late.parquet", "like": tmp_path / "early.parquet"}
    taken_in(str(tmp_path / "late.csv"), columns, **late)
    log = LoggedFeedback.read(tmp_path / "late.parquet")
    assert log.actions == ("0", "1")
    assert log.feedback.chosen.tolist() == [1]
    assert log.feedback.decisions.contexts.tolist() == [[1.0, 3.0]]
    taken_in(str(tmp_path / "late.csv"), None, into=tmp_path / "again.parquet", like=tmp_path / "early.parquet")
    assert LoggedFeedback.read(tmp_path / "again.parquet").feedback.decisions.contexts.tolist() == [[1.0, 3.0]]


def test_new_products_of_a_later_log_stand_after_the_old_ones(tmp_path: Path) -> None:
    columns = {"time": "time", "action": "item", "reward": "click", "context": {"land": "one-hot"}}
    header = "time,item,click,land\n"
    (tmp_path / "march.csv").write_text(header + "0,tea,1,DE\n1,mate,0,FR\n")
    (tmp_path / "april.csv").write_text(header + "30,cola,1,NL\n31,tea,0,DE\n32,ayran,0,DE\n")
    taken_in(str(tmp_path / "march.csv"), columns, into=tmp_path / "march.parquet")
    counts = taken_in(
        str(tmp_path / "april.csv"), columns, into=tmp_path / "april.parquet", like=tmp_path / "march.parquet"
    )
    assert counts["rejected"] == 0
    log = LoggedFeedback.read(tmp_path / "april.parquet")
    assert log.actions == ("mate", "tea", "ayran", "cola")
    assert log.about.context == LoggedFeedback.read(tmp_path / "march.parquet").about.context
    (tmp_path / "may.csv").write_text("time,item,click\n60,tea,1\n")
    with pytest.raises(
        LogError, match=r"column 'land' \(context\) must be in the log, which has 'time', 'item', 'click'"
    ):
        taken_in(str(tmp_path / "may.csv"), None, like=tmp_path / "march.parquet")
    feedback = log.feedback
    LoggedFeedback(feedback).write(tmp_path / "plain.parquet")
    with pytest.raises(LogError, match="an earlier log must be one that was converted, got one without an encoding"):
        taken_in(str(tmp_path / "april.csv"), columns, like=tmp_path / "plain.parquet")


def test_a_page_never_shows_a_whole_path() -> None:
    assert title("/home/anna/logs/visits.csv") == "visits.csv"
    assert title("open-bandit:bts/men") == "open-bandit:bts/men"


def test_users_behind_an_action_are_counted_up_to_the_least_wanted() -> None:
    """Action 0: users 1, 1, 2; action 1: users 1, 2, 3, 4; without the first three rows users 2; 2, 3, 4."""
    chosen = np.array([0, 1, 0, 0, 1, 1, 1])
    decisions = Decisions(np.arange(7.0), np.ones((7, 1)), np.empty((3, 0)), np.ones((7, 3), bool))
    feedback = Feedback(decisions, chosen, np.full(7, 1 / 3), np.zeros(7))
    log = LoggedFeedback(feedback, users=np.array([1, 1, 1, 2, 2, 3, 4], np.uint64))
    assert users_behind(log, 5).tolist() == [2, 4, 0]  # type: ignore[union-attr]
    assert users_behind(log, 3).tolist() == [2, 3, 0]  # type: ignore[union-attr]
    assert users_behind(log, 5, first=3).tolist() == [1, 3, 0]  # type: ignore[union-attr]
    assert users_behind(LoggedFeedback(feedback), 5) is None
