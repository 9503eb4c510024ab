"""The page of a sweep: who leads in how many settings, what is sure of it, and every setting beside the others."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from benchmarks.pages import page
from benchmarks.pages.plots import UNITS
from benchmarks.pages.sweep_picture import picture, varied_in
from benchmarks.sweeps.settings import LOSSES

_MOST = 60  # settings in the table


def write(folder: Path, settings: pd.DataFrame, measure: str, baseline: str) -> Path:
    """`index.html` and its picture as files, into the folder; answers the page's path.

    Args:
        folder: made if absent; that of the sweep may be it.
        settings: as of `benchmarks.sweeps.settings.by_setting`.
        measure: what is judged.
        baseline: the policy that the others are compared with.

    Raises:
        ValueError: nothing was varied, or no policy has a difference.
    """
    draw = partial(picture, settings, measure, baseline)
    folder.mkdir(parents=True, exist_ok=True)
    told = answer(settings, measure, baseline)
    rows = list(_rows(settings))
    return page.write(
        folder,
        "sweep.html",
        answer=told,
        addresses=page.both(folder, {"sweep": draw}),
        told={"sweep": " ".join(told)},
        rows=rows[:_MOST],
        n_settings=len(rows),
        policies=_policies(settings),
        unit=_unit(measure),
        baseline=baseline,
        sure=settings.verdict.isin(["better", "worse"]).any(),
        less_is_better=measure in LOSSES,
    )


def answer(settings: pd.DataFrame, measure: str, baseline: str) -> list[str]:
    """The finding in sentences."""
    real = settings[(settings.policy != "oracle") & settings["mean"].notna()]
    places = [real[name].astype(str) for name in varied_in(settings)]
    best = real.groupby(places, sort=False)["mean"].agg("idxmin" if measure in LOSSES else "idxmax")
    leads = real.policy[best].value_counts()
    most = f"has the {'least' if measure in LOSSES else 'most'} {_unit(measure)}"
    others = "".join(f", {policy} in {count}" for policy, count in leads.items() if policy != leads.index[0])
    sentences = [f"{leads.index[0]} {most} in {leads.iloc[0]} of {len(best)} settings{others}."]
    gains = settings[(settings.policy != baseline) & settings.difference.notna()]
    counts = gains.verdict.value_counts()
    better, worse = (int(counts.get(verdict, 0)) for verdict in ("better", "worse"))
    sentences.append(
        f"Of {len(gains)} differences to {baseline}: better {better}, worse {worse}, "
        f"cannot tell {len(gains) - better - worse}."
    )
    sure = gains[(gains.verdict == "better") & (gains.policy != "oracle")]
    if len(sure):
        top = sure.sort_values("difference", key=abs).iloc[-1]
        where = _named({name: top[name] for name in varied_in(settings)})
        between = f"{top.difference_lower:+,.4g} to {top.difference_upper:+,.4g}"
        sentences.append(f"The largest sure gain: {top.policy}, {top.difference:+,.4g} ({between}) where {where}.")
    if failed := int(settings.failed.sum()):
        sentences.append(f"{failed} runs failed and are left out: launchsim results --runs says why.")
    return sentences


def _rows(settings: pd.DataFrame) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each setting in words, and what each policy came to there."""
    varied = varied_in(settings)
    for place, rows in settings.groupby(varied, sort=False, dropna=False):
        values: tuple[Hashable, ...] = place if isinstance(place, tuple) else (place,)
        yield _named(dict(zip(varied, values, strict=True))), {str(row.policy): row for row in rows.itertuples()}


def _named(setting: dict[str, Hashable]) -> str:
    return ", ".join(
        f"{name} {value:g}" if isinstance(value, float) else f"{name} {value}" for name, value in setting.items()
    )


def _policies(settings: pd.DataFrame) -> list[str]:
    return [str(policy) for policy in settings.policy.unique()]


def _unit(measure: str) -> str:
    return UNITS.get(measure, measure.replace("_", " "))
