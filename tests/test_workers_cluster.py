"""A real scheduler and real workers on loopback: one is killed midway, and nothing is lost; what cannot be is told."""

from __future__ import annotations

import importlib
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from shop import SEASON, Shop, Slow, Who

from benchmarks.explain import explain
from benchmarks.off_policy.judging import judge_each
from benchmarks.replay import replay
from benchmarks.sweeps.runs import Run, finished, play_runs
from benchmarks.sweeps.store import Store
from benchmarks.tuning.tried import Blocks
from benchmarks.workers import provenance
from benchmarks.workers.asked import ClusterError, executor
from benchmarks.workers.jobs import play_all
from envs.feedback import LoggedFeedback
from policies.policy import Decisions, Feedback

pytest.importorskip("distributed")
dask = importlib.import_module("dask")
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


def worker(scheduler: str, tmp_path: Path, *more: str):
    arguments = ["--nthreads", "1", "--no-nanny", "--no-dashboard", "--local-directory", str(tmp_path), *more]
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


def test_a_worker_of_this_machine_that_is_killed_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """However long that takes: dask's own patience, here a millisecond, would give the worker up."""
    monkeypatch.setattr(cluster, "_ALONE", 30)
    with dask.config.set({"distributed.deploy.lost-worker-timeout": "1ms"}), executor("local:1") as found:
        (before,) = play_all([Who()], found)
        os.kill(before, signal.SIGKILL)
        (after,) = play_all([Who()], found)
    assert after != before


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


@pytest.fixture(scope="module")
def workers(scheduler: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Executor]:
    with worker(scheduler, tmp_path_factory.mktemp("worker")), executor(scheduler) as found:
        assert found is not None
        yield found


def log_of(n: int = 400) -> LoggedFeedback:
    """Two items shown at random that earn 0.2 and 0.6."""
    rng = np.random.default_rng(0)
    decisions = Decisions(np.arange(n) / 100, np.ones((n, 1)), np.empty((2, 0)), np.ones((n, 2), bool))
    chosen = rng.integers(0, 2, n)
    return LoggedFeedback(Feedback(decisions, chosen, np.full(n, 0.5), (rng.random(n) < 0.2 + 0.4 * chosen) * 1.0))


def test_a_replay_on_a_cluster_is_that_of_this_process(workers: Executor) -> None:
    alone, there = (replay(log_of(), ["uniform"], repeats=3, executor=given) for given in (None, workers))
    pd.testing.assert_frame_equal(there.table, alone.table, check_exact=True)


def test_an_evaluation_on_a_cluster_is_that_of_this_process(workers: Executor) -> None:
    calls = ["fixed_order(order=[1, 0])", "uniform"]
    alone, there = (judge_each(log_of(), calls, ["ips", "dr"], executor=given)[0] for given in (None, workers))
    for mine, theirs in zip(alone, there, strict=True):
        assert theirs.name == mine.name
        pd.testing.assert_frame_equal(theirs.evaluation.table(), mine.evaluation.table(), check_exact=True)


def test_a_search_on_a_cluster_is_that_of_this_process(workers: Executor) -> None:
    pytest.importorskip("optuna")
    tune = importlib.import_module("benchmarks.tuning.tune").tune
    asked = Blocks(log_of(), 4)
    alone, there = (tune(asked, "epsilon_greedy", [1], [2, 3], trials=3, executor=given) for given in (None, workers))
    pd.testing.assert_frame_equal(there.trials, alone.trials, check_exact=True)


def test_an_explanation_on_a_cluster_is_that_of_this_process(workers: Executor) -> None:
    alone, there = (explain(SEASON, "linucb", sample=50, repeats=1, executor=given) for given in (None, workers))
    pd.testing.assert_frame_equal(there.importance, alone.importance, check_exact=True)


def test_a_scheduler_without_workers_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "_PATIENCE", 1)
    with (
        running(*SCHEDULER, wait=ADDRESS) as (_, alone),
        pytest.raises(ClusterError, match=f"at least one worker, got none at '{alone}'"),
        executor(alone),
    ):
        pass


def certified(folder: Path) -> list[str]:
    """The files of an authority, and of the certificate and key of a node, made as docs/cluster.md says."""
    request = ["openssl", "req", "-newkey", "rsa:2048", "-nodes", "-subj"]
    sign = ["openssl", "x509", "-req", "-in", "node.csr", "-CA", "ca.pem", "-CAkey", "ca-key.pem", "-CAcreateserial"]
    for command in (
        [*request, "/CN=launchsim", "-x509", "-days", "2", "-keyout", "ca-key.pem", "-out", "ca.pem"],
        [*request, "/CN=node", "-keyout", "node-key.pem", "-out", "node.csr"],
        [*sign, "-days", "2", "-out", "node.pem"],
    ):
        subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return [str(folder / name) for name in ("ca.pem", "node.pem", "node-key.pem")]


@pytest.mark.skipif(shutil.which("openssl") is None, reason="certificates are made by openssl")
def test_a_cluster_over_tls_plays_and_refuses_who_has_no_certificate(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority, certificate, key = certified(tmp_path)
    own = ["--tls-ca-file", authority, "--tls-cert", certificate, "--tls-key", key]
    ours = {"ca-file": authority, "client.cert": certificate, "client.key": key}
    ours = {f"distributed.comm.tls.{name}": file for name, file in ours.items()}
    leading = [*SCHEDULER, "--protocol", "tls", *own]
    with running(*leading, wait=r"Scheduler at:\s+(tls://\S+)") as (_, address), worker(address, tmp_path, *own):
        with dask.config.set(ours), executor(address) as found:
            assert list(play_all([Who()], found)) != [os.getpid()]
        monkeypatch.setattr(cluster, "_PATIENCE", 1)
        with pytest.raises(ClusterError, match=f"scheduler that answers, got '{address}'"), executor(address):
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


@pytest.mark.usefixtures("workers")
def test_other_packages_of_a_worker_are_named(scheduler: str, monkeypatch: pytest.MonkeyPatch) -> None:
    there = provenance.versions()["numpy"]
    ours = provenance.versions() | {"numpy": "1.2.3"}
    told = rf"worker tcp://\S+ must have the packages and code of whoever asks, got numpy {there} there, 1.2.3 here"
    monkeypatch.setattr(provenance, "versions", lambda policy="": ours)
    with pytest.raises(ClusterError, match=told), executor(scheduler):
        pass
