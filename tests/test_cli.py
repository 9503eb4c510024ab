"""The command line: quick to help, one line and exit code 2 for what makes no sense, and a whole comparison."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
import typer

from benchmarks import cli

HEAVY = (
    "numpy",
    "pandas",
    "scipy",
    "numba",
    "jax",
    "matplotlib",
    "vowpalwabbit",
    "duckdb",
    "sklearn",
    "jinja2",
    "simpy",
)


def launchsim(*arguments: str, monkeypatch: pytest.MonkeyPatch) -> int:
    """The exit code of the command line in this process."""
    monkeypatch.setattr(sys, "argv", ["launchsim", *arguments])
    with pytest.raises(SystemExit) as stopped:
        cli.main()
    return int(stopped.value.code or 0)


def test_help_imports_nothing_heavy() -> None:
    code = f"""
import sys
from benchmarks import cli
sys.argv = ["launchsim", "--help"]
try:
    cli.main()
except SystemExit:
    print(*({set(HEAVY)!r} & set(sys.modules)), file=sys.stderr)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == ""
    for command in ("compare", "demo", "data", "policies"):
        assert command in done.stdout


@pytest.mark.parametrize(
    ("arguments", "value"),
    [
        (["compare", "autumn", "--policy", "uniform"], "'autumn'"),
        (["compare", "spring_launch", "--policy", "linucd"], "'linucd'"),
        (["compare", "spring_launch", "--policy", "linucb(alhpa=1)"], "'alhpa'"),
        (["compare", "spring_launch", "--policy", "linucb(alpha=open('x'))"], "open('x')"),
        (["compare", "spring_launch", "--policy", "uniform", "--baseline", "best"], "'best'"),
        (["compare", "missing.toml", "--policy", "uniform"], "'missing.toml'"),
    ],
)
def test_what_makes_no_sense_is_one_line_and_exit_code_2(
    arguments: list[str],
    value: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert launchsim(*arguments, "--out", str(tmp_path / "out"), monkeypatch=monkeypatch) == 2
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("launchsim:")]
    assert len(lines) == 1
    assert value in lines[0]
    assert not (tmp_path / "out" / "index.html").exists()


SMALL = """
title = "Small shop"
about = "One week, two products."
days = 7
arrivals.per_day = 40
users.population = 200
products = [
    { title = "Tea", category = "hot", price = 10.0, incumbent = true },
    { title = "Mate", category = "hot", price = 12.0, launch = 2.0 },
    { title = "Cola", category = "cold", price = 8.0, launch = 0.0 },
]
"""


