"""One run as a table by day, worked out by hand."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np

from benchmarks.sweeps.record import record
from benchmarks.trace import Trace
from envs.environment import Rounds
from policies.policy import Decisions, Feedback


class Books:
    """Two units sold on day 0, one on day 2, one returned after the season's end, at 10 euros of which 4 are margin."""

    def daily_visits(self) -> np.ndarray:
        return np.array([7, 5, 6])

    def launch_days(self) -> np.ndarray:
        return np.array([0.0, -8.0])  # the second, which is best, is not new any more after 2 days

    def totals(self) -> dict[str, float]:
        return {"incumbent_units": 1.0, "lost_sales": 4.0, "conversion": 0.125, "returned": 1.0, "leftovers": 9.0}

    def net_sales(self, reward: str) -> tuple[np.ndarray, np.ndarray]:
        each = {"units": 1.0, "revenue": 10.0, "margin": 4.0}[reward]
        return np.array([0.1, 0.9, 2.5, 3.4]), each * np.array([1, 1, 1, -1])


def trace() -> Trace:
    made = Trace()
    times = np.array([0.0, 0.5, 1.2, 2.99])
    decisions = Decisions(times, np.ones((4, 1)), np.empty((2, 0)), np.ones((4, 2), bool))
    feedback = Feedback(decisions, np.array([0, 1, 0, 0]), np.full(4, 0.5), np.array([1.0, 0.0, 1.0, 0.0]))
    made.add(Rounds(feedback, np.tile([0.25, 1.0], (4, 1))))
    made.ledger = Books()
    return made


def test_every_column_is_cumulative_by_day() -> None:
    table = record(trace(), policy="uniform", seed=7, days=3, seconds=1.5)
    assert table.day.tolist() == [1, 2, 3]
    assert table.visits.tolist() == [7, 12, 18]  # visits, not decisions
    assert table.units.tolist() == [2, 2, 2]  # the late return belongs to the last day
    assert table.revenue.tolist() == [20, 20, 20]
    assert table.margin.tolist() == [8, 8, 8]
    assert table.reward.tolist() == [1, 2, 2]
    assert table.regret.tolist() == [0.75, 1.5, 2.25]
    assert table.shortfall.tolist() == [0, 0, 0]
    assert set(table.policy) == {"uniform"}
    assert set(table.seed) == {7}
    assert set(table.seconds) == {1.5}
    assert set(table.cold_start) == {0.0}
    assert set(table.incumbents) == {1.0}
    assert set(table.lost_sales) == {4.0}
    assert set(table.conversion) == {0.125}
    assert set(table.returned) == {1.0}
    assert set(table.leftovers) == {9.0}


def test_a_run_without_a_visit_has_a_row_of_zeros_for_every_day() -> None:
    empty = Trace()
    empty.ledger = SimpleNamespace(
        net_sales=lambda reward: (np.empty(0), np.empty(0)),
        daily_visits=lambda: np.empty(0, int),
        totals=Books().totals,
    )
    table = record(empty, policy="uniform", seed=0, days=2, seconds=0.0)
    assert table[["visits", "units", "reward", "regret"]].to_numpy().tolist() == [[0.0] * 4] * 2
