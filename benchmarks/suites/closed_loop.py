"""Do off-policy estimates and replay tell the truth? Simulated logs, where the truth is known.

Example:
    python -m benchmarks.suites.closed_loop --seasons 50 --out reports/closed_loop
"""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pandas as pd
import typer
from matplotlib import rc_context
from matplotlib.figure import Figure

from benchmarks.pages.figures import STYLE
from benchmarks.pages.palette import QUIET
from benchmarks.pages.picture import save
from benchmarks.suites.loop import Case, Loop, summary
from benchmarks.suites.made_up import REPLAYED, MadeUp
from benchmarks.suites.made_up import coverage as by_arithmetic
from benchmarks.suites.made_up import text as as_text
from benchmarks.workers.bar import bar
from benchmarks.workers.jobs import play_all
from simulator.scenario import Scenario

_SIZES = (1_000, 4_000, 16_000)
_LEARNERS = ("linucb(alpha=0.5)",)
_EXPLORING = 'epsilon_greedy(epsilon=0.3, model="ridge")'
_COLOURS = {
    "ips": "#0072B2",
    "snips": "#56B4E9",
    "dr": "#009E73",
    "dros": "#E69F00",
    "dm": "#D55E00",
    "chosen": "#CC79A7",
    "replay": "#222222",
}
_REPLAYED = 10  # seasons: replay takes its time
_COLUMNS = 4  # panels in a row
_FEWEST = 5  # logs with an interval, not refused: fewer are not drawn
_FARTHEST = 150  # percent: what is farther off is not drawn


def cases() -> list[tuple[Case, tuple[str, ...], tuple[str, ...]]]:
    """Each case with the policies judged frozen, and those replayed."""
    spring, tight, sale = (Scenario.load(name) for name in ("spring_launch", "tight_stock", "promotion_week"))
    seen = spring.choice.model_copy(update={"examination": [1.0, 0.7, 0.5]})
    page = spring.model_copy(update={"slots": 3, "choice": seen})
    greedy = 'epsilon_greedy(epsilon=0.02, model="ridge")'
    one = _LEARNERS
    return [
        (Case("uniform log", spring), _LEARNERS, one),
        (Case("exploring log", spring, _EXPLORING), one, ()),
        (Case("margins of a sale", sale), one, ()),
        (Case("stock runs out", tight), one, one),
        (Case("three slots", page), one, ()),
        (Case("hardly exploring log", spring, greedy), one, ()),
        (Case("propensities lost", spring, _EXPLORING, estimated=True), one, ()),
    ]


def main(
    seasons: Annotated[int, typer.Option(min=0, help="of each case; each gives 2 logs of each size")] = 50,
    made_up: Annotated[int, typer.Option(min=0, help="made-up logs of each kind, for every interval there is")] = 200,
    processes: Annotated[int, typer.Option("-j", "--processes", min=1)] = 2,
    out: Annotated[Path, typer.Option(help="folder of tables and pictures")] = Path("reports/closed_loop"),
) -> None:
    """Play, estimate, compare with the truth; write the table and its pictures."""
    out.mkdir(parents=True, exist_ok=True)
    if made_up:
        _write_made_up(made_up, processes, out)
    if seasons:
        _write_seasons(seasons, processes, out)


def _write_made_up(logs: int, processes: int, out: Path) -> None:
    """How often every interval that a page prints holds the truth, on logs whose truth is known by arithmetic."""
    kinds = [(even, users, REPLAYED if not users else ()) for users in (0, 60) for even in (True, False)]
    made = [
        MadeUp(seed, even, users=users, replayed=replayed) for even, users, replayed in kinds for seed in range(logs)
    ]
    held = by_arithmetic(pd.concat(_played(made, processes, "made-up logs"), ignore_index=True))
    held.to_csv(out / "made_up.csv", index=False, float_format="%.5g")
    (out / "made_up.md").write_text(as_text(held))
    print(as_text(held))


def _played(jobs: list[Any], processes: int, what: str) -> list[pd.DataFrame]:
    found = []
    with bar(True) as shown, closing(play_all(jobs, processes)) as answers:
        task = shown.add_task(what, total=len(jobs))
        for answer in answers:
            found.append(answer)
            shown.advance(task)
    return found


def _write_seasons(seasons: int, processes: int, out: Path) -> None:
    """Simulated seasons, where the simulator knows the truth."""
    loops = [
        Loop(case, judged, _SIZES, 2, replayed=replayed if seed < _REPLAYED else (), seed=seed)
        for case, judged, replayed in cases()
        for seed in range(seasons)
    ]
    everything = pd.concat(_played(loops, processes, "seasons"), ignore_index=True)
    everything.to_parquet(out / "logs.parquet")
    table = summary(everything)
    table["case"] = pd.Categorical(table.case, [case.name for case, *_ in cases()])
    table = table.sort_values(["case", "rows"], kind="stable")
    table.to_csv(out / "closed_loop.csv", index=False, float_format="%.5g")
    (out / "closed_loop.md").write_text(text(table))
    save(coverage(table), out / "coverage.png")
    save(errors(table), out / "errors.png")
    print(text(table))


