"""`launchsim scenarios`: the seasons there are, and what each teaches."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from benchmarks import outputs
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

        picture.save(season.plan(found)[0], out)
    typer.echo(summary.describe(found))
    if out is not None:
        typer.echo(f"\n{out}")


@app.command()
def new(
    file: Annotated[Path, typer.Argument(help="TOML file to write", callback=outputs.file)],
    title: Annotated[str, typer.Option(help="what the season is called")] = "My shop",
    launches: Annotated[
        int, typer.Option(min=0, max=60, help="one a week, for a shop with a past to learn from; 0: a season of three")
    ] = 0,
) -> None:
    """Write a small shop that plays at once and that says of every key what it means, its unit and its default.

    Example: launchsim scenarios new my_shop.toml
    """
    from simulator import start

    if file.suffix != ".toml":
        raise outputs.OutputError(f"scenario must end in .toml, got {str(file)!r}")
    if file.exists():
        raise outputs.OutputError(f"scenario must be a new file, got {str(file)!r}, which is there")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(start.text(file.name, title, launches), encoding="utf-8")
    typer.echo(
        f"{file}\n\nEdit it, then see it and play it:\n  launchsim scenarios show {file}\n"
        f'  launchsim compare {file} --policy uniform --policy "linucb(alpha=0.1)" --seeds 5'
    )
