"""How fast the neural policies train and answer, and what twenty seeds cost beside one.

Run `python -m benchmarks.suites.neural_policies`. Times of steps and answers are processor time, so that a busy machine
misleads less; those of seasons are wall time, as somebody waits for them.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from typing import Any

import jax
import numpy as np

import policies
from benchmarks.runner import run
from benchmarks.workers.jobs import play_all
from envs.simulated import Simulated
from policies.networks import scoring
from policies.networks.network import create
from policies.networks.training import Step, epoch, untrained
from policies.policy import Problem
from simulator.scenario import Scenario

_REPEATS = 5
_BATCH, _STEPS = 64, 500
_K, _D, _A, _L, _SEEDS = 20, 16, 8, 8, 20
_STEP = Step("adam", 0.001, "bce", 0.01, 1_000)
_SCENARIO = "spring_launch"


def main() -> None:
    """Print the three tables."""
    steps()
    answers()
    seasons()


def steps() -> None:
    """Microseconds a gradient step inside the compiled epoch."""
    print(f"One Adam step, batch {_BATCH}, K = {_K}, d = {_D}, a = {_A}; budget 100 us for 2 x 64 hidden")
    one = step_time((64, 64))
    print(f"{'networks':34} {'us a step':>10} {'ratio':>7}")
    for name, taken in {
        "one, 2 x 64 hidden": one,
        "one, 2 x 32 hidden": step_time((32, 32)),
        f"one, 2 x 64, LSTM over {_L} items": step_time((64, 64), length=_L),
        "ensemble of 8 by vmap, 2 x 32": step_time((32, 32), members=8),
        f"ensemble of 8, 2 x 32, LSTM over {_L} items": step_time((32, 32), length=_L, members=8),
        f"{_SEEDS} seeds by vmap, 2 x 64": step_time((64, 64), members=_SEEDS),
    }.items():
        print(f"{name:34} {taken:10.1f} {taken / one:7.1f}")


def step_time(widths: tuple[int, ...], *, length: int = 0, members: int = 1) -> float:
    """Microseconds of processor time of one step of `members` stacked networks, median."""
    networks, data = made(widths, length, members)
    weights = np.ones((len(data[0]), members), np.float32)
    data, weights = jax.device_put((data, weights))
    order = np.random.default_rng(1).integers(len(data[0]), size=(_STEPS, _BATCH), dtype=np.int32)

    def train() -> None:
        jax.block_until_ready(epoch(_STEP, untrained(_STEP, networks), data, weights, order, _STEPS))

    return 1e6 * seconds(train) / _STEPS


def made(widths: tuple[int, ...], length: int, members: int) -> tuple[Any, Any]:
    """Fresh networks, and rows to train them on."""
    rng, n = np.random.default_rng(0), 20_000
    problem = Problem(_K, _D, _A, length)
    networks = create(rng, problem, widths=widths, activation="relu", embedding=8, memory=16, members=members)
    columns = (
        rng.normal(size=(n, _D)).astype(np.float32),
        rng.normal(size=(n, _A)).astype(np.float32),
        rng.integers(_K, size=n, dtype=np.int32),
        rng.integers(-1, _K, (n, length), dtype=np.int32),
        (rng.random(n) < 0.1).astype(np.float32),
    )
    return networks, columns


def answers() -> None:
    """Microseconds a visit for the scores of all items, in plain numpy and in compiled JAX."""
    networks, (contexts, features, _, histories, _) = made((64, 64), 0, 1)
    network = jax.tree.map(lambda array: array[0], networks)
    plain = jax.tree.map(np.asarray, networks)
    ids = np.arange(_K)
    compiled = jax.jit(jax.vmap(jax.vmap(network, (None, 0, 0, None)), (0, None, None, 0)))
    print(f"\nScores of {_K} items, 2 x 64 hidden, microseconds a visit")
    print(f"{'visits at once':>14} {'numpy':>8} {'JAX':>8}")
    for n in (1, 16, 256, 1024):

        def by_numpy(n: int = n) -> None:
            user, item = scoring.users(plain, contexts[:n], None), scoring.items(plain, features[:_K], ids)
            scoring.scores(plain, user, item)

        def by_jax(n: int = n) -> None:
            np.asarray(compiled(contexts[:n], features[:_K], ids, histories[:n]))

        print(f"{n:14} {1e6 * seconds(by_numpy, 30) / n:8.1f} {1e6 * seconds(by_jax, 30) / n:8.1f}")


def seasons() -> None:
    """Seconds of one season and of twenty over two processes, each from a fresh start: imports, compilation and all."""
    print(f"\nSeasons of {_SCENARIO}, wall seconds of a command from its start; budget: {_SEEDS} in under 8 times one")
    print(f"{'policy':18} {'one':>7} {f'{_SEEDS}, 2 processes':>16} {'ratio':>7}")
    for name in ("uniform", "neural_argmax", "neural_linear", "neural_ensemble"):
        one, many = median(command(name, 1, 1) for _ in range(3)), command(name, _SEEDS, 2)
        print(f"{name:18} {one:7.1f} {many:16.1f} {many / one:7.1f}", flush=True)


def command(name: str, seeds: int, processes: int) -> float:
    """Wall seconds of a new process in which the policy plays so many seasons, over so many processes."""
    start = time.perf_counter()
    play = f"from benchmarks.suites.neural_policies import play; play({name!r}, {seeds}, {processes})"
    subprocess.run([sys.executable, "-c", play], check=True)
    return time.perf_counter() - start


def play(name: str, seeds: int, processes: int) -> None:
    """Play seasons of the policy, each with its own seed."""
    played = list(play_all([Season(name, seed) for seed in range(seeds)], processes))
    assert len(played) == seeds


@dataclass(frozen=True)
class Season:
    """One season, to be played in any process."""

    policy: str
    seed: int

    def play(self) -> int:
        """Decisions made."""
        environment = Simulated(Scenario.load(_SCENARIO), self.seed)
        return len(run(policies.load(self.policy, environment.problem, seed=self.seed), environment, self.seed))


def seconds(work: Callable[[], None], repeats: int = _REPEATS) -> float:
    """Median processor seconds, after one call that compiles."""
    work()
    taken = []
    for _ in range(repeats):
        start = time.process_time()
        work()
        taken.append(time.process_time() - start)
    return median(taken)


if __name__ == "__main__":
    main()
