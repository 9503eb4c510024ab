"""Scalars of training: written where they are asked for, in folders of their own, and nowhere else."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import policies
from benchmarks import outputs
from benchmarks.outputs import OutputError
from policies.networks.scalars import ASKED
from policies.policy import Decisions, Feedback, Problem

pytest.importorskip("tensorboardX")


def train(seed: int) -> None:
    random = np.random.default_rng(seed)
    policy = policies.load("neural_argmax", Problem(2, 3), seed=seed, widths=(4,), batch=16, capacity=64)
    decisions = Decisions(np.arange(32.0), random.normal(size=(32, 3)), np.empty((2, 0)), np.ones((32, 2), bool))
    policy.learn(Feedback(decisions, random.integers(2, size=32), np.full(32, 0.5), random.random(32)))


def test_every_training_writes_its_loss_into_a_folder_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(ASKED, "")
    outputs.tensorboard(tmp_path / "tb")
    train(1)
    train(2)
    runs = sorted((tmp_path / "tb").iterdir())
    assert len(runs) == 2
    for run in runs:
        (events,) = run.iterdir()
        assert b"loss" in events.read_bytes()


def test_where_nobody_asked_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(ASKED, raising=False)
    monkeypatch.chdir(tmp_path)
    train(1)
    assert list(tmp_path.iterdir()) == []


def test_without_the_extra_it_is_said_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outputs, "find_spec", lambda name: None)
    with pytest.raises(OutputError, match=r"pip install launchsim\[tensorboard\]"):
        outputs.tensorboard(tmp_path)
    assert outputs.tensorboard(None) is None
