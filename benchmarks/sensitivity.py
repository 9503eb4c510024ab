"""What would change the answer: which parameters of a scenario, moved within their ranges, turn a verdict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from benchmarks.comparison import drawn
from benchmarks.comparison.statistics import CONFIDENCE, paired
from benchmarks.comparison.turning import Curve, along, walked
from benchmarks.sweeps.columns import SALES
from benchmarks.sweeps.overrides import overridden
from benchmarks.sweeps.seasons import of_a_shop
from benchmarks.sweeps.sweeping import sweep
from policies.policy import Floats, PolicyError
from simulator.scenario import Scenario, ScenarioError

_FACTORS = {  # where nothing else is stated: as many times what the scenario has
    "arrivals.per_day": (0.125, 2.0),
    "products.*.stock": (0.5, 2.0),
    "users.information": (0.25, 1.25),
    "users.taste": (0.5, 2.0),
    "users.price_sensitivity": (0.5, 2.0),
    "users.population": (0.25, 4.0),
    "users.drift": (0.0, 2.0),
    "quality_spread": (0.25, 2.0),
    "choice.leaving": (0.85, 1.15),
    "choice.novelty": (0.0, 3.0),
    "choice.social_proof": (0.0, 3.0),
    "arrivals.word_of_mouth": (0.0, 3.0),
    "buying.returns": (0.0, 2.0),
    "refresh_minutes": (0.25, 24.0),
}
_DRAWN = (0.05, 0.95)  # quantiles of a calibrated market's draws
_MOST_TURNING = 3  # parameters that are walked along
_HEAT = 4  # places to each side of a heat map


class Range(NamedTuple):
    """How far a parameter is moved."""

    low: float
    high: float
    base: float  # what the scenario has; 1 where all are factors
    factors: bool  # of what is there, where there is more than one number
    source: str  # "stated", "calibrated" or "usual"


@dataclass(frozen=True)
class Sensitivity:
    """A verdict, and what turns it."""

    scenario: Scenario
    policies: tuple[str, str]  # differences are the second's sales less the first's
    measure: str
    seeds: int
    ranges: dict[str, Range]
    table: pd.DataFrame
    """A row an end of a range, and one for the scenario as it is (place ""): place, end, value, difference, lower,
    upper (paired, adjusted for all of them together), percent, verdict of the second on the first, n."""
    curves: dict[str, Curve]  # place -> the difference along it; of those that turn the verdict
    heat: pd.DataFrame  # a row a cell: the two places and their values, difference, lower, upper, verdict
    heat_places: tuple[str, ...]

    @property
    def turning(self) -> list[str]:
        """The places at an end of which the verdict is another, those that move the difference most first."""
        base = self.table.loc[self.table.place == "", "verdict"].iloc[0]
        turned = set(self.table.loc[(self.table.verdict != base) & (self.table.place != ""), "place"])
        return [place for place in self.swings.index if place in turned]

    @property
    def reversing(self) -> list[str]:
        """Those of `turning` at an end of which the other policy surely sells more than it does as things are."""
        base = self.table.loc[self.table.place == "", "verdict"].iloc[0]
        other = {"better": "worse", "worse": "better"}.get(base, "")
        return [place for place in self.turning if other in set(self.table.loc[self.table.place == place, "verdict"])]

    @property
    def swings(self) -> pd.Series[float]:
        """By how much each place moves the difference from one end to the other, largest first."""
        ends = self.table[self.table.place != ""].groupby("place").difference
        return (ends.max() - ends.min()).sort_values(ascending=False)


def sensitivity(
    scenario: Any,
    policies: Sequence[str],
    seeds: int = 10,
    *,
    measure: str | None = None,
    ranges: Mapping[str, tuple[float, float]] | None = None,
    heat: Sequence[str] | None = None,
    points: int = 5,
    folder: str | Path | None = None,
    processes: int = 1,
    executor: Executor | None = None,
    progress: bool = False,
) -> Sensitivity:
    """Play two policies at both ends of every range, along those that turn the verdict, and over two of them together.

    Args:
        scenario: as of `benchmarks.compare.compare`, of a shop.
        policies: two calls.
        seeds: seasons at each place; the same visitors come to both policies.
        measure: "units", "revenue" or "margin"; what the scenario rewards where not given.
        ranges: place in the scenario (`arrivals.per_day`; `products.*.stock` by factors) -> its ends, in place of those
            known: of a calibrated market from 5% to 95% of its draws, of another usual factors of what it has.
        heat: two places to be moved together; the two that matter most where not given; empty: none.
        points: places along each range that turns the verdict.
        folder: finished runs are kept there and not played again; None keeps nothing.
        processes, executor, progress: as of `compare`.

    Raises:
        ScenarioError: the scenario, a place or a range makes no sense.
        PolicyError: there are not two policies, or one is unknown.
    """
    if len(policies) != 2:
        raise PolicyError(f"policies must be two, got {len(policies)}")
    if seeds < 5:
        raise PolicyError(f"seeds must be at least 5, fewer cannot give a verdict, got {seeds}")
    if points < 3:
        raise PolicyError(f"points must be at least 3, got {points}")
    shop = of_a_shop(scenario, 0).scenario
    assert shop is not None  # of a shop
    measure = measure or shop.reward
    if measure not in SALES:
        raise PolicyError(f"measure must be one of {', '.join(SALES)}, got {measure!r}")
    moved = _ranges(scenario, shop, ranges)
    playing = _Playing(scenario, tuple(policies), seeds, measure, moved, folder, processes, executor, progress)
    table, ends = _ends(playing)
    found = Sensitivity(shop, (policies[0], policies[1]), measure, seeds, moved, table, {}, pd.DataFrame(), ())
    curves = _curves(playing, found.turning[:_MOST_TURNING], ends, points)
    places = _together(heat, found)
    cells = _heat(playing, places) if places else pd.DataFrame()
    return Sensitivity(shop, found.policies, measure, seeds, moved, table, curves, cells, places)


def parse(stated: Sequence[str]) -> dict[str, tuple[float, float]] | None:
    """Ranges as typed, `arrivals.per_day=200..1600`; None where none was.

    Raises:
        ScenarioError: one is written otherwise.
    """
    found = {}
    for text in stated:
        place, _, ends = text.partition("=")
        low, _, high = ends.partition("..")
        try:
            found[place.strip()] = float(low.strip().removeprefix("x")), float(high.strip().removeprefix("x"))
        except ValueError:
            raise ScenarioError(
                f"vary must be place=low..high such as arrivals.per_day=200..1600, got {text!r}"
            ) from None
    return found or None


# -- how far what is moved


def _ranges(scenario: Any, shop: Scenario, stated: Mapping[str, tuple[float, float]] | None) -> dict[str, Range]:
    if stated:
        return {place: _stated(shop, place, low, high) for place, (low, high) in stated.items()}
    found = drawn.calibrated(scenario)
    if found is not None:
        return _calibrated(shop, found.draws)
    return {place: moved for place, ends in _FACTORS.items() if (moved := _usual(shop, place, *ends)) is not None}


def _stated(shop: Scenario, place: str, low: float, high: float) -> Range:
    base = _number(shop, place)
    if not low < high:
        raise ScenarioError(f"range of {place} must go from low to high, got {low:g}..{high:g}")
    moved = Range(low, high, 1.0 if base is None else base, base is None, "stated")
    for end in (low, high):
        overridden(shop, {place: _value(moved, end)})
    return moved


def _calibrated(shop: Scenario, draws: pd.DataFrame) -> dict[str, Range]:
    found = {}
    for place in draws.columns:
        base = _number(shop, str(place))
        if base is not None and pd.api.types.is_numeric_dtype(draws[place]):
            low, high = (float(draws[place].quantile(share)) for share in _DRAWN)
            if low < high:
                found[str(place)] = Range(low, high, base, False, "calibrated")
    if not found:
        raise ScenarioError("calibrated market must have a parameter with a range of its own, got none; state --vary")
    return found


def _usual(shop: Scenario, place: str, low: float, high: float) -> Range | None:
    """The range of what the scenario has; None where it has nothing there, or nothing else can be there."""
    base = _number(shop, place)
    if base == 0.0 or (base is None and place == "products.*.stock" and not _limited(shop)):
        return None
    moved = Range(low * (base or 1.0), high * (base or 1.0), 1.0 if base is None else base, base is None, "usual")
    try:
        for end in (moved.low, moved.high):
            overridden(shop, {place: _value(moved, end)})
    except ScenarioError:
        return None
    return moved


def _limited(shop: Scenario) -> bool:
    return any(product.stock is not None for product in shop.products)


def _number(shop: Scenario, place: str) -> float | None:
    """What the scenario has in one place; None where a place stands for several numbers.

    Raises:
        ScenarioError: there is no such place, or no number in it.
    """
    part: Any = shop
    if "*" in place:
        return None
    for name in place.split("."):
        if not hasattr(part, name):
            overridden(shop, {place: 1.0})  # says what is wrong, and which place may be meant
            return None
        part = getattr(part, name)
    if isinstance(part, bool) or not isinstance(part, int | float):
        raise ScenarioError(f"{place} must be a number to be moved, got {part!r}")
    return float(part)


def _value(moved: Range, at: float) -> Any:
    """As an override."""
    if moved.factors:
        return f"x{at:.6g}"
    return round(at) if float(moved.base).is_integer() and moved.high > 20 else float(f"{at:.6g}")


# -- what is played


class _Playing(NamedTuple):
    """Everything that stays the same while parameters are moved."""

    scenario: Any
    policies: tuple[str, ...]
    seeds: int
    measure: str
    ranges: dict[str, Range]
    folder: str | Path | None
    processes: int
    executor: Executor | None
    progress: bool

    def differences(self, name: str, cases: list[dict[str, float]]) -> list[Floats]:
        """(n seasons,) of each case: sales of the second policy less those of the first; empty where it cannot be."""
        overrides = [{place: _value(self.ranges[place], at) for place, at in case.items()} for case in cases]
        played = sweep(
            {
                "name": name,
                "scenarios": [self.scenario],
                "policies": list(self.policies),
                "seeds": self.seeds,
                "cases": overrides,
            },
            self.executor,
            folder=None if self.folder is None else Path(self.folder) / name,
            processes=self.processes,
            progress=self.progress,
        )
        return [self._paired(_of(played, case, self.ranges)) for case in overrides]

    def _paired(self, rows: pd.DataFrame) -> Floats:
        whole = rows[rows.error == ""]
        if len(whole) < 2 * self.seeds:
            return np.empty(0)
        sales = whole.pivot(index="seed", columns="policy", values=self.measure)
        first, second = (sales[policy].to_numpy(float) for policy in self.policies)
        found: Floats = second - first
        return found


def _of(played: pd.DataFrame, case: dict[str, Any], places: Mapping[str, Any]) -> pd.DataFrame:
    """The runs in which these overrides were made and no others."""
    here = pd.Series(True, played.index)
    for place in places:
        if place in case:
            here &= played[place] == case[place]
        elif place in played:
            here &= played[place].isna()
    return played[here]


def _ends(playing: _Playing) -> tuple[pd.DataFrame, dict[tuple[str, float], Floats]]:
    """The scenario as it is, and both ends of every range: as a table, and the differences by place and value."""
    cases: list[dict[str, float]] = [{}]
    cases += [{place: end} for place, moved in playing.ranges.items() for end in (moved.low, moved.high)]
    found = playing.differences("ends", cases)
    rows, kept = [], {}
    for case, differences in zip(cases, found, strict=True):
        if not len(differences):
            continue
        place, value = next(iter(case.items()), ("", np.nan))
        judged = paired(differences, len(cases))
        kept[place, value] = differences
        end = "" if not case else "low" if value == playing.ranges[place].low else "high"
        about = {"place": place, "end": end, "value": value, "difference": judged.mean}
        rows.append(about | {"lower": judged.lower, "upper": judged.upper, "verdict": judged.verdict})
    return pd.DataFrame(rows), kept


def _curves(
    playing: _Playing, turning: Sequence[str], ends: dict[tuple[str, float], Floats], points: int
) -> dict[str, Curve]:
    """The difference along the ranges that turn the verdict; their ends, and the scenario as it is, are played."""
    cases = [
        {place: float(value)}
        for place in turning
        for value in walked(playing.ranges[place].low, playing.ranges[place].high, points)[1:-1]
    ]
    between = playing.differences("curves", cases) if cases else []
    found = {}
    for place in turning:
        moved = playing.ranges[place]
        seen = {value: differences for (where, value), differences in ends.items() if where == place}
        seen[moved.base] = ends["", next(value for where, value in ends if where == "")]
        for case, differences in zip(cases, between, strict=True):
            if place in case and len(differences):
                seen[case[place]] = differences
        inside = sorted(value for value in seen if moved.low <= value <= moved.high)
        together = 1 - (1 - CONFIDENCE) / len(ends)  # as the table, so that both say the same of an end
        found[place] = along(np.array(inside), np.column_stack([seen[value] for value in inside]), together)
    return found


def _together(heat: Sequence[str] | None, found: Sensitivity) -> tuple[str, ...]:
    if heat is not None:
        if len(heat) not in (0, 2) or any(place not in found.ranges for place in heat):
            raise PolicyError(f"heat must be two of {', '.join(found.ranges)}, got {', '.join(heat)}")
        return tuple(heat)
    order = [*found.turning, *(place for place in found.swings.index if place not in found.turning)]
    return tuple(order[:2]) if len(order) > 1 else ()


def _heat(playing: _Playing, places: tuple[str, ...]) -> pd.DataFrame:
    axes = [walked(playing.ranges[place].low, playing.ranges[place].high, _HEAT) for place in places]
    cases = [{places[0]: float(x), places[1]: float(y)} for x in axes[0] for y in axes[1]]
    rows = []
    for case, differences in zip(cases, playing.differences("heat", cases), strict=True):
        if len(differences):
            judged = paired(differences)
            about = {"difference": judged.mean, "lower": judged.lower, "upper": judged.upper}
            rows.append(case | about | {"verdict": judged.verdict})
    return pd.DataFrame(rows)
