"""Reward models against scikit-learn's own ridge, and cross-fitting against rows it must not have seen."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.linear_model import Ridge as Sklearn

from benchmarks.off_policy import estimate
from benchmarks.off_policy.folds import folds
from benchmarks.off_policy.reward_models import CrossFitted, Regressor, Ridge, maker
from policies.policy import Decisions, Feedback, Floats, PolicyError


def log_of(n: int, seed: int = 0, K: int = 3, d: int = 2) -> Feedback:
    rng = np.random.default_rng(seed)
    contexts = rng.normal(size=(n, d))
    decisions = Decisions(np.arange(n) * 1.0, contexts, np.empty((K, 0)), np.ones((n, K), dtype=bool))
    chosen = rng.integers(0, K, n)
    rewards = 2.0 + contexts @ np.array([1.0, -0.5]) + chosen * contexts[:, 0] + rng.normal(size=n)
    return Feedback(decisions, chosen, np.full(n, 1 / K), rewards)


def test_ridge_solves_both_normal_equations() -> None:
    """The common part has a free intercept; the rest of each action is (A + 4 I)^-1 (b - A shared)."""
    log = log_of(200)
    weights = np.random.default_rng(1).uniform(0.5, 2.0, 200)
    model = Ridge(ridge=4.0)
    model.add(log, weights)
    X = np.hstack([np.ones((200, 1)), log.decisions.contexts])
    root = np.sqrt(weights)[:, None]
    padded = np.vstack([X * root, np.diag([0.0, 2.0, 2.0])])
    shared = np.linalg.lstsq(padded, np.append(log.rewards * root[:, 0], np.zeros(3)), rcond=None)[0]
    for action in range(3):
        rows = log.chosen == action
        padded = np.vstack([X[rows] * root[rows], 2.0 * np.eye(3)])
        target = np.append((log.rewards - X @ shared)[rows] * root[rows, 0], np.zeros(3))
        own = np.linalg.lstsq(padded, target, rcond=None)[0]
        np.testing.assert_allclose(model.predict(log.decisions)[:, action], X @ (shared + own), rtol=1e-6, atol=1e-6)


def test_ridge_of_shards_is_ridge_of_all() -> None:
    log = log_of(90)
    whole, left, right = Ridge(), Ridge(), Ridge()
    whole.add(log, np.ones(90))
    left.add(log.take(slice(0, 31)), np.ones(31))
    right.add(log.take(slice(31, 90)), np.ones(59))
    left.merge(right)
    np.testing.assert_allclose(left.predict(log.decisions), whole.predict(log.decisions), rtol=1e-12)


def test_an_action_never_seen_is_expected_to_be_like_the_others() -> None:
    log = log_of(500)
    log = log.take(log.chosen < 2)
    model = Ridge()
    model.add(log, np.ones(len(log)))
    unseen = model.predict(log.decisions)[:, 2]
    plain = LinearRegression().fit(log.decisions.contexts, log.rewards).predict(log.decisions.contexts)
    np.testing.assert_allclose(unseen, plain, atol=0.2)


def test_no_row_is_predicted_by_a_model_that_has_seen_it() -> None:
    """A monstrous reward moves the prediction of every row of other folds and of none of its own."""
    log = log_of(60)
    calm = CrossFitted(n_folds=3)
    calm.add(log, 0)
    before = calm.predict(log.decisions, 0)
    log.rewards[7] = 1e6
    wild = CrossFitted(n_folds=3)
    wild.add(log.take(slice(0, 25)), 0)
    wild.add(log.take(slice(25, 60)), 25)
    after = wild.predict(log.decisions, 0)
    belong = folds(0, 60, 3)
    own = belong == belong[7]
    np.testing.assert_allclose(after[own], before[own], rtol=1e-9)
    assert (np.abs(after[~own] - before[~own]).max(axis=1) > 10.0).all()


def test_cross_fitting_merges() -> None:
    log = log_of(80)
    whole, left, right = CrossFitted(), CrossFitted(), CrossFitted()
    whole.add(log, 0)
    left.add(log.take(slice(0, 33)), 0)
    right.add(log.take(slice(33, 80)), 33)
    left.merge(right)
    np.testing.assert_allclose(left.predict(log.decisions, 0), whole.predict(log.decisions, 0), rtol=1e-11)


def test_a_regressor_gets_contexts_and_one_hot_actions() -> None:
    log = log_of(300)
    model = Regressor(LinearRegression())
    model.add(log.take(slice(0, 100)), np.ones(100))
    model.add(log.take(slice(100, 300)), np.ones(200))
    X = np.hstack([log.decisions.contexts, np.eye(3)[log.chosen]])
    expected = LinearRegression().fit(X, log.rewards).predict(X)
    found = model.predict(log.decisions)[np.arange(300), log.chosen]
    np.testing.assert_allclose(found, expected, rtol=1e-8)


def test_a_classifier_gives_the_chance_of_a_reward() -> None:
    log = log_of(200)
    log.rewards = (log.rewards > 2.0) * 1.0
    model = Regressor(LogisticRegression())
    model.add(log, np.ones(200))
    found = model.predict(log.decisions)
    assert found.shape == (200, 3)
    assert ((found > 0.0) & (found < 1.0)).all()
    assert found[np.arange(200), log.chosen].mean() == pytest.approx(log.rewards.mean(), abs=0.02)


def test_bad_settings_are_named() -> None:
    with pytest.raises(PolicyError, match=r"ridge must be positive, got 0"):
        Ridge(ridge=0)
    with pytest.raises(PolicyError, match=r"n_folds must be at least 2, got 1"):
        CrossFitted(n_folds=1)


def test_models_are_made_from_what_is_typed() -> None:
    log = log_of(200)
    for text, known in (
        ("ridge(ridge=4)", Ridge(ridge=4)),
        ("sklearn.linear_model:Ridge(alpha=2)", Regressor(Sklearn(2))),
    ):
        model = maker(text)()
        model.add(log, np.ones(200))
        known.add(log, np.ones(200))
        np.testing.assert_allclose(model.predict(log.decisions), known.predict(log.decisions))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("forest", "must be ridge or package.module:Name, got 'forest'"),
        ("ridge(alpha=1)", "cannot be made: .*alpha"),
        ("no_such.module:Model", "'no_such.module:Model' cannot be loaded"),
        ("sklearn.linear_model:NoSuch", "cannot be made: .*NoSuch"),
    ],
)
def test_models_that_cannot_be_made_are_named(text: str, message: str) -> None:
    with pytest.raises(PolicyError, match=message):
        maker(text)


def test_a_missing_scikit_learn_is_told_how_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearn.linear_model", None)
    with pytest.raises(PolicyError, match=r"requires scikit-learn. Install it with pip install launchsim\[sklearn\]"):
        maker("sklearn.linear_model:Ridge")


class Broken:
    """A regressor that does what somebody's may do."""

    def __init__(self, how: str = "raises") -> None:
        if how == "cannot be made":
            raise RuntimeError("no licence")
        self.how = how

    def fit(self, X: Floats, y: Floats, sample_weight: Floats) -> None:
        if self.how == "raises":
            raise RuntimeError("singular matrix\nof many lines")

    def predict(self, X: Floats) -> object:
        return {"None": None, "exits": X, "one": np.zeros(1), "NaN": np.full(len(X), np.nan)}[self.how]


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ("raises", "reward model Broken: fit failed: RuntimeError: singular matrix$"),
        ("None", r"reward model Broken: predict must answer \(\d+,\) numbers, got \(\)"),
        ("one", r"reward model Broken: predict must answer \(\d+,\) numbers, got \(1,\)"),
        ("NaN", r"reward model must expect finite rewards, got nan for action 0 in row 0"),
        ("gone", "reward model Broken: predict failed: KeyError: 'gone'"),
    ],
)
def test_what_somebody_elses_model_does_wrong_is_one_line(how: str, message: str) -> None:
    rng = np.random.default_rng(0)
    decisions = Decisions(np.arange(30.0), rng.normal(size=(30, 1)), np.empty((2, 0)), np.ones((30, 2), bool))
    log = Feedback(decisions, rng.integers(0, 2, 30), np.full(30, 0.5), np.ones(30))
    made = maker(f"{__name__}:Broken(how={how!r})")
    with pytest.raises(PolicyError, match=message):
        estimate(log, np.full((30, 2), 0.5), ("dm",), reward_model=made)


def test_a_model_that_cannot_be_made_says_why() -> None:
    with pytest.raises(PolicyError, match="cannot be made: RuntimeError: no licence"):
        maker(f"{__name__}:Broken(how='cannot be made')")
