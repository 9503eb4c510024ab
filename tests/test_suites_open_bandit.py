"""The suite of Open Bandit Pipeline's examples: its data number by number, its estimators where truth is known."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmarks.suites import open_bandit, published
from benchmarks.suites.kept import Answer, answers
from benchmarks.suites.open_bandit import REPLAYED, Errors, Replayed
from benchmarks.suites.suite import COLUMNS, Asked
from benchmarks.suites.synthetic import Synthetic


def test_the_data_are_those_that_the_replay_notebook_prints() -> None:
    """examples/quickstart/replay.ipynb of Open Bandit Pipeline 0.5.4, its fourth cell."""
    log = Synthetic(n_actions=10, dim_context=5, random_state=12345).log(10_000)
    decisions = log.feedback.decisions
    assert decisions.contexts[0] == pytest.approx([-0.20470766, 0.47894334, -0.51943872, -0.5557303, 1.96578057])
    assert log.feedback.chosen[[0, 1, 2, -3, -2, -1]].tolist() == [9, 3, 2, 0, 2, 7]
    assert log.feedback.rewards[[0, 1, 2, -3, -2, -1]].tolist() == [1, 1, 0, 0, 0, 1]
    assert log.truth[0, [0, 1, 2, -1]] == pytest.approx([0.81612381, 0.62585527, 0.3867853, 0.38638404])
    assert log.feedback.propensities[[0, 1, -1]] == pytest.approx([0.08643715, 0.11568983, 0.0758826])


def test_a_chance_is_that_of_the_formula_written_out() -> None:
    """b0 + b1 x + a0 + ak + M00 + M0k + (M10 + M1k) x, standardised over all rows and actions, then logistic."""
    log = Synthetic(n_actions=2, dim_context=1, random_state=3).log(50)
    x, random = log.feedback.decisions.contexts[:, 0], np.random.RandomState(3)
    b, a, m = random.uniform(-1, 1, 2), random.uniform(-1, 1, 3), random.uniform(-1, 1, (2, 3))
    logits = np.array([
        [b[0] + b[1] * one + a[0] + a[k] + m[0, 0] + m[0, k] + (m[1, 0] + m[1, k]) * one for k in (1, 2)] for one in x
    ])  # fmt: skip
    assert log.truth == pytest.approx(1 / (1 + np.exp(-(logits - logits.mean()) / logits.std())))


def test_a_beta_of_0_logs_uniformly_and_the_printed_default_does_not() -> None:
    assert set(Synthetic(4, 2, beta=0.0).log(100).feedback.propensities) == {0.25}
    assert len(set(Synthetic(4, 2).log(100).feedback.propensities)) > 90


def test_with_the_truth_as_reward_model_the_direct_method_is_exact() -> None:
    log = Synthetic(5, 3, -1.0, 2).log(3_000)
    chances = np.full(log.truth.shape, 0.2)
    found = open_bandit._estimates(log.feedback, chances, log.truth)
    truth = log.truth.mean()
    assert found["dm"] == pytest.approx(truth)
    assert {"ipw", "snipw", "dr", "sndr", "switch-dr", "dr-os"} < set(found)
    assert all(abs(value - truth) / truth < 0.06 for value in found.values())


def test_estimators_err_as_little_as_printed() -> None:
    """A small run of the printed table: doubly robust within a few percent, and far better than the direct method."""
    found = Errors(random_state=0, n=2_000, n_actions=10).answer()
    assert found["dr"] < 0.04
    assert found["dr"] < found["dm"]


@pytest.mark.parametrize("beta", [0.0, 1.0])
def test_replay_of_who_learns_nothing_is_what_its_choices_bring(beta: float) -> None:
    """Uniform choice brings the mean chance of a reward, whatever the log's own chances were."""
    found = Replayed("uniform", 1, 4_000, beta).answer()
    chances = Synthetic(10, 5, beta).log(4_000).truth
    assert found["all"] == pytest.approx(chances.mean(), abs=4 * chances.std() / np.sqrt(4_000))
    spread = np.sqrt(chances.mean() * (1 - chances.mean()) / found["accepted"])
    assert found["replay"] == pytest.approx(chances.mean(), abs=4 * spread)


@dataclass(frozen=True)
class Counting:
    """Answers with how often it was asked."""

    file: Path
    name: str

    def answer(self) -> Answer:
        self.file.write_text(self.file.read_text() + self.name if self.file.exists() else self.name)
        return {"length": float(len(self.file.read_text()))}


def test_what_was_answered_is_not_asked_again(tmp_path: Path) -> None:
    notes, asked = tmp_path / "notes", Asked(tmp_path / "out")
    first = answers([Counting(notes, "a"), Counting(notes, "b")], asked)
    again = answers([Counting(notes, "c"), Counting(notes, "b"), Counting(notes, "a")], asked)
    assert notes.read_text() == "abc"
    assert again == [{"length": 3.0}, first[1], first[0]]


def test_every_printed_number_is_of_a_case_that_is_played(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    known = {"dm": 1.0, "ipw": 1.0, "snipw": 1.0, "dr": 1.0, "sndr": 1.0, "switch-dr": 1.0, "dr-os": 1.0}
    replayed = {"replay": 1.0, "accepted": 2.0, "as many": 1.0, "all": 1.0}
    quick = pd.DataFrame([["quickstart, relative value", "ipw", 1.2, 1.1, 1.3, 1, 0.0]], columns=COLUMNS)
    monkeypatch.setattr(open_bandit, "quickstart", lambda: quick)
    monkeypatch.setattr(
        open_bandit, "answers", lambda jobs, asked: [known if isinstance(job, Errors) else replayed for job in jobs]
    )
    table = open_bandit.rows(Asked(tmp_path))
    assert set(published.numbers("open_bandit")) <= set(zip(table.case, table.contestant, strict=True))
    assert set(REPLAYED) < set(table.contestant)
