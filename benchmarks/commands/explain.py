"""`launchsim explain`: why this product?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from benchmarks import outputs
from benchmarks.workers.asked import Cluster, executor


def explain(
    scenario: Annotated[str, typer.Argument(help="name of a scenario, or path of its TOML")],
    policy: Annotated[str, typer.Option(help='such as "linucb(alpha=0.5)"')],
    seed: Annotated[int, typer.Option(min=0, max=2**63 - 1, help="of the season and the shuffles")] = 0,
    out: Annotated[
        Path, typer.Option(help="folder of the page, its tables and figures", callback=outputs.folder)
    ] = Path("reports/explain"),
    cluster: Cluster = None,
) -> None:
    """What moves a policy's choices, what would it lose by not knowing it, what does it believe? Writes a page.

    Example: launchsim explain spring_launch --policy "linucb(alpha=0.25)" --out reports/why
    """
    from benchmarks.explain import explain as explained
    from benchmarks.pages import explain_page

    with executor(cluster) as workers:
        found = explained(scenario, policy, seed, progress=True, executor=workers)
    page = explain_page.write(out, found)
    typer.echo("\n".join(explain_page.answer(found)))
    shown = found.importance.assign(changed=(100 * found.importance.changed).map("{:.1f}%".format))
    typer.echo(f"\n{shown.to_string(index=False, float_format='{:.3g}'.format)}\n\n{page}")
