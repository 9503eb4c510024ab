"""`launchsim tune`: which settings suit a policy here?"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from benchmarks import outputs
from benchmarks.workers.asked import Cluster, Processes, executor


def tune(
    where: Annotated[
        str, typer.Argument(help="scenario (name or TOML), or log (file, glob, SQL text, open-bandit:...)")
    ],
    policy: Annotated[str, typer.Option(help='such as linucb or "linucb(ridge=4)"; what it states is not searched')],
    space: Annotated[
        list[str] | None,
        typer.Option(
            help='"alpha=0.1..3 log", "draws=10..200", "model=mean|ridge"; several', show_default="usual ranges"
        ),
    ] = None,
    trials: Annotated[int, typer.Option(min=1, help="settings to try, the default among them")] = 40,
    search: Annotated[str, typer.Option(help="bayes, random or grid")] = "bayes",
    measure: Annotated[
        str | None,
        typer.Option(
            "--measure",
            "--objective",
            help="units, revenue, margin, reward; on a log replay, dr, snips ...",
            show_default="units, dr",
        ),
    ] = None,
    seeds: Annotated[int, typer.Option(min=1, help="seasons, or blocks of the log, to search on")] = 5,
    judge: Annotated[int, typer.Option(min=2, help="further seasons, or later blocks, to judge the best on")] = 10,
    columns: Annotated[Path | None, typer.Option(help="TOML that says what a log's columns mean")] = None,
    no_user_ids: Annotated[bool, typer.Option("--no-user-ids", help="leave a log's user ids out")] = False,
    key_file: Annotated[Path | None, typer.Option(help="file (0600) with the pseudonym key of a log's users")] = None,
    seed: Annotated[int, typer.Option(min=0, max=2**63 - 1, help="of the search")] = 0,
    out: Annotated[
        Path, typer.Option(help="folder; finished trials there are not played again", callback=outputs.folder)
    ] = Path("reports/tune"),
    processes: Processes = os.cpu_count() or 1,
    cluster: Cluster = None,
) -> None:
    """Search a policy's settings, then judge the best against the default on seasons or rows the search never saw.

    Example: launchsim tune spring_launch --policy linucb --space "alpha=0.01..3 log" --trials 30 --out reports/tuned
    """
    from benchmarks.pages import tuning_page
    from benchmarks.tuning import tried
    from benchmarks.tuning.space import read
    from benchmarks.tuning.tune import tune as search_for
    from envs.logs.pseudonyms import own

    ingest = {"user_ids": not no_user_ids, "key_file": key_file or own()}
    question, parts, further = tried.named(where, measure, seeds, judge, columns, **ingest)
    with executor(cluster) as workers:
        found = search_for(
            question,
            policy,
            parts,
            further,
            space=read(space, policy) if space else None,
            trials=trials,
            search=search,
            seed=seed,
            folder=out,
            processes=processes,
            executor=workers,
            progress=True,
        )
    found.write(out)
    page = tuning_page.write(out, found)
    typer.echo(found.told())
    typer.echo(f"\n{page}")
