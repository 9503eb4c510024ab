"""`launchsim suite`: do known problems come out known?"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from benchmarks import outputs


def suite(
    name: Annotated[str | None, typer.Argument(help="which; see --list")] = None,
    listed: Annotated[bool, typer.Option("--list", help="the suites there are")] = False,
    small: Annotated[bool, typer.Option("--small", help="fewer and shorter runs: minutes instead of hours")] = False,
    data: Annotated[
        list[Path] | None, typer.Option(help="Parquet, CSV or ARFF file with a column `label`; several")
    ] = None,
    out: Annotated[
        Path, typer.Option(help="folder; finished runs there are not played again", callback=outputs.folder)
    ] = Path("reports/suites"),
    page: Annotated[Path | None, typer.Option(help="write the table between this page's marks")] = None,
    processes: Annotated[int, typer.Option("-j", "--processes", min=1, help="at once")] = os.cpu_count() or 1,
) -> None:
    """Play known problems and print each number beside the one that others have published.

    Example: launchsim suite wheel --small
    """
    from benchmarks.suites.suite import SUITES

    if listed or name is None:
        typer.echo("\n".join(f"{suite:16}{about}" for suite, about in SUITES.items()))
        return
    from benchmarks.suites import published
    from benchmarks.suites.marks import between
    from benchmarks.suites.suite import Asked, markdown, play

    table = play(name, Asked(out / name, small, processes, True, tuple(data or ())))
    table.to_csv(out / name / "table.csv", index=False)
    told = markdown(table, published.measure(name))
    if page is not None:
        page.write_text(between(page.read_text(encoding="utf-8"), name, told), encoding="utf-8")
    typer.echo(told)
    for source in dict.fromkeys(table.source[table.source != ""]):
        typer.echo(f"printed: {source}")
