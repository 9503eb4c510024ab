"""`launchsim log`: look at a log, check it, make it one of ours."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

app = typer.Typer(no_args_is_help=True, help="Look at a log, check it, convert it.")

Log = Annotated[str, typer.Argument(help="CSV, Parquet (file, folder, glob), DuckDB database, or SQL text")]
Mapping = Annotated[Path | None, typer.Option(help="TOML that says what the columns mean", show_default="proposed")]
Rejects = Annotated[Path | None, typer.Option(help="CSV file for bad rows; without it a bad row is an error")]
NoUserIds = Annotated[bool, typer.Option("--no-user-ids", help="leave user ids out")]
KeyFile = Annotated[
    Path | None,
    typer.Option(help="file (0600) with the pseudonym key", show_default="the environment's, or one of your own"),
]


@app.command()
def describe(
    log: Log,
    columns: Mapping = None,
    least: Annotated[int, typer.Option(help="users that must stand behind a figure of an action")] = 5,
    write: Annotated[Path | None, typer.Option(help="TOML file to write the columns to, for you to correct")] = None,
    no_user_ids: NoUserIds = False,
) -> None:
    """Propose what the columns mean, and report the health of the log.

    Example: launchsim log describe visits.csv --write columns.toml
    """
    from benchmarks.logs import files_read
    from envs.logs.health import describe as described
    from envs.logs.private import apart, private

    apart({"write": write}, files_read(log, columns))
    health = described(log, columns, least, user_ids=not no_user_ids)
    if write is not None:
        with private(write) as file:
            file.write(health.mapping())
    typer.echo(health.mapping())
    typer.echo(health.text(), nl=False)


@app.command()
def check(
    log: Log,
    columns: Mapping = None,
    rejects: Rejects = None,
    no_user_ids: Annotated[bool, typer.Option("--no-user-ids", help="as it is: checking never reads them")] = True,
) -> None:
    """Check every row; without a file for bad rows the first of them is an error.

    Example: launchsim log check visits.csv --columns columns.toml --rejects rejects.csv
    """
    _tell(log, columns, None, rejects, user_ids=not no_user_ids)


@app.command()
def convert(
    log: Log,
    out: Annotated[Path, typer.Argument(help="the Parquet file to write")],
    columns: Mapping = None,
    rejects: Rejects = None,
    no_user_ids: NoUserIds = False,
    key_file: KeyFile = None,
    like: Annotated[Path | None, typer.Option(help="earlier log of ours: same actions, same encoding")] = None,
) -> None:
    """Check, encode and write a log as one of ours, which every other command reads fast; user ids become pseudonyms.

    Example: launchsim log convert visits.csv visits.parquet --columns columns.toml --rejects rejects.csv
    """
    from envs.logs.pseudonyms import own

    _tell(log, columns, out, rejects, user_ids=not no_user_ids, key_file=key_file or own(), like=like)


def _tell(log: str, columns: Path | None, out: Path | None, rejects: Path | None, **ids: Any) -> None:
    from benchmarks.logs import taken_in

    counts = taken_in(log, columns, into=out, rejects=rejects, **ids)
    typer.echo(f"{counts['rows']} rows read, {counts['kept']} kept, {counts['rejected']} rejected")
    for rule, n in counts["by_rule"].items():
        typer.echo(f"  {n}: {rule}")
    for column, filled in counts["filled"].items():
        typer.echo(f"  {filled['missing']} missing in {column}: {filled['by']}")
