"""What is asked: a scenario, what is turned and edited in it, policies, seasons."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

import policies
from benchmarks.app import goods, knobs
from benchmarks.sweeps.overrides import overridden
from policies.calls import parse
from policies.policy import PolicyError
from simulator.scenario import Scenario, ScenarioError

START = "spring_launch"
_FIRST = ["uniform", "linucb", "vowpal", "oracle"]
_DEFAULT_SEASONS = 10
_MOST_SEASONS = 200


class Setup(BaseModel):
    """All that the person has chosen; kept as JSON."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    base: str = START  # a packaged scenario, or the path of a TOML
    turned: dict[str, float] = {}  # slider -> where it stands
    rows: list[dict[str, Any]] | None = None  # of the table of products; None as in the base
    policies: list[str] = Field(default=_FIRST, max_length=30)
    seeds: int = Field(default=_DEFAULT_SEASONS, ge=1, le=_MOST_SEASONS)
    baseline: str | None = None  # None: uniform, or the first
    measure: Literal["units", "revenue", "margin"] | None = None  # None: what the scenario rewards
    name: str = ""  # under which it was kept last

    def changed(self, **values: Any) -> Setup:
        """With some of it replaced, checked anew.

        Raises:
            ScenarioError: something is chosen that cannot be.
        """
        return setup(self.model_dump() | values)


def setup(values: dict[str, Any]) -> Setup:
    """From values as JSON has them.

    Raises:
        ScenarioError: something is chosen that cannot be.
    """
    try:
        return Setup.model_validate(values)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise ScenarioError(f"{where}: {first['msg'].lower()}, got {first['input']!r}"[:300]) from None


@dataclass(frozen=True)
class Case:
    """A setup that can be played."""

    setup: Setup
    base: Scenario
    changes: dict[str, Any]  # overrides of the base
    scenario: Scenario


def base(source: str) -> Scenario:
    """A packaged scenario by name, a TOML by path, or the folder that `launchsim calibrate` wrote.

    Raises:
        ScenarioError: there is none, or it says something that cannot be.
    """
    path = place(source)
    return _loaded(path, os.stat(path).st_mtime_ns if Path(path).is_file() else 0)


def place(source: str) -> str:
    """As `Scenario.load` takes it: of a calibrated folder its TOML."""
    folder = Path(source)
    return str(folder / "scenario.toml") if (folder / "scenario.toml").is_file() else source


@lru_cache(8)
def _loaded(source: str, _: int) -> Scenario:
    return Scenario.load(source)


def case(asked: Setup, foreign: Sequence[str] = ()) -> Case:
    """What a setup comes to.

    Args:
        asked: the setup.
        foreign: calls of policies that are not ours and may be played all the same: their code is run.

    Raises:
        ScenarioError: the scenario cannot be so.
        PolicyError: no policy is chosen, or one that there is not.
    """
    for call in asked.policies:
        _check_ours(call, foreign)
    if not asked.policies:
        raise PolicyError("policies must be at least one, got none: choose some")
    found = base(asked.base)
    changes = goods.changes(found, asked.rows) if asked.rows is not None else {}
    changes |= knobs.changes(overridden(found, changes), asked.turned)
    return Case(asked, found, changes, overridden(found, changes))


def _check_ours(call: str, foreign: Sequence[str]) -> None:
    """Other people's code is run only where whoever started the app named it."""
    name, _ = parse(call)
    if ":" in name and call not in foreign:
        raise PolicyError(f"policy must be one of launchsim's, or named as launchsim app --policy, got {call!r}")
    if name != "oracle":
        policies.find(name)
