"""Backtest: what predictions were worth on a shop's real launches, in order of time."""

from __future__ import annotations

import itertools
import os
import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.exceptions import ConvergenceWarning
from threadpoolctl import threadpool_limits

from benchmarks.notebook import html
from benchmarks.planning.answers import Answers, ask, unseen
from benchmarks.planning.growth import Growth
from benchmarks.planning.intervals import LEVELS, Drifting, looking_ahead
from benchmarks.planning.kept import Kept, of_history
from benchmarks.planning.launches import DAYS_SEEN, TITLES, Floats, Integers, Launches
from benchmarks.planning.learned import Blend
from benchmarks.planning.predictors import FEWEST, LEARNED, PLAIN, SLOW, maker
from benchmarks.planning.scores import SCORES, Table, bounds, resamples
from simulator.history import History
from simulator.scenario import ScenarioError

_MOST_FOLDS = 5
_LEAST = 5  # launches to learn from, and to be judged on
LOTS = 0.2  # rank correlation below which drawing lots does as well
_WITHOUT = "boosted without titles"

Progress = Callable[[int, int], None]


class FewLaunchesError(ScenarioError):
    """The past has too few launches to learn from some and judge on later ones."""


@dataclass(frozen=True, eq=False)
class Backtest:
    """What predictions were worth."""

    table: pd.DataFrame
    """A row a predictor and days seen: each score with `_lower` and `_upper`; `gain`, its rank correlation minus that
    of the best plain predictor, with bounds; `verdict`."""
    claims: pd.DataFrame  # claim, difference of rank correlations with bounds, verdict
    predictions: pd.DataFrame  # a row a predictor, days seen and launch
    n_train: int
    n_test: int
    horizon: int
    measure: str
    listed_given: bool
    notes: list[str] = field(default_factory=list)

    def _repr_html_(self) -> str:
        told = f"{self.n_train:,} launches to learn from, {self.n_test:,} predicted over {self.horizon} days."
        return html([told, *self.notes], self.table)

    def best(self, seen: int = 0) -> str:
        """The predictor with the highest rank correlation after so many days; a plain one unless another is better."""
        rows = self.table[self.table["days_seen"] == seen].set_index("predictor")
        learned = rows[rows["verdict"] == "better"]
        among = learned if len(learned) else rows[rows.index.isin(PLAIN)]
        return str(among["spearman"].idxmax())


def backtest(
    history: History,
    horizon: int = 56,
    *,
    train_from: str | None = None,
    train_until: str | None = None,
    test_from: str | None = None,
    test_until: str | None = None,
    predictors: Sequence[str] = LEARNED,
    days_seen: Sequence[int] = DAYS_SEEN,
    measure: str = "pieces",
    kept: Kept | None = None,
    progress: Progress = lambda done, of: None,
) -> Backtest:
    """Predict each launch of the past from what was known on its day, and after some days of its sales.

    With `train_until` or `test_from`, once: trained on the launches before, judged on those after. Without, rolling:
    in up to five blocks of whole months, each predicted from what was known when it began.

    Args:
        history: the shop's past.
        horizon: days over which a launch is judged.
        train_from, train_until: launch days to learn from; later launches, and those whose horizon is not over, count
            as far as their sales had come at `test_from`.
        test_from, test_until: launch days to be judged on.
        predictors: beside the plain ones; also "module:Class" of anything with `fit` and `predict`.
        days_seen: days of its own sales that a prediction knows, less than the horizon.
        measure: "pieces", "revenue" or "margin".
        kept: where finished fits lie.
        progress: called with the fits done and the fits to do.

    Raises:
        FewLaunchesError: too few launches, or a window without any.
        ScenarioError: an unknown predictor, a date that is none.
    """
    history = history.priced()
    launches = Launches(history, horizon, measure)
    seen = [int(days) for days in days_seen if 0 <= days < horizon]
    folds = _folds(launches, train_from, train_until, test_from, test_until)
    notes, names = [], [*PLAIN, *predictors]
    for name in names:
        maker(name)
    if min(len(fold.train) for fold in folds) < FEWEST:
        fewest = min(len(fold.train) for fold in folds)
        names = [name for name in names if name in PLAIN]
        notes.append(
            f"only {fewest} launches to learn from: nothing is learned from fewer than {FEWEST}, plain ones stay"
        )
    if "boosted" in names:
        names.append(_WITHOUT)
    judge = _Judge(history, launches, folds, names, seen, kept or Kept(), progress)
    rows = [table for days in seen for table in judge.rows(days)]
    told = pd.concat(rows, ignore_index=True)
    predictions = told[told["predictor"] != _WITHOUT].reset_index(drop=True)
    return Backtest(
        table=_scored(predictions),
        claims=_claims(told),
        predictions=predictions,
        n_train=max(len(fold.train) for fold in folds),
        n_test=sum(len(fold.test) for fold in folds),
        horizon=horizon,
        measure=measure,
        listed_given=history.listed_given,
        notes=notes,
    )


