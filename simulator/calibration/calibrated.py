"""A shop's history as a market: the best scenario, draws of it, and what is known of each parameter."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from simulator.calibration.part import Settings
from simulator.scenario import Scenario

_TABLES = ("draws", "parameters", "fit", "series", "shapes")


@dataclass(frozen=True, eq=False)
class Calibrated:
    """What calibration answers."""

    scenario: Scenario
    draws: pd.DataFrame
    """A row a draw from the posterior; a column a place in the scenario (as `calendar.weeks`), numbers or lists."""
    parameters: pd.DataFrame
    """A row a parameter: place, value, error (standard error; NaN where unknown), unit, status, why."""
    fit: pd.DataFrame
    """A row a metric: metric, observed, simulated, lower, upper (90% band over seasons), score, floor, status,
    threshold, todo."""
    series: pd.DataFrame
    """Weeks of the judged span: measure, week, observed, simulated, lower, upper, and the plainest forecasts."""

    shapes: pd.DataFrame
    """Distributions: metric, value, and the share at or below it: observed, simulated, lower, upper."""

    def _repr_html_(self) -> str:
        """What a notebook shows: how far the market resembles the shop, metric by metric."""
        return str(self.fit.to_html(index=False, border=0, na_rep="", float_format="{:.4g}".format))

    def drawn(self, number: int) -> Scenario:
        """The scenario of one draw (draws repeat from the first on after the last)."""
        return placed(self.scenario, self.settings(number))

    def settings(self, number: int) -> Settings:
        """What one draw settles, by place."""
        row = self.draws.iloc[number % len(self.draws)]
        return {place: _plain(row[place]) for place in self.draws.columns}

    def write(self, folder: str | Path) -> None:
        """`scenario.toml`, and draws, parameters, fit and its series as Parquet beside it."""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        for name in _TABLES:
            getattr(self, name).to_parquet(folder / f"{name}.parquet", index=False)
        self.scenario.write(folder / "scenario.toml")

    @classmethod
    def read(cls, folder: str | Path) -> Calibrated:
        """What `write` wrote."""
        folder = Path(folder)
        tables = {name: pd.read_parquet(folder / f"{name}.parquet") for name in _TABLES}
        return cls(scenario=Scenario.load(folder / "scenario.toml"), **tables)


def placed(scenario: Scenario, settings: Settings) -> Scenario:
    """A scenario with settings put in their places."""
    values = scenario.model_dump()
    put(values, settings)
    return scenario.changed(**values)


def put(values: dict[str, Any], settings: Settings) -> None:
    """Settings into nested values: `a.b` is a key of a part, `products.b` and `users.segments.b` a column of them."""
    for place, value in settings.items():
        *path, key = place.split(".")
        part: Any = values
        for name in path:
            part = part.setdefault(name, {})
        if isinstance(part, list):
            for row, one in zip(part, value, strict=True):
                row[key] = one
        else:
            part[key] = value


def _plain(value: Any) -> Any:
    """Without numpy, and None where a table read back has NaN for what is not there."""
    if isinstance(value, np.ndarray | list):
        return [_plain(one) for one in value]
    if isinstance(value, np.generic):
        return _plain(value.item())
    return None if isinstance(value, float) and np.isnan(value) else value
