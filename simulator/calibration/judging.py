"""Is the market any good? Seasons of it beside what the shop did, metric by metric, with a status and what to do."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from simulator.calibration import metrics
from simulator.calibration.calendar import week_of_year
from simulator.calibration.kept import Arrays, Kept
from simulator.calibration.metrics import complement, wape
from simulator.calibration.sales import Floats, Sales

PASS, REVIEW, FAIL = "PASS", "REVIEW", "FAIL"
COLUMNS = ("metric", "observed", "simulated", "lower", "upper", "score", "floor", "status", "threshold", "todo")

_GOOD = 0.90  # score from which on a metric passes, or the shop's own halves where they agree less
_FAIR = 0.80
_BAND = (5, 95)  # percent
_NAMED = 5  # metrics that a sentence names, at most

Progress = Callable[[str, float], None]


@dataclass(frozen=True)
class Span:
    """The days that are judged, and what was known before."""

    first: int
    last: int
    known: int  # days that were fitted
    old_until: int  # customers seen before are old ones
    old: int = 0  # products of the played market that were sold before

    @property
    def in_sample(self) -> bool:
        """Were these days fitted?"""
        return self.first < self.known


def span(known: Sales, whole: Sales) -> Span:
    """What comes after the fit; where nothing does, all that was fitted, its first quarter introducing customers."""
    if whole.days > known.days:
        return Span(known.days, whole.days, known.days, known.days)
    return Span(0, known.days, known.days, known.days // 28 * 7)


@dataclass(frozen=True, eq=False)
class Judgement:
    """The tables of a fit: see `Calibrated`."""

    fit: pd.DataFrame
    series: pd.DataFrame
    shapes: pd.DataFrame


@dataclass(frozen=True, eq=False)
class Job:
    """A season to play, here or in another process; what is told of it is kept."""

    season: Callable[[], Sales]
    seed: int
    about: Span
    kept: Kept
    name: str

    def play(self) -> tuple[int, Arrays]:
        """Its number, and what judging needs of it."""
        return self.seed, self.kept.arrays(self.name, partial(_played, self.season, self.about))


Spread = Callable[[Iterable[Job]], Generator[tuple[int, Arrays], None, None]]  # what jobs answer, in any order


def here(jobs: Iterable[Job]) -> Generator[tuple[int, Arrays], None, None]:
    """One job after the other, in this process."""
    for job in jobs:
        yield job.play()


def judge(
    play: Callable[[int], Callable[[], Sales]],
    known: Sales,
    whole: Sales,
    seeds: int,
    progress: Progress,
    kept: Kept = Kept(),
    name: str = "season",
    old: int = 0,
    spread: Spread = here,
) -> Judgement:
    """Judge by as many seasons, each kept under this name.

    Args:
        play: gives the season of a number; where `spread` plays in other processes, something that pickles.
        old: so many products of the played market, the first ones, were sold before the judged days: none of them is
            a launch, even if a season sells it for the first time.
        spread: plays the seasons.
    """
    about = replace(span(known, whole), old=old)
    progress(f"{name}s", 0.0 if seeds else 1.0)
    told: dict[int, Arrays] = {}
    with closing(spread(Job(play(seed), seed, about, kept, f"{name}-{seed}") for seed in range(seeds))) as answers:
        for seed, arrays in answers:
            told[seed] = arrays
            progress(f"{name}s", len(told) / seeds)
    played = [_Season.of(told[seed]) for seed in range(seeds)]
    if not played:
        return Judgement(pd.DataFrame(columns=COLUMNS), pd.DataFrame(), pd.DataFrame())
    series = _series(known, whole, about, played)
    rows = [*_weekly(series, known, whole, about, seeds), *_distributions(known, whole, about, played)]
    rows += [*_numbers(whole, about, played), *_launches(whole, about, played)]
    return Judgement(pd.DataFrame(rows, columns=COLUMNS), series, _shapes(whole, about, played))


def sentence(fit: pd.DataFrame) -> str:
    """What every report made on this market has to say."""
    if not len(fit):
        return "This market is fitted to a shop's history; nobody has judged how far it resembles it."
    below = fit[fit["status"] != PASS]
    if not len(below):
        return f"This market is fitted to a shop's history, and passes all {len(fit)} metrics of it."
    failed = [str(name) for name in below[below["status"] == FAIL]["metric"]]
    names = "; ".join([*failed[:_NAMED], *([f"{len(failed) - _NAMED} more"] if len(failed) > _NAMED else [])])
    fails = f" It fails in: {names}." if names else ""
    passed = f"{len(fit) - len(below)} of {len(fit)} metrics"
    return f"This market is fitted to a shop's history, and resembles it in {passed}.{fails}"


@dataclass(frozen=True, eq=False)
class _Season:
    """What is kept of a played season."""

    weekly: dict[str, Floats]
    distributions: dict[str, Floats]  # sorted
    numbers: dict[str, float]
    launched: tuple[Floats, Floats]

    @classmethod
    def of(cls, arrays: Arrays) -> _Season:
        """From what `_played` tells."""
        counted = _under(arrays, "counted")
        return cls(
            weekly=_under(arrays, "weekly"),
            distributions={metric: np.repeat(table[0], table[1].astype(int)) for metric, table in counted.items()},
            numbers={metric: float(value) for metric, value in _under(arrays, "number").items()},
            launched=(arrays["launched"], arrays["curve"]),
        )


def _played(play: Callable[[], Sales], about: Span) -> Arrays:
    """A season as arrays; of each distribution its values and how often each is there, which is far less."""
    sales = play()
    days = about.first, about.last
    samples = metrics.distributions(sales, *days)
    arrays: Arrays = {f"weekly.{measure}": values for measure, values in metrics.weekly(sales).items()}
    for metric, sample in samples.items():
        arrays[f"counted.{metric}"] = np.array(np.unique(sample, return_counts=True))
    for metric, value in metrics.numbers(sales, *days, about.old_until).items():
        arrays[f"number.{metric}"] = np.array(value)
    arrays["launched"], arrays["curve"] = metrics.launched(sales, *days, about.old)
    return arrays


def _under(arrays: Arrays, kind: str) -> Arrays:
    return {name.removeprefix(f"{kind}."): value for name, value in arrays.items() if name.startswith(f"{kind}.")}


def _series(known: Sales, whole: Sales, about: Span, played: list[_Season]) -> pd.DataFrame:
    """Whole weeks of the judged span: observed, simulated with its band, and the plainest forecasts."""
    observed, before = metrics.weekly(whole), metrics.weekly(known)
    weeks = np.arange(-(-about.first // 7), about.last // 7)
    tables = []
    for measure in metrics.MEASURES:
        paths = np.array([one.weekly[measure][weeks] for one in played])
        past = before[measure][: known.days // 7]
        table = {
            "measure": measure,
            "week": weeks,
            "observed": observed[measure][weeks],
            "simulated": paths.mean(axis=0),
            "lower": band(paths)[0],
            "upper": band(paths)[1],
            "mean": np.full(len(weeks), past.mean()),
            "last weeks": np.full(len(weeks), past[-4:].mean()),
            "last year": _last_year(past, weeks, about),
        }
        tables.append(pd.DataFrame(table))
    return pd.concat(tables, ignore_index=True)


def _last_year(past: Floats, weeks: Any, about: Span) -> Floats:
    """The same week 52 weeks earlier, where it was known before; NaN elsewhere."""
    earlier = weeks - 52
    usable = (earlier >= 0) & (earlier < len(past)) & (not about.in_sample)
    return np.where(usable, past[np.clip(earlier, 0, len(past) - 1)], np.nan)


def _weekly(series: pd.DataFrame, known: Sales, whole: Sales, about: Span, seeds: int) -> Iterator[tuple[Any, ...]]:
    unseen = _unseen(known, whole, about)
    wanted = min(0.9, (seeds - 1) / (seeds + 1))  # of so few seasons, the lowest and highest hold no more
    for measure, rows in series.groupby("measure", sort=False):
        observed, said = rows["observed"].to_numpy(), rows["simulated"].to_numpy()
        plain = {name: 1 - wape(observed, rows[name].to_numpy()) for name in ("last year", "mean", "last weeks")}
        plain = {name: score for name, score in plain.items() if np.isfinite(score)}
        best = max(plain, key=lambda name: plain[name])
        score, floor = 1 - wape(observed, said), plain[best]
        status, todo = _status(score, min(floor, _GOOD), f"does worse than {best}: look at calendar.weeks")
        if unseen and status == PASS:
            status = REVIEW
        todo = unseen or todo or f"beside {best}: {floor:.3f}"
        ends = rows["lower"].mean(), rows["upper"].mean()
        yield f"weekly {measure}", observed.mean(), said.mean(), *ends, score, floor, status, min(floor, _GOOD), todo
        held = float(((rows["lower"] <= rows["observed"]) & (rows["observed"] <= rows["upper"])).mean())
        near = 1 - max(wanted - held, held - 0.9, 0.0)
        status, todo = _status(near, _GOOD, "bands are too narrow" if held < wanted else "bands are too wide")
        yield f"weeks in the band, {measure}", held, wanted, np.nan, np.nan, near, np.nan, status, _GOOD, todo


def _unseen(known: Sales, whole: Sales, about: Span) -> str:
    """What to say where judged weeks of the year were never seen by the fit."""
    asked = set(week_of_year(whole.dates[about.first : about.last]).tolist())
    new = asked - set(week_of_year(known.dates).tolist())
    if not new:
        return ""
    return f"{len(new)} of {len(asked)} weeks of the year never seen: their traffic is a guess; wait, or state it"


def _distributions(known: Sales, whole: Sales, about: Span, played: list[_Season]) -> Iterator[tuple[Any, ...]]:
    observed = metrics.distributions(whole, about.first, about.last)
    half = known.days // 2
    one, other = metrics.distributions(known, 0, half), metrics.distributions(known, half, 2 * half)
    for metric, sample in observed.items():
        scores = [complement(sample, season.distributions[metric]) for season in played]
        means = np.array([_mean(season.distributions[metric]) for season in played])
        floor = complement(one[metric], other[metric])
        threshold = float(np.nanmin([_GOOD, floor]))
        score = float(np.mean(scores))
        status, todo = _status(score, threshold, f"differs from the shop more than {1 - threshold:.0%} somewhere")
        yield metric, _mean(sample), means.mean(), *band(means), score, floor, status, threshold, todo


def _shapes(whole: Sales, about: Span, played: list[_Season]) -> pd.DataFrame:
    """Share at or below each of some values, of every distribution: observed, and simulated with its band."""
    tables = []
    for metric, sample in metrics.distributions(whole, about.first, about.last).items():
        values = np.unique(np.quantile(sample, np.linspace(0, 1, 101))) if len(sample) else np.empty(0)
        paths = np.array([_below(season.distributions[metric], values) for season in played])
        low, high = band(paths)
        table = {"value": values, "observed": _below(sample, values), "simulated": paths.mean(axis=0)}
        tables.append(pd.DataFrame({"metric": metric, **table, "lower": low, "upper": high}))
    return pd.concat(tables, ignore_index=True)


def band(seasons: Floats) -> Floats:
    """(2, ...) ends between which one more of the seasons (n, ...) falls with 90%: the n cut the line into n + 1 parts
    that are equally likely to hold it (Hyndman & Fan 1996, definition 6).
    """
    return np.asarray(np.percentile(seasons, _BAND, axis=0, method="weibull"))


def _below(sample: Floats, values: Floats) -> Floats:
    return np.searchsorted(np.sort(sample), values, "right") / max(len(sample), 1)


def _numbers(whole: Sales, about: Span, played: list[_Season]) -> Iterator[tuple[Any, ...]]:
    observed = metrics.numbers(whole, about.first, about.last, about.old_until)
    for metric, value in observed.items():
        values = np.array([season.numbers[metric] for season in played])
        yield _number(metric, value, values)


def _number(metric: str, value: float, values: Floats) -> tuple[Any, ...]:
    score = max(1 - abs(values.mean() - value) / max(abs(value), 1e-9), 0.0)
    lower, upper = band(values)
    status, todo = _status(score, _GOOD, f"off by {1 - score:.0%}")
    if status == FAIL and lower <= value <= upper:
        status, todo = REVIEW, f"{todo}, which chance may be: the band holds the shop's"
    return metric, value, values.mean(), lower, upper, score, np.nan, status, _GOOD, todo


def _launches(whole: Sales, about: Span, played: list[_Season]) -> Iterator[tuple[Any, ...]]:
    """Cumulative curves of launches: lines of their first eight weeks, and how close the mean curves are."""
    sample, curve = metrics.launched(whole, about.first, about.last)
    if not len(sample):
        return
    scores = [complement(sample, season.launched[0]) for season in played]
    means = np.array([_mean(season.launched[0]) for season in played])
    score = float(np.nanmean(scores)) if np.isfinite(scores).any() else 0.0
    status, todo = _status(score, _GOOD, "launches sell unlike those of the past")
    ends = band(means[np.isfinite(means)]) if np.isfinite(means).any() else (np.nan, np.nan)
    name = "lines of a launch in eight weeks"
    yield name, _mean(sample), np.nanmean(means), *ends, score, np.nan, status, _GOOD, todo
    said = np.mean([season.launched[1] for season in played], axis=0)
    score = max(1 - wape(curve, said), 0.0)
    status, todo = _status(score, _GOOD, "the mean curve of launches has another height or shape")
    yield "mean curve of launches", curve.mean(), said.mean(), np.nan, np.nan, score, np.nan, status, _GOOD, todo


def _status(score: float, threshold: float, todo: str) -> tuple[str, str]:
    """PASS from the threshold on, REVIEW down to a tenth below it, FAIL under that."""
    if score >= threshold:
        return PASS, ""
    return (REVIEW if score >= threshold - (_GOOD - _FAIR) else FAIL), todo


def _mean(sample: Floats) -> float:
    return float(sample.mean()) if len(sample) else np.nan
