"""`launchsim policies`: what there is to choose from."""

from __future__ import annotations

import inspect

import typer


def policies() -> None:
    """List the policies with their settings and defaults.

    Example: launchsim policies
    """
    from policies import find, names

    for name in names():
        policy = find(name)
        settings = [str(p) for s, p in inspect.signature(policy).parameters.items() if s not in ("problem", "seed")]
        line = (inspect.getdoc(policy) or "").splitlines()[0]
        typer.echo(f"{name}({', '.join(settings)})\n    {line}")
