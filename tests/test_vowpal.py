from __future__ import annotations

import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

import policies
from policies.policy import Decisions, Feedback, PolicyError, Problem

K, D, A, N = 6, 3, 2, 60

# Our settings, and beside them VW's own options, written by hand.
EVERY_EXPLORATION: dict[str, tuple[dict[str, Any], str]] = {
    "epsilon": ({"explore": "epsilon", "epsilon": 0.2}, "--epsilon 0.2"),
    "epsilon, default": ({}, "--epsilon 0.05"),
    "ips": ({"epsilon": 0.1, "cb_type": "ips"}, "--epsilon 0.1 --cb_type ips"),
    "dr": ({"epsilon": 0.1, "cb_type": "dr"}, "--epsilon 0.1 --cb_type dr"),
    "dm": ({"epsilon": 0.1, "cb_type": "dm"}, "--epsilon 0.1 --cb_type dm"),
    "first": ({"explore": "first", "first": 20, "epsilon": 0.1}, "--first 20 --epsilon 0.1"),
    "bag": ({"explore": "bag", "bag": 4}, "--bag 4"),
    "bag, greedified": (
        {"explore": "bag", "bag": 4, "greedify": True, "epsilon": 0.1},
        "--bag 4 --greedify --epsilon 0.1",
    ),
    "cover": ({"explore": "cover", "cover": 3, "psi": 0.5, "epsilon": 0.1}, "--cover 3 --psi 0.5 --epsilon 0.1"),
    "cover, no decay": ({"explore": "cover", "cover": 3, "nounif": True}, "--cover 3 --nounif --epsilon 0.05"),
    "softmax": ({"explore": "softmax", "inverse_temperature": 4.0}, "--softmax --lambda 4"),
    "squarecb": (
        {"explore": "squarecb", "gamma_scale": 5.0, "reward_range": (-1, 3)},
        "--squarecb --gamma_scale 5 --cb_min_cost -3 --cb_max_cost 1",
    ),
    "squarecb, elim": (
        {"explore": "squarecb", "elim": True, "reward_range": (-1, 3), "mellowness": 0.01},
        "--squarecb --elim --mellowness 0.01 --cb_min_cost -3 --cb_max_cost 1",
    ),
    "regcb": ({"explore": "regcb", "reward_range": (-1, 3)}, "--regcb --cb_min_cost -3 --cb_max_cost 1"),
    "regcbopt": (
        {"explore": "regcbopt", "mellowness": 0.2, "reward_range": (-1, 3)},
        "--regcbopt --mellowness 0.2 --cb_min_cost -3 --cb_max_cost 1",
    ),
    "rnd": ({"explore": "rnd", "rnd": 2, "rnd_alpha": 0.5}, "--rnd 2 --rnd_alpha 0.5"),
    "synthcover": ({"explore": "synthcover", "synthcoverpsi": 0.3}, "--synthcover --synthcoverpsi 0.3"),
    "regressor": ({"learning_rate": 0.1, "bits": 12}, "--epsilon 0.05 -l 0.1 -b 12"),
    "power_t": ({"power_t": 0.25, "explore": "softmax"}, "--softmax --power_t 0.25"),
    "coin": ({"coin": True, "explore": "softmax"}, "--softmax --coin"),
}
every_exploration = pytest.mark.parametrize(
    ("given", "options"), [pytest.param(*both, id=name) for name, both in EVERY_EXPLORATION.items()]
)


def quarters(rng: np.random.Generator, *shape: int) -> Any:
    """Numbers that VW reads from text exactly (0.125 it does not); some of them 0."""
    return rng.integers(-8, 9, shape) / 4


def questions(rng: np.random.Generator, n: int = N, a: int = A) -> Decisions:
    available = rng.random((n, K)) < 0.7
    available[np.arange(n), rng.integers(K, size=n)] = True
    return Decisions(np.arange(n) / 8, quarters(rng, n, D), quarters(rng, K, a), available)


