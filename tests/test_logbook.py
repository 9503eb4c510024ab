"""A simulated season as a log: every decision once, with what replay needs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import seasons

from benchmarks.logbook import Logbook
from benchmarks.runner import run
from envs.feedback import LogError, LoggedFeedback
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


class Calendar(Uniform):
    """Notes the latest visit it was asked about, and with it when each lesson came."""

    def __init__(self, problem) -> None:  # type: ignore[no-untyped-def]
        super().__init__(problem)
        self.today, self.came = 0.0, {}

    def probabilities(self, decisions):  # type: ignore[no-untyped-def]
        self.today = float(decisions.times.max())
        return super().probabilities(decisions)

    def learn(self, feedback) -> None:  # type: ignore[no-untyped-def]
        self.came |= dict.fromkeys(feedback.decisions.times.tolist(), self.today)


@pytest.mark.parametrize("minutes", [0.0, 60.0])
@pytest.mark.parametrize("buying", [SLOW | {"settle_days": 0.7}, SLOW | {"returns": 0.5, "return_window": 0.5}])
def test_a_reward_is_known_when_its_lesson_came(minutes: float, buying: dict[str, float]) -> None:
    scenario = seasons.season(buying=buying, refresh_minutes=minutes)
    book = Logbook(Simulated(scenario, 5, record=True))
    policy = Calendar(book.problem)
    run(policy, book, seed=5)
    rows = book.log().rows
    came = np.array([policy.came[time] for time in rows.feedback.decisions.times.tolist()])
    in_season = rows.known <= scenario.days
    assert 100 < in_season.sum() < len(rows)
    visits = np.unique(rows.feedback.decisions.times)
    latest = visits[np.searchsorted(visits, rows.known, side="right") - 1]
    np.testing.assert_array_equal(came[in_season], latest[in_season])
    (end,) = np.unique(rows.known[~in_season])  # the last of all to be known
    bought = book.ledger.table("purchases")["time"].max()
    assert end >= (scenario.days + 0.69 if "settle_days" in buying else bought + 0.5)
    assert end < scenario.days + 12


@pytest.mark.parametrize("horizon", [0.3, 0.5, 1.0])
def test_a_launch_is_known_at_the_window_that_was_told_of_it(horizon: float) -> None:
    products = [seasons.product(k) for k in range(6)]
    launching = {"every": 1.0, "windows": 3, "capacity": 1, "horizon": horizon}
    book, _ = played(seasons.season(products=products, question="launch", launching=launching))
    assert book.log().rows.known == pytest.approx(np.arange(3) + horizon, abs=1 / 24)


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


def nobody() -> Scenario:
    return seasons.season(arrivals={"per_day": 1e-4})


def test_a_season_that_nobody_came_to_has_no_log_and_says_so() -> None:
    book, trace = played(nobody())
    assert len(trace) == 0  # type: ignore[arg-type]
    with pytest.raises(LogError, match="season must have a decision to be logged, got none"):
        book.log()


def test_a_season_that_is_sold_out_on_its_first_day_or_opens_on_its_last_has_the_log_of_what_was() -> None:
    for about in ({"launch": 0.0, "stock": 3}, {"launch": 2.5}):
        book, trace = played(seasons.season(products=[seasons.product(0, **about)]))
        assert len(book.log()) == len(trace) > 0  # type: ignore[arg-type]
