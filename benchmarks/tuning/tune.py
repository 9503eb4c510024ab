"""Which settings suit a policy here? Search on some seasons or some blocks of a log, judge the find on others."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from benchmarks import foreign
from benchmarks.comparison.statistics import Paired, paired
from benchmarks.notebook import html
from benchmarks.tuning import space as spaces
from benchmarks.tuning.study import Question, Search, Study
from policies.policy import Floats, PolicyError, Problem

SEARCHES = ("bayes", "random", "grid")


@dataclass(frozen=True)
class Tuned:
    """What a search found, and what is left of it where it was not chosen."""

    default: str  # the policy as it was called
    best: str  # the call that did best in the search, the default among those tried
    space: spaces.Space
    unit: str
    part: str
    trials: pd.DataFrame  # a row a trial: call, each setting as it was drawn, value (mean over parts), refused
    tuning: list[int]  # parts searched on
    judging: list[int]  # parts judged on; none of them searched on
    default_value: float  # on the parts searched on
    judged: dict[str, Floats]  # call -> (n judging parts,)
    refusal: str  # why the judgement says nothing, or ''

    @property
    def best_value(self) -> float:
        """The winner's value on the parts it was chosen on: flattering, as the best of many draws is."""
        return max(self.default_value, float(self.trials.value.max()))

    @property
    def difference(self) -> Paired:
        """Best minus default on the parts that the search never saw, paired, with its 95% interval and verdict."""
        found = paired(self.judged[self.best] - self.judged[self.default])
        return Paired(found.mean, found.lower, found.upper, found.p, "refuse") if self.refusal else found

    def _repr_html_(self) -> str:
        return html(self.told().splitlines(), self.trials.sort_values("value", ascending=False))

    def told(self) -> str:
        """What was searched and found, for a terminal."""
        ranges = ", ".join(f"{name} {dimension}" for name, dimension in self.space.items())
        refused = int(self.trials.value.isna().sum())
        without = f", {refused} refused by the policy" if refused else ""
        lines = [
            f"searched  {ranges}",
            f"          {len(self.trials)} trials, the default among them{without}, each on the same "
            f"{len(self.tuning)} {self.part}",
            f"default   {self.default}: {self.default_value:,.6g} {self.unit}",
            *self._winner(),
        ]
        return "\n".join([*lines, *([f"          {self.refusal}"] if self.refusal else [])])

    def _winner(self) -> list[str]:
        """The best and how it was judged; nothing is judged where it is the default itself."""
        if self.best == self.default:
            return ["best      the default: no trial did better"]
        found, before = self.difference, float(self.judged[self.default].mean())
        percent = f" ({100 * found.mean / before:+.1f}%)" if before > abs(found.mean) else ""
        return [
            f"best      {self.best}: {self.best_value:,.6g} (flattering: it was chosen there)",
            f"judged    on {len(self.judging)} {self.part} that the search never saw: {found.mean:+,.5g} "
            f"{self.unit}{percent}, 95% {found.lower:+,.5g} to {found.upper:+,.5g}: {found.verdict}",
        ]

    def write(self, folder: str | Path) -> None:
        """`trials.csv` and `judged.csv` (a row a part) into the folder."""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        self.trials.to_csv(folder / "trials.csv", index_label="trial")
        pd.DataFrame(self.judged, index=pd.Index(self.judging, name="part")).to_csv(folder / "judged.csv")


def tune(
    question: Question,
    policy: str,
    tuning: Sequence[int],
    judging: Sequence[int],
    *,
    space: spaces.Space | None = None,
    trials: int = 40,
    search: str = "bayes",
    seed: int = 0,
    folder: str | Path | None = None,
    processes: int = 1,
    executor: Executor | None = None,
    progress: bool = False,
) -> Tuned:
    """Search a policy's settings on some parts of a question, then judge the best against the default on others.

    Every trial meets the same parts, so that their luck is the same for all (common random numbers).

    Args:
        question: a scenario's seasons or a log's blocks: `benchmarks.tuning.tried`.
        policy: such as `linucb(ridge=4)`: the default to beat; settings it states and `space` does not name stay.
        tuning: parts to search on.
        judging: parts to judge on; none may be searched on.
        space: what is searched; where not given `space.usual(policy)`, without choices that the question cannot be
            asked with, such as a regression where there are no contexts.
        trials: how many settings are tried, the default and those of an earlier stop in `folder` included.
        search: "bayes" (tree-structured Parzen estimator, Bergstra et al. 2011), "random" or "grid".
        seed: of the search.
        folder: finished trials are kept there, `study.journal`, and not played again; None keeps nothing.
        processes: pieces of work at once; changes no result.
        executor: does the work in place of processes of this machine, such as that of a cluster; it is not shut down.
        progress: show a bar on stderr.

    Raises:
        PolicyError: policy, setting, space or search that makes no sense, or parts that are searched and judged.
    """
    default = policy.strip()
    space = _usual(default, question.problem) if space is None else space
    wanted = Search(question, default, space, list(tuning), search, seed)
    _check(wanted, judging, trials)
    study = Study(wanted, Path(folder) if folder else None)
    study.run(trials, executor or processes, progress)
    best = study.best()
    calls = list(dict.fromkeys([default, best]))
    how: dict[str, Any] = {"folder": Path(folder) / "runs" if folder else None, "progress": progress}
    how |= {"processes": processes, "executor": executor}
    judged, refusal = question.judged(calls, judging, **how)
    return Tuned(
        default,
        best,
        space,
        question.unit,
        question.part,
        study.table(),
        list(tuning),
        list(judging),
        study.default_value,
        judged,
        refusal,
    )


def _usual(default: str, problem: Problem) -> spaces.Space:
    foreign.load(default, problem)
    usual = spaces.usual(default)

    def plays(values: dict[str, str]) -> bool:
        try:
            foreign.load(spaces.call(default, usual, values), problem)
        except PolicyError:
            return False
        return True

    if left := spaces.playable(usual, plays):
        return left
    raise PolicyError(f"space must be given for {default}: none of its settings can be searched here")


def _check(wanted: Search, judging: Sequence[int], trials: int) -> None:
    """Refuse what makes no sense before any work: each setting is made alone at the ends of its range."""
    part = wanted.question.part
    if wanted.method not in SEARCHES:
        raise PolicyError(f"search must be one of {', '.join(SEARCHES)}, got {wanted.method!r}")
    if trials < 1:
        raise PolicyError(f"trials must be at least 1, got {trials}")
    if not wanted.parts or not judging:
        raise PolicyError(f"{part} must be at least one to search on and one to judge on, got none")
    if both := sorted(set(wanted.parts) & set(judging)):
        raise PolicyError(f"{part} to judge on must be none of those searched on, got {both[0]} in both")
    for values in [{}, *spaces.ends(wanted.space)]:
        foreign.load(wanted.call(values), wanted.question.problem)
