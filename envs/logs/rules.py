"""What every row of a log must do to be kept, in SQL, and what to set where none does."""

from __future__ import annotations

from envs.logs.cells import FIRST_YEAR, LAST_YEAR
from envs.logs.columns import Columns

LINE_ADVICE = {"be in the encoding of the file": "set encoding, such as cp1252"}
_NUMBER = "set decimal and thousands, or name another column"


class Rule:
    """What a row must do; `broken` is SQL, true where it does not, and `advice` helps where no row does."""

    def __init__(self, role: str, column: str, rule: str, broken: str, advice: str = "name another column") -> None:
        self.role, self.column, self.rule, self.broken, self.advice = role, column, rule, broken, advice
        self.text = f"{column} must {rule}"


def rules(columns: Columns, K: int) -> list[Rule]:
    """In the order they are tried."""
    found = _of_time(columns) if columns.time else []
    whose = f" in {columns.items.file}" if columns.items and columns.items.file else ""
    found += [
        Rule("action", columns.action, f"be one of the {K} actions{whose}", "name IS NULL OR k IS NULL", "set actions"),
        Rule("reward", columns.reward, "be a finite number", "reward IS NULL OR NOT isfinite(reward)", _NUMBER),
    ]
    if columns.propensity:
        column = columns.propensity if isinstance(columns.propensity, str) else "propensity"
        good = "propensity > 0 AND propensity <= 1"
        found.append(Rule("propensity", column, "be above 0 and at most 1", f"({good}) IS NOT TRUE", _NUMBER))
    if columns.available:
        holds = "list_contains(available, name)"
        known = "list_has_all(all_names, available) AND list_count(available) = len(available)"
        found += [
            Rule("available", columns.available, "hold the action taken", f"({holds}) IS NOT TRUE"),
            Rule("available", columns.available, "hold known actions only", f"({known}) IS NOT TRUE", "set actions"),
        ]
    if columns.position:
        good = "position >= 0 AND position < 32768 AND position = floor(position)"
        found.append(Rule("position", columns.position, "be a whole number from 0", f"({good}) IS NOT TRUE"))
    if columns.known:
        good = "known >= time AND isfinite(known)"
        found.append(Rule("known", columns.known, "be a time at or after the decision", f"({good}) IS NOT TRUE"))
    if columns.weight:
        good = "weight > 0 AND isfinite(weight)"
        found.append(Rule("weight", columns.weight, "be a finite number above 0", f"({good}) IS NOT TRUE", _NUMBER))
    if columns.id:
        found.append(Rule("id", columns.id, "be there, and once", "id IS NULL OR times_seen > 1"))
    return found + _of_context(columns)


def _of_time(columns: Columns) -> list[Rule]:
    advice = f"set time_format or time_unit; dates are from {FIRST_YEAR} to {LAST_YEAR - 1}"
    return [
        Rule("time", columns.time, "be a time", "time IS NULL OR NOT isfinite(time)", advice),
        Rule("time", columns.time, "be 0 or more", "time < 0", advice),
    ]


def _of_context(columns: Columns) -> list[Rule]:
    found = []
    for i, (column, how) in enumerate(columns.context.items()):
        if how.kind == "number":
            bad = f"NOT missing{i} AND (context{i} IS NULL OR NOT isfinite(context{i}))"
            advice = 'set decimal and thousands, or kind = "one-hot" or "hash"'
            found.append(Rule(f"context{i}", column, "be a finite number", bad, advice))
        if how.missing == "drop":
            found.append(Rule(f"context{i}", column, "not be missing", f"missing{i}", "set missing"))
    return found
