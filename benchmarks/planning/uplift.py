"""Uplift: what one contender has more than each other one, on the same seasons, and the verdict."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pandas as pd

from benchmarks.comparison.statistics import Paired, paired

Judge = Callable[[Mapping[str, Paired], Mapping[str, float]], str]  # found, and the rival's mean, by kind


def against(played: pd.DataFrame, mine: str, kinds: Sequence[str], measure: str, verdict: Judge) -> pd.DataFrame:
    """A row a rival and kind: against, measure, difference, lower, upper, percent, verdict (by `measure`).

    The interval of that measure is adjusted for the number of rivals; those of the others hold each by itself.

    Args:
        played: a row a contender (`plan`) and `seed`, a column a kind.
        mine: the contender that is judged.
        kinds: what is compared.
        measure: the kind that the verdict is about.
        verdict: from what was found beside a rival, and the rival's own mean, by kind.
    """
    wide = {kind: played.pivot(index="seed", columns="plan", values=kind) for kind in kinds}
    rivals = [str(name) for name in played["plan"].unique() if name != mine]
    rows = []
    for rival in rivals:
        found = {
            kind: paired(wide[kind][mine] - wide[kind][rival], len(rivals) if kind == measure else 1) for kind in kinds
        }
        base = {kind: float(wide[kind][rival].mean()) for kind in kinds}
        told = verdict(found, base)
        for kind, each in found.items():
            percent = 100 * each.mean / base[kind] if base[kind] else np.nan
            about = {"difference": each.mean, "lower": each.lower, "upper": each.upper, "percent": percent}
            rows.append({"against": rival, "measure": kind, **about, "verdict": told})
    return pd.DataFrame(rows)
