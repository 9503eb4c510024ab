"""Labels as a bandit (Bietti, Agarwal & Langford 2021): who guesses wrong least while it learns, set by set.

Each example is shown once; the policy guesses its label and learns only whether it was right. The progressive
validation loss is the share of wrong guesses. As in the paper, each policy plays each set with every learning rate of
a grid and the best one counts, and costs are told in two ways: 0 and 1, or -1 and 0.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from math import sqrt
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import vowpalwabbit
from scipy import stats
from sklearn import datasets

from benchmarks.suites import labelled
from benchmarks.suites.cbify import EXPLORATIONS, Beside
from benchmarks.suites.kept import answers
from benchmarks.suites.suite import COLUMNS, Asked, grid, rows_of
from envs.adopted import cache
from envs.classified import Classified
from envs.outcomes import Outcomes

BUNDLED = ("iris", "wine", "breast_cancer", "digits")  # of scikit-learn
COSTS = {"0/1": -1.0, "-1/0": 0.0}  # what a right and a wrong guess cost -> what a wrong one brings
RATES = (0.01, 0.1, 1.0, 10.0)
_VOWPAL = "vowpal(main_effects=False, learning_rate={rate}, reward_range=({wrong}, {right}), "
WITH_RATE = {
    "greedy": _VOWPAL + "epsilon=0.0)",
    "epsilon": _VOWPAL + "epsilon=0.05)",
    "bag": _VOWPAL + 'explore="bag", bag=4)',
    "cover": _VOWPAL + 'explore="cover", cover=4, psi=0.1)',
    "regcb": _VOWPAL + 'explore="regcb")',
    "squarecb": _VOWPAL + 'explore="squarecb")',
}
WITHOUT = ("linucb", "linear_thompson", "neural_argmax")
_LOSS, _DIFFERENCE = "{:.3f}", "{:+d}"  # how they are written
_LEVEL = 0.05  # of a significant win


@dataclass(frozen=True)
class Guesses:
    """Seed -> a fresh bandit of a set's labels.

    Args:
        source: one of BUNDLED, or a file.
        label: the label column of the file.
        costs: of COSTS.
        digest: of the file: another file is another set.
    """

    source: str
    label: str
    costs: str
    digest: str = ""

    def __call__(self, seed: int) -> Outcomes:
        """Every example once, in an order of the seed's."""
        features, labels = self.table()
        found = Classified(features, labels, seed)
        wrong = COSTS[self.costs]
        return Outcomes(found.contexts, found.rewards + wrong, found.truth + wrong)

    def table(self) -> tuple[Any, Any]:
        """(n, d) standardised features and (n,) labels."""
        if self.source not in BUNDLED:
            return labelled.read(self.source, self.label)
        features, labels = getattr(datasets, f"load_{self.source}")(return_X_y=True)
        spread = features.std(axis=0)
        return (features - features.mean(axis=0)) / np.where(spread > 0, spread, 1.0), labels


def rows(asked: Asked) -> pd.DataFrame:
    """One row a set, way of telling costs, and policy; then VW's own conversion beside ours."""
    return pd.concat([*_losses(asked), _beside_cbify(asked)], ignore_index=True)


def sets(asked: Asked) -> dict[str, tuple[str, str, str]]:
    """Name -> source, label and digest: those named, or else scikit-learn's and those that `launchsim data` knows."""
    if asked.data:
        return {file.stem: (str(file), asked.label, _digest(file)) for file in asked.data}
    known = {name: (name, "", "") for name in (BUNDLED[:3] if asked.small else BUNDLED)}
    adopted = [] if asked.small else sorted(cache("classification").glob("*.parquet"))
    return known | {file.stem: (str(file), labelled.LABEL, _digest(file)) for file in adopted}


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()[:16] if file.is_file() else ""


def _losses(asked: Asked) -> Iterator[pd.DataFrame]:
    for (name, (source, label, digest)), costs in product(sets(asked).items(), COSTS):
        guesses = Guesses(source, label, costs, digest)
        n = len(guesses.table()[1])
        calls = contestants(costs)
        played = rows_of(f"{name}, costs {costs}", guesses, calls, [0], _share(n), asked)
        yield best(played.assign(n=n))


def contestants(costs: str) -> dict[str, str]:
    """Label -> call; a policy with a learning rate once for each, as `greedy 0.1`."""
    wrong = COSTS[costs]
    rated = {
        f"{name} {rate:g}": call.format(rate=rate, wrong=wrong, right=wrong + 1.0)
        for (name, call), rate in product(WITH_RATE.items(), RATES)
    }
    return rated | {name: name for name in WITHOUT}


