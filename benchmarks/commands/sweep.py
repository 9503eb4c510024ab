"""`launchsim sweep`: hundreds of what-ifs."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from benchmarks import outputs
from benchmarks.workers.asked import Cluster, Processes, executor

_MANY = 100_000  # runs; above, whoever types is asked first


def sweep(
    experiment: Annotated[Path, typer.Argument(help="TOML: scenarios, overrides, policies, settings, seeds")],
    out: Annotated[
        Path | None,
        typer.Option(
            help="folder; finished runs there are not played again",
            show_default="reports/sweeps/NAME",
            callback=outputs.optional_folder,
        ),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="play however many runs there are without asking")] = False,
    processes: Processes = os.cpu_count() or 1,
    cluster: Cluster = None,
) -> None:
    """Play scenarios x overrides x policies x settings x seeds; `launchsim results` tells what came of it.

    Example: launchsim sweep experiment.toml --out reports/stock
    """
    from benchmarks.sweeps.experiment import Experiment
    from benchmarks.sweeps.sweeping import sweep as played

    asked = Experiment.read(experiment)
    if asked.size > _MANY and not yes:
        typer.confirm(f"{asked.name} has {asked.size:,} runs; play them all?", abort=True, err=True)
    folder = out or outputs.folder(Path("reports/sweeps") / asked.name)
    with executor(cluster) as workers:
        found = played(asked, workers, folder=folder, processes=processes, progress=True)
    failed = found[found.error != ""]
    for reason, runs in failed.groupby("error").run.count().sort_values(ascending=False).head(5).items():
        typer.echo(f"launchsim: {runs:,} failed: {reason}", err=True)
    typer.echo(f"{len(found) - len(failed):,} of {len(found):,} runs are finished; see launchsim results {folder}")
    if len(failed):
        raise typer.Exit(1)
