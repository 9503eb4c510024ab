"""Peers: a race, its regret and its reasons come out as worked out by hand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import pytest

from benchmarks.suites import borrowed, off_policy_peers, peers
from benchmarks.suites.contenders import ENTRIES, Entry
from benchmarks.suites.off_policy import made
from benchmarks.suites.speed import Plain
from benchmarks.suites.suite import COLUMNS
from envs.linear import Linear
from policies.policy import PolicyError, Problem


class Fixed:
    """Always the action of its round, and writes down what it is told."""

    told: ClassVar[list[tuple[int, int, float]]] = []

    def __init__(self, K: int, d: int) -> None:
        self.told.clear()
        self._K = K

    def shaped(self, contexts: Any, menus: Any) -> Sequence[int]:
        return [i % self._K for i in range(len(contexts))]

    def ask(self, i: int, x: int) -> int:
        return x

    def tell(self, i: int, x: int, action: int, reward: float) -> None:
        self.told.append((i, action, reward))


FIXED = Entry("launchsim", "policies", Fixed)


def test_regret_is_zero_for_the_best_and_one_hundred_for_chance() -> None:
    """Two actions worth 1 and 0: chance loses 1/2 a round; always the worse one loses twice that."""
    truth = np.tile([1.0, 0.0], (4, 1))
    assert peers.regret(truth, None, [0, 0, 0, 0]) == 0.0
    assert peers.regret(truth, None, [0, 1, 0, 1]) == pytest.approx(100.0)
    assert peers.regret(truth, None, [1, 1, 1, 1]) == pytest.approx(200.0)


def test_regret_on_a_menu_is_beside_the_best_on_offer() -> None:
    """Of actions worth 3, 2 and 0 the last two are on offer: choosing 2 loses nothing, choosing 0 twice chance's 1."""
    truth, menus = np.array([[3.0, 2.0, 0.0]]), np.array([[False, True, True]])
    assert peers.regret(truth, menus, [1]) == 0.0
    assert peers.regret(truth, menus, [2]) == pytest.approx(200.0)


def test_half_of_the_actions_are_on_offer_and_each_as_often() -> None:
    menus = peers.halves(4_000, 0)
    assert (menus.sum(axis=1) == 5).all()
    assert menus.mean(axis=0) == pytest.approx(0.5, abs=0.03)


@pytest.mark.parametrize("late", [0, 3])
def test_a_reward_is_told_as_many_rounds_late_as_asked(late: int) -> None:
    problem = Linear(4, 2, 10, seed=1)
    chosen, _ = peers.race(FIXED, problem, late=late)
    assert chosen == [i % 4 for i in range(10)]
    assert [i for i, *_ in Fixed.told] == list(range(10 - late))
    assert all(reward == problem.rewards[i, action] for i, action, reward in Fixed.told)


@pytest.mark.parametrize("entry", [ENTRIES["launchsim"], Entry("numpy", "numpy", Plain)])
def test_what_is_chosen_has_the_greatest_bound(entry: Entry) -> None:
    """theta = (I + X'X)^-1 X'r and a bound of sqrt(x' (I + X'X)^-1 x), inverted anew in every round."""
    problem, K = Linear(3, 2, 60, seed=2), 3
    precision, moments = np.tile(np.eye(3), (K, 1, 1)), np.zeros((K, 3))
    for x, rewards, chosen in zip(problem.contexts, problem.rewards, peers.race(entry, problem)[0], strict=True):
        inverse = np.linalg.inv(precision)
        bounds = np.einsum("kij,kj,i->k", inverse, moments, x) + np.sqrt(np.einsum("kij,i,j->k", inverse, x, x))
        assert bounds[chosen] == pytest.approx(bounds.max(), abs=1e-9)
        precision[chosen] += np.outer(x, x)
        moments[chosen] += rewards[chosen] * x


def test_ties_are_drawn_so_that_late_rewards_do_not_leave_all_on_one_action() -> None:
    """Nothing is told in 30 rounds: had ties gone to the first, it would have been chosen in all of them."""
    assert len(set(peers.race(ENTRIES["launchsim"], Linear(3, 2, 30), late=30)[0])) == 3


@pytest.mark.parametrize("name", [name for name in ENTRIES if name != "launchsim"])
def test_a_peer_learns_a_linear_problem_where_it_is_installed(name: str) -> None:
    entry = ENTRIES[name]
    if entry.missing():
        pytest.skip(entry.missing())
    problem = Linear(3, 2, 400, seed=3)
    assert peers.regret(problem.truth, None, peers.race(entry, problem)[0]) < 60


@pytest.mark.parametrize("name", list(off_policy_peers.WORKS))
def test_every_library_makes_the_same_estimates(name: str) -> None:
    if ENTRIES[name].missing():
        pytest.skip(ENTRIES[name].missing())
    log = made(2_000)
    rows, feedback = np.arange(2_000), log.feedback
    weights = log.probabilities[rows, feedback.chosen] / feedback.propensities
    direct = (log.probabilities * log.predictions).sum(axis=1)
    known = {
        "ips": (weights * feedback.rewards).mean(),
        "snips": (weights * feedback.rewards).sum() / weights.sum(),
        "dr": (direct + weights * (feedback.rewards - log.predictions[rows, feedback.chosen])).mean(),
    }
    found = off_policy_peers.WORKS[name](log)
    assert found == pytest.approx({estimator: known[estimator] for estimator in found})


def test_who_is_not_installed_gets_a_dash_and_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peers, "ENTRIES", {"nobody": Entry("nobodys-bandits", "nobodys_bandits", Fixed)})
    cases = [peers.SPEED, peers.PLAIN, peers.MENUS, peers.LATE, peers.LOG]
    launch = pd.DataFrame([["spring_launch, gain over uniform, %", "linucb", 20.0, 18.0, 22.0, 3, 0.5, ""]],
                          columns=[*COLUMNS, "reason"])  # fmt: skip
    table = pd.concat([*(peers._measure(case, np.full((2, 1), np.nan)) for case in cases), launch])
    page = peers.told(table).splitlines()
    assert page[2] == "| nobody  | - | - | - | - | - |"
    assert "- nobody, decisions a second: not installed: pip install nobodys-bandits" in page
    assert page[-1] == "| spring_launch | `linucb` | +20.0% (+18.0 to +22.0) | 3 | 0.5 |"


def test_a_borrowed_policy_that_is_not_there_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "gittins", None)
    with pytest.raises(PolicyError, match=r"gittins must be installed .*launchsim\[peers\]"):
        borrowed.Gittins(Problem(2, 1))
