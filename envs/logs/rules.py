"""What every row of a log must do to be kept, in SQL."""

from __future__ import annotations

from envs.logs.columns import Columns


class Rule:
    """What a row must do: `broken` is the SQL that is true where it does not."""

    def __init__(self, role: str, column: str, rule: str, broken: str) -> None:
        self.role, self.column, self.rule, self.broken = role, column, rule, broken
        self.text = f"{column} must {rule}"


def rules(columns: Columns, K: int) -> list[Rule]:
    """In the order they are tried."""
    found = [
        Rule("time", columns.time, "be a time", "time IS NULL OR NOT isfinite(time)"),
        Rule("time", columns.time, "be 0 or more", "time < 0"),
        Rule("action", columns.action, f"be one of the {K} actions", "name IS NULL OR k IS NULL"),
        Rule("reward", columns.reward, "be a finite number", "reward IS NULL OR NOT isfinite(reward)"),
    ]
    if columns.propensity:
        good = "propensity > 0 AND propensity <= 1"
        found.append(Rule("propensity", columns.propensity, "be above 0 and at most 1", f"({good}) IS NOT TRUE"))
    if columns.available:
        holds = "list_contains(available, name)"
        found += [
            Rule("available", columns.available, "hold the action taken", f"({holds}) IS NOT TRUE"),
            Rule("available", columns.available, "hold known actions only", "NOT list_has_all(all_names, available)"),
        ]
    if columns.position:
        good = "position >= 0 AND position < 32768 AND position = floor(position)"
        found.append(Rule("position", columns.position, "be a whole number from 0", f"({good}) IS NOT TRUE"))
    if columns.known:
        good = "known >= time AND isfinite(known)"
        found.append(Rule("known", columns.known, "be a time at or after the decision", f"({good}) IS NOT TRUE"))
    if columns.id:
        found.append(Rule("id", columns.id, "be there, and once", "id IS NULL OR times_seen > 1"))
    for i, (column, how) in enumerate(columns.context.items()):
        if how.kind == "number":
            bad = f"NOT missing{i} AND (context{i} IS NULL OR NOT isfinite(context{i}))"
            found.append(Rule(f"context{i}", column, "be a finite number", bad))
        if how.missing == "drop":
            found.append(Rule(f"context{i}", column, "not be missing", f"missing{i}"))
    return found
