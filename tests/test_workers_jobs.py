"""Jobs over processes: what they free is given back."""

from __future__ import annotations

import sys
import time
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
    """Frees 100 MB in small pieces below one that lives on, in the time of a short season."""

    def play(self) -> np.ndarray:
        time.sleep(0.3)
        pieces = [np.ones(250) for _ in range(50_000)]
        return pieces[-1]


@pytest.mark.skipif(sys.platform != "linux", reason="other C libraries give memory back by themselves")
def test_memory_that_a_job_freed_is_given_back() -> None:
    before = resident()
    kept = Scattered().play()
    if resident() < before + 50:
        pytest.skip("this C library gives it back by itself")
    answers = list(play_all([Scattered()], 1))
    assert resident() < before + 30
    assert kept.sum() == answers[0].sum() == 250