def lessons(rng: np.random.Generator, decisions: Decisions) -> Feedback:
    """Random actions among the available ones, unequal propensities, rewards of -1 to 3."""
    luck = np.where(decisions.available, rng.random(decisions.available.shape), -1)
    n = len(decisions)
    return Feedback(decisions, luck.argmax(axis=1), rng.choice([0.25, 0.5, 0.75, 1.0], n), rng.integers(-1, 4, n) * 1.0)


def make(seed: int = 7, a: int = A, **given: Any) -> Any:
    return policies.load("vowpal", Problem(K, D, a), seed=seed, **given)


def text(decisions: Decisions, row: int, labels: dict[int, str]) -> str:
    """One decision in VW's text format; an action is labelled by `labels`."""

    def features(values: Any) -> str:
        return " ".join(f"{i}:{value}" for i, value in enumerate(values))

    lines = [f"shared |c {features(decisions.contexts[row])}"]
    for k in np.flatnonzero(decisions.available[row]):
        action = f"|a {features(decisions.actions[k])}" if decisions.actions.shape[1] else ""
        lines.append(f"{labels.get(k, '')} |i {k} {action}")
    return "\n".join(lines) + "\n\n"


def driver(folder: Path, rounds: str, options: str) -> list[dict[int, float]]:
    """What VW's own driver predicts for each decision of the text: place on offer -> probability."""
    (folder / "rounds.txt").write_text(rounds)
    arguments = ["--quiet", "--cb_explore_adf", "--random_seed", "7", *options.split()]
    files = ["-d", str(folder / "rounds.txt"), "-p", str(folder / "predictions.txt")]
    subprocess.run([sys.executable, "-m", "vowpalwabbit", *arguments, *files], check=True, capture_output=True)
    lines = (folder / "predictions.txt").read_text().split()
    return [{int(k): float(p) for k, p in (pair.split(":") for pair in line.split(","))} for line in lines]


def as_distribution(answer: dict[int, float]) -> Any:
    pmf = np.maximum([answer[place] for place in range(len(answer))], 0)
    return pmf / pmf.sum()


def compare_with_driver(folder: Path, policy: Any, options: str, a: int) -> None:
    """Batches of 1 to 7 decisions; their lessons come one batch late and in reverse order."""
    rng = np.random.default_rng(5)
    late: Feedback | None = None
    rounds, ours, asked = "", [], []
    sizes = rng.integers(1, 8, 16)
    for n in sizes:
        decisions = questions(rng, n, a)
        probabilities = policy.probabilities(decisions)
        ours += [row[on] for row, on in zip(probabilities, decisions.available, strict=True)]
        rounds += "".join(text(decisions, row, {}) for row in range(n))
        asked += [True] * n
        if late is not None:
            policy.learn(late)
            labels = zip(late.chosen, late.rewards, late.propensities, strict=True)
            for row, (action, reward, propensity) in enumerate(labels):
                rounds += text(late.decisions, row, {action: f"0:{-reward}:{propensity}"})
            asked += [False] * len(late)
        late = lessons(rng, decisions).take(slice(None, None, -1))
    theirs = [
        as_distribution(answer) for answer, one in zip(driver(folder, rounds, options), asked, strict=True) if one
    ]
    assert len(theirs) == len(ours) == sizes.sum()
    assert_allclose(np.concatenate(ours), np.concatenate(theirs), atol=3e-6)  # the driver prints six digits


@every_exploration
def test_probabilities_are_those_of_the_driver_on_the_text_of_the_same_rounds(
    tmp_path: Path, given: dict[str, Any], options: str
) -> None:
    compare_with_driver(tmp_path, make(**given), options + " --interactions ci --interactions ca", A)


def test_probabilities_are_those_of_the_driver_with_a_large_action_space(tmp_path: Path) -> None:
    policy = make(epsilon=0.1, max_actions=3)
    large = "--large_action_space --max_actions 3 --two_pass_svd"
    compare_with_driver(tmp_path, policy, f"--epsilon 0.1 {large} --interactions ci --interactions ca", A)


