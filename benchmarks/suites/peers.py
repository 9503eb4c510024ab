"""Living peers, in one run on one machine: how fast they decide, how well, and how fast they judge a log.

Everybody plays the same rounds, and every LinUCB has the same width and ridge. A seed is a race of its own: all play it
one after the other, so that a busy machine is busy for all. What a peer cannot do has a reason in place of a number.
"""

from __future__ import annotations

import hashlib
import statistics
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.comparison.statistics import mean_interval
from benchmarks.suites import contenders, off_policy_peers
from benchmarks.suites.contenders import ENTRIES, Entry
from benchmarks.suites.launch import compared, gains
from benchmarks.suites.off_policy import made
from benchmarks.suites.off_policy_peers import ESTIMATES, REASONS, WORKS
from benchmarks.suites.suite import COLUMNS, Asked
from envs.linear import Linear
from policies.policy import Booleans, Floats
from simulator.calibration.kept import Arrays, Kept, code

SPEED, LOG = "decisions a second", "off-policy, rows a second"
PLAIN, MENUS, LATE = "regret", "regret, 5 of 10 on offer", "regret, rewards 100 rounds late"
LAUNCHES = ("spring_launch", "cold_start")
BORROWED = {
    "linucb": "launchsim",
    "linucb(alpha=0.25)": "launchsim",
    "linucb_hybrid(alpha=0.25)": "launchsim",
    "benchmarks.suites.borrowed:Pymab": "pymab",
    "benchmarks.suites.borrowed:Pymab(alpha=0.25)": "pymab",
    "benchmarks.suites.borrowed:Gittins": "gittins",
    "benchmarks.suites.borrowed:Gittins(names=False)": "gittins",
}
_K, _D, _DELAY, _REPEATS = 10, 16, 100, 5  # _D with the constant


def rows(asked: Asked) -> pd.DataFrame:
    """A row a measure and contestant; `reason` where there is no number."""
    seeds, n, logged = (2, 300, 10_000) if asked.small else (10, 2_000, 100_000)
    kept = Kept(asked.out / "races", _key())
    races = [kept.arrays(f"race-{n}-{seed}", partial(raced, n, seed)) for seed in range(seeds)]
    log = kept.arrays(f"log-{logged}", partial(judged, logged))
    parts = [
        *(_measure(case, np.array([race[case] for race in races])) for case in (SPEED, PLAIN, MENUS, LATE)),
        _measure(LOG, np.array([log[LOG]])),
        *(_launch(name, asked) for name in LAUNCHES),
    ]
    return pd.concat(parts, ignore_index=True)


def _key() -> str:
    """Another one as soon as the code or a peer is another."""
    files = [Path(str(module.__file__)) for module in (contenders, off_policy_peers)]
    versions = " ".join(entry.missing() or entry.version() for entry in ENTRIES.values())
    return f"{code(Path(__file__), *files)}-{hashlib.sha256(versions.encode()).hexdigest()[:8]}"


def _measure(case: str, values: Floats) -> pd.DataFrame:
    """From (seeds, contestants); speeds by their median, regrets by their mean."""
    told = []
    for (name, entry), column in zip(ENTRIES.items(), values.T, strict=True):
        reason = why_not(name, entry, case)
        middle, lower, upper = (float(part) for part in mean_interval(column))
        if case in (SPEED, LOG):
            middle, lower, upper = float(np.median(column)), np.nan, np.nan
        told.append((case, name, middle, lower, upper, 0 if reason else len(column), np.nan, reason))
    return pd.DataFrame(told, columns=[*COLUMNS, "reason"])


def why_not(name: str, entry: Entry, case: str) -> str:
    """Why there is no number; empty where there is one."""
    able = entry.menus if case == MENUS else REASONS.get(name, "") if case == LOG else ""
    return entry.missing() or able


def _launch(name: str, asked: Asked) -> pd.DataFrame:
    able = [call for call, library in BORROWED.items() if not ENTRIES[library].missing()]
    if asked.small:
        able = able[:1]
    comparison = compared(name, ["uniform", *able], range(3 if asked.small else 10), asked)
    found = gains(f"{name}, gain over uniform, %", comparison).assign(reason="")
    return found.assign(contestant=found.contestant.str.removeprefix("benchmarks.suites.borrowed:"))


# Races


def raced(n: int, seed: int) -> Arrays:
    """(contestants,) of each measure: decisions and lessons a second, regret in percent of what chance is to have."""
    problem = Linear(_K, _D - 1, n, seed=seed)
    menus = halves(n, seed)
    found: dict[str, list[float]] = {SPEED: [], PLAIN: [], MENUS: [], LATE: []}
    for name, entry in ENTRIES.items():
        for case, (menu, late) in {PLAIN: (None, 0), MENUS: (menus, 0), LATE: (None, _DELAY)}.items():
            able = not why_not(name, entry, case)
            if able and case == PLAIN:
                race(entry, Linear(_K, _D - 1, 20))  # compiles
            chosen, seconds = race(entry, problem, menu, late) if able else (None, np.nan)
            found[case].append(regret(problem.truth, menu, chosen) if chosen is not None else np.nan)
            if case == PLAIN:
                found[SPEED].append(n / seconds)
    return {case: np.array(values) for case, values in found.items()}


