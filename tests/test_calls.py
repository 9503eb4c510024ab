"""Policies as they are typed."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policies.calls import parse
from policies.policy import PolicyError


@pytest.mark.parametrize(
    ("text", "name", "given_settings"),
    [
        ("linucb", "linucb", {}),
        ("linucb()", "linucb", {}),
        (" linucb(alpha=0.5, ridge=-4) ", "linucb", {"alpha": 0.5, "ridge": -4}),
        ("fixed_order(order=[2, 0])", "fixed_order", {"order": [2, 0]}),
        ("vowpal(explore='bag', interactions=[':: a(b)'])", "vowpal", {"explore": "bag", "interactions": [":: a(b)"]}),
        ("popularity(half_life=None)", "popularity", {"half_life": None}),
        ("shop.policies:Mine(x=1, deep=True)", "shop.policies:Mine", {"x": 1, "deep": True}),
        ("shop:Mine", "shop:Mine", {}),
    ],
)
def test_a_call_is_a_name_and_literal_settings(text: str, name: str, given_settings: dict[str, object]) -> None:
    assert parse(text) == (name, given_settings)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "linucb(",
        "linucb)",
        "lin ucb",
        "linucb(0.5)",
        "linucb(a=0.5",
        "linucb(a=0.5))",
        "linucb(a=0.5)(x=1)",
        "linucb(**{'a': 1})",
        "linucb(a=1, a=2)",
        "linucb(a=1) # )",
        "linucb(a=1); f()",
        "a:b:c(x=1)",
        "linucb(a=\x00)",
    ],
)
def test_what_does_not_read_like_a_call_is_one_line(text: str) -> None:
    with pytest.raises(PolicyError) as error:
        parse(text)
    assert str(error.value) == f"policy must read like linucb(alpha=0.5), got {text!r}"


@pytest.mark.parametrize(
    "value", ["f()", "x", "__import__('os').system('ls')", "[y for y in z]", "1 if a else 2", "f'{x}'"]
)
def test_only_literals_are_values(value: str) -> None:
    with pytest.raises(PolicyError, match="alpha must be a number, a quoted text or a list of these, got "):
        parse(f"linucb(alpha={value})")


def test_a_seed_is_no_setting() -> None:
    with pytest.raises(PolicyError, match="seed must be given to the run, not to a policy"):
        parse("uniform(seed=1)")


@given(st.text(max_size=30))
@settings(max_examples=50)
def test_any_text_is_a_call_or_one_line(text: str) -> None:
    with suppress(PolicyError):
        name, _ = parse(f"linucb({text})")
        assert name == "linucb"


@pytest.mark.parametrize("given", [PolicyError, PolicyError("x"), None])
def test_a_policy_itself_is_asked_for_by_its_name(given: object) -> None:
    with pytest.raises(PolicyError, match=r"policy must be text such as .* or '__main__:\w+', got"):
        parse(given)  # type: ignore[arg-type]
