"""Policies as papers wrote them, held to the papers' formulas."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from benchmarks.suites.showdown import FullPosterior, Network, NeuralLinear, Regressions
from policies.policy import Decisions, Feedback, Floats, Problem


def told(n: int, seed: int = 0) -> tuple[FullPosterior, Floats, Floats, Floats]:
    """A policy, and what it was taught: contexts, actions, rewards."""
    random = np.random.default_rng(seed)
    x = np.column_stack([np.ones(n), random.normal(size=(n, 2))])
    chosen = random.integers(2, size=n)  # the third action is never tried
    rewards = 2.0 + x[:, 1] * chosen + 0.3 * random.normal(size=n)
    policy = FullPosterior(Problem(3, 3), precision=4.0, shape=3.0, rate=2.0, pulls=0)
    decisions = Decisions(np.arange(n) * 1.0, x, np.empty((3, 0)), np.ones((n, 3), bool))
    policy.learn(Feedback(decisions, chosen, np.full(n, 1 / 3), rewards))
    return policy, x, chosen, rewards


def test_the_posterior_is_that_of_the_formulas_solved_at_once() -> None:
    """Riquelme, Tucker & Snoek (2018), equation 1: precision, mean, shape and rate from all rows together."""
    policy, x, chosen, rewards = told(60)
    for k in (0, 1, 2):
        own, r = x[chosen == k], rewards[chosen == k]
        precision = own.T @ own + 4.0 * np.eye(3)
        mean = np.linalg.solve(precision, own.T @ r)
        assert policy.regressions.means[k] == pytest.approx(mean)
        assert policy.regressions.inverse[k] == pytest.approx(np.linalg.inv(precision))
        assert policy.regressions.shapes[k] == 3.0 + len(r) / 2
        assert policy.regressions.rates[k] == pytest.approx(2.0 + 0.5 * (r @ r - mean @ precision @ mean))


def test_actions_are_chosen_as_often_as_their_posterior_wins() -> None:
    """Against draws by scipy's own inverse gamma and multivariate normal."""
    from scipy import stats

    policy, *_ = told(12)
    asked = np.array([1.0, 0.4, -0.2])
    n = 4_000
    decisions = Decisions(np.zeros(n), np.tile(asked, (n, 1)), np.empty((3, 0)), np.ones((n, 3), bool))
    shown = policy.probabilities(decisions).mean(axis=0)
    random = np.random.default_rng(5)
    scores = []
    for k in range(3):
        noise = stats.invgamma.rvs(
            policy.regressions.shapes[k], scale=policy.regressions.rates[k], size=n, random_state=random
        )
        plain = random.multivariate_normal(np.zeros(3), policy.regressions.inverse[k], size=n)
        scores.append((policy.regressions.means[k] + np.sqrt(noise)[:, None] * plain) @ asked)
    won = np.bincount(np.argmax(scores, axis=0), minlength=3) / n
    assert shown == pytest.approx(won, abs=4 * np.sqrt(0.5 / n))


def test_each_action_is_pulled_twice_first() -> None:
    policy = FullPosterior(Problem(4, 1))
    decisions = Decisions(np.zeros(8), np.ones((8, 1)), np.empty((4, 0)), np.ones((8, 4), bool))
    assert policy.probabilities(decisions).argmax(axis=1).tolist() == [0, 1, 2, 3, 0, 1, 2, 3]


def test_rows_taken_in_at_once_are_those_taken_in_one_by_one() -> None:
    policy, x, chosen, rewards = told(3_000)  # more of an action than are looked at together
    at_once = Regressions(3, 3, shape=3.0, rate=2.0, precision=4.0)
    at_once.add_all(lambda places: x[places], chosen, rewards)
    for name in ("means", "inverse", "shapes", "rates"):
        assert getattr(at_once, name) == pytest.approx(getattr(policy.regressions, name))


def test_the_gradient_is_the_slope_of_the_loss() -> None:
    """Central differences of the mean squared error of the action shown."""
    random = np.random.default_rng(1)
    network = Network((3, 6, 4, 2), random, np.float64)
    x, chosen, rewards = random.normal(size=(9, 3)), random.integers(2, size=9), random.normal(size=9)

    def loss() -> float:
        answers = network.hidden(x)[-1] @ network.weights[-1] + network.biases[-1]
        return float(((answers[np.arange(9), chosen] - rewards) ** 2).mean())

    parts = [*network.weights, *network.biases]
    for part, gradient in zip(parts, network.gradients(x, chosen, rewards), strict=True):
        for place in np.ndindex(part.shape):
            kept, ends = part[place], []
            for step in (1e-6, -1e-6):
                part[place] = kept + step
                ends.append(loss())
            part[place] = kept
            assert (ends[0] - ends[1]) / 2e-6 == pytest.approx(gradient[place], abs=1e-6)


def test_a_network_learns_what_no_line_tells() -> None:
    """|x| for one action and -|x| for the other: a regression on x alone explains nothing of it."""
    policy = NeuralLinear(Problem(2, 2), seed=3)
    random = np.random.default_rng(0)
    x = np.column_stack([np.ones(600), random.uniform(-1, 1, 600)])
    chosen = random.integers(2, size=600)
    rewards = np.abs(x[:, 1]) * np.where(chosen == 0, 1.0, -1.0)
    for i in range(600):
        asked = Decisions(np.zeros(1), x[i : i + 1], np.empty((2, 0)), np.ones((1, 2), bool))
        policy.learn(Feedback(asked, chosen[i : i + 1], np.ones(1), rewards[i : i + 1]))
    rows = np.array([policy._row(row) for row in x])
    answers = rows @ policy.regressions.means.T
    assert np.abs(answers[np.arange(600), chosen] - rewards).mean() < 0.1


def test_the_last_layer_comes_to_rest() -> None:
    """The rate falls with all steps ever taken: as many steps again, later, move the weights far less."""
    random = np.random.default_rng(2)
    network = Network((2, 8, 2), random)
    x, chosen, rewards = random.normal(size=(300, 2)), random.integers(2, size=300), random.normal(size=300)

    def moved() -> float:
        before = network.weights[0].copy()
        network.train(x, chosen, rewards, 100, random)
        return float(np.abs(network.weights[0] - before).mean())

    first, later = moved(), [moved() for _ in range(8)][-1]
    assert later < first / 5


def test_its_network_does_not_see_the_constant() -> None:
    policy = NeuralLinear(Problem(3, 5))
    assert policy._network.weights[0].shape == (4, 50)


def test_whose_code_it_is_does_not_depend_on_what_a_process_has_loaded() -> None:
    """Seasons of these policies are played in other processes, which are asked for the same code."""
    asked = "from benchmarks.foreign import sources; from benchmarks.suites.showdown import NeuralLinear as played; "
    told = "print(*sources(played), sep=chr(10))"
    few, more = (
        subprocess.run([sys.executable, "-c", also + asked + told], capture_output=True, text=True, check=True).stdout
        for also in ("", "import launchsim, simulator.market, envs.wheel; ")
    )
    assert few == more
