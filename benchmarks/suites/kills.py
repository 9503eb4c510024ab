"""Kills (-9) at random moments of a sweep, of the process that leads it or of a worker: what comes of it?

Run `python -m benchmarks.suites.kills --victim parent --on pool --kills 20`; victims are `parent` and `worker`, workers
those of the `pool` or of `dask` (needs the extra `cluster`). After the last kill the sweep starts once more, and its
results are compared with those of one process that nobody killed.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import psutil

from benchmarks.sweeps.sweeping import sweep
from simulator.streams import generator

_UNEQUAL = ["seconds", "finished"]  # of the clock
_RUNS = 2  # a kill falls after so many further runs at most, one at least: seasons are being played
_SPAN = 0.7  # and so many seconds at most
_WORKERS = 2
_GONE = 60.0  # seconds in which the processes of a killed parent must have ended


def main() -> None:
    """What was typed."""
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--victim", choices=("parent", "worker"), default="parent")
    words.add_argument("--on", choices=("pool", "dask"), default="pool")
    words.add_argument("--kills", type=int, default=20)
    words.add_argument("--seeds", type=int, default=150)
    words.add_argument("--out", type=Path, default=Path("reports/kills"))
    typed = words.parse_args()
    file = _experiment(typed.out, typed.seeds)
    expected = sweep(file, folder=typed.out / "undisturbed", progress=True)
    folder = typed.out / f"{typed.victim}-{typed.on}"
    shutil.rmtree(folder, ignore_errors=True)
    kills = []
    for row in _kills(_command(file, folder, typed.on), folder, typed.victim, typed.kills):
        kills.append(row)
        pd.DataFrame(kills).to_csv(typed.out / f"{typed.victim}-{typed.on}.csv", index=False)
    found = sweep(file, folder=folder)
    print(pd.DataFrame(kills).to_string(index=False))
    print(f"\n{typed.victim}s of {typed.on}: {len(kills)} kills; {_same(found, expected)}")


def _experiment(out: Path, seeds: int) -> Path:
    """Four runs a seed, of half a second each."""
    out.mkdir(parents=True, exist_ok=True)
    file = out / "kills.toml"
    policies = '["uniform", "epsilon_greedy"]'
    per_day = "overrides.arrivals.per_day = [100, 200]"
    file.write_text(f'scenarios = "cold_start"\npolicies = {policies}\nseeds = {seeds}\n{per_day}\n')
    return file


def _command(file: Path, folder: Path, on: str) -> list[str]:
    workers = ["-j", str(_WORKERS)] if on == "pool" else ["--cluster", f"local:{_WORKERS}"]
    return [sys.executable, "-m", "launchsim", "sweep", str(file), "--out", str(folder), *workers]


def _kills(command: list[str], folder: Path, victim: str, n: int) -> Iterator[dict[str, Any]]:
    """Kill so often, starting the sweep whenever it does not run; a row a kill."""
    luck = generator(0, f"kills of a {victim}")
    process = None
    for number in range(1, n + 1):
        if process is None or process.poll() is not None:
            process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        before = _finished(folder)
        _wait(folder, process, before + int(luck.integers(1, _RUNS, endpoint=True)))
        time.sleep(float(luck.uniform(0, _SPAN)))
        if process.poll() is not None:
            sys.exit(f"sweep must last until the last kill, ended after {number - 1}: play more seeds")
        theirs = psutil.Process(process.pid).children(recursive=True)
        workers = [each.pid for each in theirs if any("spawn_main" in word for word in each.cmdline())]
        hit = process.pid if victim == "parent" else int(luck.choice(workers))
        row: dict[str, Any] = {"kill": number, "victim": hit, "before": before, "finished": _finished(folder)}
        psutil.Process(hit).kill()
        if victim == "parent":
            process.wait()
            row["left after"] = _until_gone(theirs)
        yield row
    if process is not None:
        process.wait()


def _wait(folder: Path, process: subprocess.Popen[bytes], runs: int) -> None:
    """Until so many runs are finished, or the sweep has ended."""
    while _finished(folder) < runs and process.poll() is None:
        time.sleep(0.02)


def _finished(folder: Path) -> int:
    return len(list((folder / "runs").glob("*.parquet")))


def _until_gone(processes: list[Any]) -> str:
    """How long the processes of a dead parent lived on."""
    started = time.monotonic()
    left = psutil.wait_procs(processes, timeout=_GONE)[1]
    for each in left:
        each.kill()
    return f"{len(left)} never" if left else f"{time.monotonic() - started:.1f} s"


def _same(found: pd.DataFrame, expected: pd.DataFrame) -> str:
    found, expected = found[expected.columns].drop(columns=_UNEQUAL), expected.drop(columns=_UNEQUAL)
    try:
        pd.testing.assert_frame_equal(found, expected, check_exact=True)
    except AssertionError as difference:
        return f"results differ: {difference}"
    return f"all {len(expected)} results identical"


if __name__ == "__main__":
    main()
