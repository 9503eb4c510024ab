"""`launchsim data`: bring public data sets."""

from __future__ import annotations

from pathlib import Path

import typer

app = typer.Typer(no_args_is_help=True, help="Bring public data sets.")


@app.callback()
def _group() -> None:
    """Bring public data sets."""


@app.command("open-bandit")
def open_bandit(
    path: Path = typer.Option(None, help="A copy that is already there, in the data set's own layout."),
) -> None:
    """Bring the Open Bandit Dataset's small sample (Apache-2.0, ZOZO Inc.), or adopt a copy of sample or full release.

    Example: launchsim data open-bandit
    """
    from envs.open_bandit import adopt, bring

    folder = bring() if path is None else adopt(path)
    typer.echo(f"Open Bandit Dataset in {folder}")


@app.command("online-retail")
def online_retail(
    path: Path = typer.Option(..., help="folder (or file) with the invoice lines: UCI Online Retail II, CC BY 4.0"),
) -> None:
    """Remember where your copy of Online Retail II lies (Chen 2019, doi 10.24432/C5CG6D), to calibrate a market to it.

    Example: launchsim data online-retail --path ~/data/online_retail
    """
    for file in _adopted("online-retail", path):
        typer.echo(f"launchsim calibrate --invoices {file}")


@app.command()
def classification(
    path: Path = typer.Option(..., help="folder with a table a data set, its classes in a column `label`"),
) -> None:
    """Remember where classification data sets lie, to turn them into bandits: `envs.classified.load("mushroom")`.

    Example: launchsim data classification --path ~/data/classification
    """
    for file in _adopted("classification", path):
        typer.echo(f"envs.classified.load({file.name.partition('.')[0]!r})")


def _adopted(name: str, path: Path) -> list[Path]:
    from envs.adopted import adopt

    return adopt(name, path)
