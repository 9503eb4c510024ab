"""Logs handed to other libraries say there what they say here."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.off_policy import estimate
from envs import exports
from envs.feedback import LogError, LoggedFeedback
from policies.policy import Decisions, Feedback

N, K = 60, 3


def made(*, growing: bool = True, propensities: str = "logged") -> LoggedFeedback:
    random = np.random.default_rng(0)
    available = np.ones((N, K), bool)
    available[: N // 3, 2] = not growing
    chances = available / available.sum(axis=1, keepdims=True)
    chosen = np.array([random.choice(K, p=row) for row in chances])
    decisions = Decisions(
        np.arange(N) / 10, np.column_stack([np.ones(N), random.normal(size=N)]), np.arange(6.0).reshape(K, 2), available
    )
    logged = chances[np.arange(N), chosen] if propensities == "logged" else np.full(N, np.nan)
    feedback = Feedback(decisions, chosen, logged, random.integers(0, 3, N).astype(float))
    return LoggedFeedback(feedback, ["tea", "mate", "cola"], context=["constant", "age"], propensities=propensities)


class Interactions:
    """The log as an environment of coba's."""

    def __init__(self, log: LoggedFeedback) -> None:
        self.log, self.params = log, dict[str, Any]()

    def read(self) -> Any:
        return exports.coba(self.log)


def test_vowpal_wabbit_reads_back_labels_features_and_what_was_available(tmp_path: Path) -> None:
    vw = pytest.importorskip("vowpalwabbit")
    log = made()
    assert exports.dsjson(log, tmp_path / "log.dsjson") == N
    feedback = log.feedback
    workspace = vw.Workspace("--dsjson --cb_explore_adf --quiet")
    for row, line in enumerate((tmp_path / "log.dsjson").read_text().splitlines()):
        shared, *products = workspace.parse(line)
        there = np.flatnonzero(feedback.decisions.available[row])
        assert len(products) == len(there)
        labels = [example.get_label(vw.LabelType.CONTEXTUAL_BANDIT).costs for example in products]
        ((k, (label,)),) = ((k, costs) for k, costs in zip(there, labels, strict=True) if costs)
        assert k == feedback.chosen[row]
        assert label.cost == pytest.approx(-feedback.rewards[row])
        assert label.probability == pytest.approx(feedback.propensities[row])
        seen = [shared.feature_weight("V", i) for i in range(shared.num_features_in("V"))]
        assert seen == pytest.approx(feedback.decisions.contexts[row], rel=1e-6)
        workspace.finish_example([shared, *products])


def test_dsjson_is_its_owners_alone_and_its_chances_sum_to_one(tmp_path: Path) -> None:
    exports.dsjson(made(), tmp_path / "log.dsjson")
    assert (tmp_path / "log.dsjson").stat().st_mode & 0o077 == 0
    for line in (tmp_path / "log.dsjson").read_text().splitlines():
        row = json.loads(line)
        assert sum(row["p"]) == pytest.approx(1)
        assert row["a"][0] == row["_label_Action"] == row["_labelIndex"] + 1


def test_coba_reads_every_row_with_what_was_there() -> None:
    pytest.importorskip("coba")
    log = made()
    interactions = list(Interactions(log).read())
    feedback = log.feedback
    assert [one["reward"] for one in interactions] == feedback.rewards.tolist()
    assert [one["probability"] for one in interactions] == feedback.propensities.tolist()
    assert [int(one["action"][0]) for one in interactions] == feedback.chosen.tolist()
    assert [len(one["actions"]) for one in interactions] == feedback.decisions.available.sum(axis=1).tolist()


def test_coba_replays_a_fixed_choice_on_exactly_the_rows_that_made_it() -> None:
    coba = pytest.importorskip("coba")
    log = made(growing=False)
    replayed = coba.RejectionCB().evaluate(Interactions(log), coba.FixedLearner([1.0, 0.0, 0.0]))
    feedback = log.feedback
    assert [one["reward"] for one in replayed] == feedback.rewards[feedback.chosen == 0].tolist()


def test_open_bandit_pipeline_values_it_as_we_do() -> None:
    ope = pytest.importorskip("obp.ope")
    log = made(growing=False)
    handed = exports.open_bandit(log)
    probabilities = np.tile([0.2, 0.3, 0.5], (N, 1))
    theirs = ope.InverseProbabilityWeighting().estimate_policy_value(
        reward=handed["reward"], action=handed["action"], pscore=handed["pscore"], action_dist=probabilities[:, :, None]
    )
    assert theirs == pytest.approx(estimate(log.feedback, probabilities, ("ips",)).loc["ips", "value"])


def test_open_bandit_pipelines_dict_holds_the_log() -> None:
    handed = exports.open_bandit(made(growing=False))
    assert (handed["n_rounds"], handed["n_actions"]) == (N, K)
    assert handed["context"].shape == (N, 2)
    assert handed["action_context"].shape == (K, 2)
    assert handed["pscore"] == pytest.approx(np.full(N, 1 / 3))


def test_what_others_cannot_hold_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LogError, match="got 'cola' missing in row 0"):
        exports.open_bandit(made())
    for hand in (exports.open_bandit, lambda log: exports.dsjson(log, tmp_path / "log.dsjson")):
        with pytest.raises(LogError, match="must have propensities"):
            hand(made(propensities="missing"))
