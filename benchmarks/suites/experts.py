"""Vowpal Wabbit as its experts would run it: what they would turn, side by side, and the best judged afresh.

By successive halving: all candidates play one season of each scenario, the best of them more. These are seasons of
searches, 1,000,000 and on; what is left and the default then play seasons that neither that nor any other table uses,
2,000,000 and on. A candidate is worth what it sells more than the default, in percent, mean over scenarios. The
candidates are those of Bietti, Agarwal & Langford (2021), A contextual bandit bake-off, JMLR 22(133), and optimisers.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from benchmarks.compare import Comparison
from benchmarks.comparison.statistics import paired
from benchmarks.suites.launch import compared
from benchmarks.suites.suite import COLUMNS, Asked
from benchmarks.tuning.tried import FIRST_TUNING_SEED
from policies.policy import Floats

DEFAULT = "vowpal"
_RANGE = "reward_range=(0.0, 1.0)"  # units of one offer
CANDIDATES = [
    DEFAULT,
    "vowpal(epsilon=0.0)",  # greedy
    "vowpal(epsilon=0.02)",
    "vowpal(learning_rate=0.1)",
    "vowpal(learning_rate=2.0)",
    "vowpal(power_t=0.25)",
    "vowpal(power_t=0.0, learning_rate=0.005)",
    "vowpal(coin=True)",
    "vowpal(epsilon=0.0, coin=True)",
    "vowpal(main_effects=False)",
    "vowpal(epsilon=0.0, main_effects=False)",
    'vowpal(interactions=["ci"])',
    'vowpal(interactions=["ci"], main_effects=False)',
    "vowpal(identity=False)",
    'vowpal(cb_type="dr")',
    'vowpal(cb_type="ips")',
    'vowpal(cb_type="dm")',
    'vowpal(explore="first", first=1000)',
    f'vowpal(explore="regcb", mellowness=0.001, {_RANGE})',
    f'vowpal(explore="regcbopt", mellowness=0.01, {_RANGE})',
    f'vowpal(explore="regcbopt", mellowness=0.001, {_RANGE})',
    'vowpal(explore="cover", psi=0.1, nounif=True)',
    'vowpal(explore="cover", psi=0.01, nounif=True)',
    'vowpal(explore="cover", psi=0.1, cb_type="dr", nounif=True)',
    'vowpal(explore="cover", psi=0.1)',
    f'vowpal(explore="squarecb", gamma_scale=100.0, {_RANGE})',
    f'vowpal(explore="squarecb", gamma_scale=1000.0, {_RANGE})',
    'vowpal(explore="softmax", inverse_temperature=100.0)',
    'vowpal(explore="bag", bag=4, greedify=True)',
    *(f'vowpal(interactions=["ci"], main_effects=False, {also})' for also in [
        "epsilon=0.02", "learning_rate=2.0", "power_t=0.25", "coin=True", 'cb_type="dr"', 'cb_type="ips"',
        f'explore="regcb", mellowness=0.001, {_RANGE}', f'explore="regcbopt", mellowness=0.001, {_RANGE}',
        'explore="cover", psi=0.1', "epsilon=0.0"]),
]  # fmt: skip
SCENARIOS = ["spring_launch", "fast_fashion", "cold_start", "word_of_mouth", "taste_drift"]
ALL = "all scenarios"
_ROUNDS = ((1, 8), (3, 3))  # seasons so far, and how many candidates go on
_JUDGED = 20
_FRESH = 2_000_000


def rows(asked: Asked) -> pd.DataFrame:
    """A row a candidate of each round, all scenarios together and each alone; then of those left, on fresh seasons."""
    names, calls = (SCENARIOS[:1], CANDIDATES[:4]) if asked.small else (SCENARIOS, CANDIDATES)
    tables = []
    for number, (seasons, left) in enumerate(_ROUNDS, 1):
        seeds = range(FIRST_TUNING_SEED, FIRST_TUNING_SEED + seasons)
        tables.append(_round(f"round {number}", names, calls, seeds, asked))
        calls = [DEFAULT, *best(tables[-1], left)]
    seeds = range(_FRESH, _FRESH + (3 if asked.small else _JUDGED))
    return pd.concat([*tables, _round("fresh seasons", names, calls, seeds, asked)], ignore_index=True)


def _round(case: str, names: Sequence[str], calls: Sequence[str], seeds: Sequence[int], asked: Asked) -> pd.DataFrame:
    played = {name: compared(name, ["uniform", *calls], seeds, asked) for name in names}
    whole = [call for call in calls if call != DEFAULT and not any(call in one.failed for one in played.values())]
    more = {call: {name: _more(one, call) for name, one in played.items()} for call in whole}
    told = [_row(f"{case}, {ALL}", call, np.mean(list(each.values()), axis=0)) for call, each in more.items()]
    told += [_row(f"{case}, {name}", call, more[call][name]) for name in names for call in whole]
    return pd.DataFrame(told, columns=COLUMNS)


def _more(comparison: Comparison, call: str) -> Floats:
    return over(*(comparison.values(one, comparison.measure) for one in (call, DEFAULT)))


def over(sold: Floats, before: Floats) -> Floats:
    """(seasons,) what a candidate sells more than the default, in percent of the default's mean."""
    percent: Floats = 100 * (sold - before) / before.mean()
    return percent


def _row(case: str, call: str, more: Floats) -> tuple[object, ...]:
    apart = paired(more)
    return case, call, apart.mean, apart.lower, apart.upper, len(more), float("nan")


def best(found: pd.DataFrame, left: int) -> list[str]:
    """The candidates that sold the most in all scenarios together."""
    together = found[found.case.str.endswith(ALL)].sort_values("ours", ascending=False, kind="stable")
    return [str(call) for call in together.contestant[:left]]
