"""What a sweep costs beside its seasons, and how far more processes help: clock and processor seconds of the same runs.

Run `python -m benchmarks.suites.scaling --processes 1 --processes 2`; each line is a command of its own, which starts,
imports and compiles for itself, so play once before to have compiled code kept. Processor seconds of a machine that
others use are the more telling ones.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd

POLICIES = ("uniform", "popularity", "epsilon_greedy", "linucb", "neural_argmax", "vowpal", "oracle")


def main() -> None:
    """What was typed."""
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--scenario", default="spring_launch")
    words.add_argument("--seeds", type=int, default=20)
    words.add_argument("--processes", type=int, action="append")
    words.add_argument("--bare", action="store_true", help="only play, in this process, and keep nothing")
    words.add_argument("--out", type=Path, default=Path("reports/scaling"))
    typed = words.parse_args()
    if typed.bare:
        play(typed.scenario, typed.seeds)
        return
    table = measured(typed.scenario, typed.seeds, typed.processes or [1, os.cpu_count() or 1], typed.out)
    table.to_csv(typed.out / "scaling.csv")
    print(table.to_string(float_format="{:.2f}".format))


def play(scenario: str, seeds: int) -> None:
    """The seasons of all policies, one after another, by the loop alone."""
    from benchmarks.runner import run
    from benchmarks.sweeps.runs import make
    from envs.simulated import Simulated

    for seed in range(seeds):
        for call in POLICIES:
            environment = Simulated(scenario, seed)
            run(make(call, environment, seed), environment, seed=seed)


def measured(scenario: str, seeds: int, processes: list[int], out: Path) -> pd.DataFrame:
    """A row a way to play the same runs: `clock` and `processor` in seconds; `overhead`, processor seconds beyond those
    of the bare loop as a share of them; `faster`, how many times as fast as the bare loop by the clock."""
    out.mkdir(parents=True, exist_ok=True)
    file = out / "scaling.toml"
    file.write_text(f'scenarios = "{scenario}"\npolicies = {list(POLICIES)}\nseeds = {seeds}\n')
    own = [sys.executable, "-m", "benchmarks.suites.scaling", "--bare", "--scenario", scenario, "--seeds", str(seeds)]
    rows = {"bare loop": _seconds(own)}
    for n in processes:
        folder = out / f"sweep-{n}"
        shutil.rmtree(folder, ignore_errors=True)
        command = [sys.executable, "-m", "launchsim", "sweep", str(file), "--out", str(folder), "-j", str(n)]
        rows[f"sweep -j {n}"] = _seconds(command)
    table = pd.DataFrame.from_dict(rows, orient="index", columns=["clock", "processor"])
    bare = table.loc["bare loop"]
    return table.assign(overhead=table.processor / bare.processor - 1, faster=bare.clock / table.clock)


def _seconds(command: list[str]) -> tuple[float, float]:
    """Of a command, its children's processor seconds included."""
    started = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    return time.perf_counter() - started, used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
