"""Memory: what a season needs at the most, told before it is played."""

from __future__ import annotations

import os
from pathlib import Path

from simulator.profile import Profile
from simulator.scenario import Scenario, ScenarioError

_GIB = 2.0**30
_PAIR = 5  # bytes of each user and product: utility, and whether it is owned
_COLUMN = 24  # bytes of each user and what is drawn of them
_VISIT = 100  # bytes of a visit as it is drawn, a day at a time
_ACTION = (
    5 + 3 * 8
)  # bytes of each action in each slot of a visit: availability, truth, chances and what they come from


def check(scenario: Scenario) -> None:
    """Refuse a season that this machine cannot hold.

    Raises:
        ScenarioError: the line says what takes how much.
    """
    parts = needed(scenario)
    total, there = sum(parts.values()), available()
    if total > there:
        told = ", ".join(f"{part} {size / _GIB:,.1f} GiB" for part, size in parts.items())
        raise ScenarioError(
            f"season must fit into the memory of this machine, {there / _GIB:,.1f} GiB, got about {told}"
        )


def needed(scenario: Scenario) -> dict[str, float]:
    """Bytes by what they are needed for."""
    users, products = scenario.users.population, len(scenario.products)
    profile, per_day = Profile(scenario), scenario.arrivals.per_day
    busiest = per_day * float(profile.highest)  # as they are drawn: most do not come where all come at one hour
    refresh = min(scenario.refresh, scenario.days)
    asked = min(busiest * refresh, per_day * float(profile.busiest_day) * max(refresh, 1.0))  # visits of a refresh
    actions = scenario.n_offered * (1 + len(scenario.discounts)) * scenario.slots
    people = {f"{users:,} users x {products:,} products": float(users * products * _PAIR)}
    if scenario.by_visit:
        columns = scenario.users.features + 2 * (2 * scenario.styles + 1)  # of users as they are drawn
        people = {f"{users:,} users": float(users * columns * _COLUMN)}
    return people | {
        f"{busiest:,.0f} visits a day": busiest * _VISIT,
        f"{asked:,.0f} visits a refresh x {actions:,} actions in slots": asked * actions * _ACTION,
    }


def available() -> float:
    """Bytes of this machine, or of the share of it that we may use; no limit where it cannot be known."""
    try:
        physical = float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    except (AttributeError, ValueError, OSError):
        return float("inf")
    try:
        return min(physical, float(Path("/sys/fs/cgroup/memory.max").read_text(encoding="ascii")))
    except (OSError, ValueError):
        return physical