@dataclass(frozen=True, eq=False)
class _Fold:
    """Launches to learn from, those between, and those to be judged on, in order of launch."""

    train: Integers
    between: Integers
    test: Integers
    begin: int  # day before whose morning all that is learned from lies

    @property
    def all(self) -> Integers:
        return np.concatenate([self.train, self.between, self.test])


def _folds(
    launches: Launches, train_from: str | None, train_until: str | None, test_from: str | None, test_until: str | None
) -> list[_Fold]:
    dates = {"train_from": train_from, "train_until": train_until, "test_from": test_from, "test_until": test_until}
    for name, date in dates.items():
        if date is not None and pd.isna(pd.to_datetime(date, errors="coerce")):
            raise ScenarioError(f"{name} must be a date such as 2010-09-01, got {date!r}")
    items = launches.items()
    judged = items[launches.over(items)]
    if not len(judged):
        raise FewLaunchesError(f"history must hold launches whose {launches.horizon} days are over, got none")
    first = launches.first
    low = first[judged].min() if train_from is None else launches.day(pd.Timestamp(train_from))
    last = launches.days if test_until is None else launches.day(pd.Timestamp(test_until))
    starts = _starts(launches, judged, train_until, test_from)
    folds = []
    for begin, end in itertools.pairwise([*starts, last + 1]):
        train = judged[(first[judged] >= low) & (first[judged] + launches.horizon <= begin)]
        if train_until is not None:
            train = train[first[train] <= launches.day(pd.Timestamp(train_until))]
        test = judged[(first[judged] >= begin) & (first[judged] < min(end, last + 1))]
        between = items[(first[items] >= low) & (first[items] < begin) & ~np.isin(items, train)]
        if len(train) >= _LEAST and len(test):
            folds.append(_Fold(train, between, test, begin))
    found = sum(len(fold.test) for fold in folds)
    if found < _LEAST:
        raise FewLaunchesError(
            f"history must hold at least {_LEAST} launches to learn from and {_LEAST} later ones to judge on, "
            f"got {found} to judge on of the {len(judged)} whose {launches.horizon} days are over"
        )
    return folds