def test_a_large_action_space_keeps_so_many_actions_and_the_best_and_answers_the_same_again() -> None:
    rng = np.random.default_rng(13)
    policy = make(max_actions=3)
    policy.learn(lessons(rng, questions(rng, 20)))
    decisions = questions(rng, 40)
    probabilities = policy.probabilities(decisions)
    kept, available = (probabilities > 0).sum(axis=1), decisions.available.sum(axis=1)
    assert (kept >= np.minimum(available, 3)).all()
    assert (kept <= np.minimum(available, 4)).all()
    assert (kept < available).any()
    assert_array_equal(
        np.concatenate([policy.probabilities(decisions.take([row])) for row in range(40)]), probabilities
    )


def test_probabilities_are_those_of_the_driver_without_action_features(tmp_path: Path) -> None:
    compare_with_driver(tmp_path, make(a=0, epsilon=0.1), "--epsilon 0.1 --interactions ci", 0)


def test_probabilities_are_those_of_the_driver_where_only_what_is_crossed_counts(tmp_path: Path) -> None:
    alone = "--noconstant --ignore_linear c --ignore_linear i --ignore_linear a"
    policy = make(explore="softmax", main_effects=False)
    compare_with_driver(tmp_path, policy, f"--softmax --interactions ci --interactions ca {alone}", A)


def test_probabilities_are_those_of_the_driver_with_interactions_of_ones_own(tmp_path: Path) -> None:
    policy = make(explore="softmax", interactions=["cai", "aa"])
    compare_with_driver(tmp_path, policy, "--softmax --interactions cai --interactions aa", A)


@every_exploration
def test_asking_changes_nothing_and_one_by_one_is_the_batch(given: dict[str, Any], options: str) -> None:
    rng = np.random.default_rng(1)
    asked, silent = make(**given), make(**given)
    for _ in range(4):
        lesson = lessons(rng, questions(rng, 10))
        asked.learn(lesson)
        silent.learn(lesson)
        decisions = questions(rng, 10)
        batch = asked.probabilities(decisions)
        assert_array_equal(asked.probabilities(decisions), batch)
        assert_array_equal(np.concatenate([asked.probabilities(decisions.take([row])) for row in range(10)]), batch)
    assert_array_equal(silent.probabilities(decisions), batch)


@every_exploration
def test_a_restored_policy_continues_exactly(tmp_path: Path, given: dict[str, Any], options: str) -> None:
    rng = np.random.default_rng(2)
    policy = make(**given)
    policy.learn(lessons(rng, questions(rng)))
    policy.save(tmp_path / "policy.zip")
    restored = policies.restore(tmp_path / "policy.zip")
    for _ in range(3):
        lesson = lessons(rng, questions(rng, 20))
        assert_array_equal(restored.probabilities(lesson.decisions), policy.probabilities(lesson.decisions))
        policy.learn(lesson)
        restored.learn(lesson)
    assert_array_equal(restored.probabilities(lesson.decisions), policy.probabilities(lesson.decisions))


@every_exploration
def test_vw_is_given_back_only_lists_as_long_as_it_reads(given: dict[str, Any], options: str) -> None:
    """VW counts a finished list by the probabilities its first example holds; a shorter list is read past its end."""
    rng = np.random.default_rng(3)
    policy = make(**given)
    finish, finished = policy._workspace._finish_example_multi_ex, []
    unlike = set()

    def checked(examples: list[Any]) -> None:
        assert len(examples[0].get_action_scores()) <= len(examples)
        finished.append(len(examples))
        finish(examples)

    policy._workspace._finish_example_multi_ex = checked
    for _ in range(12):  # more catalogues and more lessons than stay parsed
        lesson = lessons(rng, questions(rng, 25))
        policy.probabilities(lesson.decisions)
        policy.learn(lesson)
        told = zip(lesson.chosen, lesson.rewards, lesson.propensities, strict=True)
        unlike |= {(*label, *lesson.decisions.actions[label[0]]) for label in told}
    assert finished.count(1) == len(unlike) - 256
    assert finished.count(K) == 12 - 8


