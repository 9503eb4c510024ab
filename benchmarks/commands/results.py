"""`launchsim results`: what came of a sweep."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from benchmarks import outputs
from benchmarks.pages import picture

_SHOWN = 40  # runs, or settings


def results(
    folder: Annotated[list[Path], typer.Argument(help="folder of a sweep; several are put together")],
    where: Annotated[
        str | None, typer.Option(help="SQL condition, as '\"arrivals.per_day\" > 400 and seed < 5'")
    ] = None,
    join: Annotated[
        Path | None, typer.Option(help="CSV or Parquet with more about the runs, by the columns it shares")
    ] = None,
    measure: Annotated[str, typer.Option(help="units, revenue, margin, reward, regret or lost_sales")] = "units",
    baseline: Annotated[
        str | None, typer.Option(help="policy to compare with", show_default="uniform, or the first")
    ] = None,
    runs: Annotated[bool, typer.Option("--runs", help="every run, failed ones with their error")] = False,
    superseded: Annotated[bool, typer.Option("--superseded", help="also runs that newer code has played anew")] = False,
    out: Annotated[
        Path | None, typer.Option(help="also write every row to a .csv or .parquet file", callback=outputs.file)
    ] = None,
    drawn: Annotated[
        Path | None,
        typer.Option("--picture", help="gain by setting as a .png or .svg", callback=picture.checked),
    ] = None,
    page: Annotated[
        Path | None,
        typer.Option(
            help="folder for a page with the answer, that picture and the table", callback=outputs.optional_folder
        ),
    ] = None,
) -> None:
    """What came of a sweep: means, differences and verdicts by setting, or with --runs every run. DuckDB reads it too.

    Example: launchsim results reports/sweeps/stock --page reports/sweeps/stock
    """
    import pandas as pd

    from benchmarks.sweeps.results import Results, joined, latest
    from benchmarks.sweeps.results import where as holding
    from benchmarks.sweeps.settings import by_setting

    if out is not None and out.suffix not in (".csv", ".parquet"):
        raise outputs.OutputError(f"output must end in .csv or .parquet, got {str(out)!r}")
    tables = {each: Results.of(each).table() for each in folder}
    several = len(tables) > 1
    table = pd.concat([each.assign(folder=str(name)) if several else each for name, each in tables.items()])
    table = table if superseded else latest(table)
    table = joined(table, join) if join else table
    table = holding(table, where) if where else table
    shown = table if runs else by_setting(table, measure, baseline, None if out else _SHOWN)
    if out is not None:
        shown.to_csv(out, index=False) if out.suffix == ".csv" else shown.to_parquet(out, index=False)
    if drawn is not None or page is not None:
        from benchmarks.pages import sweep_page, sweep_picture

        policies = list(dict.fromkeys(table.policy))
        base = baseline or ("uniform" if "uniform" in policies else policies[0])
        found = by_setting(table, measure, base)
        try:
            if drawn is not None:
                picture.save(sweep_picture.picture(found, measure, base)[0], drawn)
            if page is not None:
                page = sweep_page.write(page, found, measure, base)
        except ValueError as reason:
            raise outputs.OutputError(str(reason)) from None
    text = shown.drop(columns=["run"], errors="ignore").head(_SHOWN)
    typer.echo(text.to_string(index=False, na_rep="", float_format="{:,.6g}".format))
    failed = int((table.error != "").sum())
    more = f"; the first {len(text)} rows: --out writes all" if len(shown) >= _SHOWN else ""
    typer.echo(f"\n{len(table):,} runs, {failed:,} failed{more}")
    if page is not None:
        typer.echo(f"\n{page}")
