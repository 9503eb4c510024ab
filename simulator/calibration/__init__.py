"""A shop's past becomes a market: `calibrate` is the room's face. JAX is not loaded before it is called."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from simulator.calibration.calibrated import Calibrated
    from simulator.calibration.fitting import calibrate

__all__ = ["Calibrated", "calibrate"]


def __getattr__(name: str) -> Any:
    if name == "calibrate":
        from simulator.calibration.fitting import calibrate

        return calibrate
    if name == "Calibrated":
        from simulator.calibration.calibrated import Calibrated

        return Calibrated
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
