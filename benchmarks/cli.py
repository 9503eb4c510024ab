"""The command line: one file of `benchmarks/commands` a command; bad input is one line and exit code 2."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import typer

app = typer.Typer(
    name="launchsim",
    help="Which launch policy sells more, by how much, and how sure are we?",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)


def _add_commands() -> None:
    """A file `name.py` holds a function `name`, or, for a group of commands, a Typer called `app`."""
    for file in sorted((Path(__file__).parent / "commands").glob("[a-z]*.py")):
        module = importlib.import_module(f"benchmarks.commands.{file.stem}")
        if hasattr(module, "app"):
            app.add_typer(module.app, name=file.stem)
        else:
            app.command(file.stem)(getattr(module, file.stem))


def main() -> None:
    """Entry point of `launchsim`."""
    _add_commands()
    try:
        app()
    except (ValueError, OSError) as error:
        from envs.feedback import LogError
        from policies.policy import PolicyError
        from simulator.scenario import ScenarioError

        if not isinstance(
            error, (ScenarioError, PolicyError, LogError, FileNotFoundError, PermissionError, ChildProcessError)
        ):
            raise
        print(f"launchsim: {error}", file=sys.stderr)
        raise SystemExit(2) from None
    except KeyboardInterrupt:
        print("launchsim: stopped", file=sys.stderr)
        raise SystemExit(130) from None


if __name__ == "__main__":
    main()
