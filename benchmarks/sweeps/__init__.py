"""Many runs: each finished one kept, over workers of any kind, so that stopping loses nothing."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from benchmarks.sweeps.experiment import Experiment
    from benchmarks.sweeps.sweeping import play, sweep

_WHERE = {"Experiment": "experiment", "play": "sweeping", "sweep": "sweeping"}

__all__ = ["Experiment", "play", "sweep"]


def __getattr__(name: str) -> Any:
    """What this room is asked for, whose heavy imports wait until then."""
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"benchmarks.sweeps.{_WHERE[name]}"), name)
