"""Many runs: every policy with every seed, over processes, each finished run kept, so that stopping loses nothing."""

from __future__ import annotations

import hashlib
import inspect
import os
import re
import sys
import time
from collections.abc import Callable, Collection, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
import pyarrow

import policies
from benchmarks import foreign
from benchmarks.runner import run
from benchmarks.sweeps.pool import bar, play_all
from benchmarks.sweeps.products import by_product
from benchmarks.sweeps.record import record
from policies.calls import parse
from policies.policy import Policy, PolicyError

Environments = Callable[[int], Any]  # seed -> a fresh environment; must pickle


class Played(NamedTuple):
    """What came of many runs."""

    records: pd.DataFrame  # of the policies that played every season
    failed: dict[str, str]  # policy -> why it did not
    products: pd.DataFrame  # policy, seed, and the columns of `benchmarks.sweeps.products.by_product`


class Recorded(NamedTuple):
    """What is kept of a run."""

    days: pd.DataFrame
    products: pd.DataFrame


class Failed(NamedTuple):
    """A run that could not be played to its end."""

    policy: str
    reason: str


@dataclass(frozen=True)
class Run:
    """One policy, one seed, and the file that will hold what came of it."""

    environments: Environments
    policy: str
    seed: int
    days: int
    file: Path | None

    def kept(self) -> Recorded | None:
        """Its record, once it is there; a torn file is set aside as `.torn`, and the run counts as not played."""
        if self.file is None or not self.file.exists():
            return None
        try:
            return Recorded(pd.read_parquet(self.file), pd.read_parquet(_beside(self.file)))
        except (pyarrow.ArrowInvalid, OSError):
            self.file.replace(self.file.with_suffix(".torn"))
            print(f"launchsim: {self.file} is cut off: set aside as .torn, played again", file=sys.stderr)
            return None

    def play(self) -> Recorded | Failed:
        """Play the season, keep the record; a policy that fails stops no other."""
        try:
            return self._played()
        except PolicyError as reason:
            return Failed(self.policy, str(reason))

    def _played(self) -> Recorded:
        environment = self.environments(self.seed)
        policy = make(self.policy, environment, self.seed)
        started = time.perf_counter()
        trace = run(policy, environment, seed=self.seed)
        seconds = time.perf_counter() - started
        table = record(trace, policy=self.policy, seed=self.seed, days=self.days, seconds=seconds)
        products = by_product(trace, self.days)
        products.insert(0, "seed", self.seed)
        products.insert(0, "policy", self.policy)
        if self.file:
            _write(products, _beside(self.file))
            _write(table, self.file)  # last: where it is, both are
        return Recorded(table, products)


def make(call: str, environment: Any, seed: int) -> Policy:
    """The policy that a call such as `linucb(alpha=0.5)` names; `oracle` is the environment's own: it knows the truth.

    Raises:
        PolicyError: unknown policy or setting.
    """
    name, settings = parse(call)
    if name != "oracle":
        return foreign.load(call, environment.problem, seed=seed)
    if settings:
        raise PolicyError(f"oracle setting must be one of (none), got {next(iter(settings))!r}")
    oracle: Policy = environment.oracle()
    return oracle


def meaning(call: str) -> tuple[str, dict[str, Any]]:
    """The policy and all its settings, defaults included: equal for calls that mean the same."""
    name, settings = parse(call)
    if name == "oracle":
        return name, settings
    known = inspect.signature(policies.find(name)).parameters
    defaults = {key: known[key].default for key in known if known[key].default is not inspect.Parameter.empty}
    return name, defaults | settings


def play_runs(
    environments: Environments,
    calls: Sequence[str],
    seeds: Sequence[int],
    *,
    days: int,
    folder: Path | None = None,
    key: str = "",
    processes: int = 1,
    progress: bool = False,
) -> Played:
    """Play every policy with every seed; the same seed is the same market and the same visitors.

    Runs are taken seed by seed, so that what is finished is paired. With a folder, each finished run is one file,
    written whole or not at all; runs whose file is there are not played again. A policy that fails in a season is told
    of in `failed`, and the others go on.

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
        The rows of `benchmarks.sweeps.record.record` by policy, seed and day, and who failed.

    Raises:
        PolicyError: unknown policy or setting, or a policy that cannot even be made.
    """
    if processes > 1 and not hasattr(sys.modules["__main__"], "__file__"):
        _check_no_notebook(calls)
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
    failed = {each.policy: each.reason for each in reversed(done) if isinstance(each, Failed)}
    records = [each for each in done if not isinstance(each, Failed)]
    if not records:
        raise PolicyError(next(iter(failed.values())))
    return Played(
        _together([record.days for record in records], failed),
        failed,
        _together([record.products for record in records], failed),
    )


def _together(tables: Sequence[pd.DataFrame], failed: Collection[str]) -> pd.DataFrame:
    """The tables of all runs as one, those of failed policies left out."""
    table = pd.concat(tables, ignore_index=True)
    table = table[~table.policy.isin(list(failed))]
    return table.sort_values(["policy", "seed", "day"], kind="stable", ignore_index=True)


def _check_no_notebook(calls: Sequence[str]) -> None:
    """Other processes cannot import what was typed into a notebook."""
    for call in calls:
        if call.strip().startswith("__main__:"):
            raise PolicyError(
                f"policy typed into a notebook must be played by one process, or lie in a file, got {call!r}"
            )


def _play_missing(runs: list[Run], processes: int, progress: bool) -> list[Recorded | Failed]:
    """The records of all runs; those whose file is there are read."""
    found = [each.kept() for each in runs]
    done: list[Recorded | Failed] = [record for record in found if record is not None]
    missing = [each for each, record in zip(runs, found, strict=True) if record is None]
    with bar(progress) as shown, closing(play_all(missing, processes)) as finished:
        task = shown.add_task("seasons", total=len(runs), completed=len(done))
        try:
            for each in finished:
                done.append(each)
                shown.advance(task)
        except KeyboardInterrupt:
            kept = sum(each.file is not None and each.file.exists() for each in runs)
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
    files += [here / name for name in ("runner.py", "trace.py", "comparison/regret.py")]
    files += [here / "sweeps" / name for name in ("record.py", "products.py")]
    if ":" in policy:
        files += foreign.sources(policies.find(policy))
    return hashlib.sha256(b"\0".join(file.read_bytes() for file in files)).hexdigest()


def _beside(file: Path) -> Path:
    """Where the products of a run are kept."""
    return file.parent / "products" / file.name


def _write(table: pd.DataFrame, file: Path) -> None:
    """All of the file or nothing of it, whatever happens meanwhile."""
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_suffix(".part")
    table.to_parquet(part, index=False)
    with part.open("rb+") as written:
        os.fsync(written.fileno())
    part.replace(file)
