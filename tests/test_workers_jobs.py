"""Jobs over processes: what they free is given back."""

from __future__ import annotations

import sys
from dataclasses import dataclass

import numpy as np
import pytest

from benchmarks.workers.jobs import play_all


def resident() -> float:
    """MB of memory that this process holds."""
    with open("/proc/self/status", encoding="ascii") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS")) / 1024


@dataclass(frozen=True)
class Scattered:
    """Frees 100 MB in small pieces below one that lives on."""

    def play(self) -> np.ndarray:
        pieces = [np.ones(250) for _ in range(50_000)]
        return pieces[-1]


@pytest.mark.skipif(sys.platform != "linux", reason="other C libraries give memory back by themselves")
def test_memory_that_jobs_freed_is_given_back_each_eighth_job() -> None:
    before = resident()
    kept = Scattered().play()
    if resident() < before + 50:
        pytest.skip("this C library gives it back by itself")
    least = min(resident() for answer in play_all([Scattered()] * 8, 1) if answer.sum() == kept.sum())
    assert least < before + 30
