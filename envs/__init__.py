"""Where market and policy meet."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def check(make: Callable[[int], Any], name: str = "environment") -> list[str]:
    """Hold an environment of somebody's own to the rules that every policy counts on; see `envs.checking.check`."""
    from envs.checking import check as held

    return held(make, name)
