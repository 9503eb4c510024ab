"""Tuned against tuned: every policy searched with the same budget, then judged on seasons that no search ever saw.

Run `launchsim suite tuned`, or `python -m benchmarks.suites.tuned` for some scenarios, policies or another budget. The
usual ranges of `benchmarks.tuning.space` are searched by seasons 1,000,000, 1,000,001, ...; the table is of seasons 0,
1, ... Finished trials and seasons are kept in the folder, and the same command goes on from there: all of it takes
hours.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from benchmarks.comparison.statistics import paired
from benchmarks.suites.launch import compared, workers_of
from benchmarks.suites.policies_by_scenario import modest
from benchmarks.suites.suite import COLUMNS, Asked
from benchmarks.tuning.tried import FIRST_TUNING_SEED, Seasons
from benchmarks.tuning.tune import Tuned, tune
from policies.policy import Floats
from simulator.scenario import Scenario

POLICIES = [
    "newest",
    "popularity",
    "epsilon_greedy",
    "linucb",
    "linucb_hybrid",
    "linear_thompson",
    "vowpal",
    "neural_argmax",
    "neural_linear",
    "neural_ensemble",
]
_CHEAP = POLICIES[1:6]


@dataclass(frozen=True)
class Budget:
    """What each policy is given, the same for all.

    Args:
        trials: settings tried, the default among them.
        searched: seasons of each trial.
        judged: seasons of the table.
    """

    trials: int = 40
    searched: int = 5
    judged: int = 20


SMALL = Budget(4, 2, 3)


def rows(asked: Asked) -> pd.DataFrame:
    """A row a scenario and policy, once as it is and once tuned."""
    names = Scenario.names()
    if asked.small:
        return table([name for name in names if modest(Scenario.load(name))][:1], _CHEAP, SMALL, asked)
    return table(names, POLICIES, Budget(), asked)


def table(scenarios: Sequence[str], policies: Sequence[str], budget: Budget, asked: Asked) -> pd.DataFrame:
    """Gains over showing at random of default and tuned policies; `call` is what was found.

    Args:
        scenarios: names.
        policies: names; each must have a setting with a usual range.
        budget: of each policy in each scenario.
        asked: where it is kept, how many seasons at once.
    """
    return pd.concat([_scenario(name, policies, budget, asked) for name in scenarios], ignore_index=True)


def _scenario(name: str, policies: Sequence[str], budget: Budget, asked: Asked) -> pd.DataFrame:
    ends = compared(name, ["uniform", "oracle"], range(budget.judged), asked)
    base = ends.values("uniform", ends.measure)
    rows = [_row(name, "oracle", "oracle", ends.values("oracle", ends.measure), base)]
    for policy in policies:
        found = searched(name, policy, budget, asked)
        rows += [
            _row(name, policy, policy, found.judged[policy], base),
            _row(name, f"{policy}, tuned", found.best, found.judged[found.best], base),
        ]
    return pd.DataFrame(rows, columns=[*COLUMNS, "call"])


def _row(name: str, label: str, call: str, sold: Floats, base: Floats) -> tuple[Any, ...]:
    """Gain over showing at random in percent of what that sells, with its paired interval."""
    gain = paired(sold - base)
    mean, lower, upper = (100 * part / float(base.mean()) for part in (gain.mean, gain.lower, gain.upper))
    return name, label, mean, lower, upper, len(base), float("nan"), call


def searched(name: str, policy: str, budget: Budget, asked: Asked) -> Tuned:
    """The call that did best in the search, which may be the default, and both on the seasons of the table."""
    return tune(
        Seasons(name, Scenario.load(name).reward),
        policy,
        range(FIRST_TUNING_SEED, FIRST_TUNING_SEED + budget.searched),
        range(budget.judged),
        trials=budget.trials,
        folder=asked.out / "searches" / name / policy,
        progress=asked.progress,
        **workers_of(asked),
    )


def told(found: pd.DataFrame) -> str:
    """A row a scenario and policy: as it is, tuned, and what was found."""
    head = ["| scenario | policy | as it is | tuned | found | seasons |", "|---|---|---|---|---|---|"]
    parts = [part for _, part in found.groupby("case", sort=False)]
    return "\n".join([*head, *(line for part in parts for line in _lines(part.set_index("contestant")))])


def _lines(part: pd.DataFrame) -> list[str]:
    lines = []
    for name in [name for name in part.index if not name.endswith(", tuned")]:
        own, best = part.loc[name], part.loc[f"{name}, tuned"] if f"{name}, tuned" in part.index else None
        kept = best is None or best.call == own.call
        cells = (own.case, f"`{name}`", _gain(own), "" if best is None or kept else _gain(best),
                 "" if best is None else "the default" if kept else f"`{best.call}`", own.runs)  # fmt: skip
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    return lines


def _gain(row: Any) -> str:
    return f"{row.ours:+.1f}% ({row.lower:+.1f} to {row.upper:+.1f})"


def main() -> None:
    """Print the table of some scenarios and policies with a budget of one's own."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--scenario", action="append", help="[default: all]")
    parser.add_argument("--policy", action="append", help="[default: all]")
    parser.add_argument("--trials", type=int, default=Budget.trials)
    parser.add_argument("--seeds", type=int, default=Budget.searched, help="seasons of each trial")
    parser.add_argument("--judge", type=int, default=Budget.judged, help="seasons of the table")
    parser.add_argument("--out", type=Path, default=Path("reports/suites/tuned"))
    parser.add_argument("-j", "--processes", type=int, default=1)
    asked = parser.parse_args()
    budget = Budget(asked.trials, asked.seeds, asked.judge)
    how = Asked(asked.out, workers=asked.processes, progress=True)
    asked.out.mkdir(parents=True, exist_ok=True)
    found = table(asked.scenario or Scenario.names(), asked.policy or POLICIES, budget, how)
    found.to_csv(asked.out / "tuned.csv", index=False)
    print(told(found))


if __name__ == "__main__":
    main()
