"""Many runs: every policy with every seed, over processes, each finished run kept, so that stopping loses nothing."""

from __future__ import annotations

import hashlib
import inspect
import os
import re
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd

import policies
from benchmarks.calls import parse
from benchmarks.runner import run
from benchmarks.sweeps.pool import bar, play_all
from benchmarks.sweeps.record import record
from policies.policy import Policy, PolicyError

Environments = Callable[[int], Any]  # seed -> a fresh environment; must pickle


@dataclass(frozen=True)
class Run:
    """One policy, one seed, and the file that will hold what came of it."""

    environments: Environments
    policy: str
    seed: int
    days: int
    file: Path | None

    @property
    def kept(self) -> Path | None:
        """The file of its record, once it is there."""
        return self.file if self.file and self.file.exists() else None

    def play(self) -> pd.DataFrame:
        """Play the season, keep the record."""
        environment = self.environments(self.seed)
        policy = make(self.policy, environment, self.seed)
        started = time.perf_counter()
        trace = run(policy, environment, seed=self.seed)
        seconds = time.perf_counter() - started
        table = record(trace, policy=self.policy, seed=self.seed, days=self.days, seconds=seconds)
        if self.file:
            _write(table, self.file)
        return table


def make(call: str, environment: Any, seed: int) -> Policy:
    """The policy that a call such as `linucb(alpha=0.5)` names; `oracle` is the environment's own: it knows the truth.

    Raises:
        PolicyError: unknown policy or setting.
    """
    name, settings = parse(call)
    if name != "oracle":
        return policies.load(name, environment.problem, seed=seed, **settings)
    if settings:
        raise PolicyError(f"oracle setting must be one of (none), got {next(iter(settings))!r}")
    oracle: Policy = environment.oracle()
    return oracle


def sweep(
    environments: Environments,
    calls: Sequence[str],
    seeds: Sequence[int],
    *,
    days: int,
    folder: Path | None = None,
    key: str = "",
    processes: int = 1,
    progress: bool = False,
) -> pd.DataFrame:
    """Play every policy with every seed; the same seed is the same market and the same visitors.

    Runs are taken seed by seed, so that what is finished is paired. With a folder, each finished run is one file,
    written whole or not at all; runs whose file is there are not played again.

    Args:
        environments: seed -> a fresh environment; a function or partial that pickles.
        calls: policies, as `linucb(alpha=0.5)`.
        seeds: of market, policy and draws.
        days: T, length of the season.
        folder: where finished runs are kept; None keeps nothing.
        key: all that defines the environment, as text; another key is another run.
        processes: how many at once.
        progress: show a bar on stderr.

    Returns:
        The rows of `benchmarks.sweeps.record.record` of all runs, by policy, seed and day.

    Raises:
        PolicyError: unknown policy or setting, or a policy that answers with no distribution.
    """
    environment = environments(seeds[0])
    for call in calls:
        make(call, environment, seeds[0])
    if folder:
        folder.mkdir(parents=True, exist_ok=True)
    runs = [
        Run(environments, call, seed, days, folder / _file_name(call, seed, key) if folder else None)
        for seed in seeds
        for call in calls
    ]
    done = _play_missing(runs, processes, progress)
    return pd.concat(done, ignore_index=True).sort_values(["policy", "seed", "day"], ignore_index=True)


def _play_missing(runs: list[Run], processes: int, progress: bool) -> list[pd.DataFrame]:
    """The records of all runs; those whose file is there are read."""
    done = [pd.read_parquet(file) for each in runs if (file := each.kept)]
    missing = [each for each in runs if not each.kept]
    with bar(progress) as shown, closing(play_all(missing, processes)) as finished:
        task = shown.add_task("seasons", total=len(runs), completed=len(done))
        try:
            for table in finished:
                done.append(table)
                shown.advance(task)
        except KeyboardInterrupt:
            kept = sum(each.kept is not None for each in runs)
            shown.print(f"stopped; {kept} finished runs are kept, the same command goes on from there")
            raise
    return done


def _file_name(call: str, seed: int, key: str) -> str:
    """Readable, and another one as soon as the environment, the policy or the code that plays is another."""
    digest = hashlib.sha256("\0".join([key, call, code(parse(call)[0])]).encode()).hexdigest()[:12]
    return f"{re.sub('[^a-z0-9]+', '-', call.lower()).strip('-')[:60]}-{seed}-{digest}.parquet"


@cache
def code(policy: str) -> str:
    """A digest of all source that a run depends on."""
    here = Path(__file__).parents[1]
    folders = [here.parent / name for name in ("simulator", "policies", "envs")]
    files = sorted(file for folder in folders for file in folder.rglob("*.py"))
    files += [here / name for name in ("runner.py", "trace.py", "comparison/regret.py", "sweeps/record.py")]
    if ":" in policy:
        files.append(Path(inspect.getsourcefile(policies.find(policy)) or here / "runner.py"))
    return hashlib.sha256(b"\0".join(file.read_bytes() for file in files)).hexdigest()


def _write(table: pd.DataFrame, file: Path) -> None:
    """All of the file or nothing of it, whatever happens meanwhile."""
    part = file.with_suffix(".part")
    table.to_parquet(part, index=False)
    with part.open("rb+") as written:
        os.fsync(written.fileno())
    part.replace(file)
