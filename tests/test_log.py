"""`launchsim log`, `replay` and `data` as a person types them: answers, files and one line for what is wrong."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmarks import cli
from envs.logs.columns import Columns

Typed = Callable[..., tuple[int, str, str]]


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Typed:
    """Exit code, output and errors of a command line."""

    def run(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["launchsim", *words])
        with pytest.raises(SystemExit) as done:
            cli.main()
        shown = capsys.readouterr()
        return int(done.value.code or 0), shown.out, shown.err

    return run


@pytest.fixture
def log(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    n = 900
    frame = pd.DataFrame({
        "timestamp": pd.date_range("2024-03-01", periods=n, freq="10min"),
        "item_id": rng.integers(0, 3, n),
        "click": (rng.random(n) < 0.4).astype(int),
        "propensity": 1 / 3,
        "user_id": [f"user{u}@example.org" for u in rng.integers(0, 50, n)],
        "age": rng.integers(20, 60, n).astype(float),
    })  # fmt: skip
    frame.loc[5, "age"] = np.nan
    frame.to_csv(tmp_path / "visits.csv", index=False)
    return tmp_path / "visits.csv"


def test_describe_check_convert_replay_is_the_way_from_a_file_to_a_page(
    log: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, typed: Typed
) -> None:
    code, out, _ = typed("log", "describe", str(log), "--write", str(tmp_path / "c.toml"))
    assert code == 0
    assert 'user = "user_id"' in out
    assert "900 read, 900 good" in out
    assert "example.org" not in out
    assert Columns.of(tmp_path / "c.toml").time == "timestamp"
    with log.open("a") as file:
        file.write("2024-03-09,1,1,1.2,user1@example.org,30\n")
    mapping = ("--columns", str(tmp_path / "c.toml"))
    code, out, err = typed("log", "check", str(log), *mapping)
    assert code == 2
    assert err == (
        "launchsim: row 901: propensity must be above 0 and at most 1, got '1.2'; a rejects file sets bad rows aside\n"
    )
    rejects = ("--rejects", str(tmp_path / "bad.csv"))
    code, out, _ = typed("log", "check", str(log), *mapping, *rejects)
    assert code == 0
    assert out.splitlines() == [
        "901 rows read, 900 kept, 1 rejected",
        "  1: propensity must be above 0 and at most 1",
        "  1 missing in age: mean",
    ]
    monkeypatch.delenv("LAUNCHSIM_PSEUDONYM_KEY", raising=False)
    into = ("log", "convert", str(log), str(tmp_path / "visits.parquet"), *mapping, *rejects)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    code, _, err = typed(*into)
    assert code == 0
    key = tmp_path / "config" / "launchsim" / "pseudonym.key"
    assert str(key) in err
    assert key.stat().st_mode & 0o777 == 0o600
    first = (tmp_path / "visits.parquet").read_bytes()
    code, _, err = typed(*into)
    assert (code, err) == (0, "")  # the key is there now, and makes the same pseudonyms
    assert (tmp_path / "visits.parquet").read_bytes() == first
    assert typed(*into, "--no-user-ids")[0] == 0
    words = ["replay", str(tmp_path / "visits.parquet"), "--policy", "uniform", "--policy", "linucb(alpha=0.5)"]
    words += ["--out", str(tmp_path / "page")]
    code, out, err = typed(*words)
    assert code == 0
    assert ("replaying" in err, "replaying" in out) == (True, False)  # the bar is in nobody's pipe
    assert str(tmp_path / "page" / "index.html") in out
    assert (tmp_path / "page" / "index.html").exists()
    assert b"example.org" not in b"".join(file.read_bytes() for file in (tmp_path / "page").iterdir())


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["log", "check", "absent.csv"], "log must be a file that exists, got 'absent.csv'"),
        (["replay", "absent.parquet", "--policy", "uniform"], "log must be a file that exists, got 'absent.parquet'"),
        (["replay", "open-bandit:random/kids", "--policy", "uniform"], "campaign must be one of all, men, women, got"),
        (["log", "check", "VISITS", "--columns", "absent.toml"], "columns must be a TOML file that exists"),
        (["replay", "VISITS", "--no-user-ids", "--policy", "linucb(beta=1)"], "linucb setting must be one of"),
        (["replay", "VISITS", "--no-user-ids", "--policy", "uniform", "--floor", "2"], "floor must be above 0 and"),
        (["data", "open-bandit", "--path", "absent"], "path must be a folder with random/all/all.csv or the like"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_in_one_line_with_exit_code_2(
    words: list[str], line: str, log: Path, typed: Typed
) -> None:
    words = [str(log) if word == "VISITS" else word for word in words]
    code, _, err = typed(*words)
    assert code == 2
    assert err.startswith(f"launchsim: {line}")
    assert err.count("\n") == 1


def test_help_shows_an_example_and_needs_no_database() -> None:
    script = (
        "import sys, benchmarks.cli as c\n"
        "sys.argv = ['launchsim', 'log', 'describe', '--help']\n"
        "try: c.main()\n"
        "except SystemExit: pass\n"
        "assert not {'duckdb', 'pyarrow', 'matplotlib', 'pandas'} & set(sys.modules), 'heavy'\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "Example: launchsim log describe" in done.stdout


def test_no_command_writes_over_what_it_reads(
    log: Path, tmp_path: Path, typed: Typed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    before = log.read_bytes()
    Path("link.csv").symlink_to(log)
    Path("c.toml").write_text('time = "timestamp"\naction = "item_id"\nreward = "click"\n')
    assert typed("log", "convert", "visits.csv", "ours.parquet", "--columns", "c.toml")[0] == 0
    refused = [
        ("check", "visits.csv", "--rejects", "visits.csv"),
        ("check", "link.csv", "--rejects", "visits.csv"),
        ("check", "v*.csv", "--rejects", "./visits.csv"),
        ("check", "SELECT * FROM 'visits.csv'", "--rejects", "link.csv"),
        ("check", "visits.csv", "--columns", "c.toml", "--rejects", "c.toml"),
        ("convert", "visits.csv", "visits.csv", "--columns", "c.toml"),
        ("convert", "visits.csv", "link.csv", "--no-user-ids"),
        ("convert", "ours.parquet", "ours.parquet"),
        ("convert", "visits.csv", "ours.parquet", "--columns", "c.toml", "--like", "ours.parquet"),
        ("convert", "visits.csv", "bad.csv", "--columns", "c.toml", "--rejects", "bad.csv"),
        ("describe", "visits.csv", "--write", "visits.csv"),
        ("describe", "visits.csv", "--columns", "c.toml", "--write", "c.toml"),
        ("describe", "ours.parquet", "--write", "ours.parquet"),
    ]
    kept = {name: Path(name).read_bytes() for name in ("visits.csv", "c.toml", "ours.parquet")}
    for words in refused:
        code, out, err = typed("log", *words)
        assert (code, out) == (2, ""), words
        assert "must be another file than" in err, words
    assert log.read_bytes() == before
    assert kept == {name: Path(name).read_bytes() for name in kept}
    assert not Path("bad.csv").exists()


def test_a_failed_run_leaves_earlier_outputs_as_they_were(
    log: Path, tmp_path: Path, typed: Typed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("out.parquet").write_text("earlier")
    Path("bad.csv").write_text("timestamp,item_id,click\nnever,1,1\n")
    code, _, err = typed("log", "convert", "bad.csv", "out.parquet")
    assert code == 2
    assert err.count("\n") == 1
    code, _, err = typed("log", "convert", "bad.csv", "out.parquet", "--rejects", "rejects.csv")
    assert code == 2
    assert Path("out.parquet").read_text() == "earlier"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bad.csv", "out.parquet", "rejects.csv", "visits.csv"]


READING = {
    "describe": ["log", "describe", "LOG", "--columns", "C"],
    "check": ["log", "check", "LOG", "--columns", "C"],
    "convert": ["log", "convert", "LOG", "out.parquet", "--columns", "C"],
    "evaluate": ["evaluate", "LOG", "--columns", "C", "--policy", "uniform", "--no-placebo", "--out", "page",
                 "--on-policy", "LOG"],
    "replay": ["replay", "LOG", "--columns", "C", "--policy", "uniform", "--out", "page"],
    "tune": ["tune", "LOG", "--columns", "C", "--policy", "epsilon_greedy", "--space", "epsilon=0.1..0.3",
             "--trials", "1", "--seeds", "1", "--judge", "2", "-j", "1", "--out", "tuned"],
}  # fmt: skip


@pytest.mark.usefixtures("drafts")
@pytest.mark.parametrize("command", READING)
def test_every_command_that_reads_a_log_can_leave_user_ids_out(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, typed: Typed
) -> None:
    """Then no key for pseudonyms is made or needed; and nothing that is written or said names a user."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("LAUNCHSIM_PSEUDONYM_KEY", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    rows = [f"{i / 10},{i % 2},{int(i % 7 == 0)},0.5,anna{i % 40}@example.org" for i in range(900)]
    Path("visits.csv").write_text("\n".join(["time,item,click,p,user_id", *rows]) + "\n")
    Path("c.toml").write_text(
        'time = "time"\naction = "item"\nreward = "click"\npropensity = "p"\nuser = "user_id"\n[context]\n'
    )
    words = [{"LOG": "visits.csv", "C": "c.toml"}.get(word, word) for word in READING[command]]
    code, out, err = typed(*words, "--no-user-ids")
    assert code == 0, err
    assert "example.org" not in out + err
    for path in tmp_path.rglob("*"):
        if path.is_file() and path.name != "visits.csv":
            assert b"example.org" not in path.read_bytes()
    key = tmp_path / "config" / "launchsim" / "pseudonym.key"
    assert not key.exists()
    if command not in ("describe", "check"):
        assert typed(*words)[0] == 0
        assert key.exists()
