"""`launchsim calibrate`: a market fitted to a shop's own history, with proof of how far it resembles it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def calibrate(
    invoices: Annotated[
        Path | None, typer.Option(help="invoice lines: invoice, user, item, time, quantity, price")
    ] = None,
    goods: Annotated[Path | None, typer.Option(help="goods: id, title, category, price, ...")] = None,
    behavior: Annotated[Path | None, typer.Option(help="behaviour: user, item, action, time, ...")] = None,
    columns: Annotated[Path | None, typer.Option(help="TOML that says what the columns mean")] = None,
    until: Annotated[str | None, typer.Option(help="date: fit what is before it, judge by what is after it")] = None,
    seeds: Annotated[int, typer.Option(min=0, help="seasons to judge by; 0 judges nothing")] = 50,
    price_sensitivity: Annotated[
        float | None, typer.Option(min=0, help="utility lost a unit of money, where you know it better than the data")
    ] = None,
    out: Annotated[Path, typer.Option(help="folder of the scenario and the page")] = Path("reports/calibrate"),
    json: Annotated[bool, typer.Option("--json", help="print the fit as JSON")] = False,
) -> None:
    """Fit a market to a shop's history: writes scenario.toml and fit.html. Exit code 1 where a metric fails.

    Example: launchsim calibrate --invoices lines.parquet --until 2010-09-07 --out reports/mine
    """
    import shlex
    import sys

    from rich.console import Console
    from rich.progress import Progress

    from benchmarks.pages import calibration_page
    from envs.history import History
    from simulator.calibration import calibrate as fit

    source = invoices or behavior
    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("reading", total=1.0)
        history = History.read(goods=goods, behavior=behavior, invoices=invoices, columns=columns)
        found = fit(
            history,
            until,
            seeds=seeds,
            price_sensitivity=price_sensitivity,
            progress=lambda what, share: bar.update(task, description=what, completed=share),
        )
    found.write(out)
    page = calibration_page.write(out, found, str(source), shlex.join(["launchsim", *sys.argv[1:]])) if seeds else None
    if json:
        typer.echo(calibration_page.as_json(found))
    else:
        typer.echo(calibration_page.told(found))
        typer.echo(f"\n{page or out / 'scenario.toml'}")
    if (found.fit["status"] == "FAIL").any():
        raise typer.Exit(1)