def test_malformed_toml_names_key_and_value(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    scenario = tmp_path / "shop.toml"
    for written, words in (("price = -8.0", ("price", "-8.0")), ("price = 8,0", ("price = 8,0",))):
        scenario.write_text(SMALL.replace("price = 8.0", written))
        arguments = ["compare", str(scenario), "--policy", "uniform", "--out", str(tmp_path / "out")]
        assert launchsim(*arguments, monkeypatch=monkeypatch) == 2
        (line,) = [line for line in capsys.readouterr().err.splitlines() if line]
        assert all(word in line for word in words)


def test_a_comparison_from_scenario_to_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    scenario, out = tmp_path / "shop.toml", tmp_path / "out"
    scenario.write_text(SMALL)
    policies = ["--policy", "uniform", "--policy", "linucb(alpha=0.5)", "--policy", "oracle"]
    arguments = ["compare", str(scenario), *policies, "--seeds", "2", "--out", str(out), "-j", "1"]
    assert launchsim(*arguments, monkeypatch=monkeypatch) == 0
    assert str(out / "index.html") in capsys.readouterr().out.replace("\n", "")
    assert "Small shop" in (out / "index.html").read_text()
    for name in ("results.parquet", "curves.parquet", "table.csv", "figures/gain.png", "figures/regret.svg"):
        assert (out / name).exists()


def test_without_the_data_set_the_demo_says_what_is_missing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from benchmarks.commands.demo import _real_logs
    from envs import open_bandit
    from envs.feedback import LogError

    def offline() -> Path:
        raise LogError("Open Bandit Dataset must be downloaded once, got no network")

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(open_bandit, "bring", offline)
    assert _real_logs(1) == (
        "Real logs are missing from this page: Open Bandit Dataset must be downloaded once, got no network"
    )


def test_a_stopped_command_says_so_and_exits_130(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stop(standalone_mode: bool) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "app", stop)
    monkeypatch.setattr(cli, "_add_commands", lambda: None)
    assert launchsim(monkeypatch=monkeypatch) == 130
    assert capsys.readouterr().err == "launchsim: stopped\n"


def test_the_installed_command_is_there() -> None:
    command = Path(sys.executable).parent / "launchsim"
    done = subprocess.run([command, "--help"], capture_output=True, text=True, check=False, env=os.environ)
    assert done.returncode == 0
    assert "sells more" in done.stdout


def test_a_users_own_folder_called_policies_is_not_taken_for_ours(tmp_path: Path) -> None:
    (tmp_path / "policies").mkdir()
    command = Path(sys.executable).parent / "launchsim"
    done = subprocess.run([command, "policies"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    assert "linucb(" in done.stdout


@pytest.mark.parametrize("asked", ["-h", "--help"])
def test_help_is_there_by_either_name_for_every_command(
    asked: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert launchsim("tune", asked, monkeypatch=monkeypatch) == 0
    out = capsys.readouterr().out
    assert "--measure" in out
    assert "--policy" in out


def test_no_help_has_brackets_which_the_terminal_takes_for_markup_and_leaves_out() -> None:
    cli._add_commands()

    def told(command: click.Command, path: str) -> Iterator[tuple[str, str]]:
        yield path, command.help or ""
        yield from ((f"{path} {about.name}", getattr(about, "help", None) or "") for about in command.params)
        for name, inner in getattr(command, "commands", {}).items():
            yield from told(inner, f"{path} {name}")

    assert [where for where, text in told(typer.main.get_command(cli.app), "launchsim") if "[" in text] == []


def test_it_says_which_version_it_is(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert launchsim("--version", monkeypatch=monkeypatch) == 0
    assert capsys.readouterr().out.startswith("launchsim 0.")


@pytest.mark.parametrize(
    ("arguments", "meant"),
    [
        (["compare", "spring_lunch", "--policy", "uniform"], "did you mean 'spring_launch'?"),
        (["compare", "spring_launch", "--policy", "linucd"], "did you mean 'linucb'?"),
        (["compare", "spring_launch", "--policy", "linucb(alhpa=1)"], "did you mean 'alpha'?"),
        (["comapre", "spring_launch"], "Did you mean 'compare'?"),
    ],
)
def test_a_slip_of_the_pen_is_answered_with_what_was_meant(
    arguments: list[str],
    meant: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert launchsim(*arguments, monkeypatch=monkeypatch) == 2
    assert meant in capsys.readouterr().err


def test_policies_are_listed_as_they_are_typed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert launchsim("policies", monkeypatch=monkeypatch) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "epsilon_greedy(epsilon=0.1, model='mean', ridge=1.0)" in lines
    assert "uniform" in lines
    assert "oracle" in lines


def test_a_policy_of_ones_own_is_checked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text(
        "import numpy as np\n"
        "class First:\n"
        "    def __init__(self, problem, *, seed=0): ...\n"
        "    def probabilities(self, decisions):\n"
        "        return np.eye(decisions.available.shape[1])[decisions.available.argmax(axis=1)]\n"
        "    def learn(self, feedback): ...\n"
        "class Zeroth(First):\n"
        "    def probabilities(self, decisions):\n"
        "        return np.eye(decisions.available.shape[1])[[0] * len(decisions)]\n"
    )
    assert launchsim("check", "mine.py:First", monkeypatch=monkeypatch) == 0
    assert "keeps every rule" in capsys.readouterr().out
    assert launchsim("check", "mine.py:Zeroth", monkeypatch=monkeypatch) == 2
    assert "0 where unavailable" in capsys.readouterr().err


def test_shells_can_complete_what_is_typed() -> None:
    code = "from benchmarks import cli; import sys; sys.argv = ['launchsim']; cli.main()"
    asked = {"_LAUNCHSIM_COMPLETE": "complete_bash", "COMP_WORDS": "launchsim comp", "COMP_CWORD": "1"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=os.environ | asked)
    assert "compare" in done.stdout.split()


def test_the_package_answers_as_the_command_does() -> None:
    done = subprocess.run([sys.executable, "-m", "benchmarks", "--version"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("launchsim 0.")
