"""`launchsim simulate`: one season under one policy, with its books, its log and its picture."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from benchmarks import outputs
from benchmarks.pages import picture


def simulate(
    scenario: Annotated[str, typer.Argument(help="name of a scenario, or path of its TOML")],
    policy: Annotated[str, typer.Option(help='such as uniform, oracle or "linucb(alpha=0.5)"')] = "uniform",
    seed: Annotated[int, typer.Option(min=0, max=2**63 - 1, help="of everything random")] = 0,
    log: Annotated[
        Path | None,
        typer.Option(help="Parquet file to write: every decision, as replay reads it", callback=outputs.parquet),
    ] = None,
    ledger: Annotated[
        Path | None,
        typer.Option(help="folder to write: visits, sales, stock-outs as Parquet", callback=outputs.optional_folder),
    ] = None,
    tensorboard: Annotated[
        Path | None,
        typer.Option(help="folder for scalars of training (extra: tensorboard)", callback=outputs.tensorboard),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="picture of the season to write, .png or .svg", callback=picture.checked)
    ] = None,
) -> None:
    """Play one season with a policy and print what came of it.

    Example: launchsim simulate spring_launch --policy "linucb(alpha=0.5)" --seed 1 --log reports/spring.parquet
    """
    from benchmarks.logbook import Logbook
    from benchmarks.pages import summary
    from benchmarks.runner import run
    from benchmarks.sweeps.runs import make
    from benchmarks.sweeps.watched import Watched
    from envs.simulated import Simulated

    season = Simulated(scenario, seed, record=log is not None or ledger is not None)
    played = Logbook(season) if log is not None else season
    trace = run(make(policy, season, seed), Watched(played, season.scenario.days), seed=seed)
    told = [summary.results(season.scenario, policy, seed, trace)]
    if isinstance(played, Logbook) and log is not None:
        log.parent.mkdir(parents=True, exist_ok=True)
        played.log().write(log)
        told.append(f"{log}: {len(trace):,} decisions")
    if ledger is not None:
        season.ledger.to_parquet(ledger)
        told.append(f"{ledger}: {len(season.ledger.tables) + 1} tables")
    if out is not None:
        from benchmarks.pages.season import season as draw

        picture.save(draw(season.scenario, season.ledger, policy)[0], out)
        told.append(str(out))
    typer.echo("\n\n".join(told))
