"""Many runs: every policy with every seed, over workers, each finished run kept, so that stopping loses nothing."""

from __future__ import annotations

import hashlib
import inspect
import json
import re
import sys
import time
import traceback
from collections.abc import Callable, Collection, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

import policies
from benchmarks import foreign
from benchmarks.runner import run
from benchmarks.sweeps.products import by_product
from benchmarks.sweeps.record import record
from benchmarks.sweeps.store import Recorded, Store
from benchmarks.trace import Trace
from benchmarks.workers.bar import bar
from benchmarks.workers.jobs import Workers, play_all
from benchmarks.workers.provenance import differences, provenance
from policies.calls import parse
from policies.policy import Policy, PolicyError
from simulator.scenario import ScenarioError

Environments = Callable[[int], Any]  # seed -> a fresh environment; must pickle


class Played(NamedTuple):
    """What came of many runs."""

    records: pd.DataFrame  # of the policies that played every season
    failed: dict[str, str]  # policy -> why it did not
    products: pd.DataFrame  # policy, seed, and the columns of `benchmarks.sweeps.products.by_product`


@dataclass(frozen=True, eq=False)
class Run:
    """One policy, one seed."""

    environments: Environments
    policy: str
    seed: int
    days: int
    key: str = ""  # all that defines the environment, as text: another key is another run
    labels: Mapping[str, Any] = field(default_factory=dict)  # columns that its record has beside its own
    products: bool = True  # whether it is kept what became of each product

    @cached_property
    def origin(self) -> dict[str, str]:
        """The code and packages that it is to be played with; travels with it."""
        return provenance(self.policy)

    @cached_property
    def name(self) -> str:
        """Readable, and another one as soon as anything that decides what comes of it is another."""
        inputs = json.dumps([self.key, self.policy, self.origin, dict(self.labels), self.products])
        digest = hashlib.sha256(inputs.encode()).hexdigest()[:16]
        return f"{re.sub('[^a-z0-9]+', '-', self.policy.lower()).strip('-')[:60]}-{self.seed}-{digest}"

    def play(self) -> Finished:
        """Play the season; one that fails stops no other."""
        try:
            return Finished(self, self._played())
        except (PolicyError, ScenarioError) as reason:
            return Finished(self, None, str(reason))
        except Exception as error:
            said = f"{type(error).__name__}: {error}".splitlines()[0]
            return Finished(self, None, f"{self.policy}: season of seed {self.seed}: {said}", traceback.format_exc())

    def _played(self) -> Recorded:
        if another := differences(self.origin, provenance(self.policy)):
            raise PolicyError(f"worker must have the packages and code of whoever asks, got {another}")
        environment = self.environments(self.seed)
        policy = make(self.policy, environment, self.seed)
        started = time.perf_counter()
        trace = run(policy, environment, seed=self.seed)
        seconds = time.perf_counter() - started
        table = record(trace, policy=self.policy, seed=self.seed, days=self.days, seconds=seconds)
        for place, (label, value) in enumerate(self.labels.items()):
            table.insert(place, label, value)
        return Recorded(table, self._products(trace) if self.products else None)

    def _products(self, trace: Trace) -> pd.DataFrame:
        products = by_product(trace, self.days)
        products.insert(0, "seed", self.seed)
        products.insert(0, "policy", self.policy)
        return products


class Finished(NamedTuple):
    """A run that was played to its end, or why it was not."""

    run: Run
    record: Recorded | None
    reason: str = ""
    trace: str = ""  # of a fault that no rule foresees: the whole traceback


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
    workers: Workers = 1,
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
        workers: how many processes, or an executor.
        progress: show a bar on stderr.

    Returns:
        The rows of `benchmarks.sweeps.record.record` by policy, seed and day, and who failed.

    Raises:
        PolicyError: unknown policy or setting, or a policy that cannot even be made.
    """
    check(environments, calls, seeds[0], workers)
    store = Store(folder) if folder else None
    runs = [Run(environments, call, seed, days, key) for seed in seeds for call in calls]
    kept = {run: found for run in runs if store and (found := store.read(run.name)) is not None}
    with closing(finished(runs, len(runs), kept.__contains__, store, workers, progress)) as done:
        answers = list(done)
    return together([*(Finished(run, record) for run, record in kept.items()), *answers])


def together(answers: Sequence[Finished]) -> Played:
    """What came of many runs, as one.

    Raises:
        PolicyError: every policy failed.
    """
    failed = {each.run.policy: each.reason for each in reversed(answers) if each.record is None}
    records = [each.record for each in answers if each.record is not None]
    if not records:
        raise PolicyError(next(iter(failed.values())))
    return Played(
        _together([each.days for each in records], failed),
        failed,
        _together([each.products for each in records if each.products is not None], failed),
    )


def _together(tables: Sequence[pd.DataFrame], failed: Collection[str]) -> pd.DataFrame:
    """The tables of all runs as one, those of failed policies left out."""
    if not tables:
        return pd.DataFrame()
    table = pd.concat(tables, ignore_index=True)
    table = table[~table.policy.isin(list(failed))]
    return table.sort_values(["policy", "seed", "day"], kind="stable", ignore_index=True)


def check(environments: Environments, calls: Sequence[str], seed: int, workers: Workers) -> None:
    """Refuse what cannot be played before any work.

    Raises:
        PolicyError: unknown policy or setting, or a policy that cannot go where it would be played.
    """
    if workers != 1 and not hasattr(sys.modules["__main__"], "__file__"):
        _check_no_notebook(calls)
    environment = environments(seed)
    for call in calls:
        make(call, environment, seed)


def finished(
    runs: Iterable[Run],
    n: int,
    kept: Callable[[Run], bool],
    store: Store | None = None,
    workers: Workers = 1,
    progress: bool = False,
) -> Generator[Finished, None, None]:
    """The runs that are not kept yet, as they finish; close the generator to stop.

    Args:
        runs: taken as workers need them.
        n: how many, for the bar.
        kept: whether a run need not be played.
        store: where finished runs are kept, and why runs failed; None keeps nothing.
        workers: how many processes, or an executor.
        progress: show a bar on stderr.
    """
    with bar(progress) as shown:
        task = shown.add_task("seasons", total=n)

        def missing() -> Iterator[Run]:
            for each in runs:
                if kept(each):
                    shown.advance(task)
                else:
                    each.origin  # noqa: B018 (found here, and travels)
                    yield each

        with closing(play_all(missing(), workers, _lost)) as playing:
            try:
                for each in playing:
                    if store:
                        _keep(store, each)
                    shown.advance(task)
                    yield each
            except KeyboardInterrupt:
                if store:
                    through = int(shown.tasks[task].completed)
                    shown.print(f"stopped; {through} finished runs are kept, the same command goes on from there")
                raise


def _keep(store: Store, each: Finished) -> None:
    name = each.run.name
    if each.record is None:
        about = {**each.run.labels, "policy": each.run.policy, "seed": each.run.seed}
        store.fail(name, about | {"error": each.reason, "traceback": each.trace})
    else:
        store.write(name, each.record)


def _lost(job: Any, why: str) -> Finished:
    return Finished(job, None, f"{job.policy}: season of seed {job.seed}: {why}, twice")


def _check_no_notebook(calls: Sequence[str]) -> None:
    """Other processes cannot import what was typed into a notebook."""
    for call in calls:
        if call.strip().startswith("__main__:"):
            raise PolicyError(
                f"policy typed into a notebook must be played by one process, or lie in a file, got {call!r}"
            )
