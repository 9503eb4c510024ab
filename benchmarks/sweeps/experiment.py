"""An experiment: scenarios, what is changed in them, policies, their settings, seeds; as TOML or in Python."""

from __future__ import annotations

import difflib
import json
import math
import tomllib
from ast import literal_eval
from collections.abc import Iterator, Mapping
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from benchmarks.sweeps.ranges import Range, written
from policies.calls import parse
from policies.policy import PolicyError
from simulator.scenario import Scenario, ScenarioError
from simulator.streams import generator


class Point(NamedTuple):
    """What is played with every seed: a scenario, its overrides, policies that differ in settings alone."""

    scenario: Any  # as it was given
    overrides: dict[str, Any]
    policies: list[tuple[str, dict[str, Any]]]  # call, and what of its settings is varied


class Experiment(BaseModel):
    """What is to be played: the full grid of `overrides` and `settings`, or `draws` of their ranges, for each case.

    A list is the values to try, a range such as "400..1600 log" is drawn from, anything else is a value. A list of
    lists gives values to a key that takes a list.

    Args:
        name: of the folder that keeps it; that of the file where not given.
        scenarios: names, paths of TOML files, or in Python a `Scenario` or `Calibrated`.
        policies: calls such as `linucb(alpha=0.5)`.
        seeds: how many (0, 1, ...), or which.
        overrides: place in a scenario -> what to try there, as of `benchmarks.sweeps.overrides`.
        cases: a list of overrides, each played instead of nothing; every one crossed with `overrides`.
        settings: policy -> setting -> what to try.
        draws: points drawn from all ranges and lists together (Latin hypercube); 0 for the full grid.
        draw_seed: of these.
        titles: dimensions in which policies see the products' titles; 0 for none.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)

    name: str = "experiment"
    scenarios: list[Any] = Field(min_length=1)
    policies: list[str] = Field(min_length=1)
    seeds: int | list[int] = 10
    overrides: dict[str, Any] = {}
    cases: list[dict[str, Any]] = []
    settings: dict[str, dict[str, Any]] = {}
    draws: int = Field(default=0, ge=0)
    draw_seed: int = Field(default=0, ge=0)
    titles: int = Field(default=0, ge=0)

    @classmethod
    def read(cls, experiment: Experiment | Mapping[str, Any] | str | Path) -> Experiment:
        """An experiment as it is, from a mapping, or from a TOML file.

        Raises:
            ScenarioError: there is no such file, or it says what cannot be; the message names the key.
        """
        if isinstance(experiment, Experiment):
            return experiment
        if isinstance(experiment, Mapping):
            return cls._checked(experiment, "experiment")
        path = Path(experiment)
        if not path.is_file():
            raise ScenarioError(f"experiment must be a TOML file that exists, got {str(path)!r}")
        try:
            values = tomllib.loads(path.read_text(encoding="utf-8-sig"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as reason:
            raise ScenarioError(f"experiment {path.stem}: must be TOML ({reason})") from None
        return cls._checked({"name": path.stem, **values}, f"experiment {path.stem}")

    @classmethod
    def _checked(cls, values: Mapping[str, Any], what: str) -> Experiment:
        unknown = [key for key in values if key not in cls.model_fields]
        for key in unknown[:1]:
            near = difflib.get_close_matches(key, cls.model_fields, 1)
            hint = f", did you mean {near[0]!r}?" if near else f"; known are {', '.join(cls.model_fields)}"
            raise ScenarioError(f"{what}: {', '.join(unknown)} must be a known key{hint}")
        try:
            return cls.model_validate(dict(values))
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            where, got = ".".join(map(str, first["loc"])), first["input"]
            told = str(first["ctx"]["error"]) if first["type"] == "value_error" else f"{where}: {first['msg'].lower()}"
            raise ScenarioError(f"{what}: {told}, got {got if first['type'] != 'missing' else 'none'!r}") from None

    @field_validator("scenarios", mode="before")
    @classmethod
    def _one_or_many(cls, scenarios: Any) -> Any:
        return scenarios if isinstance(scenarios, list | tuple) else [scenarios]

    @field_validator("overrides", "settings", mode="after")
    @classmethod
    def _none_empty(cls, tried: dict[str, Any]) -> dict[str, Any]:
        for place, values in _flat(tried).items():
            if isinstance(values, list) and not values:
                raise ValueError(f"{place} must have at least one value to try")
        return tried

    def text(self) -> str:
        """The experiment as JSON, to look up later; scenarios that are objects by name."""
        return json.dumps(self.model_dump() | {"scenarios": [called(one) for one in self.scenarios]}, indent=1)

    @property
    def seasons(self) -> list[int]:
        """The seeds.

        Raises:
            ScenarioError: there are none, or they are not distinct numbers from 0 up.
        """
        seeds = list(range(self.seeds)) if isinstance(self.seeds, int) else self.seeds
        if not seeds or len(set(seeds)) < len(seeds) or min(seeds) < 0:
            raise ScenarioError(f"{self.name}: seeds must be one or more distinct numbers from 0 up, got {self.seeds}")
        return seeds

    @property
    def size(self) -> int:
        """How many runs it has, without making one."""
        points = len(self.scenarios) * max(len(self.cases), 1) * len(self.seasons)
        if self.draws:
            return points * self.draws * len(self.policies)
        changed = math.prod(len(values) for values in self._places().values())
        tried = (math.prod(len(values) for values in self._tried(call).values()) for call in self.policies)
        return points * changed * sum(tried)

    def points(self) -> Iterator[Point]:
        """What is played with every seed, scenario by scenario.

        Raises:
            PolicyError: a range stands where nothing is drawn, or a policy says what its settings vary.
        """
        self.check()
        if self.draws:
            yield from self._drawn()
            return
        places = self._places()
        policies = [each for call in self.policies for each in _called(call, self._tried(call))]
        for scenario, case in product(self.scenarios, self.cases or [{}]):
            for values in product(*places.values()):
                yield Point(scenario, _flat(case) | dict(zip(places, values, strict=True)), policies)

    def alone(self) -> Iterator[tuple[Any, dict[str, Any], dict[str, Any]]]:
        """Each value that is tried: scenario, that value alone, and that value with the first of every other place.

        One that is wrong both ways is wrong; others may only not go with everything.
        """
        places = self._places()
        first = {place: values[0] for place, values in places.items()}
        tried = [{}, *({place: value} for place, values in places.items() for value in values)]
        for scenario, case, change in product(self.scenarios, self.cases or [{}], tried):
            yield scenario, _flat(case) | change, _flat(case) | first | change

    @property
    def numbers(self) -> set[str]:
        """The places at which only numbers are tried: columns of numbers in what comes of it."""
        tried = [_flat(self.overrides), *map(_flat, self.cases)]
        values: dict[str, list[Any]] = {}
        for place, one in ((place, one) for each in tried for place, one in each.items()):
            values.setdefault(place, []).extend(_axis(one, place))
        return {place for place, found in values.items() if all(type(one) in (int, float) for one in found)}

    def _drawn(self) -> Iterator[Point]:
        from scipy.stats import qmc  # takes longer to import than all else, and most experiments are grids

        places, settings = self._places(), {call: self._tried(call) for call in self.policies}
        axes = [*places.values(), *(values for tried in settings.values() for values in tried.values())]
        shares = qmc.LatinHypercube(len(axes), rng=generator(self.draw_seed, "draws")).random(self.draws)
        for scenario, case in product(self.scenarios, self.cases or [{}]):
            for row in shares:
                drawn = iter([_at(axis, share) for axis, share in zip(axes, row, strict=True)])
                overrides = _flat(case) | {place: next(drawn) for place in places}
                called = [_call(call, {name: next(drawn) for name in tried}) for call, tried in settings.items()]
                yield Point(scenario, overrides, called)

    def check(self) -> None:
        """Refuse what does not go together in the experiment itself.

        Raises:
            PolicyError: a range stands where nothing is drawn, or a policy says what its settings vary.
        """
        for name, tried in self.settings.items():
            calls = [call for call in self.policies if parse(call)[0] == name]
            if not calls:
                raise PolicyError(f"settings must be of a policy of the experiment, got {name!r}")
            for call in calls:
                if both := parse(call)[1].keys() & tried.keys():
                    raise PolicyError(f"{call}: settings must not vary what the call says, got {sorted(both)[0]!r}")
        if not self.draws:
            for place, values in (_flat(self.overrides) | _flat(self.settings)).items():
                if isinstance(values, str) and written(values, place, values):
                    raise PolicyError(f"{place} must list values where nothing is drawn (draws = 100), got {values!r}")

    def _places(self) -> dict[str, Any]:
        return {place: _axis(values, place) for place, values in _flat(self.overrides).items()}

    def _tried(self, call: str) -> dict[str, Any]:
        settings = self.settings.get(parse(call)[0], {})
        return {name: _axis(values, name) for name, values in settings.items()}


def called(scenario: Any) -> str:
    """A scenario as it was given, by name or path; one that is an object by its name or title."""
    if isinstance(scenario, str | Path):
        return str(scenario)
    shop = scenario if isinstance(scenario, Scenario) else scenario.scenario
    return str(shop.name or shop.title)


class Ends(list[Any]):
    """The two ends of a range that is drawn from."""

    def __init__(self, found: Range) -> None:
        super().__init__([found.low, found.high])
        self.range = found


def _axis(values: Any, place: str) -> list[Any]:
    """The values to try, or the ends of a range."""
    if isinstance(values, list):
        return values
    found = written(values, place, values) if isinstance(values, str) else None
    return Ends(found) if found else [values]


def _at(axis: list[Any], share: float) -> Any:
    if isinstance(axis, Ends):
        return literal_eval(axis.range.text(axis.range.at(share)))
    return axis[int(share * len(axis))]


def _flat(values: Mapping[str, Any], above: str = "") -> dict[str, Any]:
    """Nested tables, as TOML makes of `arrivals.per_day = 400`, by their whole place."""
    found: dict[str, Any] = {}
    for key, value in values.items():
        found |= _flat(value, f"{above}{key}.") if isinstance(value, Mapping) else {f"{above}{key}": value}
    return found


def _called(call: str, tried: dict[str, list[Any]]) -> list[tuple[str, dict[str, Any]]]:
    """A policy with every combination of its settings."""
    return [_call(call, dict(zip(tried, values, strict=True))) for values in product(*tried.values())]


def _call(call: str, settings: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    if not settings:
        return call.strip(), {}
    name, said = parse(call)
    told = ", ".join(f"{setting}={value!r}" for setting, value in (said | settings).items())
    return f"{name}({told})", {f"{name}.{setting}": value for setting, value in settings.items()}
