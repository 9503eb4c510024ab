"""Uplift: what one contender has more than each other one, on the same seasons, and the verdict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from benchmarks.comparison import guardrails
from benchmarks.comparison.statistics import paired, prediction_interval
from policies.policy import Floats


def against(
    played: pd.DataFrame, mine: str, kinds: Sequence[str], measure: str, guards: Mapping[str, float]
) -> pd.DataFrame:
    """A row a rival and kind: against, measure, difference, lower, upper, percent, season_lower, season_upper, verdict.

    `lower` and `upper` are of the mean over all that may be true, which decides the verdict (by `measure`): those of
    that measure are adjusted for the number of rivals, those of the others hold each by itself. What may come in one
    season, in a shop where only one thing is true, lies between `season_lower` and `season_upper`, at 95%,
    which reach as far as `lower` and `upper` at least. The verdict is "discuss" where guardrails stand against what
    sells more, see `comparison.guardrails`.

    Args:
        played: a row a contender (`plan`) and `seed`, a column a kind.
        mine: the contender that is judged.
        kinds: what is compared.
        measure: the kind that the verdict is about.
        guards: of the kinds that may not be worsened, by which share at most.
    """
    wide = {plan: part.set_index("seed").sort_index() for plan, part in played.groupby("plan", sort=False)}
    rivals = [str(name) for name in wide if name != mine]
    rows = []
    for rival in rivals:
        base = {kind: _seasons(wide[rival], kind) for kind in kinds}
        have = {kind: _seasons(wide[mine], kind) for kind in kinds}
        found = {kind: paired(have[kind] - base[kind], len(rivals) if kind == measure else 1) for kind in kinds}
        others = {name: share for name, share in guards.items() if name != measure}
        harms, spared = (
            guardrails.kept(one.__getitem__, other.__getitem__, others, len(rivals))
            for one, other in ((have, base), (base, have))
        )
        told = guardrails.verdict(found[measure], harms, spared)
        for kind, each in found.items():
            low, high = prediction_interval(have[kind] - base[kind])
            percent = 100 * each.mean / base[kind].mean() if base[kind].mean() else np.nan
            about = {"difference": each.mean, "lower": each.lower, "upper": each.upper, "percent": percent}
            # the mean of few skewed seasons, or beside many rivals, may reach farther: one season is no surer than it
            about |= {"season_lower": np.fmin(low, each.lower), "season_upper": np.fmax(high, each.upper)}
            rows.append({"against": rival, "measure": kind, **about, "verdict": told})
    return pd.DataFrame(rows)


def _seasons(table: pd.DataFrame, kind: str) -> Floats:
    return np.asarray(table[kind], float)
