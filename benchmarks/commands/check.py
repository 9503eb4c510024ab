"""`launchsim check`: does somebody's own policy or environment keep the rules?"""

from __future__ import annotations

from typing import Annotated

import typer


def check(
    what: Annotated[
        str, typer.Argument(help="mine.py:Class or package.module:Class; with settings: mine.py:Last(x=2)")
    ],
) -> None:
    """Hold a policy (or an environment: called with a seed, it has `play`) to every rule, before any season is played.

    Example: launchsim check mine.py:Last
    """
    import envs.checking
    import policies
    from benchmarks import foreign

    made = foreign.named(what)
    if isinstance(made, type) and hasattr(made, "probabilities"):
        held = foreign.guarded(lambda: policies.check(what), what)
    else:
        held = foreign.guarded(lambda: envs.checking.check(made, what), what)
    for rule in held:
        typer.echo(f"holds: {rule}")
    typer.echo(f"{what} keeps every rule")
