"""Vowpal Wabbit as its experts would run it: its explorations and learners side by side, and the best judged afresh.

The seasons on which candidates are compared are those of searches, 1,000,000 and on; the best of them and the default
then play seasons that neither that nor any other table uses, 2,000,000 and on.
"""

from __future__ import annotations

import pandas as pd

from benchmarks.comparison.statistics import paired
from benchmarks.suites.launch import compared, gains
from benchmarks.suites.suite import COLUMNS, Asked
from benchmarks.tuning.tried import FIRST_TUNING_SEED

DEFAULT = "vowpal"
CANDIDATES = [
    DEFAULT,
    "vowpal(epsilon=0.0)",  # greedy
    "vowpal(epsilon=0.01)",
    "vowpal(learning_rate=0.1)",
    "vowpal(learning_rate=2.0)",
    "vowpal(power_t=0.0)",
    "vowpal(coin=True)",
    "vowpal(main_effects=False)",
    'vowpal(cb_type="dr")',
    'vowpal(cb_type="ips")',
    'vowpal(explore="regcb", mellowness=0.001, reward_range=({low}, {high}))',
    'vowpal(explore="regcbopt", reward_range=({low}, {high}))',
    'vowpal(explore="regcbopt", mellowness=0.001, reward_range=({low}, {high}))',
    'vowpal(explore="cover", psi=0.1)',
    'vowpal(explore="cover", psi=0.1, nounif=True)',
    'vowpal(explore="squarecb", reward_range=({low}, {high}))',
    'vowpal(explore="squarecb", gamma_scale=100.0, reward_range=({low}, {high}))',
    'vowpal(explore="bag", greedify=True)',
]
RANGES = {"cold_start": (0.0, 1.0), "spring_launch": (0.0, 1.0)}  # units of one offer
_FRESH = 2_000_000


def rows(asked: Asked) -> pd.DataFrame:
    """A row a scenario and candidate, then the best beside the default on fresh seasons."""
    names = list(RANGES)[:1] if asked.small else list(RANGES)
    return pd.concat([part for name in names for part in _scenario(name, asked)], ignore_index=True)


def _scenario(name: str, asked: Asked) -> list[pd.DataFrame]:
    searched, judged = (2, 3) if asked.small else (3, 20)
    low, high = RANGES[name]
    calls = [call.format(low=low, high=high) for call in CANDIDATES[: 3 if asked.small else None]]
    first = range(FIRST_TUNING_SEED, FIRST_TUNING_SEED + searched)
    found = gains(name, compared(name, ["uniform", *calls], first, asked))
    best = str(found.sort_values("ours").contestant.iloc[-1])
    if best == DEFAULT:
        return [found]
    fresh = compared(name, ["uniform", DEFAULT, best], range(_FRESH, _FRESH + judged), asked)
    sold = {call: fresh.values(call, fresh.measure) for call in (DEFAULT, best)}
    return [found, difference(name, best, sold[best], sold[DEFAULT])]


def difference(name: str, best: str, sold: object, before: object) -> pd.DataFrame:
    """The best less the default, paired, in percent of what the default sells."""
    base = pd.Series(before, dtype=float)
    apart = paired((pd.Series(sold, dtype=float) - base).to_numpy())
    told = [100 * part / float(base.mean()) for part in (apart.mean, apart.lower, apart.upper)]
    case = f"{name}, fresh seasons: over the default, %"
    return pd.DataFrame([(case, best, *told, len(base), float("nan"))], columns=COLUMNS)
