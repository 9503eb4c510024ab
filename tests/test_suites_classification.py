"""The suite of labels as bandits: losses in closed form, the rule of wins, and VW's own conversion."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from benchmarks.suites import cbify, classification, labelled
from benchmarks.suites.classification import Guesses, balance, best, rows, sets, told, wins
from benchmarks.suites.suite import Asked, rows_of
from envs.classified import Classified
from envs.outcomes import Outcomes
from policies.policy import PolicyError


def file(folder: Path, name: str = "set.csv") -> Path:
    """60 of one kind, 40 of the other, told apart by `x`."""
    table = pd.DataFrame({"kind": ["a"] * 60 + ["b"] * 40, "x": [0.0] * 60 + [1.0] * 40})
    table.to_csv(folder / name, index=False)
    return folder / name


@pytest.mark.parametrize("costs", ["0/1", "-1/0"])
def test_who_always_guesses_one_label_is_wrong_wherever_it_is_another(costs: str, tmp_path: Path) -> None:
    guesses = Guesses(str(file(tmp_path)), "kind", costs)
    calls = {"first": "fixed_order(order=[0])", "second": "fixed_order(order=[1])"}
    found = rows_of("a", guesses, calls, [0], lambda own: own.regret / 100, Asked(tmp_path / "out"))
    assert found.ours.tolist() == pytest.approx([0.4, 0.6])


def test_costs_are_told_in_two_ways(tmp_path: Path) -> None:
    assert set(np.unique(Guesses(str(file(tmp_path)), "kind", "0/1")(0).rewards)) == {-1.0, 0.0}
    assert set(np.unique(Guesses(str(file(tmp_path)), "kind", "-1/0")(0).rewards)) == {0.0, 1.0}


def test_a_win_is_what_the_z_test_calls_one() -> None:
    """0.1 and 0.2 on 100 examples: z = 0.1 / sqrt((0.09 + 0.16) / 100) = 2, beyond 1.645; on 50 it is 1.41."""
    assert wins(0.1, 0.2, 100)
    assert not wins(0.1, 0.2, 50)
    assert not wins(0.2, 0.1, 100)
    assert not wins(0.0, 0.0, 100)
    assert wins(0.0, 1.0, 100)


def test_wins_are_counted_over_sets_against_losses() -> None:
    losses = {"one": (0.1, 0.2), "two": (0.1, 0.2), "three": (0.2, 0.1), "four": (0.1, 0.11)}
    table = pd.DataFrame(
        [(case, name, loss, 100) for case, both in losses.items() for name, loss in zip("ab", both, strict=True)],
        columns=["case", "contestant", "ours", "n"],
    )
    assert balance(table).to_numpy().tolist() == [[0, 1], [-1, 0]]


def test_the_best_learning_rate_of_each_policy_counts() -> None:
    played = pd.DataFrame(
        [("greedy 0.1", 0.3), ("greedy 1", 0.2), ("bag 0.1", 0.4), ("linucb", 0.5)], columns=["contestant", "ours"]
    ).assign(case="a", n=100)
    found = best(played).set_index("contestant")
    assert found.ours.to_dict() == {"greedy": 0.2, "bag": 0.4, "linucb": 0.5}
    assert found.rate["greedy"] == 1.0
    assert found.lower["greedy"] < 0.2 < found.upper["greedy"]


def blobs(K: int, n: int = 400) -> Outcomes:
    """Labels that a linear rule half tells."""
    random = np.random.default_rng(K)
    labels = random.integers(K, size=n)
    return Classified(random.normal(size=(K, 5))[labels] + random.normal(size=(n, 5)), labels, 1)


@pytest.mark.parametrize("K", [2, 3, 20])
@pytest.mark.parametrize("exploration", cbify.EXPLORATIONS)
def test_our_loop_loses_exactly_what_vws_own_conversion_does(K: int, exploration: str) -> None:
    def environment(seed: int) -> Any:
        return blobs(K)

    found = cbify.Beside(environment, exploration).answer()
    assert found["ours"] == found["theirs"]
    assert 0 < found["ours"] < 400 * (1 - 1 / K)  # it has learned


def test_a_file_of_ones_own_is_played_by_its_label_column(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(classification, "WITH_RATE", {"greedy": classification.WITH_RATE["greedy"]})
    monkeypatch.setattr(classification, "WITHOUT", ("linucb",))
    asked = Asked(tmp_path / "out", data=(file(tmp_path),), label="kind")
    assert set(sets(asked)) == {"set"}
    table = rows(asked)
    assert set(table.case) == {"set, costs 0/1", "set, costs -1/0"}
    easy = table[table.contestant == "greedy"]
    assert (easy.ours < 0.1).all()
    page = told(table)
    assert "| set | 100 |" in page
    assert "| set, costs 0/1 |" in page


WINES = """% a comment
@RELATION wines
@ATTRIBUTE 'alcohol in %' NUMERIC
@ATTRIBUTE colour {red, 'not so red', rose}
@ATTRIBUTE label {good, poor}
@DATA
1.0,red,good
3.0,'not so red',poor
?,red,poor
2.0,rose,good
"""


def test_an_arff_file_is_the_same_table_as_its_csv(tmp_path: Path) -> None:
    (tmp_path / "wines.arff").write_text(WINES)
    rows = WINES.split("@DATA\n")[1].replace("'", "").replace("?", "")
    (tmp_path / "wines.csv").write_text("alcohol in %,colour,label\n" + rows)
    features, labels = labelled.read(tmp_path / "wines.arff")
    same, named = labelled.read(tmp_path / "wines.csv")
    np.testing.assert_array_equal(features, same)
    assert labels.tolist() == named.tolist() == ["good", "poor", "good"]


@pytest.mark.parametrize(
    ("wrong", "said"), [("1.0,red", "line 7"), ("1.0,blue,good", "line 7"), ("x,red,good", "line")]
)
def test_a_line_of_an_arff_file_that_is_wrong_is_named(wrong: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "wines.arff").write_text(WINES.replace("1.0,red,good", wrong))
    with pytest.raises(PolicyError, match=f"wines.arff: .*{said}"):
        labelled.read(tmp_path / "wines.arff")


def test_scikit_learns_own_sets_are_always_there(tmp_path: Path) -> None:
    assert {"iris", "wine", "breast_cancer", "digits"} <= set(sets(Asked(tmp_path)))
