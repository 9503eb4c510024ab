"""`launchsim policies`: what there is to choose from."""

from __future__ import annotations

import inspect

import typer

_FURTHER = {
    "oracle": "Knows what every visitor wants and shows the best product: a limit, in simulated seasons only.",
    "mine.py:Name or package.module:Name": "Your own; `launchsim check mine.py:Name` tells whether it keeps the rules.",
}


def policies() -> None:
    """List the policies with their settings and defaults.

    Example: launchsim policies
    """
    from policies import find, names

    for name in names():
        policy = find(name)
        settings = [_typed(p) for s, p in inspect.signature(policy).parameters.items() if s not in ("problem", "seed")]
        line = (inspect.getdoc(policy) or "").splitlines()[0]
        call = f"{name}({', '.join(settings)})" if settings else name
        typer.echo(f"{call}\n    {line}")
    for call, line in _FURTHER.items():
        typer.echo(f"{call}\n    {line}")


def _typed(setting: inspect.Parameter) -> str:
    """As it is typed on the command line, with its default."""
    return setting.name if setting.default is setting.empty else f"{setting.name}={setting.default!r}"
