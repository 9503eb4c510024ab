"""`launchsim compare`: policies side by side on a scenario."""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import Annotated

import typer

from benchmarks import outputs
from benchmarks.workers.asked import Cluster, Processes, executor

_SEASONS = 5  # behind each point of the grid of what-ifs


def compare(
    scenario: Annotated[str, typer.Argument(help="name of a scenario, or path of its TOML")],
    policy: Annotated[list[str], typer.Option(help='such as uniform, oracle or "linucb(alpha=0.5)"; give several')],
    seeds: Annotated[int, typer.Option(min=1, help="seasons to simulate; fewer than 5 cannot give a verdict")] = 10,
    baseline: Annotated[
        str | None, typer.Option(help="policy to compare with", show_default="uniform, or the first")
    ] = None,
    measure: Annotated[
        str | None,
        typer.Option(help="what is judged: units, revenue or margin", show_default="what the scenario rewards"),
    ] = None,
    guard: Annotated[
        list[str] | None,
        typer.Option(
            help="what may not be worsened by more: lost_sales, returns, leftovers, margin or conversion, such as "
            "margin=2%; give several, or none",
            show_default="2%, leftovers 10%",
        ),
    ] = None,
    until_decided: Annotated[
        bool, typer.Option("--until-decided", help="add seasons until every verdict stands, or the budget ends")
    ] = False,
    budget: Annotated[int, typer.Option(min=1, help="seasons at most, where they are added until decided")] = 200,
    change: Annotated[
        list[str] | None,
        typer.Option("--set", help="a key of the scenario changed, such as arrivals.per_day=x1.5; give several"),
    ] = None,
    out: Annotated[
        Path, typer.Option(help="folder of the page; finished runs there are not played again", callback=outputs.folder)
    ] = Path("reports/compare"),
    titles: Annotated[int, typer.Option(min=0, help="dimensions in which policies see the products' titles")] = 0,
    explain: Annotated[bool, typer.Option("--explain", help="also say what each policy's choices rest on")] = False,
    turn: Annotated[
        bool, typer.Option("--what-if", help="also with other traffic, stock, novelty: up to 27 times 5 seasons")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="print the finding as JSON, for other programs")] = False,
    tensorboard: Annotated[
        Path | None,
        typer.Option(help="folder for scalars of training (extra: tensorboard)", callback=outputs.tensorboard),
    ] = None,
    processes: Processes = os.cpu_count() or 1,
    cluster: Cluster = None,
) -> None:
    """Which policy sells more on this scenario, by how much, how sure? Writes a page, figures and tables.

    Example: launchsim compare spring_launch --policy uniform --policy "linucb(alpha=0.5)" --policy oracle --seeds 20
    """
    from benchmarks.compare import compare as run_all
    from benchmarks.comparison import guardrails
    from benchmarks.pages import report
    from benchmarks.pages.statuses import as_json
    from benchmarks.sweeps.overrides import typed

    with executor(cluster) as workers:
        comparison = run_all(
            scenario,
            policy,
            seeds,
            baseline=baseline,
            measure=measure,
            guardrails=guardrails.parse(guard or []),
            until_decided=until_decided,
            budget=budget,
            titles=titles,
            overrides=typed(change or []),
            folder=out / "runs",
            processes=processes,
            executor=workers,
            progress=True,
        )
        turned = None
        if turn:
            from benchmarks.what_if import what_if

            turned = what_if(
                comparison.scenario if change else scenario,
                comparison.policies,
                min(seeds, _SEASONS),
                baseline=comparison.baseline,
                measure=comparison.measure,
                titles=titles,
                folder=out / "what_if",
                processes=processes,
                executor=workers,
                progress=True,
            )
    command = report.command_of(comparison, scenario, out)
    command += "".join(f" --set {shlex.quote(each)}" for each in change or [])
    command += f" --titles {titles}" if titles else ""
    command += " --what-if" if turn else ""
    explained = []
    if explain:
        from benchmarks.explain import explain as explanation

        command += " --explain"
        explained = [explanation(comparison.scenario, call) for call in policy if call != "oracle"]
    page = report.write(out, comparison, command, explained=explained, turned=turned)
    if json:
        typer.echo(as_json(comparison, report.answer(comparison), command, str(page)))
    else:
        report.tell(comparison)
        typer.echo(f"\n{page}")
    if comparison.failed:
        raise typer.Exit(1)
