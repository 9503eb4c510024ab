"""A search as it goes: what is asked next, what came of it, kept as it finishes so that stopping loses nothing."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pandas as pd
from rich.progress import Progress, TaskID

from benchmarks.sweeps.ranges import Range
from benchmarks.tuning import space as spaces
from benchmarks.workers.bar import bar
from benchmarks.workers.jobs import Workers, play_all
from benchmarks.workers.provenance import code
from policies.calls import parse
from policies.policy import Floats, PolicyError, Problem

try:
    import optuna
    from filelock import FileLock  # let go by the system when its holder dies, however it dies
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend
    from optuna.trial import TrialState
except ImportError:
    raise PolicyError("tuning requires optuna. Install it with pip install launchsim[tune]") from None

_AT_ONCE = 8  # trials asked together whatever the number of processes, so that this changes no result
_REFUSED = "refused"  # why a policy cannot be played with these settings; kept with the trial
_DEFAULT = -1  # the number under which the policy as it is called goes through the search


class Question(Protocol):
    """Where settings are tried: `benchmarks.tuning.tried`. Parts are seasons or blocks of a log; it must pickle."""

    unit: str  # of the values
    part: str  # what a part is called, in the plural
    name: str  # all that defines it, as text

    @property
    def problem(self) -> Problem:
        """What the policies are asked."""

    def together(self, parts: Sequence[int]) -> list[tuple[int, ...]]:
        """The parts as they are best played: each tuple is one piece of work."""

    def values(self, call: str, parts: Sequence[int]) -> list[float]:
        """What the policy is worth on each part; more is better."""

    def judged(self, calls: Sequence[str], parts: Sequence[int], **how: Any) -> tuple[dict[str, Floats], str]:
        """(n parts,) of each policy on parts that the search never saw, and why that says nothing, or ''."""


@dataclass(frozen=True)
class Try:
    """A piece of work: one policy on some parts."""

    question: Question
    trial: int
    call: str
    parts: tuple[int, ...]

    def play(self) -> tuple[int, dict[int, float], str]:
        """The trial, its values by part, and why it cannot be played with these settings, or ''."""
        try:
            return self.trial, dict(zip(self.parts, self.question.values(self.call, self.parts), strict=True)), ""
        except PolicyError as reason:
            return self.trial, {}, str(reason)


@dataclass(frozen=True)
class Search:
    """What is searched, where and how."""

    question: Question
    default: str  # the policy as it is called
    space: spaces.Space
    parts: list[int]
    method: str  # "bayes", "random" or "grid"
    seed: int

    @property
    def name(self) -> str:
        """Another one as soon as anything that decides the values is another."""
        space = {name: str(dimension) for name, dimension in self.space.items()}
        words = [self.question.name, self.default, space, self.parts, self.method, self.seed]
        text = repr([*words, code(parse(self.default)[0])])
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def call(self, values: dict[str, Any]) -> str:
        """The policy with these values of the space."""
        return spaces.call(self.default, self.space, values)


class Study:
    """An optuna study of one search. With a folder, its trials are kept in the journal there.

    Args:
        search: what is searched.
        folder: made if absent; None keeps nothing.
    """

    def __init__(self, search: Search, folder: Path | None) -> None:
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        self._search = search
        self._ranges = {name: _distribution(dimension) for name, dimension in search.space.items()}
        self._study = optuna.create_study(
            storage=_storage(folder), study_name=search.name, direction="maximize", load_if_exists=True
        )
        self._asked: dict[int, Any] = {}  # trials at work, by number
        for trial in self._study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):  # left by a stop
            self._study.tell(trial.number, state=TrialState.FAIL)
            self._study.enqueue_trial(trial.params)

    @property
    def default_value(self) -> float:
        """What the policy as it is called is worth, mean over the parts."""
        return float(self._study.user_attrs["default"])

    def run(self, trials: int, workers: Workers, progress: bool) -> None:
        """Play until so many trials are finished, the default among them."""
        if self._search.method == "grid":
            points = spaces.grid(self._search.space, trials - 1)
            trials = 1 + len(points)
            for values in points if not self._study.trials else []:
                self._study.enqueue_trial(values)
        with bar(progress) as shown:
            shown_as = shown.add_task("trials", total=trials, completed=self._played())
            try:
                while work := self._work(trials - 1 - len(self._finished())):
                    self._play(work, workers, shown, shown_as)
            except KeyboardInterrupt:
                kept = self._played()
                shown.print(f"stopped; {kept} finished trials are kept, the same command goes on from there")
                raise

    def _work(self, wanted: int) -> dict[int, str]:
        """The calls to play next, by trial; the default first of all."""
        work = {} if "default" in self._study.user_attrs else {_DEFAULT: self._search.default}
        self._study.sampler = self._sampler()
        for _ in range(min(wanted, _AT_ONCE)):
            trial = self._study.ask(self._ranges)
            self._asked[trial.number] = trial
            work[trial.number] = self._search.call(trial.params)
        return work

    def _sampler(self) -> Any:
        """Seeded by what has been tried, so that a search that goes on does not draw its first trials again."""
        seed = self._search.seed * 1_000_003 + len(self._study.trials)
        if self._search.method == "bayes":
            return optuna.samplers.TPESampler(seed=seed, multivariate=True)
        return optuna.samplers.RandomSampler(seed=seed)

    def _play(self, work: dict[int, str], workers: Workers, shown: Progress, shown_as: TaskID) -> None:
        """Play some calls; each is told to the study as soon as it is through all parts."""
        values: dict[int, dict[int, float]] = {trial: {} for trial in work}
        question, wanted = self._search.question, self._search.parts
        pieces = question.together(wanted)
        tries = [Try(question, trial, call, parts) for trial, call in work.items() for parts in pieces]
        with closing(play_all(tries, workers)) as answers:
            for trial, found, refused in _until_refused(answers):
                values[trial] |= found
                if refused or len(values[trial]) == len(wanted):
                    self._tell(trial, [values[trial][part] for part in wanted if part in values[trial]], refused)
                    shown.update(shown_as, completed=self._played())

    def _tell(self, trial: int, values: list[float], refused: str) -> None:
        if trial == _DEFAULT:
            if refused:
                raise PolicyError(refused)
            self._study.set_user_attr("default", float(np.mean(values)))
        elif refused:
            self._asked[trial].set_user_attr(_REFUSED, refused)
            self._study.tell(trial, state=TrialState.FAIL)
        else:
            self._study.tell(trial, float(np.mean(values)))

    def _played(self) -> int:
        """Finished trials, the default among them."""
        return len(self._finished()) + ("default" in self._study.user_attrs)

    def _finished(self) -> list[Any]:
        trials = self._study.get_trials(deepcopy=False)
        return [t for t in trials if t.state == TrialState.COMPLETE or _REFUSED in t.user_attrs]

    def table(self) -> pd.DataFrame:
        """A row a finished trial, the default first."""
        default = self._search.default
        settings = spaces.stated(default, self._search.space)
        first = {"call": default} | settings | {"value": self.default_value, _REFUSED: ""}
        rows = [
            {"call": self._search.call(trial.params)}
            | trial.params
            | {
                "value": trial.value if trial.value is not None else np.nan,
                _REFUSED: trial.user_attrs.get(_REFUSED, ""),
            }
            for trial in self._finished()
        ]
        return pd.DataFrame([first, *rows])

    def best(self) -> str:
        """The call that did best; the default itself, where no trial did better."""
        table = self.table()
        return str(table.call.iloc[int(np.nanargmax(table.value))])


def _until_refused(answers: Iterator[tuple[int, dict[int, float], str]]) -> Iterator[tuple[int, dict[int, float], str]]:
    """The answers, none of a trial that has been refused already."""
    refused = set()
    for trial, values, reason in answers:
        if trial not in refused:
            yield trial, values, reason
        if reason:
            refused.add(trial)


def _distribution(dimension: Range | spaces.Choice) -> Any:
    if isinstance(dimension, spaces.Choice):
        return optuna.distributions.CategoricalDistribution(dimension.values)
    if dimension.whole:
        return optuna.distributions.IntDistribution(round(dimension.low), round(dimension.high), log=dimension.log)
    return optuna.distributions.FloatDistribution(dimension.low, dimension.high, log=dimension.log)


def _storage(folder: Path | None) -> Any:
    if folder is None:
        return None
    folder.mkdir(parents=True, exist_ok=True)
    journal = folder.resolve() / "study.journal"
    _mend(journal)
    return JournalStorage(JournalFileBackend(str(journal), lock_obj=FileLock(journal.with_suffix(".held"))))


def _mend(journal: Path) -> None:
    """Set aside the end of a journal that a kill cut off in the middle of a line: it would hide all that follows."""
    written = journal.read_bytes() if journal.exists() else b""
    whole = written.rfind(b"\n") + 1
    if whole == len(written):
        return
    journal.with_suffix(".torn").write_bytes(written[whole:])
    with journal.open("r+b") as file:
        file.truncate(whole)
    print(f"launchsim: {journal} was cut off: its last line is set aside as .torn, the search goes on", file=sys.stderr)
