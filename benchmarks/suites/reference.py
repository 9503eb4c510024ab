"""The reference, written from the code: every key of a scenario, every public class and function.

Run `make docs`. The pages live in docs/reference/ and a test holds them equal to what is written here.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.suites.docstrings import section
from simulator.keys import Key, Table, tables
from simulator.scenario import Scenario

_SCENARIO = """\
# Every key of a scenario

<!-- Written by `make docs` from simulator/scenario.py: edit that. -->

A scenario is a TOML file; `launchsim scenarios new my_shop.toml` writes one that plays at once, with all of this as
comments. A key that is not known, or a value that cannot be, is refused in one line. Days count from the beginning of
the season, which is day 0. Money is in euros. Utility is what draws a visitor to a product: 0.7 more of it doubles the
odds that it is bought rather than something else or nothing. What the numbers do is told in [the market](../market.md).
"""

_PYTHON = """\
# Python reference

<!-- Written by `make docs` from the docstrings: edit those. -->

What other programs may count on. n is a number of decisions, K of actions (products), d of context features, a of
action features, L the length of a history. Errors that are about what was asked (`ScenarioError`, `PolicyError`,
`LogError`) are ValueErrors of one line. The words are told in [concepts](../concepts.md).
"""
_FIELDS = [*Scenario.model_fields]  # told in scenario.md
_PUBLIC: list[tuple[Any, ...]] = [  # imported from, defined in, names, members told elsewhere
    ("benchmarks.compare", "benchmarks.compare", ["compare"]),
    ("benchmarks.compare", "benchmarks.compared", ["Comparison"]),
    ("benchmarks.runner", "benchmarks.runner", ["run"]),
    ("benchmarks.trace", "benchmarks.trace", ["Trace"]),
    ("benchmarks.off_policy", "benchmarks.off_policy.evaluation", ["estimate"]),
    ("benchmarks.replay", "benchmarks.replay", ["replay"]),
    ("benchmarks.explain", "benchmarks.explain", ["explain", "Explanation"]),
    ("benchmarks.planning", "benchmarks.planning.backtesting", ["backtest"]),
    ("benchmarks.planning", "benchmarks.planning.launch_plan", ["plan"]),
    ("benchmarks.sweeps", "benchmarks.sweeps.sweeping", ["sweep"]),
    ("policies", "policies", ["names", "load", "restore"]),
    ("policies.policy", "policies.policy", ["Problem", "Decisions", "Feedback", "Policy"]),
    ("envs.environment", "envs.environment", ["Environment", "Choices", "Rounds"]),
    ("envs.simulated", "envs.simulated", ["Simulated"]),
    ("envs.gymnasium", "envs.gymnasium", ["Market"]),
    ("envs.feedback", "envs.feedback", ["LoggedFeedback"]),
    ("envs.logged", "envs.logged", ["Logged"]),
    ("envs.exports", "envs.exports", ["coba", "dsjson", "open_bandit"]),
    ("envs.open_bandit", "envs.open_bandit", ["load"]),
    ("envs.history", "envs.history", ["History"]),
    ("envs.wheel", "envs.wheel", ["Wheel"]),
    ("envs.classified", "envs.classified", ["Classified"]),
    ("envs.linear", "envs.linear", ["Linear"]),
    ("simulator.scenario", "simulator.scenario", ["Scenario"], _FIELDS),
    ("simulator.market", "simulator.market", ["Market"]),
    ("simulator.calibration", "simulator.calibration.fitting", ["calibrate"]),
    ("simulator.calibration", "simulator.calibration.calibrated", ["Calibrated"]),
]


def main() -> None:
    """Write the pages."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("docs/reference"))
    out = parser.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    for name, text in pages().items():
        (out / name).write_text(text, encoding="utf-8")


def pages() -> dict[str, str]:
    """The pages by the names of their files."""
    return {"scenario.md": scenario(), "python.md": python()}


def python() -> str:
    """The public classes and functions."""
    return "\n".join([_PYTHON, *(section(*one) for one in _PUBLIC)])


def scenario() -> str:
    """Every key of a scenario, a table of the page for each table of the file."""
    return "\n".join([_SCENARIO, *(line for table in tables() for line in _table(table))])


def _table(table: Table) -> Iterator[str]:
    yield f"## {_heading(table)}\n"
    yield f"{table.about}{_presence(table)}\n"
    yield "| key | what may stand there | default | meaning and unit |"
    yield "|---|---|---|---|"
    yield from (f"| `{key.name}` | {key.kind} | {_default(key)} | {key.about} |" for key in table.keys)
    yield ""


def _heading(table: Table) -> str:
    if not table.path:
        return "The top of the file"
    return f"`[[{table.path}]]`" if table.listed else f"`[{table.path}]`"


def _presence(table: Table) -> str:
    return " A season without it has none of this." if table.optional else ""


def _default(key: Key) -> str:
    if key.default is None:
        return "must be given"
    if key.part is not None and key.default == "{}":
        return "its own"
    return f"`{key.default}`" if key.default else "left out"


if __name__ == "__main__":
    main()
