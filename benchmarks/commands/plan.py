"""`launchsim plan`: what to launch when, with how much stock, and what is that worth?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def plan(
    candidates: Annotated[Path, typer.Option(help="CSV or Parquet: title, and where known id, category, price, cost")],
    invoices: Annotated[str | None, typer.Option(help="invoice lines: CSV, Parquet, DuckDB, SQL, or a history")] = None,
    goods: Annotated[str | None, typer.Option(help="table of products, beside behavior or invoices")] = None,
    behavior: Annotated[str | None, typer.Option(help="table of what users did: view, cart, buy, return ...")] = None,
    columns: Annotated[Path | None, typer.Option(help="TOML that says what the columns mean")] = None,
    key_file: Annotated[Path | None, typer.Option(help="file (0600) with the pseudonym key")] = None,
    market: Annotated[
        Path | None, typer.Option(help="folder that `launchsim calibrate` wrote [default: calibrated now]")
    ] = None,
    windows: Annotated[int, typer.Option(help="launch windows")] = 8,
    every: Annotated[int, typer.Option(help="days between windows")] = 7,
    capacity: Annotated[int, typer.Option(help="launches a window")] = 5,
    horizon: Annotated[int, typer.Option(min=1, help="days over which a launch is judged and stocked")] = 56,
    measure: Annotated[str, typer.Option(help="units, revenue or margin")] = "margin",
    predictor: Annotated[
        str | None, typer.Option(help="a name or module:Class [default: the one that a backtest finds best]")
    ] = None,
    lead_days: Annotated[float, typer.Option(min=0, help="until what is ordered again arrives; 0: never")] = 14.0,
    salvage: Annotated[float, typer.Option(min=0, max=1, help="share of cost that a piece left over brings")] = 0.5,
    seeds: Annotated[int, typer.Option(min=2, help="seasons, each with its own draw of the market")] = 20,
    rival: Annotated[list[str] | None, typer.Option(help="policies asked what to launch; several [linucb]")] = None,
    plays: Annotated[int, typer.Option(min=0, help="plans played in search of a better one; 0: no search")] = 0,
    stages: Annotated[int, typer.Option(min=1, max=2, help="2: also launch all small, look a week, then rank")] = 1,
    strands: Annotated[
        float, typer.Option(min=0, help="share of more leftovers above which better is 'discuss'")
    ] = 0.1,
    out: Annotated[Path, typer.Option(help="folder to write")] = Path("reports/plan"),
) -> None:
    """Predict, rank and stock candidates, and play that plan against other orders in the shop's market.

    Example: launchsim plan --invoices invoices.csv --candidates candidates.csv --windows 4 --out reports/plan
    """
    from benchmarks.pages import plan_page
    from benchmarks.planning import backtest
    from benchmarks.planning import plan as make
    from benchmarks.planning.candidates import read
    from benchmarks.sweeps.counted import counted
    from envs.history import History
    from simulator.calibration import Calibrated, calibrate

    listed = read(candidates)
    history = History.read(invoices=invoices, goods=goods, behavior=behavior, columns=columns, key_file=key_file)
    judged = None
    if predictor is None:
        with counted("backtest") as progress:
            judged = backtest(history, horizon, predictors=plan_page.TRIED, days_seen=(0,), progress=progress)
    with counted("market") as step:
        told = Calibrated.read(market) if market is not None else calibrate(
            history, seeds=0, progress=lambda what, share: step(round(100 * share), 100)
        )  # fmt: skip
    with counted("seasons") as progress:
        found = make(
            told,
            listed,
            history=history,
            windows=windows,
            every=every,
            capacity=capacity,
            horizon=horizon,
            measure=measure,
            predictor=predictor or (judged.best(0) if judged is not None else "blend"),
            lead_days=lead_days,
            salvage=salvage,
            seeds=seeds,
            rivals=rival if rival is not None else ["linucb"],
            plays=plays,
            look_first=stages == 2,
            strands=strands,
            progress=progress,
        )
    written = plan_page.write(out, found, judged)
    for sentence in [*plan_page.answer(found), *found.notes]:
        typer.echo(sentence)
    typer.echo(f"\n{written}")
