"""Many runs: paired, the same over any number of processes, and nothing finished is lost or played again."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from shop import Counted, Mortal, Shop

from benchmarks.sweeps.runs import play_runs
from policies.policy import PolicyError

HERE = Path(__file__).parent
CALLS = ["uniform", "oracle"]


def numbers(table: pd.DataFrame) -> pd.DataFrame:
    return table.drop(columns="seconds")


def test_there_is_a_row_for_every_policy_seed_and_day() -> None:
    table = play_runs(Shop, CALLS, [3, 5], days=10).records
    assert len(table) == 2 * 2 * 10
    assert not table.duplicated(["policy", "seed", "day"]).any()
    assert (table[table.policy == "oracle"].regret == 0).all()
    assert (table[table.policy == "uniform"].groupby("seed").regret.last() > 50).all()


def test_two_processes_find_what_one_finds() -> None:
    one = play_runs(Shop, CALLS, range(3), days=10).records
    two = play_runs(Shop, CALLS, range(3), days=10, workers=2).records
    pd.testing.assert_frame_equal(numbers(one), numbers(two))


def test_finished_runs_are_not_played_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    marks = tmp_path / "marks"
    marks.mkdir()
    monkeypatch.setenv("LAUNCHSIM_TEST_MARKS", str(marks))
    first = play_runs(Counted, CALLS, [0, 1], days=10, folder=tmp_path / "runs").records
    assert len(list(marks.iterdir())) == 4
    again = play_runs(Counted, CALLS, [0, 1, 2], days=10, folder=tmp_path / "runs").records
    assert len(list(marks.iterdir())) == 4 + 2
    pd.testing.assert_frame_equal(first, again[again.seed < 2].reset_index(drop=True))


def test_another_environment_is_another_run(tmp_path: Path) -> None:
    play_runs(Shop, ["uniform"], [0], days=10, folder=tmp_path, key="one")
    play_runs(Shop, ["uniform"], [0], days=10, folder=tmp_path, key="two")
    play_runs(Shop, ["uniform"], [0], days=10, folder=tmp_path, key="two")
    assert len(list(tmp_path.glob("*.parquet"))) == 2


def test_an_unknown_setting_is_found_before_the_first_run(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match="got 'alhpa'"):
        play_runs(Shop, ["uniform", "uniform(alhpa=1)"], [0], days=10, folder=tmp_path / "runs")
    assert not (tmp_path / "runs").exists()


def test_the_oracle_has_no_settings() -> None:
    with pytest.raises(PolicyError, match="got 'depth'"):
        play_runs(Shop, ["oracle(depth=2)"], [0], days=10)


def test_a_worker_that_dies_takes_only_its_run_with_it(tmp_path: Path) -> None:
    played = play_runs(Mortal, ["uniform"], range(4), days=10, folder=tmp_path, workers=2)
    assert played.failed == {"uniform": "uniform: season of seed 2: a process was killed, twice"}
    assert len(list(tmp_path.glob("*.parquet"))) == 3
    (failure,) = tmp_path.glob("failed/*.json")
    assert json.loads(failure.read_text())["seed"] == 2


SCRIPT = """
import signal
import sys
from pathlib import Path
from shop import Slow
from benchmarks.sweeps.runs import play_runs
if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)  # whoever runs tests in the background has it ignored
    play_runs(Slow, ["uniform", "oracle"], range(500), days=10, folder=Path(sys.argv[1]), workers=2, progress=True)
"""


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_a_stopped_sweep_keeps_what_is_finished_and_leaves_no_process_behind(
    tmp_path: Path, how: signal.Signals
) -> None:
    script, runs, marks = tmp_path / "script.py", tmp_path / "runs", tmp_path / "marks"
    script.write_text(SCRIPT)
    marks.mkdir()
    environment = os.environ | {"PYTHONPATH": f"{HERE}:{HERE.parent}", "LAUNCHSIM_TEST_MARKS": str(marks)}
    process = subprocess.Popen([sys.executable, script, runs], env=environment, stderr=subprocess.PIPE, text=True)
    try:
        until(lambda: len(list(runs.glob("*.parquet"))) >= 2 and len(list(marks.iterdir())) == 2)
        workers = [int(mark.name) for mark in marks.iterdir()]
        process.send_signal(how)
        told = process.communicate(timeout=60)[1]
        assert ("finished runs are kept" in told) == (how == signal.SIGINT)
        until(lambda: not any(alive(worker) for worker in workers))
    finally:
        process.kill()
    kept = list(runs.glob("*.parquet"))
    assert 2 <= len(kept) < 1000
    for file in kept:
        assert np.isfinite(pd.read_parquet(file).units).all()


def until(happened, seconds: float = 60.0) -> None:
    started = time.monotonic()
    while not happened():
        assert time.monotonic() - started < seconds
        time.sleep(0.05)


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{pid}/stat")
    return not (status.exists() and status.read_text().rpartition(")")[2].split()[0] == "Z")
