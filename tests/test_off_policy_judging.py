"""What is evaluated: saved, fixed and trained policies, each on rows it has not learned from."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import policies
from benchmarks.off_policy.judging import cut, judge, observed
from envs.feedback import LogError, LoggedFeedback
from policies.policy import Decisions, Feedback, PolicyError, Problem


def log_of(n: int = 4_000) -> LoggedFeedback:
    """Action 1 earns 0.6 in the first half and 0.2 in the second, action 0 always 0.4."""
    rng = np.random.default_rng(0)
    chosen = rng.integers(0, 2, n)
    decisions = Decisions(np.arange(n) / 100, np.ones((n, 1)), np.empty((2, 0)), np.ones((n, 2), dtype=bool))
    means = np.where(chosen == 0, 0.4, np.where(np.arange(n) < n / 2, 0.6, 0.2))
    return LoggedFeedback(Feedback(decisions, chosen, np.full(n, 0.5), (rng.random(n) < means) * 1.0))


def test_a_policy_learns_before_the_cut_and_is_judged_after_it() -> None:
    """What it learned to be better has become worse: rows it learned from would have said 0.6."""
    judged = judge(log_of(), "popularity", ["snips"], train_until="0.5", placebo=False)
    table = judged.evaluation.table()
    assert table.loc["snips", "n"] == 2_000
    assert table.loc["snips", "value"] == pytest.approx(0.2, abs=0.05)
    assert table.loc["snips", "verdict"] == "worse"
    assert judged.made == "trained on the 2,000 rows before, then frozen"


def test_a_saved_policy_is_judged_as_it_is(tmp_path: Path) -> None:
    log = log_of()
    policy = policies.load("popularity", log.problem)
    policy.learn(log.feedback.take(slice(0, 500)))
    policy.save(tmp_path / "policy.zip")  # type: ignore[attr-defined]
    judged = judge(log, str(tmp_path / "policy.zip"), ["snips"], placebo=False)
    assert judged.made == "saved, fixed"
    assert judged.evaluation.accumulators["snips"].value() == pytest.approx(0.4, abs=0.04)  # 0.6 and 0.2


def test_a_saved_policy_of_another_problem_is_refused(tmp_path: Path) -> None:
    policies.load("uniform", Problem(3, 1)).save(tmp_path / "policy.zip")  # type: ignore[attr-defined]
    with pytest.raises(PolicyError, match=r"problem Problem\(n_actions=2.*got Problem\(n_actions=3"):
        judge(log_of(), str(tmp_path / "policy.zip"), ["ips"])


def test_the_cut_by_fraction_counts_rows() -> None:
    assert cut(log_of(), "0.25") == 1_000


def test_the_cut_by_date_counts_days_since_the_origin(tmp_path: Path) -> None:
    """A log of 1 March at noon to 3 March at noon, one row every six hours: five rows come before 2 March, 18:00."""
    rows = [f"2024-03-0{1 + (12 + 6 * i) // 24}T{(12 + 6 * i) % 24:02d}:00:00,{i % 2},0.5,1" for i in range(9)]
    (tmp_path / "log.csv").write_text("\n".join(["time,action,propensity,reward", *rows]))
    log = LoggedFeedback.read(tmp_path / "log.csv")
    assert cut(log, "2024-03-02 18:00") == 5
    assert cut(log, "2024-03-02") == 2


@pytest.mark.parametrize(
    ("until", "rows"),
    [
        ("2024-03-10T12:00", 228),
        ("2024-03-10T12:00Z", 228),
        ("2024-03-10 12:00+02:00", 226),
        ("2024-03-10T12:00:00-08:00", 236),
    ],
)
def test_a_date_with_an_offset_is_cut_at_its_instant(until: str, rows: int, tmp_path: Path) -> None:
    """A row an hour from midnight of 1 March, in UTC: 9 days and 12 hours, less 2, or 8 more."""
    hours = [f"2024-03-{1 + i // 24:02d}T{i % 24:02d}:00:00Z,{'ab'[i % 2]},{i % 2},0.5" for i in range(400)]
    (tmp_path / "log.csv").write_text("\n".join(["time,action,reward,propensity", *hours]))
    assert cut(LoggedFeedback.read(tmp_path / "log.csv"), until) == rows


@pytest.mark.parametrize(
    ("until", "message"),
    [
        ("1.5", r"rows before and after it, got '1.5' \(6,000 of 4,000 rows\)"),
        ("0", r"rows before and after it, got '0'"),
        ("soon", r"must be a date .* or a fraction between 0 and 1, got 'soon'"),
        ("05/03/2024", r"must be a date such as 2024-03-05 .*, got '05/03/2024'"),
        ("20240305", r"must be a fraction for a log without dates, got '20240305'"),
        ("2024-01-01", r"must be a fraction for a log without dates, got '2024-01-01'"),
    ],
)
def test_a_cut_that_cannot_be_is_named(until: str, message: str) -> None:
    with pytest.raises(LogError, match=message):
        cut(log_of(), until)


def test_thompson_sampling_needs_its_data_set() -> None:
    with pytest.raises(PolicyError, match="must be judged on a log of the Open Bandit Dataset"):
        judge(log_of(), "bernoulli_ts", ["ips"])


def test_the_observed_mean_of_a_log_has_its_interval() -> None:
    log = log_of()
    value, lower, upper = observed(log)
    error = log.feedback.rewards.std(ddof=1) / np.sqrt(len(log))
    assert value == pytest.approx(log.feedback.rewards.mean())
    assert upper - lower == pytest.approx(2 * 1.96 * error, rel=0.1)


@pytest.mark.parametrize("nobody", ["", "NA", "NULL", "nan", "None", "  "])
def test_a_visit_of_nobody_knows_whom_stands_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, nobody: str
) -> None:
    """However it is written that the user is not known: the interval is that of the log without the column."""
    monkeypatch.setenv("LAUNCHSIM_PSEUDONYM_KEY", "a key of sixteen or more letters")
    rng = np.random.default_rng(1)
    rows = [f"{i / 100},{i % 2},0.5,{int(rng.random() < 0.3)}" for i in range(600)]
    (tmp_path / "log.csv").write_text(
        "\n".join(["time,action,propensity,reward,user", *(f"{r},{nobody}" for r in rows)])
    )
    (tmp_path / "none.csv").write_text("\n".join(["time,action,propensity,reward", *rows]))
    ours, without = (LoggedFeedback.read(tmp_path / name) for name in ("log.csv", "none.csv"))
    assert ours.users.tolist() == [0] * 600
    assert observed(ours) == observed(without)


def test_what_learns_nothing_is_not_said_to_be_trained() -> None:
    for call in ("uniform", "fixed_order"):
        judged = judge(log_of(), call, ["ips"], train_until="0.5", placebo=False)
        assert judged.made == "as it is, it learns nothing"
    assert judge(log_of(), "popularity", ["ips"], placebo=False).made == "as it starts, untrained"


def test_a_frozen_policy_is_warned_of_launches_it_cannot_know() -> None:
    """Action 1 is there from the middle on: whoever learned from a quarter of the log has never met it."""
    log = log_of()
    feedback = log.feedback
    feedback.decisions.available[:2_000, 1] = False
    first = np.arange(4_000) < 2_000
    feedback.chosen[first] = 0
    feedback.propensities[first] = 1.0
    late = LoggedFeedback(feedback, ["mug", "vase"])
    early = judge(late, "newest", ["ips"], train_until="0.25", placebo=False).warning
    assert early.startswith("1 of 2 actions came after the rows it learned from (vase): frozen, it cannot know them.")
    assert judge(late, "newest", ["ips"], train_until="0.75", placebo=False).warning == ""
    assert judge(late, "uniform", ["ips"], train_until="0.25", placebo=False).warning == ""
