"""`launchsim replay`: policies learn on a log as if they had decided."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from benchmarks.workers.asked import Cluster, Processes, executor


def replay(
    log: Annotated[str, typer.Argument(help="file, glob or SQL text, or open-bandit:BEHAVIOR/CAMPAIGN")],
    policy: Annotated[list[str], typer.Option(help='such as uniform or "linucb(alpha=0.5)"; give several')],
    out: Annotated[Path, typer.Option(help="folder of the page and its tables")] = Path("reports/replay"),
    columns: Annotated[Path | None, typer.Option(help="TOML that says what the columns mean")] = None,
    rejects: Annotated[Path | None, typer.Option(help="CSV file for bad rows; without it one is an error")] = None,
    no_user_ids: Annotated[bool, typer.Option("--no-user-ids", help="leave user ids out")] = False,
    key_file: Annotated[Path | None, typer.Option(help="file (0600) with the pseudonym key")] = None,
    repeats: Annotated[int, typer.Option(min=20, help="replays behind a value, and again behind its interval")] = 20,
    refresh: Annotated[float, typer.Option(min=0, help="minutes between two lessons; 0: after every row")] = 15.0,
    floor: Annotated[
        float | None, typer.Option(help="chance of acceptance", show_default="smallest propensity")
    ] = None,
    estimate_propensities: Annotated[
        bool, typer.Option("--estimate-propensities", help="for a log without: from the log itself, and said so")
    ] = False,
    least: Annotated[int, typer.Option(help="users that must stand behind a count of an item")] = 5,
    seed: Annotated[int, typer.Option(help="of everything random")] = 0,
    processes: Processes = os.cpu_count() or 1,
    cluster: Cluster = None,
) -> None:
    """What would each policy have earned on this log, learning as it goes? Writes a page and tables, or says why not.

    Example: launchsim replay open-bandit:random/all --policy uniform --policy "linucb(alpha=0.5)" --out reports/replay
    """
    from benchmarks.logs import caveats, named, title
    from benchmarks.pages import replay_page
    from benchmarks.replay import replay as replayed
    from envs.logs.pseudonyms import own

    taken = named(log, columns, rejects=rejects, user_ids=not no_user_ids, key_file=key_file or own())
    if estimate_propensities and taken.propensities == "missing":
        from benchmarks.off_policy.logging_model import with_estimated

        taken = with_estimated(taken)
    with executor(cluster) as workers:
        found = replayed(
            taken,
            policy,
            seed=seed,
            repeats=repeats,
            refresh=refresh / (24 * 60),
            floor=floor,
            least=least,
            workers=processes,
            executor=workers,
            progress=True,
        )
    told = caveats(taken)
    for sentence in told:
        typer.echo(sentence)
    answers = found.table[["value", "lower", "upper", "matched", "accepted", "z"]]
    typer.echo(answers.to_string(float_format="{:.5g}".format))
    if taken.propensities == "estimated":
        typer.echo("propensities are estimated, not logged: every number rests on them")
    for name, reason in found.table.reason.items():
        if reason:
            typer.echo(f"{name}: no answer, {reason}")
    for reason in found.failed.values():
        typer.echo(f"not replayed: {reason}")
    typer.echo(f"\n{replay_page.write(out, found, title(log), told)}")
