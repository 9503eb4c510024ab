"""How fast the market is, in visits, and where the time goes; beside bare SimPy timeouts in the same minutes.

Run `python -m benchmarks.suites.market`, with `--profile` for where the time goes, with `--memory` for ten million
visits (a minute or two). Times are processor time of one process, so that a busy machine misleads less.
"""

from __future__ import annotations

import argparse
import cProfile
import multiprocessing
import pstats
import resource
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import simpy

import policies
from benchmarks.runner import Draw, run
from envs.simulated import Simulated
from policies.policy import Decisions, Feedback, Floats, Policy
from simulator.market import Market
from simulator.scenario import Scenario
from simulator.streams import Ids

_REPEATS = 3
_TIMEOUTS = 100_000


@dataclass
class Measured:
    """One run: visits, seconds in all, and seconds in the policy."""

    visits: int
    seconds: float
    in_policy: float

    @property
    def per_second(self) -> float:
        """Visits a second, whole run."""
        return self.visits / self.seconds

    @property
    def market(self) -> float:
        """Microseconds a visit outside the policy."""
        return (self.seconds - self.in_policy) / self.visits * 1e6


class Timed:
    """A policy with a stop watch."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self.seconds = 0.0

    def probabilities(self, decisions: Decisions) -> Floats:
        """The policy's own."""
        start = time.process_time()
        probabilities = self._policy.probabilities(decisions)
        self.seconds += time.process_time() - start
        return probabilities

    def learn(self, feedback: Feedback) -> None:
        """As the policy does."""
        start = time.process_time()
        self._policy.learn(feedback)
        self.seconds += time.process_time() - start


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--profile", action="store_true", help="where the time of a flagship season goes")
    parser.add_argument("--memory", action="store_true", help="peak memory of ten million visits")
    options = parser.parse_args()
    whole_seasons()
    visit_by_visit()
    growth()
    large_shop()
    if options.profile:
        profile()
    if options.memory:
        memory()


def whole_seasons() -> None:
    """The flagship season with policies that cost little and more."""
    flagship = Scenario.load("flagship")
    measure(flagship.changed(days=2, **until(flagship, 2)), "linucb")  # compiles
    print(f"{'flagship (50 products, 3 slots)':34} {'visits':>10} {'visits/s':>10} {'market':>10} {'timeouts':>9}")
    contests: dict[str, Callable[[], Measured]] = {
        "market alone, offers at random": lambda: alone(flagship),
        "uniform": lambda: measure(flagship, "uniform"),
        "linucb": lambda: measure(flagship, "linucb"),
    }
    for policy, play in contests.items():
        runs = [(play(), timeout()) for _ in range(_REPEATS)]
        middle = statistics.median_low([one.per_second for one, _ in runs])
        market = statistics.median([one.market for one, _ in runs])
        ratio = statistics.median([one.market / bare for one, bare in runs])
        print(f"{policy:34} {runs[0][0].visits:10,} {middle:10,.0f} {market:7.2f} us {ratio:8.1f}x")
    print(
        "market: time a visit outside the policy (alone: outside the opening of the shop, too), also as a multiple of"
    )
    print("one bare SimPy timeout in the same run; with a policy it includes expected rewards, draws and trace\n")


def visit_by_visit() -> None:
    """A policy that learns after every visit."""
    scenario = small(refresh_minutes=0.0)
    unwatched(scenario.changed(days=1), "linucb")
    middle = statistics.median([unwatched(scenario, "linucb") for _ in range(_REPEATS)])
    print(f"one visit at a time, 1 slot, 20 products, linucb, d = 16: {middle:,.0f} visits/s\n")


def growth() -> None:
    """Cost of a visit as the season, the slots and the catalogue grow."""
    print(f"{'growth, uniform':34} {'visits':>10} {'market':>10}")
    for days in (5, 10, 20, 40):
        print(_line(f"{days} days", measure(small(days=days, arrivals={"per_day": 8000.0}), "uniform")))
    for slots, products in ((1, 20), (3, 20), (1, 60), (3, 60), (6, 60)):
        scenario = small(products, slots=slots, days=10, arrivals={"per_day": 20_000.0})
        print(_line(f"{slots} slots x {products} products", measure(scenario, "uniform")))
    print()


def large_shop() -> None:
    """A million users before four thousand products, with baskets: in a process of its own, for its memory."""
    context = multiprocessing.get_context("spawn")
    with context.Pool(1) as pool:
        visits, lines, microseconds, gigabytes, bare = pool.apply(in_large_shop)
    print(f"1,000,000 users x 4,000 products on the shelf, 20 candidates in 3 slots, uniform: {visits:,} visits,")
    print(f"{lines:,} lines: {microseconds:.1f} us a visit ({microseconds / bare:.1f}x a bare timeout),", end=" ")
    print(f"{gigabytes:.2f} GiB at the most\n")


def in_large_shop() -> tuple[int, int, float, float, float]:
    """Visits, lines bought, microseconds a visit after opening, peak memory, one bare timeout."""
    unwatched(large(users=1000, shelf=50, days=1.0, per_day=500.0), "uniform")  # compiles
    environment = Simulated(large(), 1)
    policy = policies.load("uniform", environment.problem)
    start = time.process_time()
    run(policy, environment, 1)
    seconds = time.process_time() - start
    ledger, peak = environment.ledger, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    return ledger.n_visits, ledger.count("purchases"), seconds / ledger.n_visits * 1e6, peak, timeout()