@pytest.mark.parametrize("explore", ["squarecb", "regcb", "regcbopt"])
def test_explorations_that_rest_on_the_cost_range_learn_which_action_is_best(explore: str) -> None:
    """Rewards of 0 and 40: with VW's default range, costs of 0 to 1, all would look alike for ever."""
    rng = np.random.default_rng(4)
    policy = make(explore=explore, reward_range=(0.0, 40.0))
    decisions = Decisions(np.zeros(1), np.ones((1, D)), np.zeros((K, A)), np.ones((1, K), bool))
    for _ in range(300):
        probabilities = policy.probabilities(decisions)
        chosen = rng.choice(K, 1, p=probabilities[0])
        policy.learn(Feedback(decisions, chosen, probabilities[0, chosen], 40.0 * (chosen == 2)))
    assert policy.probabilities(decisions)[0].argmax() == 2
    assert policy.probabilities(decisions)[0, 2] > 0.9


def test_first_counts_lessons_and_not_questions() -> None:
    rng = np.random.default_rng(6)
    policy = make(explore="first", first=5)
    decisions = Decisions(np.zeros(50), np.ones((50, D)), np.zeros((K, A)), np.ones((50, K), bool))
    policy.learn(lessons(rng, decisions.take(slice(4))))
    assert_allclose(policy.probabilities(decisions), 1 / K)
    policy.learn(lessons(rng, decisions.take(slice(1))))
    assert policy.probabilities(decisions).max() == 1.0


def test_what_is_learned_rests_on_the_propensity_of_the_decision() -> None:
    decisions = Decisions(np.zeros(1), np.ones((1, D)), np.zeros((K, A)), np.ones((1, K), bool))
    answers = []
    for propensity in (0.5, 0.1):
        policy = make(explore="softmax", cb_type="ips")
        policy.learn(Feedback(decisions, np.array([2]), np.array([propensity]), np.array([1.0])))
        answers.append(policy.probabilities(decisions)[0, 2])
    assert 1 / K < answers[0] < answers[1]


def test_zeros_stay_zeros_unless_a_floor_lifts_them_by_its_formula() -> None:
    rng = np.random.default_rng(8)
    bare, floored = make(explore="bag"), make(explore="bag", floor=0.1)
    lesson = lessons(rng, questions(rng))
    for policy in (bare, floored):
        policy.learn(lesson)
    decisions = questions(rng)
    available = decisions.available
    plain, lifted = bare.probabilities(decisions), floored.probabilities(decisions)
    assert (plain[available] == 0).any()
    assert lifted[available].min() == pytest.approx(0.1)
    expected = np.where(available, 0.1 + (1 - 0.1 * available.sum(axis=1, keepdims=True)) * plain, 0)
    assert_allclose(lifted, expected, atol=1e-12)


@settings(max_examples=25, deadline=None)
@given(
    explore=st.sampled_from(["epsilon", "first", "bag", "cover", "softmax", "squarecb", "regcb", "rnd", "synthcover"]),
    seed=st.integers(0, 1000),
    scale=st.sampled_from([1e-4, 1.0, 1e4]),
)
def test_rows_are_distributions_over_what_is_available_in_float64(explore: str, seed: int, scale: float) -> None:
    rng = np.random.default_rng(seed)
    policy = make(explore=explore, reward_range=(-scale, 3 * scale))
    for _ in range(3):
        lesson = lessons(rng, questions(rng, 15))
        lesson.rewards *= scale
        policy.learn(lesson)
        decisions = questions(rng, 15)
        probabilities = policy.probabilities(decisions)
        assert_allclose(probabilities.sum(axis=1), 1, atol=1e-12)
        assert (probabilities >= 0).all()
        assert not probabilities[~decisions.available].any()


def test_without_identity_alike_actions_are_answered_alike() -> None:
    rng = np.random.default_rng(9)
    actions = quarters(rng, K, A)
    actions[4] = actions[2]
    decisions = Decisions(np.zeros(40), quarters(rng, 40, D), actions, np.ones((40, K), bool))
    alike, apart = make(explore="softmax", identity=False), make(explore="softmax")
    for policy in (alike, apart):
        policy.learn(lessons(np.random.default_rng(9), decisions))
    probabilities = alike.probabilities(decisions)
    assert_allclose(probabilities[:, 4], probabilities[:, 2])
    assert np.abs(np.subtract(*apart.probabilities(decisions)[:, [2, 4]].T)).max() > 1e-3


