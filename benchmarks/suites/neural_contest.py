"""The neural policies beside the linear ones on a large season, seed by seed over many processes; resumes.

Run `python -m benchmarks.suites.neural_contest --out reports/neural_contest -j 15`. Every finished season is a line of
`runs.jsonl` there and is not played again. `--seconds` stops in time to keep what there is. `--card` plays one season
of each neural policy and ensembles of 8 and 64 on a graphics card (a CUDA build of jax, extra `gpu`).
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import pandas as pd

from benchmarks.comparison.statistics import paired
from benchmarks.runner import run
from benchmarks.sweeps.runs import make
from benchmarks.workers.jobs import play_all
from envs.simulated import Simulated
from simulator.scenario import Scenario

LINEAR = ["uniform", "linucb", 'epsilon_greedy(model="ridge")']
NEURAL = ["neural_argmax", "neural_linear", "neural_ensemble"]


@dataclass(frozen=True)
class Season:
    """One season of one policy, to be played in any process."""

    scenario: str
    policy: str
    seed: int
    days: float
    label: str = "processor"

    def play(self) -> dict[str, Any]:
        """What it came to, in the scenario's measure, and the processor seconds that it took."""
        scenario = Scenario.load(self.scenario)
        if self.days:
            scenario = scenario.model_copy(update={"days": self.days})
        environment = Simulated(scenario, self.seed)
        policy = make(self.policy, environment, self.seed)
        busy, wall = time.process_time(), time.perf_counter()
        trace = run(policy, environment, self.seed)
        return self.key() | {
            "sales": float(trace.ledger.net_sales(scenario.reward)[1].sum()),
            "regret": float(trace.regrets.sum()),
            "seconds": time.process_time() - busy,
            "wall": time.perf_counter() - wall,
        }

    def key(self) -> dict[str, Any]:
        """What makes it another season."""
        return {
            "scenario": self.scenario,
            "policy": self.policy,
            "seed": self.seed,
            "days": self.days,
            "on": self.label,
        }


def main() -> None:
    """Play what is missing; print the table."""
    asked = _arguments().parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    file = asked.out / "runs.jsonl"
    done = [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []
    known = [{name: row[name] for name in ("scenario", "policy", "seed", "days", "on")} for row in done]
    missing = [season for season in _seasons(asked) if season.key() not in known]
    deadline = time.monotonic() + asked.seconds
    playing = play_all(missing, 1 if asked.card else asked.processes)
    try:
        for found in playing:
            done.append(found)
            with file.open("a") as lines:
                lines.write(json.dumps(found) + "\n")
            print(found, flush=True)
            if time.monotonic() > deadline:
                break
    finally:
        playing.close()
    table(pd.DataFrame(done)).to_csv(asked.out / "table.csv")
    print(table(pd.DataFrame(done)).to_string())


def _seasons(asked: argparse.Namespace) -> list[Season]:
    if asked.card:
        calls = ["neural_argmax", "neural_linear", "neural_ensemble", "neural_ensemble(members=64)"]
        return [Season(asked.scenario, call, 0, asked.days, "card") for call in calls]
    calls = asked.policy or [*LINEAR, *NEURAL]
    return [Season(asked.scenario, call, seed, asked.days) for call, seed in product(calls, range(asked.seeds))]


def table(found: pd.DataFrame) -> pd.DataFrame:
    """Mean sales, seconds, and differences to each linear policy, paired over the seeds both have."""
    rows = []
    for (scenario, policy, on), group in found.groupby(["scenario", "policy", "on"], sort=False):
        row = {"scenario": scenario, "policy": policy, "on": on, "seeds": len(group)}
        row |= {name: group[name].mean() for name in ("sales", "regret", "seconds", "wall")}
        for other in LINEAR:
            theirs = found[(found.scenario == scenario) & (found.policy == other)].set_index("seed").sales
            difference = (group.set_index("seed").sales - theirs).dropna()
            if other != policy and len(difference) > 1:
                told = paired(difference.to_numpy(), 1)
                row |= {f"over {other}": told.mean, f"from {other}": told.lower, f"to {other}": told.upper}
        rows.append(row)
    return pd.DataFrame(rows).set_index(["scenario", "policy", "on"])


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--scenario", default="flagship")
    parser.add_argument("--days", type=float, default=0, help="of the season [default: the scenario's]")
    parser.add_argument("--policy", action="append", help="[default: linear and neural ones]")
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=float("inf"), help="after which no season is waited for")
    parser.add_argument("--card", action="store_true")
    parser.add_argument("--out", type=Path, default=Path("reports/neural_contest"))
    parser.add_argument("-j", "--processes", type=int, default=1)
    return parser


if __name__ == "__main__":
    main()
