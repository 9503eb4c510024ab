"""`launchsim history`: look at a shop's own tables, keep them as a history, or make some up."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, help="Look at a shop's own tables, keep them, or make some up.")

Invoices = Annotated[str | None, typer.Option(help="invoice lines: CSV, Parquet, DuckDB database, SQL, or a history")]
Goods = Annotated[str | None, typer.Option(help="table of products, beside behavior or invoices")]
Behavior = Annotated[str | None, typer.Option(help="table of what users did: view, cart, buy, return ...")]
Mapping = Annotated[
    Path | None, typer.Option(help="TOML that says what the columns mean", show_default="by their names")
]
Rejects = Annotated[Path | None, typer.Option(help="CSV file for the rows set aside: row, column, rule, value")]
KeyFile = Annotated[
    Path | None, typer.Option(help="file (0600) with the pseudonym key", show_default="the environment's")
]


@app.command()
def describe(
    invoices: Invoices = None,
    goods: Goods = None,
    behavior: Behavior = None,
    columns: Mapping = None,
    rejects: Rejects = None,
    key_file: KeyFile = None,
    least: Annotated[int, typer.Option(min=1, help="users that must stand behind a figure of users")] = 5,
    write: Annotated[Path | None, typer.Option(help="TOML file to write the columns to, for you to correct")] = None,
) -> None:
    """Say what was recognised and cleaned, what the tables hold, and what can be learnt from them.

    Example: launchsim history describe --invoices invoices.csv --write columns.toml
    """
    from envs.history import account, taking
    from envs.logs.private import apart, private

    tables = {"invoices": invoices, "goods": goods, "behavior": behavior}
    apart({"rejects": rejects, "write": write}, _read(tables, columns, key_file))
    with _telling() as tell:
        found = taking.describe(rejects, key_file, **tables, columns=columns, tell=tell)
    if found.columns is not None:
        typer.echo(found.columns.text())
        if write is not None:
            with private(write) as file:
                file.write(found.columns.text())
    typer.echo(account.text(found.account, found.beside, found.fees, least), nl=False)


@app.command()
def convert(
    out: Annotated[Path, typer.Argument(help="the folder to write")],
    invoices: Invoices = None,
    goods: Goods = None,
    behavior: Behavior = None,
    columns: Mapping = None,
    rejects: Rejects = None,
    key_file: KeyFile = None,
    encrypt: Annotated[bool, typer.Option("--encrypt", help="with Parquet's own encryption and the key")] = False,
) -> None:
    """Check, clean and keep a shop's tables as a history, which every other command reads fast; users are pseudonyms.

    Example: launchsim history convert shop --invoices invoices.csv --rejects rejects.csv
    """
    from envs.history import account, taking
    from envs.logs.private import apart

    tables = {"invoices": invoices, "goods": goods, "behavior": behavior}
    read = _read(tables, columns, key_file)
    apart({"rejects": rejects, "out": out / "lines.parquet" if out.is_dir() else out}, read)
    with _telling() as tell:
        done = taking.convert(out, rejects, key_file, encrypt, **tables, columns=columns, tell=tell)
    for line in account.done(done):
        typer.echo(line)


@app.command()
def make(
    scenario: Annotated[str, typer.Argument(help="name of a scenario, or path of its TOML")],
    out: Annotated[Path, typer.Option(help="folder to write: goods, behavior, invoices as CSV, and truth.json")],
    policy: Annotated[str, typer.Option(help='who decides, such as uniform or "linucb(alpha=0.5)"')] = "uniform",
    seed: Annotated[int, typer.Option(min=0, help="of everything random")] = 0,
) -> None:
    """Play a season of a scenario and write the tables that such a shop would have, with the truth beside them.

    Example: launchsim history make spring_launch --out made
    """
    from benchmarks.runner import run
    from benchmarks.sweeps.runs import make as made
    from envs.history import making
    from envs.simulated import Simulated

    making.checked(out)
    season = Simulated(scenario, seed, record=True)
    with _telling() as tell:
        tell("playing the season")
        run(made(policy, season, seed), season, seed=seed)
    for name, n in making.write(out, season.market, seed, policy).items():
        typer.echo(f"{out / name}: {n:,} rows")


def _read(tables: dict[str, str | None], *beside: Path | None) -> list[Path]:
    """The files that are read."""
    from envs.history.errors import about
    from envs.history.files import is_one
    from envs.logs.source import files_of

    found = [Path(file) for file in beside if file is not None]
    for name, table in tables.items():
        if table is not None:
            with about(name):
                found += list(Path(table).iterdir()) if is_one(table) else files_of(table)
    return found


@contextmanager
def _telling() -> Iterator[Callable[[str], None]]:
    """A line on the terminal that says what is being done."""
    from rich.console import Console

    with Console(stderr=True).status("...") as status:
        yield lambda what: status.update(f"{what} ...")
