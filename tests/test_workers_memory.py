"""How often memory is given back."""

from __future__ import annotations

import gc

import pytest

from benchmarks.workers import memory


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Seconds since nowhere; collecting takes one, and is counted as the second number."""
    shown = [0.0, 0.0]

    def collect() -> int:
        shown[0] += 1.0
        shown[1] += 1.0
        return 0

    monkeypatch.setattr(memory.time, "perf_counter", lambda: shown[0])
    monkeypatch.setattr(gc, "collect", collect)
    return shown


@pytest.mark.parametrize("seconds", [0.1, 1.0, 7.0])
def test_a_twentieth_of_the_time_of_jobs_goes_into_it(clock: list[float], seconds: float) -> None:
    kept = memory.Memory()
    jobs = round(700 / seconds)
    for _ in range(jobs):
        kept.worked(seconds)
    assert 0.8 * 700 / 20 <= clock[1] <= 700 / 20 + 1


def test_after_a_long_job_it_is_done_at_once(clock: list[float]) -> None:
    kept = memory.Memory()
    for _ in range(3):
        kept.worked(30.0)
    assert clock[1] == 3.0
