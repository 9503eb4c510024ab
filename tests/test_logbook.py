"""A simulated season as a log: every decision once, with what replay needs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import seasons

from benchmarks.logbook import Logbook
from benchmarks.runner import run
from envs.feedback import LoggedFeedback
from envs.simulated import Simulated
from policies.uniform import Uniform
from simulator.scenario import Scenario

SLOW = {"prompt": 0.3, "slow_days": 1.0}


def played(scenario: Scenario, record: bool = True) -> tuple[Logbook, object]:
    book = Logbook(Simulated(scenario, 5, record=record))
    trace = run(Uniform(book.problem), book, seed=5)
    return book, trace


@pytest.mark.parametrize("slots", [1, 2])
def test_the_log_read_back_holds_the_run_decision_by_decision(slots: int, tmp_path: Path) -> None:
    two = {"leaving": 0.5, "examination": [1.0, 0.7]}
    products = [seasons.product(0, incumbent=True), *(seasons.product(k, launch=k - 1.0) for k in (1, 2, 3))]
    book, trace = played(seasons.season(slots=slots, choice=two, buying=SLOW, products=products))
    book.log().write(tmp_path / "log.parquet")
    log = LoggedFeedback.read(tmp_path / "log.parquet")
    assert len(log) == len(trace) == slots * book.ledger.n_visits  # type: ignore[arg-type]
    np.testing.assert_array_equal(log.feedback.chosen, trace.chosen)  # type: ignore[attr-defined]
    np.testing.assert_array_equal(log.feedback.rewards, trace.rewards)  # type: ignore[attr-defined]
    assert log.feedback.decisions.available[np.arange(len(log)), log.feedback.chosen].all()
    offered = log.feedback.decisions.available.sum(axis=1)
    np.testing.assert_array_equal(log.feedback.propensities, 1 / offered)
    assert len(np.unique(offered)) > 1


@pytest.mark.parametrize("slots", [1, 2])
def test_users_and_slots_of_the_log_are_those_of_the_books(slots: int) -> None:
    two = {"leaving": 0.5, "examination": [1.0, 0.7]}
    book, _ = played(seasons.season(slots=slots, choice=two, buying=SLOW))
    log = book.log()
    sold = book.ledger.table("purchases").query("slot >= 0")
    bought = log.feedback.rewards > 0
    of_log = sorted(zip(log.users[bought], log.positions[bought], log.feedback.chosen[bought], strict=True))
    of_books = sorted(zip(sold["user"], sold["slot"], sold["product"], strict=True))
    assert of_log == of_books
    assert len(of_books) > 20


def test_a_reward_becomes_known_at_a_refresh_after_its_decision() -> None:
    book, _ = played(seasons.season(buying=SLOW))
    rows = book.log().rows
    hours = rows.known * 24
    assert np.all(rows.known >= rows.feedback.decisions.times)
    assert hours == pytest.approx(np.round(hours))
    late = rows.known - rows.feedback.decisions.times > 2 / 24
    assert late.any()
    assert rows.feedback.rewards[late].mean() > rows.feedback.rewards[~late].mean()  # buyers are the slow ones


def test_a_log_of_unrecorded_visits_has_no_users() -> None:
    book, trace = played(seasons.season(), record=False)
    log = book.log()
    assert log.users is None
    assert len(log) == len(trace)  # type: ignore[arg-type]


def test_launch_decisions_are_a_log_too() -> None:
    products = [seasons.product(k) for k in range(6)]
    launching = {"every": 1.0, "windows": 2, "capacity": 2, "horizon": 0.5}
    book, trace = played(seasons.season(products=products, question="launch", launching=launching))
    log = book.log()
    assert len(log) == 4
    assert log.feedback.rewards.tolist() == trace.rewards.tolist()  # type: ignore[attr-defined]
    assert log.about.context[1] == "season gone"
