"""Saved policies: plain formats, and clear words about files that are none."""

from __future__ import annotations

import json
import sys
import zipfile
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import policies
from policies.policy import Decisions, Feedback, Floats, Policy, PolicyError, Problem
from policies.saving import Saveable


class Loyal(Saveable):
    """Somebody else's policy: always the first available."""

    def __init__(self, problem: Problem, *, patience: float = 1.0, seed: int = 0) -> None:
        self.problem = problem
        self.patience = patience
        self.seed = seed

    def probabilities(self, decisions: Decisions) -> Floats:
        return np.eye(self.problem.n_actions)[decisions.available.argmax(axis=1)]

    def learn(self, feedback: Feedback) -> None: ...


def saved(path: Path, policy: Policy | None = None) -> Path:
    whole = policy or policies.load("linucb", Problem(3, 2), alpha=0.5, ridge=4.0, seed=7)
    whole.save(path)  # type: ignore[attr-defined]
    return path


def test_a_file_is_json_and_plain_arrays(tmp_path: Path) -> None:
    with zipfile.ZipFile(saved(tmp_path / "policy.zip")) as archive:
        about = json.loads(archive.read("policy.json"))
        assert all(name == "policy.json" or name.endswith(".npy") for name in archive.namelist())
    assert about["policy"] == "linucb"
    assert about["problem"]["n_actions"] == 3
    assert about["settings"]["alpha"] == 0.5
    assert about["settings"]["seed"] == 7


def test_settings_that_are_numpy_numbers_are_saved_as_numbers(tmp_path: Path) -> None:
    policy = policies.load("linear_thompson", Problem(3, 2), scale=np.float64(0.5), seed=np.int64(3))
    restored = policies.restore(saved(tmp_path / "policy.zip", policy))
    assert restored.settings()["seed"] == 3  # type: ignore[attr-defined]


def test_a_missing_file_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match=r"saved policy must be a file that exists, got '.*nothing\.zip'"):
        policies.restore(tmp_path / "nothing.zip")


@pytest.mark.parametrize("content", [b"", b"not a zip", b"PK\x03\x04 cut short"])
def test_a_file_that_is_no_saved_policy_is_one_line(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "odd.zip").write_bytes(content)
    with pytest.raises(PolicyError, match=r"saved policy must be a file written by save\(\)"):
        policies.restore(tmp_path / "odd.zip")


def test_a_format_of_another_time_is_named(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "future.zip", "w") as archive:
        archive.writestr("policy.json", json.dumps({"format": 99}))
    with pytest.raises(PolicyError, match="saved policy must have format 1, got 99"):
        policies.restore(tmp_path / "future.zip")


def test_a_file_alone_never_decides_what_code_runs(tmp_path: Path) -> None:
    path = saved(tmp_path / "loyal.zip", Loyal(Problem(3, 2), patience=2.0))
    with pytest.raises(PolicyError, match=r"is not of this project: name its package\.module:Name"):
        policies.restore(path)


def test_somebody_elses_policy_is_loaded_and_restored_by_its_full_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "shop_policies", SimpleNamespace(Loyal=Loyal))
    policy = policies.load("shop_policies:Loyal", Problem(3, 2), seed=4, patience=2.0)
    restored = policies.restore(saved(tmp_path / "loyal.zip", policy), "shop_policies:Loyal")
    assert isinstance(restored, Loyal)
    assert (restored.patience, restored.seed, restored.problem) == (2.0, 4, Problem(3, 2))
