"""What is played: seasons of a scenario, of a calibrated market, or of somebody else's environment."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from benchmarks.comparison import drawn
from benchmarks.foreign import Worlds
from benchmarks.sweeps.overrides import overridden
from envs.simulated import Simulated
from policies.titles import columns as title_columns
from simulator.scenario import Scenario, ScenarioError

_WORDS = {"name", "title", "about", "calibration"}  # of which nothing comes: a season may be called something else
_PARTS = 100  # of a run in an environment that has no days


@dataclass(frozen=True)
class Seasons:
    """By which environments, how long, and all that defines them."""

    scenario: Scenario | None  # None where the environments are somebody's own
    environments: Callable[[int], Any]  # seed -> a fresh one
    days: int
    key: str  # another text as soon as they are others
    drawn: Callable[[int], Scenario] | None = None  # of a calibrated market: the function from a seed to its scenario
    wrong: str = ""  # why there are none


def foreign(make: Callable[[int], Any], kept: bool) -> Seasons:
    """Of somebody else's environments.

    Raises:
        PolicyError: runs are to be kept, and nobody can tell whether the environments are still the same.
    """
    worlds = Worlds(make)
    return Seasons(None, worlds, _PARTS, worlds.key if kept else "")


def of_a_shop(scenario: Any, titles: int = 0, overrides: Mapping[str, Any] | None = None) -> Seasons:
    """Of a scenario, given as `Scenario`, name or path; of a calibrated market each season is of its own draw.

    Args:
        scenario: the scenario, the name of one, the path of its TOML, or a `Calibrated`.
        titles: dimensions in which policies see the products' titles; 0 for none.
        overrides: keys that are changed, as of `overridden`; in every draw of a calibrated market.

    Raises:
        ScenarioError: it is unknown or malformed, or cannot have an override.
        PolicyError: titles need an extra that is not installed.
    """
    found, changes = drawn.calibrated(scenario), dict(overrides or {})
    base = found.scenario if found else scenario if isinstance(scenario, Scenario) else Scenario.load(scenario)
    shop = overridden(base, changes)
    seen = title_columns([product.title for product in shop.products], titles) if titles else None
    days, key = math.ceil(shop.days), f"{shop.model_dump_json(exclude=_WORDS)} titles={titles}"
    if not found:
        return Seasons(shop, partial(Simulated, shop, product_features=seen), days, key)
    season = Changed(found.drawn, changes) if changes else found.drawn
    key += f" draws={drawn.key(found)}" + (f" {json.dumps(changes, default=str)}" if changes else "")
    return Seasons(shop, drawn.Drawn(season, seen), days, key, season)


def refused(why: str, key: str) -> Seasons:
    """None, of a scenario that cannot be: whoever plays one is told why."""
    return Seasons(None, Refused(why), 1, key, wrong=why)


@dataclass(frozen=True)
class Refused:
    """No season of any seed."""

    why: str

    def __call__(self, seed: int) -> Any:
        """Say why, as ScenarioError."""
        raise ScenarioError(self.why)


@dataclass(frozen=True)
class Changed:
    """seed -> the scenario of a draw with some keys changed."""

    scenario: Callable[[int], Scenario]
    overrides: Mapping[str, Any] = field(default_factory=dict)

    def __call__(self, seed: int) -> Scenario:
        """The scenario of that season."""
        return overridden(self.scenario(seed), self.overrides)
