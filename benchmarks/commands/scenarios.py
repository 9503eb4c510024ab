"""`launchsim scenarios`: the seasons there are, and what each teaches."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from benchmarks.pages import picture

app = typer.Typer(help="The seasons there are, and what each teaches.", invoke_without_command=True)


@app.callback()
def scenarios(context: typer.Context) -> None:
    """List the scenarios, or show one.

    Example: launchsim scenarios
    """
    if context.invoked_subcommand is None:
        from benchmarks.pages import summary
        from simulator.scenario import Scenario

        for name in Scenario.names():
            typer.echo(summary.line(Scenario.load(name)))


@app.command()
def show(
    scenario: Annotated[str, typer.Argument(help="name of a scenario, or path of its TOML")],
    out: Annotated[
        Path | None,
        typer.Option(help="picture of its visits and launches to write, .png or .svg", callback=picture.checked),
    ] = None,
) -> None:
    """What a scenario teaches and asks, its products, and, where asked for, a picture of its visits and launches.

    Example: launchsim scenarios show tight_stock --out reports/tight_stock.png
    """
    from benchmarks.pages import summary
    from simulator.scenario import Scenario

    found = Scenario.load(scenario)
    if out is not None:
        from benchmarks.pages import season

        picture.save(season.plan(found), out)
    typer.echo(summary.describe(found))
    if out is not None:
        typer.echo(f"\n{out}")
