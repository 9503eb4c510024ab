"""What to launch when, with how much stock, and what predictions were worth on real launches."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from benchmarks.planning.backtesting import backtest
    from benchmarks.planning.launch_plan import plan

_WHERE = {"backtest": "backtesting", "plan": "launch_plan"}

__all__ = ["backtest", "plan"]


def __getattr__(name: str) -> Any:
    """The functions of this room, whose heavy imports wait until they are asked for."""
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"benchmarks.planning.{_WHERE[name]}"), name)