def halves(n: int, seed: int) -> Booleans:
    """(n, K) half of the actions on offer, others each round."""
    ranks: Floats = np.random.default_rng([seed, 1]).random((n, _K))
    return np.asarray(ranks.argsort(axis=1).argsort(axis=1) < _K // 2)


def race(entry: Entry, problem: Linear, menus: Booleans | None = None, late: int = 0) -> tuple[list[int], float]:
    """What it chose, and the seconds of processor time that its decisions and lessons took.

    Args:
        entry: who.
        problem: the rounds.
        menus: (n, K) what is on offer; None for everything.
        late: how many rounds after its decision a reward is told; the last are never told.
    """
    contender = entry.make(problem.problem.n_actions, problem.problem.n_context_features)
    asked, paid = contender.shaped(problem.contexts, menus), problem.rewards.tolist()
    chosen: list[int] = []
    started = time.process_time()
    for i, x in enumerate(asked):
        chosen.append(contender.ask(i, x))
        then = i - late
        if then >= 0:
            contender.tell(then, asked[then], chosen[then], paid[then][chosen[then]])
    return chosen, time.process_time() - started


def regret(truth: Floats, menus: Booleans | None, chosen: list[int]) -> float:
    """In percent of what choosing at random among what is on offer is expected to have."""
    seen = np.ma.masked_array(truth, mask=False if menus is None else ~menus)
    best = seen.max(axis=1)
    lost = best - truth[np.arange(len(chosen)), chosen]
    return float(100 * lost.sum() / (best - seen.mean(axis=1)).sum())


def judged(n: int) -> Arrays:
    """(contestants,) rows of a log a second, of whatever estimates each makes of it."""
    log = made(n)
    speeds = []
    for name, entry in ENTRIES.items():
        if why_not(name, entry, LOG):
            speeds.append(np.nan)
            continue
        work = partial(WORKS[name], log)
        work()
        speeds.append(n / statistics.median(_seconds(work) for _ in range(_REPEATS)))
    return {LOG: np.array(speeds)}


def _seconds(work: Callable[[], Any]) -> float:
    started = time.process_time()
    work()
    return max(time.process_time() - started, 1e-9)


# As it stands in a page


def told(table: pd.DataFrame) -> str:
    """A table of the libraries, one of the launches, and why a dash is a dash."""
    libraries = table[table.contestant.isin(list(ENTRIES)) & ~table.case.str.contains("gain over")]
    cases = [SPEED, PLAIN, MENUS, LATE, LOG]
    head = ["| library | " + " | ".join([*cases]) + " |", "|---" * (len(cases) + 1) + "|"]
    lines = [
        f"| {name} {_version(name)} | " + " | ".join(_cell(libraries, name, case) for case in cases) + " |"
        for name in ENTRIES
    ]
    return "\n".join([*head, *lines, "", *_reasons(libraries), "", *_launches(table)])


def _version(name: str) -> str:
    entry = ENTRIES[name]
    return "" if entry.missing() else entry.version()


def _cell(table: pd.DataFrame, name: str, case: str) -> str:
    row = table[(table.contestant == name) & (table.case == case)].iloc[0]
    if row.reason:
        return "-"
    if case in (SPEED, LOG):
        return f"{row.ours:,.0f}" + (f" ({ESTIMATES[name]})" if case == LOG else "")
    return f"{row.ours:.2f}% ({row.lower:.2f} to {row.upper:.2f})"


def _reasons(table: pd.DataFrame) -> list[str]:
    absent = table[table.reason != ""].drop_duplicates(["contestant", "reason"]).to_dict("records")
    return [f"- {row['contestant']}, {row['case']}: {row['reason']}" for row in absent]


def _launches(table: pd.DataFrame) -> list[str]:
    found = table[table.case.str.contains("gain over")].to_dict("records")
    head = ["| scenario | policy | gain over uniform | seasons | seconds a season |", "|---|---|---|---|---|"]
    return [*head, *map(_launch_line, found)]


def _launch_line(row: dict[Any, Any]) -> str:
    gain = f"{row['ours']:+.1f}% ({row['lower']:+.1f} to {row['upper']:+.1f})"
    scenario = str(row["case"]).partition(",")[0]
    return f"| {scenario} | `{row['contestant']}` | {gain} | {row['runs']} | {row['seconds']:.1f} |"
