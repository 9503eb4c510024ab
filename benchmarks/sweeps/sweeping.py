"""A sweep: every run of an experiment, played once, whoever plays it and however often it is stopped."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Generator, Iterator, Mapping
from concurrent.futures import Executor
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pandas as pd

from benchmarks.sweeps.experiment import Experiment, Point, called
from benchmarks.sweeps.results import Results, ordered, row
from benchmarks.sweeps.runs import Finished, Run, check, finished
from benchmarks.sweeps.seasons import Seasons, of_a_shop, refused
from benchmarks.workers.jobs import Workers
from envs.logs import workplace
from simulator.scenario import ScenarioError

_INDEX_EVERY = 60.0  # seconds; what is not indexed when a sweep is killed is read file by file


def sweep(
    experiment: Experiment | Mapping[str, Any] | str | Path,
    executor: Executor | None = None,
    *,
    folder: str | Path | None = None,
    processes: int = 1,
    progress: bool = False,
) -> pd.DataFrame:
    """Play every run of an experiment that is not kept yet.

    Args:
        experiment: an `Experiment`, its keys, or the path of its TOML.
        executor: plays the runs in place of processes of this machine, such as that of a cluster; it is not shut down.
        folder: finished runs are kept there, a file each, and not played again; None keeps nothing.
        processes: runs at once; above 1 needs the caller's `if __name__ == "__main__":`.
        progress: show a bar on stderr.

    Returns:
        A row a run of this experiment: `run` (its name), `scenario`, a column for each override and
        varied setting, `policy`, `seed`, what came of the season (as the last day of `benchmarks.sweeps.record`),
        `finished`, and `error`: why it failed, or "".

    Raises:
        ScenarioError: a key of the experiment or an override is unknown or cannot have its value.
        PolicyError: a policy or setting is unknown.
        OSError: the folder cannot be written, or holds another experiment.
    """
    wanted: list[str] = []
    with closing(_play(Experiment.read(experiment), executor, folder, processes, progress, wanted)) as playing:
        rows = {each.run.name: row(each) for each in playing}
    if folder is None:
        return ordered(pd.DataFrame([rows[name] for name in wanted]))
    table = Results(Path(folder)).table().set_index("run", drop=False)
    return table.loc[wanted].dropna(axis="columns", how="all").reset_index(drop=True)


def play(
    experiment: Experiment | Mapping[str, Any] | str | Path,
    executor: Executor | None = None,
    *,
    folder: str | Path | None = None,
    processes: int = 1,
    progress: bool = False,
) -> Generator[Finished, None, None]:
    """As `sweep`: each run that had to be played, as it finishes; close the generator to stop at once."""
    yield from _play(Experiment.read(experiment), executor, folder, processes, progress, [])


def _play(
    experiment: Experiment,
    executor: Executor | None,
    folder: str | Path | None,
    processes: int,
    progress: bool,
    names: list[str],
) -> Generator[Finished, None, None]:
    workers: Workers = executor or processes
    _check(experiment, workers)
    results = Results(Path(folder)) if folder is not None else None
    if results is None:
        runs = _named(_runs(experiment, list(experiment.points())), names)
        yield from finished(runs, experiment.size, lambda run: False, None, workers, progress)
        return
    results.claim(experiment)
    yield from _kept(experiment, results, workers, progress, names)


def _kept(
    experiment: Experiment, results: Results, workers: Workers, progress: bool, names: list[str]
) -> Generator[Finished, None, None]:
    """Play what the folder lacks; its index follows."""
    points, held = list(experiment.points()), workplace.lock(results.folder)
    if held is None:  # another sweep is at work there: meet it in the middle
        points.reverse()
    found = results.table()
    through = set(found.run[found.error == ""])
    runs = _named(_runs(experiment, points), names)
    played: list[dict[str, Any]] = []
    indexed = time.monotonic()
    playing = finished(
        runs,
        experiment.size,
        lambda run: run.name in through or run.name in results.store,
        results.store,
        workers,
        progress,
    )
    try:
        with closing(playing):
            for each in playing:
                played.append(row(each))
                if time.monotonic() > indexed + _INDEX_EVERY:
                    results.index(played)
                    indexed = time.monotonic()
                yield each
    finally:
        with suppress(OSError):  # a full disk: what it lacks is read file by file
            results.index(played)
        if held is not None:
            os.close(held)


def _named(runs: Iterator[Run], names: list[str]) -> Iterator[Run]:
    for each in runs:
        names.append(each.name)
        yield each


def _check(experiment: Experiment, workers: Workers) -> None:
    """Each value makes a scenario somehow, and each policy can be made on each scenario."""
    for scenario, *ways in experiment.alone():
        _one_of(scenario, experiment.titles, ways)
    calls = [call for call, _ in next(experiment.points()).policies]
    for scenario in experiment.scenarios:
        seasons = of_a_shop(scenario, experiment.titles)
        check(seasons.environments, calls, experiment.seasons[0], workers)


def _one_of(scenario: Any, titles: int, ways: list[dict[str, Any]]) -> None:
    """Raise what is wrong with the first where it is wrong with all."""
    wrong = [seasons for overrides in ways if (seasons := _seasons(Point(scenario, overrides, []), titles)).wrong]
    if len(wrong) == len(ways):
        raise ScenarioError(wrong[0].wrong)


def _runs(experiment: Experiment, points: list[Point]) -> Iterator[Run]:
    numbers = experiment.numbers
    for point in points:
        seasons = _seasons(point, experiment.titles)
        labels = {place: _label(value, place in numbers) for place, value in point.overrides.items()}
        labels = {"scenario": called(point.scenario)} | labels
        for seed in experiment.seasons:
            for call, varied in point.policies:
                yield Run(seasons.environments, call, seed, seasons.days, seasons.key, labels | varied, products=False)


def _seasons(point: Point, titles: int) -> Seasons:
    """What is played; values that do not go together are found here, and fail their runs alone."""
    try:
        return of_a_shop(point.scenario, titles, point.overrides)
    except ScenarioError as reason:
        return refused(str(reason), json.dumps([called(point.scenario), point.overrides], default=str))


def _label(value: Any, number: bool) -> Any:
    if number:
        return float(value)
    return value if isinstance(value, str) else json.dumps(value, default=str)
