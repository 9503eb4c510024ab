"""Assortments, changing worlds and late rewards: problems of the literature that a launch is made of."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from math import comb, log

import numpy as np
import pandas as pd

from benchmarks.suites.suite import Asked, rows_of
from envs.environment import Choices, Rounds
from envs.outcomes import Outcomes
from envs.simulated import Simulated
from policies.policy import Decisions, Feedback, Floats, Problem
from simulator.scenario import Scenario

_OWN = "benchmarks.suites.classics:"

# The MNL bandit

BETTER, PLAIN = 0.30, 0.25  # v of the four that belong together, and of the six others
_N, _SLOTS = 10, 4
BEST = _SLOTS * BETTER / (1 + _SLOTS * BETTER)  # 6/11


def assortments(visits: int) -> Scenario:
    """Ten products worth 1, four of which are a little better, in four places that everybody looks at."""
    weights = [BETTER if k in (0, 1, 8, 9) else PLAIN for k in range(_N)]
    return Scenario.model_validate(
        {
            "title": "MNL bandit",
            "about": "Agrawal, Avadhanula, Goyal & Zeevi (2019), section 6",
            "days": 10.0,
            "slots": _SLOTS,
            "refresh_minutes": 0.0,
            "arrivals": {"per_day": visits / 10},
            "users": {"population": 1000, "durable": False, "taste": 0.0, "price_sensitivity": 0.0},
            "choice": {"leaving": 0.0, "examination": [1.0] * _SLOTS},
            "buying": {"prompt": 1.0, "prompt_minutes": 1e-6},
            "products": [
                {"title": f"{k}", "category": "one", "price": 1.0, "launch": 0.0, "quality": log(v)}
                for k, v in enumerate(weights)
            ],
        }
    )


def at_random() -> float:
    """Expected sales a visit of four products drawn at random: j of them are of the four better ones."""
    total = comb(_N, _SLOTS)
    chances = [comb(4, j) * comb(6, _SLOTS - j) / total for j in range(_SLOTS + 1)]
    worth = [j * BETTER + (_SLOTS - j) * PLAIN for j in range(_SLOTS + 1)]
    return sum(chance * v / (1 + v) for chance, v in zip(chances, worth, strict=True))


def _season(scenario: Scenario, seed: int) -> Simulated:
    return Simulated(scenario, seed)


def _mnl(asked: Asked) -> pd.DataFrame:
    visits, seeds = (2_000, 2) if asked.small else (50_000, 10)
    return rows_of(
        f"MNL bandit, {visits:,} visits, % of chance's",
        partial(_season, assortments(visits)),
        {"uniform": "uniform", "UCB of the paper": f"{_OWN}EpochUCB", "the same, width 1": f"{_OWN}EpochUCB(width=1.0)",
         "linear_thompson": "linear_thompson", "linucb": "linucb", "linucb(alpha=0.1)": "linucb(alpha=0.1)"},
        range(seeds),
        lambda own: 100 * (own.visits * BEST - own.reward) / (own.visits * (BEST - at_random())),
        asked,
    )  # fmt: skip


# A world that changes twice

_PHASES = ((3_000, (0.5, 0.3, 0.4)), (2_000, (0.5, 0.3, 0.9)), (5_000, (0.5, 0.3, 0.4)))  # rounds, chances


def changing(seed: int) -> Outcomes:
    """The abruptly changing problem of Garivier & Moulines (2011), figure 1: 10,000 rounds, three actions."""
    truth = np.concatenate([np.tile(chances, (rounds, 1)) for rounds, chances in _PHASES])
    rewards = np.random.default_rng(seed).random(truth.shape) < truth
    return Outcomes(np.zeros((len(truth), 0)), rewards.astype(float), truth)


def _changing(asked: Asked) -> pd.DataFrame:
    seeds = 3 if asked.small else 50
    gamma = 1 - 1 / (4 * np.sqrt(10_000))
    return rows_of(
        "two changes, 10,000 rounds",
        changing,
        {"uniform": "uniform", "always the first": "fixed_order(order=[0])", "D-UCB": f"{_OWN}DiscountedUCB",
         "linucb": "linucb", "linucb, forgetting": f"linucb(forgetting={gamma})",
         "linear_thompson": "linear_thompson", "linear_thompson, forgetting": f"linear_thompson(forgetting={gamma})"},
        range(seeds),
        lambda own: own.regret,
        asked,
    )  # fmt: skip


# Items that come and go, rewards told every so many rounds


class Retiring:
    """Ten items on offer; with chance 0.001 a round one retires for a new one; rewards are told every `delay` rounds.

    Chapelle & Li (2011), table 1: chances of reward are drawn from Beta(4, 4). Items change when rewards are told, as
    the paper does not say but its totals do: were they to come in between, Thompson sampling would lose 40% less.

    Args:
        n: rounds.
        delay: rounds asked at once, and taught at once.
        seed: of items, retirements and rewards.
    """

    OFFERED, CHANCE = 10, 1e-3

    def __init__(self, n: int, delay: int, seed: int) -> None:
        random = np.random.default_rng(seed)
        retires = np.flatnonzero(random.random(n) < self.CHANCE)
        self._retirements = dict(zip(retires.tolist(), random.integers(self.OFFERED, size=len(retires)), strict=True))
        self.chances: Floats = random.beta(4.0, 4.0, self.OFFERED + len(retires))  # (K,)
        self._luck = random.random(n)
        self._delay = delay
        self.problem = Problem(len(self.chances), 1)

    def play(self, choose: Callable[[Decisions], Choices]) -> Iterator[Rounds]:
        """Ask for each batch in turn, then teach it."""
        items, newest = list(range(self.OFFERED)), self.OFFERED
        actions = np.empty((len(self.chances), 0))
        for start in range(0, len(self._luck), self._delay):
            luck = self._luck[start : start + self._delay]
            for then in range(start, start + len(luck)):
                if (slot := self._retirements.get(then)) is not None:
                    items[slot], newest = newest, newest + 1
            available = np.zeros((len(luck), len(self.chances)), bool)
            available[:, items] = True
            times = np.arange(start, start + len(luck), dtype=float)
            decisions = Decisions(times, np.ones((len(luck), 1)), actions, available)
            choices = choose(decisions)
            rewards = (luck < self.chances[choices.chosen]).astype(float)
            truth = np.broadcast_to(self.chances, available.shape)
            yield Rounds(
                Feedback(decisions, choices.chosen, choices.propensities, rewards), np.ascontiguousarray(truth)
            )


def _retiring(asked: Asked) -> pd.DataFrame:
    n, delays, seeds = (20_000, (1000,), 2) if asked.small else (1_000_000, (1000, 100), 10)
    called = {"uniform": "uniform", "TS": f"{_OWN}BetaThompson", "UCB": f"{_OWN}ChernoffUCB",
              "epsilon_greedy": "epsilon_greedy"}  # fmt: skip
    parts = [
        rows_of(
            f"told every {delay:,} of {n:,} rounds",
            partial(Retiring, n, delay),
            called,
            range(seeds),
            lambda own: own.regret,
            asked,
        )
        for delay in delays
    ]
    return pd.concat(parts, ignore_index=True)


def rows(asked: Asked) -> pd.DataFrame:
    """One row a problem and policy."""
    return pd.concat([_mnl(asked), _changing(asked), _retiring(asked)], ignore_index=True)
