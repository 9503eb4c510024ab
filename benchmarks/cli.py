"""The command line: one file of `benchmarks/commands` a command; bad input is one line and exit code 2."""

from __future__ import annotations

import importlib
import os
import sys
from functools import cache
from pathlib import Path
from typing import Annotated, Any

import typer

_STOPPED = 130

app = typer.Typer(
    name="launchsim",
    help="Which launch policy sells more, by how much, and how sure are we?",
    no_args_is_help=True,
    add_completion=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)


@cache
def _add_commands() -> None:
    """A file `name.py` holds a function `name`, or, for a group of commands, a Typer called `app`."""
    for file in sorted((Path(__file__).parent / "commands").glob("[a-z]*.py")):
        module = importlib.import_module(f"benchmarks.commands.{file.stem}")
        if isinstance(group := getattr(module, "app", None), typer.Typer):
            app.add_typer(group, name=file.stem)
        else:
            app.command(file.stem)(getattr(module, file.stem))


def _version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        typer.echo(f"launchsim {version('launchsim')}")
        raise typer.Exit


@app.callback()
def _options(
    debug: Annotated[bool, typer.Option("--debug", help="show the whole traceback of what goes wrong")] = False,
    version: Annotated[bool, typer.Option("--version", help="say which version this is", callback=_version)] = False,
) -> None:
    """Which launch policy sells more, by how much, and how sure are we?"""
    _debug.append(debug)


_debug: list[bool] = []  # whether the person who typed asked for tracebacks


def main() -> None:
    """Run what was typed; what goes wrong is one line and exit code 2."""
    _add_commands()
    # Policies lie beside whoever types; last, so that none hides ours, which an editable install has on no path at all.
    sys.path += [str(Path(__file__).resolve().parents[1]), os.getcwd()]
    try:
        code = app(standalone_mode=False)
    except KeyboardInterrupt:
        code = _STOPPED
    except Exception as error:
        if _debug[-1:] == [True]:
            raise
        told = _told(error)
        if told is None:
            raise
        print(told, file=sys.stderr, end="")
        code = 2
    if code == _STOPPED:
        print("launchsim: stopped", file=sys.stderr)
    raise SystemExit(code if isinstance(code, int) else 0)


def _told(error: Exception) -> str | None:
    """One line for the person who typed; None for what is a fault of ours."""
    if isinstance(error, BrokenPipeError):  # whoever reads has seen enough
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115 (Python flushes it at exit)
        return ""
    if hasattr(error, "format_message"):  # the parser's own
        return _of_the_parser(error)
    from envs.feedback import LogError
    from policies.policy import PolicyError
    from simulator.scenario import ScenarioError

    if isinstance(error, (ScenarioError, PolicyError, LogError, OSError)):
        return f"launchsim: {_of_the_system(error)}\n"
    return None


def _of_the_parser(error: Any) -> str:
    message = error.format_message()
    if message.startswith("\n") or not message or "Usage:" in message:  # no arguments: its help is the answer
        error.show()
        return ""
    return f"launchsim: {message}\n"


def _of_the_system(error: Exception) -> str:
    """A file that cannot be read or written, and why; other errors say it themselves."""
    if isinstance(error, OSError) and error.filename is not None:
        return f"{(error.strerror or 'cannot be used').lower()}: {str(error.filename)!r}"
    if isinstance(error, OSError) and error.errno is not None:
        return (error.strerror or str(error)).lower()
    return str(error)


if __name__ == "__main__":
    main()
