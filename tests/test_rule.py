"""A marketer's rule: who sees what, in the units in which it was typed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import policies
from policies.policy import ContextFeature, Decisions, PolicyError, Problem

PROBLEM = Problem(
    n_actions=3,
    n_context_features=4,
    action_names=("Mens E-Mail", "No E-Mail", "Womens E-Mail"),
    context=(
        ContextFeature("constant"),
        ContextFeature("womens", mean=0.5, scale=0.5),
        ContextFeature("recency", mean=6.0, scale=3.0),
        ContextFeature("channel=Web"),
    ),
)


def asked(womens: Any, recency: Any, web: Any) -> Decisions:
    """Visitors as a log has them: numbers standardised."""
    n = len(womens)
    columns = np.ones(n), (np.array(womens) - 0.5) / 0.5, (np.array(recency) - 6.0) / 3.0, np.array(web, float)
    return Decisions(np.zeros(n), np.column_stack(columns), np.empty((3, 0)), np.ones((n, 3), bool))


def shown(policy: Any, decisions: Decisions) -> list[int]:
    return [int(k) for k in policy.probabilities(decisions).argmax(axis=1)]


FILE = """
[[rules]]
if = "womens > 0 and recency <= 6"
show = ["Womens E-Mail"]

[[rules]]
if = "channel = Web"
show = ["No E-Mail", "Womens E-Mail"]

[[rules]]
show = ["Mens E-Mail"]
"""


def test_the_first_rule_that_holds_decides(tmp_path: Path) -> None:
    (tmp_path / "rule.toml").write_text(FILE)
    policy = policies.load("rule", PROBLEM, file=str(tmp_path / "rule.toml"))
    visitors = asked([1, 1, 0, 0], [6, 7, 2, 2], [0, 1, 1, 0])
    assert shown(policy, visitors) == [2, 1, 1, 0]
    visitors.available[:, 1] = False
    assert shown(policy, visitors) == [2, 2, 2, 0]


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("recency = 6", [True, False, False]),
        ("recency != 6", [False, True, True]),
        ("recency < 7", [True, False, True]),
        ("recency >= 7", [False, True, False]),
        ("channel != Web", [True, False, True]),
        ("channel = 'Web'", [False, True, False]),
    ],
)
def test_comparisons_are_in_the_units_of_the_log(condition: str, expected: list[bool]) -> None:
    policy = policies.load("rule", PROBLEM, rules=[{"if": condition, "show": ["Womens E-Mail"]}])
    assert [k == 2 for k in shown(policy, asked([1, 1, 1], [6, 7, 2], [0, 1, 0]))] == expected


def test_a_saved_rule_needs_no_file(tmp_path: Path) -> None:
    (tmp_path / "rule.toml").write_text(FILE)
    policies.load("rule", PROBLEM, file=str(tmp_path / "rule.toml"), epsilon=0.3).save(tmp_path / "policy.zip")
    (tmp_path / "rule.toml").unlink()
    visitors = asked([1, 0], [1, 9], [0, 1])
    probabilities = policies.restore(tmp_path / "policy.zip").probabilities(visitors)
    np.testing.assert_allclose(probabilities, [[0.1, 0.1, 0.8], [0.1, 0.8, 0.1]])


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ({"if": "womens", "show": ["No E-Mail"]}, "rule must compare, like womens > 0, got 'womens'"),
        ({"if": "age > 3", "show": ["No E-Mail"]}, r"name one of constant, womens, .*, got 'age > 3'"),
        ({"if": "womens > many", "show": ["No E-Mail"]}, r"compare with a number, .*, got 'womens > many'"),
        ({"show": ["Mens Email"]}, r"such as 'Mens E-Mail', got 'Mens Email'"),
        ({"if": "womens > 0"}, r'rule must have "show" .*, got'),
        ("womens", r'rule must have "show" .*, got \'womens\''),
    ],
)
def test_a_rule_that_cannot_be_is_one_line_that_says_why(rule: Any, message: str) -> None:
    with pytest.raises(PolicyError, match=f"^rule: .*{message}"):
        policies.load("rule", PROBLEM, rules=[rule])


def test_a_file_that_is_none_is_named() -> None:
    with pytest.raises(PolicyError, match=r"file must be a TOML file with rules, got 'nowhere.toml'"):
        policies.load("rule", PROBLEM, file="nowhere.toml")
