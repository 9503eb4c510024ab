"""`launchsim demo`: the whole story on one page, from simulated seasons and from real logs."""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from benchmarks import outputs
from benchmarks.workers.asked import Processes

if TYPE_CHECKING:
    from benchmarks.pages.real_logs import RealLogs

LEARNERS = ("uniform", "popularity", "epsilon_greedy", "linucb", "neural_argmax", "vowpal")


def demo(
    out: Annotated[
        Path, typer.Option(help="folder of the page; finished runs there are not played again", callback=outputs.folder)
    ] = Path("reports/demo"),
    seeds: Annotated[int, typer.Option(min=1, help="seasons to simulate; fewer than 5 cannot give a verdict")] = 10,
    processes: Processes = os.cpu_count() or 1,
) -> None:
    """Which launch policy sells more? Simulates a spring season with seven policies, replays real logs, writes a page.

    Example: launchsim demo --out reports/demo
    """
    from benchmarks.compare import compare
    from benchmarks.pages import report

    comparison = compare(
        "spring_launch",
        [*LEARNERS, "oracle"],
        seeds,
        baseline="uniform",
        folder=out / "runs",
        processes=processes,
        progress=True,
    )
    logs = _real_logs(processes)
    command = shlex.join(["launchsim", "demo", "--seeds", str(seeds), "--out", str(out)])
    page = report.write(out, comparison, command, logs)
    report.tell(comparison)
    if isinstance(logs, str):
        typer.echo(f"\n{logs}")
    typer.echo(f"\n{page}")


def _real_logs(processes: int) -> RealLogs | str:
    """What the Open Bandit Dataset says, or one sentence on why it is missing: the simulation stands without it."""
    from benchmarks.pages.real_logs import read_off
    from envs.feedback import LogError
    from envs.open_bandit import bring

    try:
        bring()
        return read_off(LEARNERS, processes=processes, progress=True)
    except (LogError, OSError) as reason:
        return f"Real logs are missing from this page: {reason}"