def _starts(launches: Launches, judged: Integers, train_until: str | None, test_from: str | None) -> list[int]:
    """Days on which a fold's judging begins: one, or the first of months."""
    if test_from is not None:
        return [launches.day(pd.Timestamp(test_from))]
    if train_until is not None:
        return [launches.day(pd.Timestamp(train_until)) + launches.horizon + 1]
    days = [launches.start + pd.Timedelta(days=int(day)) for day in launches.first[judged]]
    months = pd.date_range(min(days), max(days), freq="MS")
    return [launches.day(month) for month in months[:: max(1, -(-len(months) // _MOST_FOLDS))]]


class _Judge:
    """Fits and asks predictors fold by fold."""

    def __init__(
        self,
        history: History,
        launches: Launches,
        folds: list[_Fold],
        names: Sequence[str],
        seen: Sequence[int],
        kept: Kept,
        progress: Progress,
    ) -> None:
        self._launches, self._folds, self._names, self._progress = launches, folds, names, progress
        self._kept, self._history = kept, history
        self._embedded: dict[int, pd.DataFrame] = {}  # by the day from which launches are judged
        self._before = _known(launches, folds)
        self._done, self._of = 0, len(folds) * sum(len(self._told_by(days)) for days in seen)

    def rows(self, seen: int) -> list[pd.DataFrame]:
        """A table a predictor and fold: predictions and intervals of its test launches."""
        found = []
        for fold, before in zip(self._folds, self._before, strict=True):
            known = self._launches.after(before, fold.all, seen)
            growth = Growth(self._launches, fold.train)
            outcome = growth.told(fold.all, fold.begin, seen)
            asked = self._all_asked(fold, known, outcome, seen)
            found += [self._table(name, fold, asked[name], seen) for name in self._told_by(seen)]
        return found

    def _told_by(self, seen: int) -> list[str]:
        """Predictors that say something after so many days."""
        return [name for name in self._names if seen > 0 or name != "scaled_up"]

    def _all_asked(self, fold: _Fold, known: pd.DataFrame, outcome: Floats, seen: int) -> dict[str, Answers]:
        """Each predictor's answers; ours fit on all cores at once, somebody else's one by one."""
        names, n = self._told_by(seen), len(fold.train)
        ours = [name for name in names if ":" not in name and name not in ("blend", *SLOW)]
        pool = ThreadPoolExecutor(os.cpu_count())
        asked: dict[str, Answers] = {}
        alone = threadpool_limits(1)  # threads of a fit beside those of the pool would wait for each other
        try:
            with warnings.catch_warnings():  # threads that ignore them each for itself undo each other's filters
                warnings.simplefilter("ignore", ConvergenceWarning)
                for name, answers in zip(
                    ours, pool.map(lambda one: self._asked(one, known, outcome, n), ours), strict=True
                ):
                    asked[name] = answers
                    self._step()
        finally:
            pool.shutdown(cancel_futures=True)
            alone.restore_original_limits()
        members = Blend.members(seen > 0)
        for name in [name for name in names if name not in asked]:
            if name == "blend" and set(members) <= asked.keys():
                asked[name] = Answers.mean([asked[member] for member in members])
            else:
                columns = pd.concat([known, self._alike(fold)], axis=1) if name in SLOW else known
                asked[name] = self._asked(name, columns, outcome, n)
            self._step()
        return asked

    def _step(self) -> None:
        self._done += 1
        self._progress(self._done, self._of)

    def _alike(self, fold: _Fold) -> pd.DataFrame:
        """What is pretrained on behaviour before the first launch that is judged; once for all days seen."""
        from benchmarks.planning.embeddings import alike  # late: it loads JAX, which few backtests need

        now = int(self._launches.first[fold.test].min())
        if now not in self._embedded:
            about = self._kept.part("embedded", of_history(self._history), now, fold.all.tolist())
            self._embedded[now] = about.table("fit", lambda: alike(self._history, self._launches, fold.all, now))
        return self._embedded[now]

    def _asked(self, name: str, known: pd.DataFrame, outcome: Floats, n: int) -> Answers:
        """Predictions of which none has seen its own outcome; the first n are of launches whose horizon is over."""
        if name == _WITHOUT:
            return self._blind(known.drop(columns=list(TITLES), errors="ignore"), outcome)
        kept = self._kept.part(name, list(known), known, outcome.tolist(), n)
        return Answers.of(kept.table("fit", lambda: ask(maker(name), known, outcome, n).table()))

    def _blind(self, known: pd.DataFrame, outcome: Floats) -> Answers:
        """What boosting tells of the launches that are judged, by these columns: that is all a claim asks for."""
        kept = self._kept.part(_WITHOUT, list(known), known, outcome.tolist())
        fit = kept.table("fit", lambda: pd.DataFrame({"answer": unseen(maker("boosted"), known, outcome)}))
        return Answers(fit["answer"].to_numpy(float), np.empty(0))

    def _table(self, name: str, fold: _Fold, asked: Answers, seen: int) -> pd.DataFrame:
        launches = self._launches
        table = pd.DataFrame(
            {
                "predictor": name,
                "days_seen": seen,
                "item": fold.test,
                "title": [launches.goods.titles[i] for i in fold.test],
                "launch": launches.start + pd.to_timedelta(launches.first[fold.test], unit="D"),
                "day": launches.first[fold.test],
                "score": asked.answer[-len(fold.test) :],
            }
        )
        bounded = {} if name == _WITHOUT else self._bounded(fold, asked, seen)
        return table.assign(**bounded, outcome=np.maximum(launches.outcome(fold.test), 0.0))

    def _bounded(self, fold: _Fold, asked: Answers, seen: int) -> dict[str, Floats]:
        """Intervals of the test launches, and the middle of each."""
        launches, items, predicted = self._launches, fold.all, asked.answer
        usual = np.arange(len(items)) < len(fold.train)
        wider = looking_ahead(launches, fold.train, predicted[: len(fold.train)], asked.ahead, seen)
        drifting = Drifting(launches, items, predicted, usual, seen, wider)
        quantiles = np.expm1(drifting.quantiles(np.arange(len(items) - len(fold.test), len(items))))
        floor = launches.so_far(fold.test, launches.first[fold.test] + seen) if launches.measure == "pieces" else 0.0
        names = ("lower90", "lower80", "predicted", "upper80", "upper90")
        assert len(names) == len(LEVELS)
        bounded = np.maximum(quantiles, np.reshape(np.maximum(floor, 0.0), (-1, 1)))
        return dict(zip(names, bounded.T, strict=True))


def _known(launches: Launches, folds: list[_Fold]) -> list[pd.DataFrame]:
    """What was known of each fold's launches on their days, each launch looked at once."""
    items = np.unique(np.concatenate([fold.all for fold in folds]))
    known = launches.known(items, 0)
    return [known.iloc[np.searchsorted(items, fold.all)].reset_index(drop=True) for fold in folds]


def _scored(predictions: pd.DataFrame) -> pd.DataFrame:
    rows = []
    for seen, told in predictions.groupby("days_seen", sort=False):
        tables = {str(name): part for name, part in told.groupby("predictor", sort=False)}
        counts = resamples(next(iter(tables.values()))["day"].to_numpy())
        columns = {name: _columns(part) for name, part in tables.items()}
        drawn = {name: {score: of(table, counts) for score, of in SCORES.items()} for name, table in columns.items()}
        found = {name: _row(table, drawn[name]) for name, table in columns.items()}
        best = max((name for name in found if name in PLAIN), key=lambda name: found[name]["spearman"])
        for name, row in found.items():
            gain = {"gain": row["spearman"] - found[best]["spearman"]}
            gain["gain_lower"], gain["gain_upper"] = bounds(drawn[name]["spearman"] - drawn[best]["spearman"])
            verdict = "plain" if name in PLAIN else _verdict(gain["gain_lower"], gain["gain_upper"])
            if row["spearman"] < LOTS:
                verdict = "no better than drawing lots"
            rows.append({"predictor": name, "days_seen": seen, **row, **gain, "best_plain": best, "verdict": verdict})
    return pd.DataFrame(rows)


def _columns(table: pd.DataFrame) -> Table:
    return {name: table[name].to_numpy(float) for name in table.columns if name not in ("predictor", "title", "launch")}


def _row(table: Table, drawn: dict[str, Floats]) -> dict[str, Any]:
    """Each score, and its bounds of what samples drawn again gave."""
    once: npt.NDArray[np.float64] = np.ones((1, len(table["score"])))
    row: dict[str, Any] = {}
    for name, score in SCORES.items():
        row[name] = float(score(table, once)[0])
        row[f"{name}_lower"], row[f"{name}_upper"] = bounds(drawn[name])
    return row


def _verdict(lower: float, upper: float) -> str:
    if lower > 0:
        return "better"
    return "worse" if upper < 0 else "cannot tell"


def _claims(predictions: pd.DataFrame) -> pd.DataFrame:
    """Titles help? Pretraining helps? A week helps? Differences of rank correlations on the same launches."""
    rows = []
    seen = sorted(predictions["days_seen"].unique())
    learned = [name for name in ("blend", "boosted") if (predictions["predictor"] == name).any()]
    name = learned[0] if learned else "similar_titles"
    pairs = [
        (f"titles help ({days} days seen)", ("boosted", days), (_WITHOUT, days))
        for days in seen
        if "boosted" in learned
    ]
    told = set(predictions["predictor"])
    pairs += [
        (f"pretraining helps ({days} days seen)", ("pretrained", days), ("neural", days))
        for days in seen
        if {"pretrained", "neural"} <= told
    ]
    pairs += [
        (
            f"{days} {'day' if days == 1 else 'days'} of sales {'helps' if days == 1 else 'help'}",
            (name, days),
            (name, 0),
        )
        for days in seen
        if days > 0 and 0 in seen
    ]
    for claim, one, other in pairs:
        first, second = (
            predictions[(predictions["predictor"] == who) & (predictions["days_seen"] == when)]
            for who, when in (one, other)
        )
        counts = resamples(first["day"].to_numpy())
        once = np.ones((1, len(first)))
        score = SCORES["spearman"]
        difference = float(score(_columns(first), once)[0] - score(_columns(second), once)[0])
        lower, upper = bounds(score(_columns(first), counts) - score(_columns(second), counts))
        verdict = {"better": "yes", "worse": "no, it harms"}.get(_verdict(lower, upper), "cannot tell")
        rows.append(
            {
                "claim": claim,
                "predictor": one[0],
                "difference": difference,
                "lower": lower,
                "upper": upper,
                "verdict": verdict,
            }
        )
    return pd.DataFrame(rows, columns=["claim", "predictor", "difference", "lower", "upper", "verdict"])
