"""`launchsim evaluate`: what policies would have earned on a log, and whether that can be believed."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from benchmarks.workers.asked import Cluster, Processes, executor


def evaluate(
    log: Annotated[str, typer.Argument(help="file, glob or SQL text, or open-bandit:BEHAVIOR/CAMPAIGN")],
    policy: Annotated[
        list[str], typer.Option(help='saved policy, uniform, "linucb(alpha=0.5)", bernoulli_ts; several')
    ],
    estimator: Annotated[list[str] | None, typer.Option(help='such as snips or "ips(clip=10)"; give several')] = None,
    train_until: Annotated[str | None, typer.Option(help="date or fraction: learn before it, be judged after")] = None,
    reward_model: Annotated[str, typer.Option(help='or "sklearn.linear_model:LogisticRegression(C=0.1)"')] = "ridge",
    out: Annotated[Path, typer.Option(help="folder of the page and its tables")] = Path("reports/evaluate"),
    columns: Annotated[Path | None, typer.Option(help="TOML that says what the columns mean")] = None,
    rejects: Annotated[Path | None, typer.Option(help="CSV file for bad rows; without it one is an error")] = None,
    no_user_ids: Annotated[bool, typer.Option("--no-user-ids", help="leave user ids out")] = False,
    key_file: Annotated[Path | None, typer.Option(help="file (0600) with the pseudonym key")] = None,
    on_policy: Annotated[str | None, typer.Option(help="a log that the policy itself made, to show beside")] = None,
    interval: Annotated[
        str,
        typer.Option(
            help="gamma, bootstrap, student_t, empirical_bernstein; or "
            '"confidence_sequence(reward_range=(0, 1), largest_weight=80)"'
        ),
    ] = "gamma",
    confidence: Annotated[float, typer.Option(help="of the intervals")] = 0.95,
    baseline: Annotated[
        str | None, typer.Option(help="policy that the others are compared with", show_default="the best by value")
    ] = None,
    no_placebo: Annotated[bool, typer.Option("--no-placebo", help="do not re-learn the logging policy")] = False,
    slates: Annotated[bool, typer.Option("--slates", help="also whole pages: rows of one time and user")] = False,
    least: Annotated[int, typer.Option(help="users that must stand behind a count of an item")] = 5,
    seed: Annotated[int, typer.Option(help="of everything random")] = 0,
    processes: Processes = os.cpu_count() or 1,
    cluster: Cluster = None,
) -> None:
    """What would each policy have earned on this log? Estimates, intervals, and one verdict each with its reason.

    Example: launchsim evaluate open-bandit:random/all --policy bernoulli_ts --on-policy open-bandit:bts/all
    """
    from benchmarks.logs import caveats, named, title, users_behind
    from benchmarks.off_policy.judging import cut, judge_each, observed
    from benchmarks.pages import evaluation_page
    from envs.logs.pseudonyms import own
    from policies.policy import PolicyError

    if baseline is not None and baseline not in policy:
        raise PolicyError(f"baseline must be one of {', '.join(policy)}, got {baseline!r}")
    ids = {"user_ids": not no_user_ids, "key_file": key_file or own()}
    taken = named(log, columns, rejects=rejects, **ids)
    campaign = log.partition("/")[2] if log.startswith("open-bandit:") else None
    beside = (title(on_policy), *observed(named(on_policy, columns, **ids), confidence)) if on_policy else None
    with executor(cluster) as workers:
        judged, failed = judge_each(
            taken,
            policy,
            estimator or ["ips", "snips", "dm", "dr", "switch_dr", "dros"],
            train_until=train_until,
            reward_model=reward_model,
            campaign=campaign,
            placebo=not no_placebo,
            slates=slates,
            confidence=confidence,
            seed=seed,
            workers=processes,
            executor=workers,
        )
    users = users_behind(taken, least, cut(taken, train_until) if train_until else 0)
    found = evaluation_page.findings(
        title(log),
        taken.actions,
        judged,
        confidence,
        interval,
        beside,
        users=users,
        least=least,
        baseline=baseline,
        failed=failed,
        caveats=caveats(taken),
    )
    typer.echo(evaluation_page.tell(found))
    typer.echo(f"\n{evaluation_page.write(out, found)}")
