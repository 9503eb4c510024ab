"""Mutants: every small change of a file once, and nothing that only words would notice."""

from __future__ import annotations

import ast

from benchmarks.suites.mutants import Mutant, count, mutant

SOURCE = '''"""Words."""
from a import b

@decorated(1)
def f(x: int = 3) -> float:
    """More words."""
    if x < 2 and not b:
        raise ValueError(f"{x + 1}")
    y.z = max(x, 1.5)
    return y[0] - x if True else 0.0
'''


def mutants() -> list[Mutant]:
    return [mutant(SOURCE, number) for number in range(count(SOURCE))]


def changes() -> list[str]:
    return [one.change for one in mutants()]


def test_each_change_is_made_once_and_alone() -> None:
    sources = {one.source for one in mutants()}
    assert len(sources) == len(changes()) > 15
    original = ast.unparse(ast.parse(SOURCE)).splitlines()
    for source in sources:
        changed = [line for line in zip(original, source.splitlines(), strict=True) if line[0] != line[1]]
        assert len(changed) == 1


def test_beyond_the_last_there_is_none() -> None:
    assert mutant(SOURCE, count(SOURCE)) == Mutant(0, "", ast.unparse(ast.parse(SOURCE)))


def test_what_can_be_wrong_is_changed() -> None:
    for change in (
        "x < 2  ->  x <= 2",
        "x < 2 and (not b)  ->  x < 2",
        "not b  ->  b",
        "if x < 2 and (not b)  ->  if False",
        "y.z = max(x, 1.5)  ->  nothing",
        "max(x, 1.5)  ->  min(...)",
        "1.5  ->  3.0",
        "y[0] - x  ->  y[0] + x",
        "y[0] - x  ->  y[0]",
        "0.0  ->  1.0",
        "3  ->  4",
    ):
        assert change in changes()


def test_words_imports_decorators_and_annotations_stay() -> None:
    assert not any("Words" in change or "x + 1" in change or "decorated" in change for change in changes())
    for one in mutants():
        assert "from a import b" in one.source
        assert "@decorated(1)" in one.source
        assert "raise ValueError(f'{x + 1}')" in one.source
