"""Every policy on every scenario: sales, regret, seconds, and the gain over showing at random, paired, as one table.

Run `python -m benchmarks.suites.policies_by_scenario --seeds 20 --dear-seeds 5`. Finished runs are kept in `--out` and
not played again, however the command was stopped. `--page docs/policies.md` writes the tables between the page's marks,
and the picture beside it. Policies are judged by what the scenario pays them: units or euros.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.compare import compare
from benchmarks.compared import Comparison
from benchmarks.pages.figures import STYLE
from benchmarks.pages.labels import head
from benchmarks.suites.marks import between
from benchmarks.suites.policy_pictures import save
from policies.policy import Floats
from simulator.scenario import Scenario

CHEAP = [
    "uniform",
    "fixed_order",
    "newest",
    "popularity",
    "epsilon_greedy",
    'epsilon_greedy(model="ridge")',
    "linucb",
    "linucb(alpha=0.25)",
    'linucb(noise="estimated")',
    "linucb_hybrid(alpha=0.25)",
    "linear_thompson(scale=0.25)",
    "oracle",
]
NEURAL = ["neural_argmax", "neural_linear", "neural_ensemble"]
DEAR = ["uniform", "vowpal", *NEURAL, "oracle"]  # seconds a season, not one; minutes of a large one
_MOST_VISITS = 200_000  # of a season that is not large


def main() -> None:
    """Play what is missing; print the tables, or write them into the page."""
    asked = _arguments().parse_args()
    found = pd.concat([_played(name, asked) for name in asked.scenario or Scenario.names()])
    asked.out.mkdir(parents=True, exist_ok=True)
    found.to_csv(asked.out / "policies_by_scenario.csv")
    if asked.page is None:
        print(markdown(found))
        return
    asked.page.write_text(
        between(asked.page.read_text(encoding="utf-8"), "policies by scenario", markdown(found)), encoding="utf-8"
    )
    with rc_context(STYLE):
        save(picture(found), asked.page.with_suffix("") / "by_scenario.png")


def by_reward(
    scenario: Scenario, calls: Sequence[str], seeds: int | Sequence[int], folder: Path, **how: Any
) -> Comparison:
    """Seasons judged by what the scenario pays, beside showing at random; finished ones are kept in the folder.

    Args:
        scenario, calls, seeds, folder: as of `compare`.
        how: its `processes` or `executor`, and `progress`.
    """
    return compare(scenario, calls, seeds, baseline="uniform", measure=scenario.reward, folder=folder, **how)


def _played(name: str, asked: argparse.Namespace) -> pd.DataFrame:
    """The scenario's table; `uniform` and `oracle` are in both groups, and told once."""
    scenario = Scenario.load(name)
    dear = asked.dear_seeds if modest(scenario) else asked.large_seeds
    groups = [group for group in [(CHEAP, asked.seeds), (DEAR, dear)] if group[1]]
    tables = [
        table(by_reward(scenario, calls, seeds, asked.out / name, processes=asked.processes, progress=True))
        for calls, seeds in groups
    ]
    joined = pd.concat(tables)
    return joined[~joined.index.duplicated()]


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--scenario", action="append", help="[default: all]")
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--dear-seeds", type=int, default=5, help="of policies that take seconds a season")
    parser.add_argument("--large-seeds", type=int, default=0, help="of these where a season has millions of visits")
    parser.add_argument("--out", type=Path, default=Path("reports/policies_by_scenario"))
    parser.add_argument("--page", type=Path, help="page to write the tables into")
    parser.add_argument("-j", "--processes", type=int, default=1)
    return parser


def modest(scenario: Scenario) -> bool:
    """Whether a season has no more than some 200,000 visits."""
    return scenario.arrivals.per_day * scenario.days <= _MOST_VISITS


def table(comparison: Comparison) -> pd.DataFrame:
    """The comparison's table, a row a scenario and policy; `share` is the gain in percent of the oracle's."""
    found = comparison.table.assign(scenario=comparison.scenario.name, seeds=len(comparison.seeds))
    found["measure"] = comparison.measure
    found["share"] = 100 * found.difference / found.difference["oracle"]
    return found.reset_index().set_index(["scenario", "policy"])


def markdown(found: pd.DataFrame) -> str:
    """A table a scenario, best policy first."""
    parts = []
    for name in found.index.get_level_values("scenario").unique():
        rows = found.loc[name].sort_values("sales", ascending=False, kind="stable")
        sold = {"units": "units sold"}.get(rows.measure.iloc[0], f"{rows.measure.iloc[0]}, euros")
        lines = [f"### {name}", "", f"| policy | {sold} | gain over uniform | | regret | seasons | seconds |"]
        lines += ["|---|---|---|---|---|---|---|", *(_line(str(policy), row) for policy, row in rows.iterrows())]
        parts.append("\n".join(lines))
    return "\n\n".join(parts)


def _line(policy: str, row: Any) -> str:
    between = f" ({row.difference_lower:+,.0f} to {row.difference_upper:+,.0f})" if row.seeds > 1 else ""
    gain = f"{row.percent:+.1f}%{between}"
    told = ("", "") if row.verdict == "baseline" else (gain, row.verdict)
    return (
        f"| `{policy}` | {row.sales:,.0f} | {told[0]} | {told[1]} | {row.regret:,.0f} | {row.seeds} | "
        f"{row.seconds:.1f} |"
    )


def picture(found: pd.DataFrame) -> Figure:
    """Gain over showing at random in percent of what the oracle gains: a row a policy, a column a scenario."""
    shares = found.share.unstack("scenario")
    shares = shares.drop(index=["oracle", "uniform"])
    shares = shares.loc[shares.mean(axis=1).sort_values(ascending=False).index]
    figure = Figure(figsize=(1.05 * len(shares.columns) + 3.2, 0.4 * len(shares) + 1.9), layout="constrained")
    axes = figure.add_subplot()
    axes.imshow(np.clip(shares, -100, 100), cmap="RdBu", vmin=-130, vmax=130, aspect="auto")
    axes.set_xticks(range(len(shares.columns)), [name.replace("_", "\n") for name in shares.columns])
    axes.set_yticks(range(len(shares)), shares.index)
    axes.tick_params(length=0)
    axes.grid(visible=False)
    _number(axes, shares.to_numpy())
    head(axes, "How much of what could be gained is gained", "extra sales over uniform, in % of the oracle's")
    return figure


def _number(axes: Axes, shares: Floats) -> None:
    for (row, column), share in np.ndenumerate(shares):
        colour = "white" if abs(share) > 75 else "#222222"
        text = "" if np.isnan(share) else f"{share:.0f}".replace("-", "\N{MINUS SIGN}")
        axes.text(column, row, text, ha="center", va="center", color=colour)


if __name__ == "__main__":
    main()