def large(
    users: int = 1_000_000, shelf: int = 4000, candidates: int = 20, days: float = 4.0, per_day: float = 50_000.0
) -> Scenario:
    """A gift shop of this size: one visit in twenty is for a basket, of some 16 products of 1 to 144 pieces."""
    random = np.random.default_rng(0)
    popularity, prices = random.lognormal(0, 1.5, shelf), random.integers(1, 30, shelf)
    products: list[dict[str, Any]] = [
        {"title": f"old {k}", "category": f"{k % 40}", "incumbent": True, "price": price, "popularity": popular}
        for k, (price, popular) in enumerate(zip(prices.tolist(), popularity.tolist(), strict=True))
    ]
    products += [{"title": f"new {k}", "category": f"{k}", "price": 10.0, "launch": 0.0} for k in range(candidates)]
    return Scenario.model_validate(
        {
            "title": "large",
            "about": "for measuring",
            "days": days,
            "slots": 3,
            "refresh_minutes": 15.0,
            "arrivals": {"per_day": per_day},
            "users": {"population": users},
            "choice": {"leaving": 6.5, "examination": [0.9, 0.7, 0.5], "novelty": 0.3},
            "shelf": {"considered": 20, "focus": 0.5, "offers": "candidates"},
            "baskets": {"share": 0.05, "products": 16.0, "spread": 0.5, "leaving": -1.0},
            "pieces": {"sizes": [1, 2, 4, 6, 12, 24, 144], "shares": [40, 20, 10, 10, 10, 8, 2], "spread": 0.5},
            "products": products,
        }
    )


def profile() -> None:
    """The flagship season under cProfile."""
    environment = Simulated(Scenario.load("flagship"), 1)
    policy = policies.load("uniform", environment.problem)
    profiler = cProfile.Profile(time.process_time)
    profiler.runcall(run, policy, environment)
    pstats.Stats(profiler).sort_stats("tottime").print_stats(25)


def memory() -> None:
    """Ten million visits, recording of visits off, in a process of its own."""
    context = multiprocessing.get_context("spawn")
    with context.Pool(1) as pool:
        visits, gigabytes = pool.apply(_ten_million)
    print(f"{visits:,} visits without recording: peak memory {gigabytes:.2f} GiB")


def _ten_million() -> tuple[int, float]:
    scenario = small(days=100, arrivals={"per_day": 101_000.0})
    environment = Simulated(scenario, 1)
    policy = policies.load("uniform", environment.problem)
    for rounds in environment.play(Draw(policy, 0)):
        policy.learn(rounds.feedback)
    return environment.ledger.n_visits, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def measure(scenario: Scenario, name: str, seed: int = 1) -> Measured:
    """One run of a policy, timed from an empty shop to the last return."""
    start = time.process_time()
    environment = Simulated(scenario, seed)
    policy = Timed(policies.load(name, environment.problem))
    run(policy, environment, seed)
    return Measured(environment.ledger.n_visits, time.process_time() - start, policy.seconds)


def unwatched(scenario: Scenario, name: str, seed: int = 1) -> float:
    """Visits a second of a run without a stop watch, which would take a tenth of what is timed."""
    start = time.process_time()
    environment = Simulated(scenario, seed)
    run(policies.load(name, environment.problem), environment, seed)
    return environment.ledger.n_visits / (time.process_time() - start)


def alone(scenario: Scenario, seed: int = 1) -> Measured:
    """One season without environment or policy: each visit is offered eligible products by its id."""
    start = time.process_time()
    market: Market = Market(scenario, lambda visits, rows: _neighbours(market, visits.ids[rows]), seed, record=False)
    opened = time.process_time()
    ledger = market.run()
    return Measured(ledger.n_visits, time.process_time() - start, opened - start)


def _neighbours(market: Market, ids: Ids) -> npt.NDArray[np.int64]:
    """(n, S) eligible products from a place on that the id names."""
    eligible, slots = np.flatnonzero(market.shop.eligible), market.scenario.slots
    first = (ids % np.uint64(len(eligible))).astype(np.int64)
    return np.asarray(eligible[(first[:, None] + np.arange(slots)) % len(eligible)])


def timeout() -> float:
    """Microseconds of one bare SimPy timeout."""

    def wait(clock: simpy.Environment) -> Iterator[Any]:
        for _ in range(_TIMEOUTS):
            yield clock.timeout(1)

    clock = simpy.Environment()
    clock.process(wait(clock))
    start = time.process_time()
    clock.run()
    return (time.process_time() - start) / _TIMEOUTS * 1e6


def small(n_products: int = 20, **about: Any) -> Scenario:
    """A season with few extras, to vary one thing at a time; 15 user features and a constant make d = 16."""
    values: dict[str, Any] = {
        "title": "small",
        "about": "for measuring",
        "days": 20.0,
        "refresh_minutes": 15.0,
        "arrivals": {"per_day": 1500.0},
        "users": {"population": 20_000, "features": 15},
        "choice": {"leaving": 4.0, "examination": [0.9, 0.7, 0.5, 0.4, 0.3, 0.2]},
        "products": [
            {"title": f"{k}", "category": f"{k % 4}", "price": 20.0 + k}
            | ({"incumbent": True} if k < 4 else {"launch": 0.0})
            for k in range(n_products)
        ],
    }
    return Scenario.model_validate(values | about)


def until(scenario: Scenario, days: float) -> dict[str, Any]:
    """What of a scenario happens before this day."""
    products = [product.model_dump() for product in scenario.products if (product.launch or 0) < days]
    return {"products": products, "promotions": [p.model_dump() for p in scenario.promotions if p.start < days]}


def _line(name: str, one: Measured) -> str:
    return f"{name:34} {one.visits:10,} {one.market:7.2f} us"


if __name__ == "__main__":
    main()
