"""`launchsim suite`: do known problems come out known?"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from benchmarks import outputs
from benchmarks.workers.asked import Cluster, Processes, executor


def suite(
    name: Annotated[str | None, typer.Argument(help="which; see --list")] = None,
    listed: Annotated[bool, typer.Option("--list", help="the suites there are")] = False,
    small: Annotated[bool, typer.Option("--small", help="fewer and shorter runs: minutes instead of hours")] = False,
    data: Annotated[
        list[Path] | None, typer.Option(help="Parquet, CSV or ARFF file with a label column; several")
    ] = None,
    label: Annotated[str, typer.Option(help="the label column of these files")] = "label",
    out: Annotated[
        Path, typer.Option(help="folder; finished runs there are not played again", callback=outputs.folder)
    ] = Path("reports/suites"),
    page: Annotated[Path | None, typer.Option(help="write the table between this page's marks")] = None,
    processes: Processes = os.cpu_count() or 1,
    cluster: Cluster = None,
) -> None:
    """Play known problems and print each number beside the one that others have published.

    Example: launchsim suite wheel --small
    """
    from benchmarks.suites import published

    if listed or name is None:
        typer.echo("\n".join(f"{suite:16}{about}" for suite, about in published.suites().items()))
        return
    from benchmarks.suites.marks import between
    from benchmarks.suites.suite import Asked, play, told

    (out / name).mkdir(parents=True, exist_ok=True)
    with executor(cluster) as workers:
        table = play(name, Asked(out / name, small, workers or processes, True, tuple(data or ()), label))
    table.to_csv(out / name / "table.csv", index=False)
    shown = told(name, table)
    if page is not None:
        page.write_text(between(page.read_text(encoding="utf-8"), name, shown), encoding="utf-8")
    typer.echo(shown)
    for source in dict.fromkeys(table.source[table.source != ""]):
        typer.echo(f"printed: {source}")
