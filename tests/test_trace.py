"""What a run left behind, however its rounds were grouped."""

from __future__ import annotations

import numpy as np

from benchmarks.trace import Trace
from envs.environment import Rounds
from policies.policy import Decisions, Feedback


def rounds(start: int, n: int, known: bool = True) -> Rounds:
    """Chosen action 0 is worth the time of the decision, action 1 twice as much, action 2, never available, 3 times."""
    times = np.arange(start, start + n, dtype=float)
    available = np.tile([True, True, False], (n, 1))
    decisions = Decisions(times, np.empty((n, 0)), np.empty((3, 0)), available)
    feedback = Feedback(decisions, np.zeros(n, int), np.ones(n), times)
    return Rounds(feedback, times[:, np.newaxis] * [1, 2, 3] if known else None)


def test_one_at_a_time_leaves_what_batches_leave_in_any_order() -> None:
    apart, late = Trace(), Trace()
    for i in range(3_000):
        apart.add(rounds(i, 1))
    for start, n in ((500, 2_500), (0, 3), (3, 497)):
        late.add(rounds(start, n))
    times = np.arange(3_000.0)
    for trace in (apart, late):
        np.testing.assert_array_equal(trace.times, times)
        np.testing.assert_array_equal(trace.rewards, times)
        np.testing.assert_array_equal(trace.regrets, times)
        np.testing.assert_array_equal(trace.shortfalls, times)
        np.testing.assert_array_equal(trace.best[1:], 1)
        np.testing.assert_array_equal(trace.chosen, 0)


def test_what_is_added_after_reading_is_there_too() -> None:
    trace = Trace()
    trace.add(rounds(0, 2))
    assert len(trace) == 2
    trace.add(rounds(2, 1))
    np.testing.assert_array_equal(trace.regrets, [0, 1, 2])


def test_rounds_without_truth_have_no_regret_beside_others_that_do() -> None:
    trace = Trace()
    trace.add(rounds(0, 2))
    trace.add(rounds(2, 2, known=False))
    np.testing.assert_array_equal(trace.rewards, [0, 1, 2, 3])
    np.testing.assert_array_equal(trace.regrets, [0, 1, np.nan, np.nan])
    np.testing.assert_array_equal(trace.best[2:], -1)


def test_an_empty_run_has_empty_columns() -> None:
    assert len(Trace()) == 0
    assert len(Trace().regrets) == 0