def _share(n: int) -> Any:
    return lambda own: own.regret / n


def best(played: pd.DataFrame) -> pd.DataFrame:
    """Each policy with its best learning rate, its loss with Wilson's 95% interval."""
    names = played.contestant.str.split().str[0]
    found = played.loc[played.groupby(names, sort=False).ours.idxmin()]
    ends = [_wilson(loss, n) for loss, n in zip(found.ours.tolist(), found.n.tolist(), strict=True)]
    rate = found.contestant.str.split().str[1].astype(float)
    told = found.assign(contestant=names[found.index], rate=rate)
    return told.assign(lower=[low for low, _ in ends], upper=[high for _, high in ends])


def _wilson(loss: float, n: int) -> tuple[float, float]:
    interval = stats.binomtest(round(loss * n), n).proportion_ci(method="wilson")
    return float(interval.low), float(interval.high)


def _beside_cbify(asked: Asked) -> pd.DataFrame:
    named = {
        Guesses(source, label, costs, digest): f"{name}, costs {costs}"
        for (name, (source, label, digest)), costs in product(sets(asked).items(), COSTS)
    }
    jobs = {Beside(guesses, each): (case, each) for (guesses, case), each in product(named.items(), EXPLORATIONS)}
    found = answers(list(jobs), asked)
    source = f"peer: VW {vowpalwabbit.__version__}'s own --cbify, in the same run"
    told = []
    for (case, exploration), counts in zip(jobs.values(), found, strict=True):
        n, ours, theirs = int(counts["n"]), counts["ours"], counts["theirs"]
        about = (case, f"cbify {exploration}", ours / n, *_wilson(ours / n, n), 1, np.nan)
        told.append(dict(zip(COLUMNS, about, strict=True)) | {"published": theirs / n, "source": source, "n": n})
    return pd.DataFrame(told)


def wins(loss: float, other: float, n: int) -> bool:
    """Whether a loss is significantly less than another one on n examples: the paper's approximate Z test."""
    spread = sqrt((loss * (1 - loss) + other * (1 - other)) / n)
    return loss < other and (spread == 0 or stats.norm.sf((other - loss) / spread) < _LEVEL)


def balance(table: pd.DataFrame) -> pd.DataFrame:
    """Wins minus losses of each row against each column, over sets."""
    names = list(dict.fromkeys(table.contestant))
    score = pd.DataFrame(0, index=names, columns=names)
    for _, one in table.groupby("case"):
        loss = dict(zip(one.contestant, one.ours, strict=True))
        for a, b in product(loss, loss):
            won = wins(loss[a], loss[b], int(one.n.iloc[0]))
            score.loc[a, b] += won
            score.loc[b, a] -= won
    return score


def told(table: pd.DataFrame) -> str:
    """Losses by set and policy, wins minus losses, and VW's conversion beside ours."""
    converted = table.contestant.str.startswith("cbify ")
    parts = [part for costs in COSTS for part in _pages(table[~converted], costs)]
    return "\n\n".join([*parts, _equal(table[converted])])


def _pages(table: pd.DataFrame, costs: str) -> Sequence[str]:
    ending = f", costs {costs}"
    own = table[table.case.str.endswith(ending)]
    losses = own.assign(case=own.case.str.removesuffix(ending)).pivot_table(
        index=["case", "n"], columns="contestant", values="ours", sort=False
    )
    named = losses.reset_index().rename(columns={"case": "set", "n": "examples"})
    return [
        f"Progressive validation loss, costs {costs}, each policy at its best learning rate:",
        _grid(named, _LOSS),
        f"Wins minus losses of the row against the column, costs {costs}, {len(named)} sets:",
        _grid(balance(own).reset_index(names="policy"), _DIFFERENCE),
    ]


def _equal(table: pd.DataFrame) -> str:
    cells = [f"{ours:.4f} / {theirs:.4f}" for ours, theirs in zip(table.ours, table.published, strict=True)]
    wide = table.assign(cell=cells, contestant=table.contestant.str.removeprefix("cbify "))
    wide = wide.pivot_table(index="case", columns="contestant", values="cell", aggfunc="first", sort=False)
    return "Loss of our loop / of VW's own `--cbify`:\n\n" + _grid(wide.reset_index(), "{}")


def _grid(table: pd.DataFrame, form: str) -> str:
    return grid(table.columns, ([_cell(value, form) for value in row] for row in table.to_numpy()))


def _cell(value: Any, form: str) -> str:
    if isinstance(value, str):
        return value
    return f"{int(value):,}" if value > 1 and form == _LOSS else form.format(value)
