"""Somebody else's policy: whatever it does wrong is one line that names it, its method, the season and its own code."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from shop import Shop

from benchmarks import foreign
from benchmarks.sweeps.runs import play_runs
from benchmarks.workers.provenance import code
from policies.policy import Decisions, PolicyError, Problem

PROBLEM = Problem(n_actions=3, n_context_features=2)
ASKED = Decisions(np.zeros(2), np.ones((2, 2)), np.empty((3, 0)), np.ones((2, 3), bool))
STRANGERS = """
import sys

class Even:
    def __init__(self, problem, *, seed=0): self.lessons = 0
    def probabilities(self, decisions): return decisions.available / decisions.available.sum(1, keepdims=True)
    def learn(self, feedback): pass

class Unlucky(Even):
    def __init__(self, problem, *, seed=0): 1 / 0

class Seedless(Even):
    def __init__(self, problem): pass

class Forgetful(Even):
    def learn(self, feedback):
        raise KeyError("first\\nsecond")

class Leaving(Even):
    def learn(self, feedback): sys.exit(3)

class Silent(Even):
    def probabilities(self, decisions): return None

class Complex(Even):
    def probabilities(self, decisions): return super().probabilities(decisions).astype(complex)

class Boxed(Even):
    def probabilities(self, decisions): return super().probabilities(decisions).astype(object)

class Ragged(Even):
    def probabilities(self, decisions): return [[1.0], [0.5, 0.5]]

class Listing(Even):
    def probabilities(self, decisions): return super().probabilities(decisions).tolist()

class First(Even):
    def probabilities(self, decisions): return ((decisions.available.cumsum(1) == 1) & decisions.available).astype(int)

class Nobody:
    def __init__(self, problem, *, seed=0): pass
"""


@pytest.fixture(autouse=True)
def strangers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "strangers", raising=False)
    (tmp_path / "strangers.py").write_text(STRANGERS)
    return tmp_path


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Unlucky", ["__init__", "seed 7", "ZeroDivisionError", "strangers.py line 10"]),
        ("Seedless", ["__init__", "unexpected keyword argument 'seed'"]),
        ("Nobody", ["must have a method probabilities"]),
        ("Missing", ["cannot be loaded", "Missing"]),
    ],
)
def test_a_policy_that_cannot_be_made_is_told_in_one_line(name: str, words: list[str]) -> None:
    with pytest.raises(PolicyError) as told:
        foreign.load(f"strangers:{name}", PROBLEM, seed=7)
    assert all(word in str(told.value) for word in words)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Silent", ["got None"]),
        ("Complex", ["complex128"]),
        ("Boxed", ["object"]),
        ("Ragged", ["ragged"]),
    ],
)
def test_an_answer_that_is_no_array_of_numbers_is_told_in_one_line(name: str, words: list[str]) -> None:
    policy = foreign.load(f"strangers:{name}", PROBLEM)
    with pytest.raises(PolicyError, match="probabilities must be") as told:
        policy.probabilities(ASKED)
    assert all(word in str(told.value) for word in [f"strangers:{name}", *words])


@pytest.mark.parametrize(("name", "first"), [("Listing", 1 / 3), ("First", 1.0)])
def test_lists_and_whole_numbers_that_mean_an_array_are_taken(name: str, first: float) -> None:
    answer = foreign.load(f"strangers:{name}", PROBLEM).probabilities(ASKED)
    assert answer.dtype == float
    assert answer[0, 0] == first


@pytest.mark.parametrize(("name", "said"), [("Forgetful", "KeyError"), ("Leaving", "SystemExit: 3")])
def test_a_policy_that_fails_in_a_season_stops_no_other(name: str, said: str) -> None:
    played = play_runs(Shop, ["uniform", f"strangers:{name}"], [0, 1], days=10)
    assert list(played.records.policy.unique()) == ["uniform"]
    (reason,) = played.failed.values()
    assert "\n" not in reason
    assert all(word in reason for word in (f"strangers:{name}: learn failed", "seed 0", said, "strangers.py line"))


def test_if_every_policy_fails_the_first_reason_is_the_answer() -> None:
    with pytest.raises(PolicyError, match="strangers:Leaving: learn failed"):
        play_runs(Shop, ["strangers:Leaving"], [0, 1], days=10)


def test_what_a_policy_offers_besides_is_still_there() -> None:
    policy = foreign.load("strangers:Even", PROBLEM)
    assert policy.lessons == 0
    with pytest.raises(AttributeError):
        policy.coefficients  # noqa: B018


def test_a_changed_module_beside_the_policy_is_another_run(strangers: Path) -> None:
    (strangers / "advice.py").write_text("RATE = 0.1\n")
    code.cache_clear()
    before = code("strangers:Even")
    (strangers / "advice.py").write_text("RATE = 0.2\n")
    code.cache_clear()
    assert code("strangers:Even") != before


def test_a_changed_module_in_the_same_package_is_another_run(strangers: Path) -> None:
    package = strangers / "shopkit"
    (package / "deep").mkdir(parents=True)
    for file in ("__init__.py", "deep/__init__.py"):
        (package / file).write_text("")
    (package / "deep" / "choices.py").write_text(STRANGERS)
    (package / "advice.py").write_text("RATE = 0.1\n")
    code.cache_clear()
    before = code("shopkit.deep.choices:Even")
    (package / "advice.py").write_text("RATE = 0.2\n")
    code.cache_clear()
    assert code("shopkit.deep.choices:Even") != before


def test_what_cannot_go_to_another_process_is_told_before_the_work() -> None:
    with pytest.raises(PolicyError, match="or use one process"):
        play_runs(lambda seed: Shop(seed), ["uniform"], [0, 1], days=10, workers=2)


UNGUARDED = """
from benchmarks.workers.jobs import play_all

class Season:
    def play(self):
        return 1

list(play_all([Season()] * 2, workers=2))
"""


def test_a_script_without_its_guard_is_told_what_it_lacks(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(UNGUARDED)
    here = Path(__file__).parent
    environment = {"PYTHONPATH": f"{here}:{here.parent}", "PATH": "/usr/bin:/bin"}
    done = subprocess.run([sys.executable, script], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert 'needs `if __name__ == "__main__":`' in done.stderr


def test_a_policy_typed_into_a_notebook_is_told_that_other_processes_cannot_find_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delattr(sys.modules["__main__"], "__file__", raising=False)
    with pytest.raises(PolicyError, match="one process, or lie in a file, got '__main__:Mine'"):
        play_runs(Shop, ["uniform", "__main__:Mine"], [0, 1], days=10, workers=2)


def test_a_module_that_names_a_file_that_is_none_is_no_source(monkeypatch: pytest.MonkeyPatch) -> None:
    """Some libraries do: torch calls itself _classes.py, which would lie in whatever folder one is in."""
    made_up = ModuleType("made_up")
    made_up.__file__ = str(Path(foreign.__file__).parent / "_classes.py")
    monkeypatch.setitem(sys.modules, "made_up", made_up)
    assert Path(made_up.__file__) not in foreign.sources(foreign.Foreign)
