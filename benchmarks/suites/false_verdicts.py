"""How often is a policy told from its twin? Verdicts where nothing differs, decided beforehand and looked at early.

Example:
    python -m benchmarks.suites.false_verdicts --out reports/false_verdicts
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated

import numpy as np
import pandas as pd
import typer
from scipy import stats

from benchmarks.comparison.anytime import FIRST
from benchmarks.comparison.statistics import CONFIDENCE, mean_interval, paired
from benchmarks.runner import run
from benchmarks.suites.marks import between
from benchmarks.sweeps.runs import make
from benchmarks.workers.bar import bar
from benchmarks.workers.jobs import play_all
from envs.simulated import Simulated
from policies.policy import Floats
from simulator.scenario import Scenario
from simulator.streams import generator

_SCENARIO = "cold_start"  # whose differences are the most skewed of the package's
_LEARNER, _OTHER = "epsilon_greedy", "uniform"
_TWIN = 1_000_000  # added to the seed of the twin's own luck; the visitors' stays
_FIXED = (10, 20, 50)  # seasons that are decided beforehand
_MOST = 200  # seasons, where one looks after each
_TOGETHER = 6  # comparisons that are to hold together

Draw = Callable[[np.random.Generator, int, int], Floats]  # (random, seasons, comparisons) -> differences of mean 0


@dataclass(frozen=True)
class Twins:
    """A season of a policy, of the same policy with other luck of its own, and of another policy."""

    seed: int

    def play(self) -> tuple[float, float, float]:
        """Units of each."""
        return self._units(_LEARNER, 0), self._units(_LEARNER, _TWIN), self._units(_OTHER, 0)

    def _units(self, call: str, shift: int) -> float:
        environment = Simulated(Scenario.load(_SCENARIO), self.seed)
        policy = make(call, environment, self.seed + shift)
        return float(run(policy, environment, self.seed + shift).ledger.totals()["units"])


def kinds(bank: Floats) -> dict[str, Draw]:
    """What differences of seasons may look like, all of mean 0; those of `bank` (n, 3) were played."""
    luck, others = bank[:, 0] - bank[:, 1], bank[:, 0] - bank[:, 2]
    twins = np.concatenate([luck, -luck])  # either of the two may as well have been the other
    return {
        "symmetric (normal)": lambda random, n, m: random.normal(size=(n, m)),
        "skewness 2.6 (gamma)": lambda random, n, m: random.gamma(4 / 2.6**2, size=(n, m)) - 4 / 2.6**2,
        "skewness 2.6 (lognormal)": lambda random, n, m: random.lognormal(0.0, 0.6545, (n, m)) - np.exp(0.6545**2 / 2),
        "heavy tails (t, 3 degrees of freedom)": lambda random, n, m: random.standard_t(3, size=(n, m)),
        f"played: {_LEARNER} and its twin": partial(_resampled, twins),
        f"played: {_LEARNER} less {_OTHER}, centred": partial(_resampled, others - others.mean()),
    }


def _resampled(values: Floats, random: np.random.Generator, n: int, m: int) -> Floats:
    drawn: Floats = random.choice(values, size=(n, m))
    return drawn


def wrong(differences: Floats, looks: range, comparisons: int, *, anytime: bool) -> Floats:
    """(m,) whether a verdict was ever given at these looks, where there is nothing to be told.

    Args:
        differences: (n seasons, m comparisons).
        looks: numbers of seasons.
        comparisons: that intervals are adjusted for.
        anytime: whether intervals may be looked at any time.
    """
    told = np.zeros(differences.shape[1], bool)
    for n in looks:
        seen = differences[:n]
        _, lower, upper = mean_interval(seen, 1 - (1 - CONFIDENCE) / comparisons, anytime=anytime)
        for column in np.flatnonzero(((lower > 0) | (upper < 0)) & ~told):
            told[column] = paired(seen[:, column], comparisons, anytime=anytime).verdict != "cannot tell"
    return told


def measured(draw: Draw, studies: int, random: np.random.Generator) -> dict[str, float]:
    """Shares of studies with a false verdict: of one comparison, and of any of several together."""
    row: dict[str, float] = {}
    for comparisons in (1, _TOGETHER):
        drawn = draw(random, _MOST, studies * comparisons)
        ways = {f"{n} seasons": (range(n, n + 1), False) for n in _FIXED}
        ways |= {"every season": (range(FIRST, _MOST + 1), True)}
        if comparisons == 1:
            ways["every season, fixed intervals"] = range(FIRST, _MOST + 1), False
        for name, (looks, anytime) in ways.items():
            false = wrong(drawn, looks, comparisons, anytime=anytime).reshape(studies, comparisons)
            row[f"{name}, {comparisons}"] = float(false.any(axis=1).mean())
    return row


def text(table: pd.DataFrame, studies: int) -> str:
    """The table as Markdown, in percent."""
    allowed = 100 * (0.05 + 1.96 * np.sqrt(0.05 * 0.95 / studies))
    lines = [
        "| differences of seasons | 10 seasons | 20 | 50 | looked at after each of 20 to 200 | "
        "the same with intervals for one look |",
        "|" + "---|" * 6,
    ]
    for kind, row in table.iterrows():
        cells = [f"{_percent(row, f'{n} seasons')}" for n in _FIXED] + [_percent(row, "every season")]
        lines.append(f"| {kind} | {' | '.join(cells)} | {100 * row['every season, fixed intervals, 1']:.1f} |")
    told = (
        f"False verdicts in percent of {studies:,} studies: of one comparison / of any of {_TOGETHER} together. "
        f"Allowed are 5; up to {allowed:.1f} are within the binomial error."
    )
    return "\n".join([*lines, "", told])


def _percent(row: pd.Series[float], name: str) -> str:
    return f"{100 * row[f'{name}, 1']:.1f} / {100 * row[f'{name}, {_TOGETHER}']:.1f}"


def main(
    studies: Annotated[int, typer.Option(min=1, help="of each kind")] = 1_000,
    seasons: Annotated[int, typer.Option(min=20, help="played for the kinds that are")] = 100,
    processes: Annotated[int, typer.Option("-j", "--processes", min=1)] = 2,
    out: Annotated[Path, typer.Option(help="folder of the table and of what was played")] = Path(
        "reports/false_verdicts"
    ),
    page: Annotated[Path | None, typer.Option(help="page whose marked part is replaced")] = None,
) -> None:
    """Play, draw, count; write the table."""
    out.mkdir(parents=True, exist_ok=True)
    bank = _bank(seasons, processes, out / "played.npy")
    rows = {}
    for number, (kind, draw) in enumerate(kinds(bank).items()):
        skewness = float(stats.skew(draw(generator(0, "skewness"), 100_000, 1)[:, 0]))
        rows[f"{kind}, skewness {skewness:.1f}" if kind.startswith("played") else kind] = measured(
            draw, studies, generator(number, "false verdicts")
        )
        pd.DataFrame.from_dict(rows, orient="index").to_csv(out / "false_verdicts.csv")
    told = text(pd.DataFrame.from_dict(rows, orient="index"), studies)
    (out / "false_verdicts.md").write_text(told + "\n")
    if page is not None:
        page.write_text(between(page.read_text(), "false verdicts", told))
    print(told)


def _bank(seasons: int, processes: int, file: Path) -> Floats:
    """(seasons, 3) units, played or kept."""
    if file.exists():
        kept: Floats = np.load(file)
        return kept
    played = []
    with bar(True) as shown, closing(play_all([Twins(seed) for seed in range(seasons)], processes)) as answers:
        task = shown.add_task("seasons", total=seasons)
        for answer in answers:
            played.append(answer)
            shown.advance(task)
    np.save(file, np.array(played))
    return np.array(played)


if __name__ == "__main__":
    typer.run(main)
