"""Logs by name."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from benchmarks.logs import named, taken_in, title
from envs.feedback import LogError, LoggedFeedback

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


def test_a_page_never_shows_a_whole_path() -> None:
    assert title("/home/anna/logs/visits.csv") == "visits.csv"
    assert title("open-bandit:bts/men") == "open-bandit:bts/men"
