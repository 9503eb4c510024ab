"""A real scheduler and real workers on loopback: one is killed midway, and nothing is lost; what cannot be is told."""

from __future__ import annotations

import importlib
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from pathlib import Path

import pandas as pd
import pytest
from shop import Shop, Slow

from benchmarks.sweeps.runs import Run, finished, play_runs
from benchmarks.sweeps.store import Store
from benchmarks.workers import provenance
from benchmarks.workers.asked import ClusterError, executor

pytest.importorskip("distributed")
cluster = importlib.import_module("benchmarks.workers.cluster")

SCHEDULER = ["dask_scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard"]
ADDRESS = r"Scheduler at:\s+(tcp://\S+)"
HERE = Path(__file__).parent


@contextmanager
def running(*arguments: str, wait: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A process of dask's, once it has said what it is to say."""
    environment = os.environ | {"PYTHONPATH": f"{HERE}:{HERE.parent}"}
    process = subprocess.Popen(
        [sys.executable, "-m", "distributed.cli." + arguments[0], *arguments[1:]],
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stderr is not None
        for line in process.stderr:
            if found := re.search(wait, line):
                yield process, found[1]
                break
        else:
            raise AssertionError("it ended before it began")
    finally:
        process.kill()
        process.wait()


@pytest.fixture(scope="module")
def scheduler() -> Iterator[str]:
    with running(*SCHEDULER, wait=ADDRESS) as (_, address):
        yield address


def worker(scheduler: str, tmp_path: Path):
    arguments = ["--nthreads", "1", "--no-nanny", "--no-dashboard", "--local-directory", str(tmp_path)]
    return running("dask_worker", scheduler, *arguments, wait=r"Registered to:\s+(\S+)")


def kill_once_it_plays(process: subprocess.Popen[str], marks: Path) -> None:
    while not (marks / str(process.pid)).exists():
        time.sleep(0.01)
    process.kill()


def test_a_worker_that_is_killed_midway_loses_nothing(
    scheduler: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    marks = tmp_path / "marks"
    marks.mkdir()
    monkeypatch.setenv("LAUNCHSIM_TEST_MARKS", str(marks))
    alone = play_runs(Shop, ["uniform", "oracle"], range(6), days=10).records
    with worker(scheduler, tmp_path), worker(scheduler, tmp_path) as (second, _), executor(scheduler) as dask:
        assert dask is not None
        threading.Thread(target=kill_once_it_plays, args=(second, marks), daemon=True).start()
        played = play_runs(Slow, ["uniform", "oracle"], range(6), days=10, folder=tmp_path / "runs", workers=dask)
        assert second.wait(60) == -signal.SIGKILL
    assert not played.failed
    pd.testing.assert_frame_equal(played.records.drop(columns="seconds"), alone.drop(columns="seconds"))
    assert len(list((tmp_path / "runs").glob("*.parquet"))) == 12


def play_and_kill(leader: subprocess.Popen[str], dask: Executor, folder: Path) -> None:
    """Kill the scheduler after three runs, and go on."""
    runs = [Run(Slow, "uniform", seed, 10) for seed in range(40)]
    for number, _ in enumerate(finished(runs, len(runs), lambda run: False, Store(folder), dask), start=1):
        if number == 3:
            leader.kill()


def test_a_scheduler_that_goes_is_told_and_what_is_finished_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "marks").mkdir()
    monkeypatch.setenv("LAUNCHSIM_TEST_MARKS", str(tmp_path / "marks"))
    with running(*SCHEDULER, wait=ADDRESS) as (leader, address), worker(address, tmp_path), executor(address) as dask:
        assert dask is not None
        with pytest.raises(ChildProcessError, match="the cluster is gone; finished runs are kept"):
            play_and_kill(leader, dask, tmp_path / "runs")
    assert 3 <= len(list((tmp_path / "runs").glob("*.parquet"))) < 40


def test_a_cluster_whose_workers_are_all_gone_is_given_up(
    scheduler: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster, "_ALONE", 3)
    (tmp_path / "marks").mkdir()
    monkeypatch.setenv("LAUNCHSIM_TEST_MARKS", str(tmp_path / "marks"))
    with worker(scheduler, tmp_path) as (only, _), executor(scheduler) as dask:
        assert dask is not None
        with pytest.raises(ChildProcessError, match="the cluster is gone; finished runs are kept"):
            play_and_kill(only, dask, tmp_path / "runs")


def test_a_scheduler_without_workers_is_told(scheduler: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "_PATIENCE", 1)
    with pytest.raises(ClusterError, match=f"at least one worker, got none at '{scheduler}'"), executor(scheduler):
        pass


def test_a_cluster_that_is_not_there_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "_PATIENCE", 1)
    with (
        pytest.raises(ClusterError, match=r"scheduler that answers, got 'tcp://127.0.0.1:9'"),
        executor("tcp://127.0.0.1:9"),
    ):
        pass


@pytest.mark.parametrize("typed", ["here", "local:0", "local:many", "tcp:/host"])
def test_what_is_no_address_is_told(typed: str) -> None:
    with pytest.raises(ClusterError, match=f"must read like .* got '{typed}'"), executor(typed):
        pass


def test_other_packages_of_a_worker_are_named(scheduler: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    there = provenance.versions()["numpy"]
    ours = provenance.versions() | {"numpy": "1.2.3"}
    told = rf"worker tcp://\S+ must have the packages and code of whoever asks, got numpy {there} there, 1.2.3 here"
    with worker(scheduler, tmp_path):
        monkeypatch.setattr(provenance, "versions", lambda policy="": ours)
        with pytest.raises(ClusterError, match=told), executor(scheduler):
            pass