def text(table: pd.DataFrame) -> str:
    """The table as Markdown: coverage at each size; bias and RMSE, in percent of the truth, at the largest."""
    lines = ["| log | policy | by | interval holds the truth | bias | RMSE | verdicts | wrong |", "|" + "---|" * 8]
    largest = table["rows"].max()
    for named, part in table.groupby(["case", "policy", "estimator", "interval"], sort=False, observed=True):
        case, policy, estimator, interval = (str(name) for name in named)
        by = estimator if interval in ("gamma", "replays") else f"{estimator}, {interval.replace('_', ' ')}"
        held = " / ".join(f"{share:.0%}" if share >= 0.0 else "none" for share in part.coverage)
        last = part[part["rows"] == largest].iloc[0]
        scale = 100 / last.truth
        bias = f"{scale * last.bias:+.1f} ± {scale * last.bias_error:.1f}"
        told = f"{last.answered:.0%} | {part.wrong.sum()}" if interval == "gamma" else " | "
        lines.append(f"| {case} | `{policy}` | {by} | {held} | {bias} | {scale * last.rmse:.0f} | {told} |")
    return "\n".join(lines) + "\n"


def coverage(table: pd.DataFrame) -> Figure:
    """How often the intervals hold the truth, a panel a case, with what 95% may look like in so many logs."""
    figure, axes = _panels(table)
    figure.suptitle("How often a 95% interval holds the truth, by rows of the log", x=0.01, ha="left", weight="bold")
    for panel, (case, part) in zip(axes, _by_case(table), strict=False):
        logs = part.groupby("rows").logs.max()
        spread = 196 * np.sqrt(0.95 * 0.05 / logs)
        panel.fill_between(logs.index, 95 - spread, np.minimum(95 + spread, 100), color="#dddddd", linewidth=0)
        drawn = part[part.told * part.logs >= _FEWEST]
        for estimator, line in _lines(drawn):
            panel.plot(line["rows"], 100 * line.coverage, "o-", color=_COLOURS[estimator], markersize=4)
        for size in set(logs.index) - set(drawn["rows"]):
            panel.text(size, 50, "nearly all refused", color=QUIET, ha="center", va="center", rotation=90)
        panel.set(title=case, ylim=(0, 103), xscale="log", xticks=_SIZES, xticklabels=[f"{n:,}" for n in _SIZES])
        panel.minorticks_off()
    axes[0].set_ylabel("% of logs")
    axes[-1].text(0.1, 0.9, "▆ within chance of 95%", color="#999999", transform=axes[-1].transAxes)
    return figure


def errors(table: pd.DataFrame) -> Figure:
    """Bias (dots, with two standard errors) and RMSE (rings) in percent of the truth, of the largest logs."""
    figure, axes = _panels(table)
    largest = table["rows"].max()
    title = f"How far off: bias (dots) and RMSE (rings) in % of the truth, logs of {largest:,} rows; up to {_FARTHEST}%"
    figure.suptitle(title, x=0.01, ha="left", weight="bold")
    for panel, (case, part) in zip(axes, _by_case(table), strict=False):
        for height, (estimator, line) in enumerate(_lines(part[part["rows"] == largest])):
            row, colour = line.iloc[0], _COLOURS[estimator]
            scale = 100 / row.truth
            panel.errorbar(scale * row.bias, -height, xerr=2 * scale * row.bias_error, fmt="o", color=colour)
            panel.plot(scale * row.rmse, -height, "o", markerfacecolor="none", color=colour)
        panel.axvline(0, color=QUIET, linewidth=1)
        low, high = panel.get_xlim()
        panel.set_xlim(max(low, -_FARTHEST), min(high, _FARTHEST))
        panel.set(title=case, yticks=[])
    return figure


def _panels(table: pd.DataFrame) -> tuple[Figure, Any]:
    """A panel a case, and the names of the estimators in the last."""
    rows = -(-(table.case.nunique() + 1) // _COLUMNS)
    with rc_context(STYLE):
        figure = Figure(figsize=(13, 3.2 * rows), layout="constrained")
        axes = figure.subplots(rows, _COLUMNS).ravel()
        for panel in axes[table.case.nunique() :]:
            panel.axis("off")
        shown = [name for name in _COLOURS if name in set(table.estimator)]
        for height, name in enumerate(shown):
            axes[-1].text(0.1, 0.77 - 0.13 * height, f"● {name}", color=_COLOURS[name], transform=axes[-1].transAxes)
    return figure, axes


def _by_case(table: pd.DataFrame) -> Any:
    """The last of the judged policies, case by case."""
    part = table[(table.policy == _LEARNERS[-1]) & table.interval.isin(["gamma", "replays"])]
    return part.groupby("case", sort=False, observed=True)


def _lines(part: pd.DataFrame) -> Any:
    return ((name, line) for name, line in part.groupby("estimator", sort=False) if name in _COLOURS)


if __name__ == "__main__":
    typer.run(main)
