"""Seasons of a calibrated market, each of its own draw: what is not known of the market is in the verdict too."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from envs.simulated import Simulated
from policies.policy import Floats
from simulator.calibration import Calibrated
from simulator.scenario import Scenario


@dataclass(frozen=True)
class Drawn:
    """seed -> a season of the draw of that number."""

    scenario: Callable[[int], Scenario]
    product_features: Floats | None

    def __call__(self, seed: int) -> Simulated:
        """A fresh season."""
        return Simulated(self.scenario(seed), seed, product_features=self.product_features)


def calibrated(scenario: Any) -> Calibrated | None:
    """The calibration that a scenario comes from: itself, or what lies beside its file; None of any other scenario."""
    if isinstance(scenario, Calibrated):
        return scenario
    if isinstance(scenario, str | Path) and (Path(scenario).parent / "draws.parquet").is_file():
        return Calibrated.read(Path(scenario).parent)
    return None


def key(found: Calibrated) -> str:
    """Another one as soon as a draw is another."""
    return str(int(pd.util.hash_pandas_object(found.draws.astype(str)).sum()))
