"""`launchsim app`: what-ifs in the browser."""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from benchmarks import outputs
from benchmarks.workers.asked import Processes


def app(
    scenario: Annotated[
        str | None, typer.Argument(help="to begin with: a name, a TOML, or the folder that `launchsim calibrate` wrote")
    ] = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="of this machine; 0 takes a free one")] = 8765,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="do not open the browser")] = False,
    policy: Annotated[
        list[str] | None, typer.Option(help="your own that may be chosen, such as mine.py:Last; give several")
    ] = None,
    out: Annotated[
        Path, typer.Option(help="folder of all that is played and kept; shared with compare", callback=outputs.folder)
    ] = Path("reports/app"),
    processes: Processes = os.cpu_count() or 1,
) -> None:
    """What if? Turn and edit a scenario in the browser, press Run, see who sells more. Served to this machine alone.

    Example: launchsim app spring_launch
    """
    if find_spec("shiny") is None:
        raise outputs.OutputError("the app requires shiny. Install it with pip install launchsim[app]")
    from benchmarks.app.desk import Desk
    from benchmarks.app.serving import serve

    desk = Desk(out, processes, scenario, policy or [])
    serve(desk, port, not no_browser, lambda address: typer.echo(f"{address} (Ctrl-C stops; all is kept in {out})"))
