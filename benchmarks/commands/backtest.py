"""`launchsim backtest`: what were predictions worth on a shop's real launches?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from benchmarks import outputs


def backtest(
    invoices: Annotated[str | None, typer.Option(help="invoice lines: CSV, Parquet, DuckDB, SQL, or a history")] = None,
    goods: Annotated[str | None, typer.Option(help="table of products, beside behavior or invoices")] = None,
    behavior: Annotated[str | None, typer.Option(help="table of what users did: view, cart, buy, return ...")] = None,
    columns: Annotated[Path | None, typer.Option(help="TOML that says what the columns mean")] = None,
    key_file: Annotated[Path | None, typer.Option(help="file (0600) with the pseudonym key")] = None,
    horizon: Annotated[int, typer.Option(min=1, help="days over which a launch is judged")] = 56,
    train_from: Annotated[str | None, typer.Option(help="first launch day to learn from, such as 2010-03-01")] = None,
    train_until: Annotated[
        str | None, typer.Option(help="last launch day to learn from as a whole", show_default="rolling")
    ] = None,
    test_from: Annotated[str | None, typer.Option(help="first launch day to be judged on")] = None,
    test_until: Annotated[str | None, typer.Option(help="last launch day to be judged on")] = None,
    predictor: Annotated[
        list[str] | None,
        typer.Option(help="beside the plain ones: ridge, boosted ... or module:Class; several", show_default="all"),
    ] = None,
    measure: Annotated[str, typer.Option(help="pieces, revenue or margin")] = "pieces",
    tensorboard: Annotated[
        Path | None,
        typer.Option(help="folder for scalars of training (extra: tensorboard)", callback=outputs.tensorboard),
    ] = None,
    out: Annotated[
        Path, typer.Option(help="folder to write; finished fits there are not done again", callback=outputs.folder)
    ] = Path("reports/backtest"),
) -> None:
    """Predict each launch of the past from what was known on its day and after days of sales; say what that was worth.

    Example: launchsim backtest --invoices invoices.csv --horizon 56 --out reports/backtest
    """
    from benchmarks.pages import backtest_page
    from benchmarks.planning import backtest as judge
    from benchmarks.planning.kept import Kept
    from benchmarks.planning.predictors import LEARNED
    from benchmarks.sweeps.counted import counted
    from envs.history import History

    history = History.read(invoices=invoices, goods=goods, behavior=behavior, columns=columns, key_file=key_file)
    with counted("predictors") as progress:
        found = judge(
            history,
            horizon,
            train_from=train_from,
            train_until=train_until,
            test_from=test_from,
            test_until=test_until,
            predictors=predictor or LEARNED,
            measure=measure,
            kept=Kept(out / "runs"),
            progress=progress,
        )
    written = backtest_page.write(out, found)
    for sentence in [*backtest_page.answer(found), *found.notes]:
        typer.echo(sentence)
    typer.echo(f"\n{written}")
