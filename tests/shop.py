"""A shop small enough to know by heart: a stand-in market for tests of what is built on markets."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from envs.environment import Choices, Rounds
from policies.policy import Decisions, Feedback, Floats, Integers, Problem
from simulator import streams
from simulator.scenario import Scenario

if TYPE_CHECKING:
    from benchmarks.compared import Comparison

DAYS, VISITS = 10, 60  # a day


SEASON = Scenario.parse(
    f"""
    title = "Corner shop"
    about = "Three drinks <for> everyone."
    days = {DAYS}
    arrivals.per_day = {VISITS}
    products = [
        {{ title = "Tea", category = "hot", price = 10.0, incumbent = true }},
        {{ title = "Mate", category = "hot", price = 10.0, launch = 2.0 }},
        {{ title = "Coffee & Co", category = "hot", price = 10.0, launch = 5.0 }},
    ]
    """,
    "corner_shop",
)


class Ledger:
    """Units sold at noon of each day, at 10 euros of which 4 are margin."""

    catalogue = ("Tea", "Mate", "Coffee & Co")

    def __init__(self) -> None:
        self.units = np.zeros(DAYS)

    def table(self, name: str) -> pd.DataFrame:
        return pd.DataFrame({column: np.empty(0) for column in ("time", "product", "units")})

    def daily_visits(self) -> Integers:
        return np.full(DAYS, VISITS)

    def launch_days(self) -> Floats:
        return np.array([0.0, 2.0, 5.0])

    def totals(self) -> dict[str, float]:
        unchanged = {"lost_sales": 3.0, "returned": 2.0, "leftovers": 20.0, "conversion": 0.05}
        return {"incumbent_units": float(self.units.sum()) / 4} | unchanged

    def net_sales(self, reward: str = "units") -> tuple[Floats, Floats]:
        return np.arange(DAYS) + 0.5, self.units * {"units": 1, "revenue": 10, "margin": 4}[reward]


class Knowing:
    """Shows the product that sells best."""

    def __init__(self, worth: Floats) -> None:
        self.worth = worth

    def probabilities(self, decisions: Decisions) -> Floats:
        best = np.argmax(np.where(decisions.available, self.worth, -1), axis=1)
        return np.eye(len(self.worth))[best]

    def learn(self, feedback: Feedback) -> None:
        pass


class Shop:
    """Three products bought with chance 0.1, 0.3 and 0.6, launched on days 0, 2 and 5."""

    problem = Problem(3, 1)
    worth = np.array([0.1, 0.3, 0.6])

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.ledger = Ledger()

    def oracle(self) -> Knowing:
        return Knowing(self.worth)

    def play(self, choose: Callable[[Decisions], Choices]) -> Iterator[Rounds]:
        luck = streams.generator(self.seed, "shop")
        for day in range(DAYS):
            times = day + np.arange(VISITS) / VISITS
            available = np.tile([True, day >= 2, day >= 5], (VISITS, 1))
            decisions = Decisions(times, np.ones((VISITS, 1)), np.empty((3, 0)), available)
            choices = choose(decisions)
            rewards = (luck.random(VISITS) < self.worth[choices.chosen]).astype(float)
            self.ledger.units[day] = rewards.sum()
            feedback = Feedback(decisions, choices.chosen, choices.propensities, rewards)
            yield Rounds(feedback, np.tile(self.worth, (VISITS, 1)))


class Slow(Shop):
    """Takes its time, so that it can be interrupted; leaves its process number in the folder of marks."""

    def play(self, choose: Callable[[Decisions], Choices]) -> Iterator[Rounds]:
        (Path(os.environ["LAUNCHSIM_TEST_MARKS"]) / f"{os.getpid()}").touch()
        time.sleep(0.3)
        yield from super().play(choose)


class Mortal(Shop):
    """Dies without a word on the third seed, as if killed for its memory."""

    def play(self, choose: Callable[[Decisions], Choices]) -> Iterator[Rounds]:
        if self.seed == 2:
            os._exit(9)
        yield from super().play(choose)


class Counted(Shop):
    """Leaves a mark in a folder (`LAUNCHSIM_TEST_MARKS`) each time it is played."""

    def play(self, choose: Callable[[Decisions], Choices]) -> Iterator[Rounds]:
        (Path(os.environ["LAUNCHSIM_TEST_MARKS"]) / f"{time.time_ns()}").touch()
        yield from super().play(choose)


def fixed(sales: dict[str, list[float]], baseline: str = "uniform") -> Comparison:
    """A comparison in which each policy sold these units, as many on every day."""
    from benchmarks.compared import Comparison  # of no use to the workers of other tests, whose start it would double

    rows = [
        {
            "policy": policy,
            "seed": seed,
            "day": day,
            "visits": 50 * day,
            "units": units * day / DAYS,
            "seconds": 1.0 + seed,
        }
        | dict.fromkeys(("revenue", "margin", "reward", "regret", "shortfall"), units * day / DAYS)
        | {"cold_start": units / 4, "incumbents": units / 2, "lost_sales": 3.0, "conversion": 0.05}
        | {"returned": 2.0, "leftovers": 20.0}
        for policy, seasons in sales.items()
        for seed, units in enumerate(seasons)
        for day in range(1, DAYS + 1)
    ]
    seeds = list(range(len(next(iter(sales.values())))))
    return Comparison(SEASON, list(sales), seeds, baseline, "units", pd.DataFrame(rows))


SIX = {
    "uniform": [100.0, 110, 90, 105, 95, 100],
    "linucb": [120.0, 128, 111, 126, 114, 121],
    "vowpal": [101.0, 108, 91, 106, 93, 101],
    "oracle": [130.0, 140, 120, 135, 125, 130],
}


class Who:
    """A job for workers: which process does it."""

    def play(self) -> int:
        """Its number."""
        return os.getpid()
