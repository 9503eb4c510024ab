"""Nothing of somebody's log stays in the temporary folder, however the processes end that worked on it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from envs.logs.workplace import Workplace, tidy

JOBS = """
import os, signal, sys, time
from dataclasses import dataclass
from benchmarks.workers.jobs import play_all
from envs.logs.workplace import Workplace

@dataclass
class Reads:
    ends: str

    def play(self):
        global kept
        kept = Workplace()
        (kept.path / "log.parquet").write_text("somebody's")
        if self.ends == "error":
            raise ValueError("as asked")
        if self.ends == "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        if self.ends == "stopped":
            print("at work", flush=True)
            time.sleep(60)

if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)  # whoever runs tests in the background has it ignored
    own = Workplace()
    (own.path / "log.parquet").write_text("somebody's")
    for _ in play_all([Reads(sys.argv[1]), Reads("well")], 2):
        pass
"""


def started(tmp_path: Path, ends: str) -> subprocess.Popen[str]:
    (tmp_path / "jobs.py").write_text(JOBS)
    (tmp_path / "tmp").mkdir()
    places = {"TMPDIR": str(tmp_path / "tmp"), "PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.Popen(
        [sys.executable, str(tmp_path / "jobs.py"), ends],
        env=os.environ | places, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip


@pytest.mark.parametrize("ends", ["well", "error", "killed"])
def test_processes_leave_nothing(ends: str, tmp_path: Path) -> None:
    with started(tmp_path, ends) as parent:
        parent.wait(60)
    assert (parent.returncode == 0) == (ends == "well")
    assert list((tmp_path / "tmp").iterdir()) == []


def test_processes_leave_nothing_when_they_are_stopped(tmp_path: Path) -> None:
    with started(tmp_path, "stopped") as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == "at work\n"
        parent.send_signal(signal.SIGINT)
        parent.wait(60)
    assert list((tmp_path / "tmp").iterdir()) == []


def test_what_a_killed_parent_left_goes_with_the_next_start_and_what_is_in_use_stays(tmp_path: Path) -> None:
    with started(tmp_path, "stopped") as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == "at work\n"
        tidy(tmp_path / "tmp")
        assert len(list((tmp_path / "tmp").iterdir())) >= 2  # parent and worker are alive
        parent.kill()
        parent.wait(60)
    left = list((tmp_path / "tmp").iterdir())
    assert left  # the parent's own
    for _ in range(600):  # workers end when they notice
        with Workplace(tmp_path / "tmp") as folder:
            there = list((tmp_path / "tmp").iterdir())
        if there == [folder]:
            break
        time.sleep(0.05)
    assert there == [folder]
    assert list((tmp_path / "tmp").iterdir()) == []


def test_a_folder_is_its_owners_alone(tmp_path: Path) -> None:
    with Workplace(tmp_path) as folder:
        assert folder.stat().st_mode & 0o777 == 0o700


def test_a_folder_of_somebody_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "launchsim-report").mkdir()
    tidy(tmp_path)
    assert (tmp_path / "launchsim-report").is_dir()
