"""The format: what stands in a file that the project wrote."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from envs.feedback import LogError, LoggedFeedback
from envs.logs.log_file import LogFile, is_one
from policies.policy import Decisions, Feedback


def written(tmp_path: Path) -> Path:
    available = np.array([[1, 0, 0, 0, 0, 0, 0, 0, 1], [1, 1, 1, 1, 1, 1, 1, 1, 1]], bool)
    decisions = Decisions(np.array([0.0, 1.0]), np.zeros((2, 0)), np.zeros((9, 0)), available)
    feedback = Feedback(decisions, np.array([8, 3]), np.array([0.5, 0.125]), np.array([0.0, 1.0]))
    LoggedFeedback(feedback).write(tmp_path / "log.parquet")
    return tmp_path / "log.parquet"


def test_available_sets_are_bits_lowest_action_first(tmp_path: Path) -> None:
    table = pq.read_table(written(tmp_path))
    assert table["available"].to_pylist() == [bytes([0b1, 0b1]), bytes([0xFF, 0b1])]


def test_the_schema_says_what_the_columns_mean(tmp_path: Path) -> None:
    about = json.loads(pq.read_schema(written(tmp_path)).metadata[b"launchsim"])
    assert about["format"] == 1
    assert about["actions"] == [str(k) for k in range(9)]
    assert about["propensities"] == "logged"


def test_the_smallest_propensity_is_of_the_whole_log(tmp_path: Path) -> None:
    assert LogFile(written(tmp_path)).smallest_propensity() == 0.125


def test_products_that_change_at_every_row_come_back_each_at_its_row(tmp_path: Path) -> None:
    batches = [
        Feedback(
            Decisions(np.array([float(i)]), np.zeros((1, 1)), np.array([[i % 7], [i]], float), np.ones((1, 2), bool)),
            np.array([0]),
            np.array([0.5]),
            np.array([1.0]),
        )
        for i in range(300)
    ]
    LoggedFeedback(batches).write(tmp_path / "log.parquet")
    assert pq.ParquetFile(tmp_path / "log.parquet").num_row_groups == 1
    for i, batch in enumerate(LoggedFeedback.read(tmp_path / "log.parquet").batches()):
        np.testing.assert_array_equal(batch.decisions.actions, [[i % 7], [i]])


def test_other_files_are_told_apart_and_other_versions_refused(tmp_path: Path) -> None:
    path = written(tmp_path)
    assert is_one(path)
    table = pq.read_table(path)
    pq.write_table(table.replace_schema_metadata({}), tmp_path / "other.parquet")
    assert not is_one(tmp_path / "other.parquet")
    assert not is_one(tmp_path / "absent.parquet")
    newer = table.replace_schema_metadata({b"launchsim": b'{"format": 2, "actions": [], "context": []}'})
    pq.write_table(newer, tmp_path / "newer.parquet")
    with pytest.raises(LogError, match="format must be 1, got 2"):
        LogFile(tmp_path / "newer.parquet")
