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
