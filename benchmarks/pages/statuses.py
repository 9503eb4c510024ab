"""What was found of each policy as a status: its number, the threshold it was held to, and what to do now."""

from __future__ import annotations

import json
import math
from typing import Any

import pandas as pd

from benchmarks.compared import Comparison
from benchmarks.comparison.statistics import CONFIDENCE
from benchmarks.pages.page import versions
from benchmarks.pages.plots import UNITS
from benchmarks.workers.provenance import code

_FEWEST = 5  # seasons that can give a verdict
_MOST = 1_000  # seasons that anybody would wait for
_POWER = 2.0  # times as many seasons as would just reach, so that four of five such comparisons find it


def statuses(comparison: Comparison) -> list[dict[str, Any]]:
    """Of each policy, best first: `policy, status, sales, difference, lower, upper, percent, p, threshold, do`.

    None stands where there is no such number; those that could not be played come last, with status "failed".
    """
    found = [_status(comparison, str(policy)) for policy in comparison.table.index]
    failed = [
        {"policy": policy, "status": "failed", "threshold": "", "do": f"{reason.removesuffix('.')}."}
        for policy, reason in comparison.failed.items()
    ]
    return found + failed


def as_json(comparison: Comparison, answer: list[str], command: str, page: str) -> str:
    """The finding for other programs: the answer, the statuses, and how to find the same again."""
    told = {
        "answer": answer,
        "measure": comparison.measure,
        "baseline": comparison.baseline,
        "statuses": statuses(comparison),
        "guardrails": _records(comparison.guards),
        "evidence": _records(comparison.evidence.reset_index()),
        "reproduce": {
            "command": command,
            "seeds": comparison.seeds,
            "code": digest(),
            "made_with": versions(),
        },
        "page": page,
    }
    return json.dumps(told, indent=1, allow_nan=False)


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """A row a dictionary; None where there is no number, or an infinite one."""
    rows = table.to_dict("records")
    return [
        {
            str(key): None if isinstance(value, float) and not math.isfinite(value) else value
            for key, value in row.items()
        }
        for row in rows
    ]


def digest() -> str:
    """The beginning of the digest of all our source that a run depends on."""
    return code("uniform")[:12]


def _status(comparison: Comparison, policy: str) -> dict[str, Any]:
    row: Any = comparison.table.loc[policy]
    numbers = {"sales": row.sales, "difference": row.difference, "lower": row.difference_lower}
    numbers |= {"upper": row.difference_upper, "percent": row.percent, "p": row.p}
    told = {name: None if math.isnan(value) else float(value) for name, value in numbers.items()}
    status = row.verdict or "one season"
    return {"policy": policy, "status": status} | told | {"threshold": _threshold(comparison, status)} | {
        "do": _do(comparison, policy, status)
    }  # fmt: skip


def _threshold(comparison: Comparison, status: str) -> str:
    if status == "baseline":
        return ""
    together = len(comparison.policies) - 1
    held = f"{CONFIDENCE:.0%} interval" if together == 1 else f"interval ({CONFIDENCE:.0%} for all {together} together)"
    return f"{held} without 0, sign-flip p at most 0.10, {_FEWEST} seasons at least"


def _do(comparison: Comparison, policy: str, status: str) -> str:
    if policy == "oracle":
        return "Nothing: it is the limit, no shop can have it."
    if status == "better":
        return f"Try it in the shop on a part of the visitors, beside {comparison.baseline}."
    if status == "worse":
        return "Leave it, or search its settings: launchsim tune."
    if status == "discuss":
        return _weighing(comparison, policy)
    return "" if status == "baseline" else _seasons(comparison, policy)


def _weighing(comparison: Comparison, policy: str) -> str:
    """Which guardrails stand between "discuss" and "better"."""
    own = comparison.guards[comparison.guards.policy == policy]
    broken, open_ = (", ".join(own[own.state == state].measure) for state in ("broken", "cannot tell"))
    if broken:
        return f"Weigh what it sells more against {broken}: worse than is allowed. Allow more where you may: --guard."
    return f"Play more seasons, or allow more (--guard): it is not shown to keep {open_}."


def _seasons(comparison: Comparison, policy: str) -> str:
    """How many seasons would tell, if the difference is as large as it looks."""
    row, n = comparison.table.loc[policy], len(comparison.seeds)
    if n < _FEWEST:
        return f"Play more seasons: --seeds {_FEWEST} at least."
    half = (row.difference_upper - row.difference_lower) / 2
    needed = _POWER * n * (half / row.difference) ** 2 if row.difference else math.inf
    if needed > _MOST:
        unit = UNITS[comparison.measure]
        return f"Take them as equal: if they differ, then by less than {half + abs(row.difference):,.0f} {unit}."
    return f"Play more seasons: about --seeds {_rounded(max(needed, n + 5))} would tell a difference of this size."


def _rounded(seasons: float) -> int:
    return int(math.ceil(seasons / 5) * 5) if seasons < 100 else int(math.ceil(seasons / 50) * 50)
