"""The command, from a log on disk to a page; and its refusals, one line each."""

from __future__ import annotations

import json
import re
import stat
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner, Result

from benchmarks import cli
from envs.feedback import LogError, LoggedFeedback
from policies.policy import Decisions, Feedback, PolicyError, Problem


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three products earn 0.2, 0.4 and 0.6; the third is called like a spreadsheet formula."""
    rng = np.random.default_rng(0)
    n = 6_000
    chosen = rng.integers(0, 3, n)
    decisions = Decisions(np.arange(n) / 500, rng.normal(size=(n, 2)), np.empty((3, 0)), np.ones((n, 3), dtype=bool))
    rewards = (rng.random(n) < 0.2 + 0.2 * chosen) * 1.0
    path = tmp_path_factory.mktemp("log") / "shop.parquet"
    LoggedFeedback(Feedback(decisions, chosen, np.full(n, 1 / 3), rewards), ["mug", "vase", "=lamp"]).write(path)
    return path


def launchsim(*arguments: str) -> Result:
    cli._add_commands()
    return CliRunner().invoke(cli.app, ["evaluate", *arguments])


def test_a_log_becomes_a_page(log: Path, tmp_path: Path) -> None:
    estimators = [word for one in ("snips", "dr", "ips(clip=2)") for word in ("--estimator", one)]
    taught = ["--policy", "popularity", "--policy", "uniform", "--train-until", "0.5"]
    done = launchsim(str(log), *taught, *estimators, "--out", str(tmp_path))
    assert done.exit_code == 0, done.output
    assert re.search(r"popularity by snips: 0\.(5[5-9]|6[0-5])", done.output)
    assert "It earns what the policy that made the log earned" in done.output
    table = pd.read_parquet(tmp_path / "estimates.parquet").set_index(["policy", "estimator"])
    assert table.loc[("popularity", "snips"), "verdict"] == "deploy-worthy"
    assert table.loc[("uniform", "dr"), "verdict"] == "cannot tell"
    assert (table["n"] == 3_000).all()
    assert (table.groupby("policy")["chosen"].apply(lambda why: (why != "").sum()) == 1).all()
    health = json.loads((tmp_path / "health.json").read_text())["popularity"]
    assert health["largest_weight"] == pytest.approx(2.9)  # chance 0.95 + 0.05 / 3, logged 1 / 3
    assert health["placebo"][1] < health["observed"] < health["placebo"][2]
    page = (tmp_path / "index.html").read_text()
    assert "Deploy-worthy on this log: popularity." in page
    assert str(log.parent) not in page
    assert stat.S_IMODE((tmp_path / "index.html").stat().st_mode) == 0o600
    assert "'=lamp" in (tmp_path / "support.csv").read_text()


def test_frozen_linucb_on_number_columns_alone_is_ridge_regression_with_a_constant(tmp_path: Path) -> None:
    """By hand: numbers scaled to mean 0, a 1 beside them, taught by the first half; ips on the second half."""
    rng = np.random.default_rng(1)
    n, K = 3_000, 3
    numbers = rng.lognormal(size=(n, 2))
    chosen = rng.integers(K, size=n)
    bought = rng.random(n) < np.array([0.12, 0.15, 0.2])[chosen] + 0.05 * (chosen - 1) * (numbers[:, 0] > 1)
    frame = pd.DataFrame({"time": pd.date_range("2024-03-01", periods=n, freq="10min"), "item": chosen})
    frame = frame.assign(bought=bought.astype(int), recency=numbers[:, 0], spent=numbers[:, 1], chance=1 / K)
    frame.to_csv(tmp_path / "log.csv", index=False)
    (tmp_path / "columns.toml").write_text(
        'time = "time"\naction = "item"\nreward = "bought"\npropensity = "chance"\n'
        '[context]\nrecency = "number"\nspent = "number"\n'
    )
    asked = ["--columns", str(tmp_path / "columns.toml"), "--policy", "linucb(alpha=0.1)", "--train-until", "0.5"]
    done = launchsim(str(tmp_path / "log.csv"), *asked, "--estimator", "ips", "--out", str(tmp_path / "page"))
    assert done.exit_code == 0, done.output
    x = np.column_stack([np.ones(n), (numbers - numbers.mean(axis=0)) / numbers.std(axis=0)])
    early, late = np.arange(n) < n // 2, np.arange(n) >= n // 2
    bounds = []
    for k in range(K):
        mine = x[early & (chosen == k)]
        inverse = np.linalg.inv(np.eye(3) + mine.T @ mine)
        theta = inverse @ mine.T @ bought[early & (chosen == k)]
        bounds.append(x @ theta + 0.1 * np.sqrt(np.einsum("ni,ij,nj->n", x, inverse, x)))
    shown = np.argmax(bounds, axis=0)
    table = pd.read_parquet(tmp_path / "page" / "estimates.parquet").set_index("estimator")
    assert table.loc["ips", "value"] == pytest.approx((K * bought * (shown == chosen))[late].mean(), rel=1e-6)


@pytest.mark.usefixtures("drafts")
def test_policies_are_told_by_value_whatever_the_order_they_are_typed_in(log: Path, tmp_path: Path) -> None:
    """Products earn 0.2, 0.4 and 0.6: showing the third beats showing all alike, which beats showing the first."""
    calls = ["fixed_order(order=[0, 1, 2])", "uniform", "fixed_order(order=[2, 1, 0])"]
    said = []
    for order in (calls, calls[::-1]):
        asked = [word for call in order for word in ("--policy", call)]
        done = launchsim(str(log), *asked, "--no-placebo", "--estimator", "snips", "--out", str(tmp_path))
        assert done.exit_code == 0, done.output
        said.append(done.output)
    assert said[0] == said[1]
    table = pd.read_parquet(tmp_path / "estimates.parquet")
    assert table.policy.tolist() == [calls[2], calls[1], calls[0]]
    assert "Verdicts are adjusted for 3 policies" in said[0]
    assert re.search(r"uniform less fixed_order\(order=\[2, 1, 0\]\): -0\.[12]\d* .*: worse", said[0])
    page = (tmp_path / "index.html").read_text()
    assert "Verdicts are adjusted for 3 policies" in page
    assert "One against another" in page
    assert "learns nothing" in said[0]


@pytest.mark.usefixtures("drafts")
def test_the_baseline_is_one_of_the_policies(log: Path, tmp_path: Path) -> None:
    asked = ["--policy", "uniform", "--policy", "fixed_order", "--no-placebo", "--out", str(tmp_path)]
    done = launchsim(str(log), *asked, "--baseline", "fixed_order")
    assert "uniform less fixed_order: +0." in done.output
    done = launchsim(str(log), *asked, "--baseline", "newest")
    assert str(done.exception) == "baseline must be one of uniform, fixed_order, got 'newest'"


class Wrong:
    """A policy whose chances do not sum to 1."""

    def __init__(self, problem: Problem, *, seed: int = 0) -> None: ...

    def probabilities(self, decisions: Decisions) -> np.ndarray:
        return decisions.available * 0.3

    def learn(self, feedback: Feedback) -> None: ...


@pytest.mark.usefixtures("drafts")
def test_a_policy_that_fails_is_named_and_stops_no_other(log: Path, tmp_path: Path) -> None:
    wrong = f"{__name__}:Wrong"
    asked = ["--policy", wrong, "--policy", "uniform", "--no-placebo", "--estimator", "ips", "--out", str(tmp_path)]
    done = launchsim(str(log), *asked, "-j", "1")  # no other process could import a test
    assert done.exit_code == 0, done.output
    assert re.search(f"not judged: {wrong}: probabilities must sum to 1, got .* in row 0", done.output)
    assert f"Not judged: {wrong}" in (tmp_path / "index.html").read_text()
    alone = launchsim(str(log), "--policy", wrong, "--no-placebo", "--out", str(tmp_path))
    assert str(alone.exception).startswith(f"{wrong}: probabilities must sum to 1")


@pytest.mark.usefixtures("drafts")
def test_bias_that_is_in_no_interval_is_said_beside_it(log: Path, tmp_path: Path) -> None:
    asked = [word for one in ("dm", "dros", "ips") for word in ("--estimator", one)]
    done = launchsim(str(log), "--policy", "fixed_order", *asked, "--no-placebo", "--out", str(tmp_path))
    said = {name: line for name in ("dm", "dros", "ips") for line in done.output.splitlines() if f"by {name}:" in line}
    assert "bias not in it" in said["dm"]
    assert "bias not in it" in said["dros"]
    assert "bias not in it" not in said["ips"]
    assert (tmp_path / "index.html").read_text().count("bias not in it") == 2


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (["--policy", "uniform", "--estimator", "magic"], PolicyError, "estimator must be one of .* got 'magic'"),
        (["--policy", "no_such"], PolicyError, "got 'no_such'"),
        (["--policy", "uniform", "--train-until", "2"], LogError, "train-until must leave rows"),
        (["--policy", "uniform", "--interval", "guess"], PolicyError, "interval must be one of .* got 'guess'"),
        (["--policy", "uniform", "--confidence", "95"], PolicyError, "confidence must lie between 0 and 1, got 95"),
    ],
)
def test_bad_input_is_one_line(
    log: Path, tmp_path: Path, arguments: list[str], error: type[Exception], message: str
) -> None:
    done = launchsim(str(log), *arguments, "--out", str(tmp_path))
    assert isinstance(done.exception, error)
    assert re.search(message, str(done.exception))
    assert "\n" not in str(done.exception)


@pytest.mark.usefixtures("drafts")
@pytest.mark.data
def test_thompson_sampling_is_set_beside_what_it_earned(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "launchsim").mkdir()
    (tmp_path / "launchsim" / "open_bandit").symlink_to(data / "open_bandit")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    beside = [
        "--on-policy",
        "open-bandit:bts/men",
        "--no-placebo",
        "--estimator",
        "snips",
        "--out",
        str(tmp_path / "out"),
    ]
    done = launchsim("open-bandit:random/men", "--policy", "bernoulli_ts", *beside)
    assert done.exit_code == 0, done.output
    assert "On policy, open-bandit:bts/men earned" in (tmp_path / "out" / "index.html").read_text()


class Raises(Wrong):
    """A policy that raises when asked."""

    def probabilities(self, decisions: Decisions) -> np.ndarray:
        raise ZeroDivisionError("by nothing")


def test_a_policy_that_raises_is_one_line(log: Path, tmp_path: Path) -> None:
    raises = f"{__name__}:Raises"
    asked = ["--policy", raises, "--policy", "uniform", "--no-placebo", "--out", str(tmp_path)]
    done = launchsim(str(log), *asked, "-j", "1")  # no other process could import a test
    assert done.exit_code == 0, done.output
    assert re.search(f"not judged: {raises}: probabilities failed .*ZeroDivisionError: by nothing .*line", done.output)


@pytest.mark.usefixtures("drafts")
@pytest.mark.parametrize("command", ["evaluate", "replay"])
def test_what_to_know_of_a_log_is_told_first(command: str, tmp_path: Path) -> None:
    """A log without times, of which buyers and a fifth of the rest were kept."""
    rng = np.random.default_rng(3)
    item = rng.integers(0, 2, 8_000)
    bought = rng.random(8_000) < 0.1 + 0.2 * item
    kept = bought | (rng.random(8_000) < 0.2)
    frame = pd.DataFrame({"item": item, "bought": bought * 1, "p": 0.5, "w": np.where(bought, 1, 5)})
    frame[kept].to_csv(tmp_path / "visits.csv", index=False)
    (tmp_path / "columns.toml").write_text('action = "item"\nreward = "bought"\npropensity = "p"\nweight = "w"\n')
    launchsim("--help")
    asked = [command, str(tmp_path / "visits.csv"), "--columns", str(tmp_path / "columns.toml")]
    done = CliRunner().invoke(
        cli.app, [*asked, "--policy", "fixed_order(order=[1, 0])", "--out", str(tmp_path / "out")]
    )
    assert done.exit_code == 0, done.output
    page = (tmp_path / "out" / "index.html").read_text()
    for said in (done.output, page):
        assert "The log has no times: its rows were taken in their order" in said
        found = re.search(r"its ([\d,]+) rows stand for ([\d,]+) visits", said)
        assert found is not None
        rows, visits = (int(number.replace(",", "")) for number in found.groups())
        assert rows == kept.sum()
        assert visits == frame[kept].w.sum() == pytest.approx(8_000, rel=0.05)
    value = re.search(r"by snips: ([\d.]+)" if command == "evaluate" else r"0\]\) +([\d.]+)", done.output)
    assert value is not None
    assert float(value[1]) == pytest.approx(0.3, abs=0.04)  # of the rows kept, two thirds were bought
