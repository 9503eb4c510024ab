"""`launchsim sensitivity`: what would change the answer."""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import Annotated

import typer

from benchmarks import outputs
from benchmarks.workers.asked import Cluster, Processes, executor


def sensitivity(
    scenario: Annotated[str, typer.Argument(help="name of a scenario, or path of its TOML")],
    policy: Annotated[list[str], typer.Option(help='two, such as uniform and "linucb(alpha=0.5)"')],
    seeds: Annotated[int, typer.Option(min=5, help="seasons at each place")] = 10,
    measure: Annotated[
        str | None,
        typer.Option(help="what is judged: units, revenue or margin", show_default="what the scenario rewards"),
    ] = None,
    vary: Annotated[
        list[str] | None,
        typer.Option(
            help="a place in the scenario and its range, such as arrivals.per_day=200..1600, or by factors "
            "products.*.stock=0.5..2; give several",
            show_default="usual ranges, or those of a calibrated market",
        ),
    ] = None,
    heat: Annotated[
        list[str] | None, typer.Option(help="two places moved together", show_default="the two that matter most")
    ] = None,
    points: Annotated[int, typer.Option(min=3, help="places along a range that turns the verdict")] = 5,
    out: Annotated[
        Path, typer.Option(help="folder of the page; finished runs there are not played again", callback=outputs.folder)
    ] = Path("reports/sensitivity"),
    processes: Processes = os.cpu_count() or 1,
    cluster: Cluster = None,
) -> None:
    """Which of the scenario's parameters, moved within their ranges, turn the verdict between two policies, and where?

    Example: launchsim sensitivity spring_launch --policy uniform --policy linucb --vary arrivals.per_day=100..1600
    """
    from benchmarks.pages import sensitivity_page
    from benchmarks.sensitivity import parse
    from benchmarks.sensitivity import sensitivity as find

    with executor(cluster) as workers:
        found = find(
            scenario,
            policy,
            seeds,
            measure=measure,
            ranges=parse(vary or []),
            heat=heat,
            points=points,
            folder=out / "runs",
            processes=processes,
            executor=workers,
            progress=True,
        )
    words = [word for name, all_ in (("policy", policy), ("vary", vary), ("heat", heat)) for each in all_ or []
             for word in (f"--{name}", each)]  # fmt: skip
    choices = ["--seeds", str(seeds), "--measure", found.measure, "--points", str(points), "--out", str(out)]
    page = sensitivity_page.write(out, found, shlex.join(["launchsim", "sensitivity", scenario, *words, *choices]))
    sensitivity_page.tell(found)
    typer.echo(f"\n{page}")