def test_a_changed_catalogue_is_seen_at_once_and_an_old_one_still_known() -> None:
    rng = np.random.default_rng(10)
    policy = make(explore="softmax")
    policy.learn(lessons(rng, questions(rng)))
    decisions = questions(rng, 5)
    before = policy.probabilities(decisions)
    decisions.actions[0] += 1.0  # a price changed, in place
    changed = policy.probabilities(decisions)
    assert np.abs(changed - before).max() > 1e-3
    decisions.actions[0] -= 1.0
    assert_array_equal(policy.probabilities(decisions), before)


def test_catalogues_no_longer_kept_are_parsed_anew_with_the_same_answer() -> None:
    rng = np.random.default_rng(11)
    policy = make(explore="softmax")
    policy.learn(lessons(rng, questions(rng)))
    catalogues = [questions(rng, 2) for _ in range(30)]
    first = [policy.probabilities(decisions) for decisions in catalogues]
    again = [policy.probabilities(decisions) for decisions in catalogues]
    assert_array_equal(first, again)
    assert any((one != other).any() for one, other in pairwise(first))


def test_nothing_is_printed(capfd: pytest.CaptureFixture[str]) -> None:
    rng = np.random.default_rng(12)
    for chosen, _ in EVERY_EXPLORATION.values():
        policy = make(**chosen)
        policy.learn(lessons(rng, questions(rng, 5)))
        policy.probabilities(questions(rng, 5))
        policy.set_state(policy.state())
        del policy
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"explore": "thompson"}, "explore .*'thompson'"),
        ({"cb_type": "sm"}, "cb_type .*'sm'"),
        ({"explore": "cover", "cb_type": "dm"}, "cb_type .*cover.*'dm'"),
        ({"explore": "regcb", "cb_type": "dr"}, "cb_type .*regcb.*'dr'"),
        ({"epsilon": 1.5}, "epsilon .*1.5"),
        ({"explore": "regcb", "epsilon": 0.1}, "epsilon .*left out.*0.1"),
        ({"bag": 4}, "bag .*left out.*4"),
        ({"explore": "bag", "bag": 0}, "bag .*0"),
        ({"explore": "bag", "bag": 2.5}, "bag .*2.5"),
        ({"explore": "bag", "greedify": 1}, "greedify .*1"),
        ({"explore": "first", "max_actions": 3}, "max_actions .*3"),
        ({"explore": "squarecb", "elim": True, "max_actions": 3}, "max_actions .*3"),
        ({"floor": 0.2}, "floor .*0.2"),
        ({"reward_range": (1, 0)}, r"reward_range .*\(1, 0\)"),
        ({"reward_range": 3}, "reward_range .*3"),
        ({"interactions": "ca"}, "interactions .*'ca'"),
        ({"interactions": ["cx"]}, r"interactions .*\['cx'\]"),
        ({"learning_rate": 0}, "learning_rate .*0"),
        ({"power_t": 1.5}, "power_t .*1.5"),
        ({"coin": 1}, "coin .*1"),
        ({"bits": 60}, "bits .*60"),
        ({"seed": -1}, "seed .*-1"),
    ],
)
def test_settings_that_cannot_be_are_refused_in_one_line(given: dict[str, Any], named: str) -> None:
    with pytest.raises(PolicyError, match=named) as error:
        make(**given)
    assert "\n" not in str(error.value)


def test_actions_without_number_and_features_are_refused() -> None:
    with pytest.raises(PolicyError, match=r"identity .*False"):
        make(a=0, identity=False)


@pytest.mark.parametrize("explore", ["regcb", "regcbopt", "squarecb"])
def test_a_reward_outside_the_stated_range_is_refused_and_named(explore: str) -> None:
    policy = policies.load("vowpal", Problem(2, 1), explore=explore)
    decisions = Decisions(np.zeros(1), np.ones((1, 1)), np.empty((2, 0)), np.ones((1, 2), bool))
    told = Feedback(decisions, np.array([1]), np.array([0.5]), np.array([23.5]))
    with pytest.raises(PolicyError, match=r"reward_range with explore=.* got \(0, 1\) and a reward of 23.5"):
        policy.learn(told)
    policies.load("vowpal", Problem(2, 1), explore=explore, reward_range=(0, 40)).learn(told)
