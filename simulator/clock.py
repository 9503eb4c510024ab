"""The clock: SimPy's environment, with calls at a given time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import simpy

_ROUNDING = 1e-9  # days


class Clock(simpy.Environment):  # type: ignore[misc]  # simpy is untyped
    """Time in days. Events for what interacts; none for a visitor who leaves."""

    def at(self, time: float, do: Callable[..., None], *arguments: Any) -> None:
        """Call `do(*arguments)` when the clock shows `time`."""
        event = simpy.Timeout(self, max(time - self.now, 0.0))
        event.callbacks.append(lambda _: do(*arguments))

    def through(self, time: float) -> None:
        """All that happens until and at `time`, whatever rounding has made of it."""
        while self.peek() <= time + _ROUNDING:
            self.step()
