"""`launchsim calibrate`: a market fitted to a shop's own history, with proof of how far it resembles it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from benchmarks import outputs
from benchmarks.workers.asked import Processes


def calibrate(
    invoices: Annotated[str | None, typer.Option(help="invoice lines: CSV, Parquet, DuckDB, SQL, or a history")] = None,
    goods: Annotated[str | None, typer.Option(help="table of products, beside behavior or invoices")] = None,
    behavior: Annotated[str | None, typer.Option(help="table of what users did: view, cart, buy, return ...")] = None,
    columns: Annotated[Path | None, typer.Option(help="TOML that says what the columns mean")] = None,
    rejects: Annotated[Path | None, typer.Option(help="CSV file for the rows set aside")] = None,
    key_file: Annotated[Path | None, typer.Option(help="file (0600) with the pseudonym key")] = None,
    until: Annotated[str | None, typer.Option(help="date: fit what is before it, judge by what is after it")] = None,
    seeds: Annotated[int, typer.Option(min=0, help="seasons to judge by; 0 judges nothing")] = 50,
    price_sensitivity: Annotated[
        float | None, typer.Option(min=0, help="utility lost a unit of money, where you know it better than the data")
    ] = None,
    conversion: Annotated[
        float | None, typer.Option(min=1e-6, max=0.999, help="share of visits that buy, where only views are known")
    ] = None,
    products: Annotated[int | None, typer.Option(min=1, help="a market of so many, those of the most lines")] = None,
    out: Annotated[
        Path,
        typer.Option(
            help="folder of the scenario and the page; finished parts there are not made again", callback=outputs.folder
        ),
    ] = Path("reports/calibrate"),
    processes: Processes = os.cpu_count() or 1,
    json: Annotated[bool, typer.Option("--json", help="print the fit as JSON")] = False,
) -> None:
    """Fit a market to a shop's history, and judge it: scenario.toml, fit.html. Exit code 1 where a metric fails.

    Example: launchsim calibrate --invoices lines.parquet --until 2010-09-07 --out reports/mine
    """
    import shlex
    import sys
    from functools import partial

    from rich.console import Console
    from rich.progress import Progress

    from benchmarks.pages import calibration_page
    from benchmarks.workers.jobs import play_all
    from envs.history import History
    from simulator.calibration import calibrate as fit

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("reading", total=1.0)
        history = History.read(
            goods=goods, behavior=behavior, invoices=invoices, columns=columns, rejects=rejects, key_file=key_file
        )
        try:
            found = fit(
                history,
                until,
                seeds=seeds,
                price_sensitivity=price_sensitivity,
                products=products,
                conversion=conversion,
                folder=out / "runs",
                progress=lambda what, share: bar.update(task, description=what, completed=share),
                spread=partial(play_all, workers=processes),
            )
        except KeyboardInterrupt:
            bar.console.print(
                "stopped; finished parts and seasons are kept, the same command goes on from there", soft_wrap=True
            )
            raise
    found.write(out)
    written = out / "scenario.toml"
    if seeds:
        command = shlex.join(["launchsim", *sys.argv[1:]])
        written = calibration_page.write(out, found, str(invoices or behavior), command)
    typer.echo(calibration_page.as_json(found) if json else f"{calibration_page.told(found)}\n\n{written}")
    if (found.fit["status"] == "FAIL").any():
        raise typer.Exit(1)
