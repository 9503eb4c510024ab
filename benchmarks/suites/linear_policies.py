"""How fast the linear policies decide and learn, beside what else there is, on the same rounds in the same minutes.

Run `python -m benchmarks.suites.linear_policies`. Peers (extra `peers`) are timed where they are installed; they decide
and learn in their own leanest loop, ours also through `run`, with its draws, checks and trace.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

import policies
from benchmarks.runner import run
from benchmarks.suites.contenders import ENTRIES
from benchmarks.suites.peers import race
from envs.linear import Linear
from policies.policy import Decisions, Feedback, Floats, Policy

_REPEATS = 5
_D = 16  # context features, one of them a constant

Play = Callable[[Linear], object]

PEERS = {name: entry for name, entry in ENTRIES.items() if name != "launchsim"}


def measure(repeats: int = _REPEATS) -> pd.DataFrame:
    """One row a contestant: rounds per second (best and median of the repeats) and microseconds per round.

    Every contestant plays once per repeat, one after the other, so that a busy machine is busy for all.
    """
    contests = [*_one_at_a_time(), *_batches(), *_slates()]
    for _, _, play, environment in contests:
        play(environment)  # compiles
    taken = np.array([[_seconds(play, environment) for *_, play, environment in contests] for _ in range(repeats)])
    rounds = np.array([len(environment.contexts) for *_, environment in contests])
    return pd.DataFrame(
        {
            "work": [work for work, *_ in contests],
            "contestant": [name for _, name, *_ in contests],
            "best_per_second": rounds / taken.min(axis=0),
            "median_per_second": rounds / np.median(taken, axis=0),
            "median_us": np.median(taken, axis=0) / rounds * 1e6,
        }
    )


def main() -> None:
    """Print the table, and how often the fastest peer goes into ours."""
    table = measure()
    print(table.to_string(index=False, float_format=lambda value: f"{value:,.2f}"))
    alone = table[table.work == _ALONE].set_index("contestant").median_per_second
    peers = alone[[name for name in alone.index if name in PEERS]]
    if not len(peers):
        print("\nNo peers installed: pip install launchsim[peers]")
        return
    print(f"\nFastest peer: {peers.idxmax()}, {peers.max():,.0f} a second. Ours, in its measure:")
    for name, speed in alone.drop(peers.index).items():
        print(f"  {speed / peers.max():5.1f}x  {name}")


def _seconds(play: Play, environment: Linear) -> float:
    """Seconds of processor time, so that whatever else the machine does counts for nobody."""
    start = time.process_time()
    play(environment)
    return time.process_time() - start


# One decision, one lesson

_ALONE = "one at a time, K=10, d=16"


def _one_at_a_time() -> Iterable[tuple[str, str, Play, Linear]]:
    many, few = Linear(10, _D - 1, 10_000), Linear(10, _D - 1, 500)
    yield _ALONE, "linucb, probabilities + learn", ask_and_learn, many
    yield _ALONE, "linucb, run", _through_run("linucb"), many
    yield _ALONE, "epsilon_greedy ridge, run", _through_run("epsilon_greedy", model="ridge"), many
    yield _ALONE, "epsilon_greedy mean, run", _through_run("epsilon_greedy"), many
    yield _ALONE, "popularity, run", _through_run("popularity"), many
    yield _ALONE, "uniform, run", _through_run("uniform"), many
    yield _ALONE, "linear_thompson, run", _through_run("linear_thompson"), few
    for name, entry in PEERS.items():
        if not entry.missing():
            yield _ALONE, name, partial(race, entry), few


def _through_run(name: str, **settings: Any) -> Play:
    return lambda environment: run(policies.load(name, environment.problem, **settings), environment)


def ask_and_learn(environment: Linear) -> None:
    policy = policies.load("linucb", environment.problem)
    for feedback in _lessons(environment):
        policy.probabilities(feedback.decisions)
        policy.learn(feedback)


_MADE: dict[int, list[Feedback]] = {}


def _lessons(environment: Linear) -> list[Feedback]:
    """One lesson a round with a uniform choice, made once, so that only the policy is timed."""
    if id(environment) not in _MADE:
        uniform = policies.load("uniform", environment.problem)
        taught: list[Feedback] = []
        run(_Listening(uniform, taught), environment)
        _MADE[id(environment)] = taught
    return _MADE[id(environment)]


class _Listening:
    """Keeps the lessons of another policy."""

    def __init__(self, policy: Policy, taught: list[Feedback]) -> None:
        self.probabilities = policy.probabilities
        self.learn = taught.append


# Batches


def _batches() -> Iterable[tuple[str, str, Play, Linear]]:
    work = "batches of 1,000, K=20, d=16"
    environment = Linear(20, _D - 1, 100_000, batch=1_000)
    yield work, "linucb, probabilities + learn", ask_and_learn, environment
    yield work, "linucb, run", _through_run("linucb"), environment
    yield work, "linucb forgetting 0.99, run", _through_run("linucb", forgetting=0.99), environment
    yield work, "epsilon_greedy mean, run", _through_run("epsilon_greedy"), environment
    yield work, "linear_thompson, run", _through_run("linear_thompson"), Linear(20, _D - 1, 10_000, batch=1_000)


# Slates, as the market asks for them


def _slates() -> Iterable[tuple[str, str, Play, Linear]]:
    work = "visits with 3 slots, 230 at once, K=50, d=16"
    environment = Linear(50, _D - 1, 230 * 40)
    yield work, "linucb", lambda visits: _slate("linucb", visits), environment
    yield work, "linear_thompson", lambda visits: _slate("linear_thompson", visits), Linear(50, _D - 1, 230 * 4)


def _slate(name: str, environment: Linear, slots: int = 3, visits: int = 230) -> None:
    """Ask for every slot with the chosen made unavailable, then teach all slots at once."""
    policy = policies.load(name, environment.problem)
    for start in range(0, len(environment.contexts), visits):
        x = environment.contexts[start : start + visits]
        rows = np.arange(len(x))
        times = np.zeros(len(x))
        available = np.ones((len(x), environment.problem.n_actions), bool)
        shown = []
        question = object()  # as a market says that the slots of a slate ask the same
        for _ in range(slots):
            decisions = Decisions(times, x, np.empty((available.shape[1], 0)), available, question=question)
            chosen = policy.probabilities(decisions).argmax(axis=1)
            shown.append((decisions, chosen))
            available = available.copy()
            available[rows, chosen] = False
        policy.learn(_together(shown, environment.rewards[start : start + visits]))


def _together(shown: list[tuple[Decisions, Any]], rewards: Floats) -> Feedback:
    first = shown[0][0]
    joined = Decisions(
        np.concatenate([decisions.times for decisions, _ in shown]),
        np.concatenate([decisions.contexts for decisions, _ in shown]),
        first.actions,
        np.concatenate([decisions.available for decisions, _ in shown]),
    )
    chosen = np.concatenate([chosen for _, chosen in shown])
    paid = np.concatenate([rewards[np.arange(len(chosen)), chosen] for _, chosen in shown])
    return Feedback(joined, chosen, np.ones(len(chosen)), paid)


if __name__ == "__main__":
    main()
