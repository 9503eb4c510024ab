"""What is asked of a plan, whatever its question: checked before the work."""

from __future__ import annotations

from simulator.scenario import ScenarioError

MEASURES = ("units", "revenue", "margin")


def check_measure(measure: str) -> None:
    """A ScenarioError unless it is one of MEASURES."""
    if measure not in MEASURES:
        raise ScenarioError(f"measure must be one of {', '.join(MEASURES)}, got {measure!r}")


def check_windows(windows: int, every: int, capacity: int) -> None:
    """A ScenarioError unless each is at least 1 and all windows, one `every` days, open within a year."""
    for name, value in (("windows", windows), ("every", every), ("capacity", capacity)):
        if value < 1:
            raise ScenarioError(f"{name} must be at least 1, got {value}")
    if windows * every > 365:
        raise ScenarioError(f"windows must all open within a year, got {windows} every {every} days")
