"""Next-item prediction: it reaches the entropy of the process, and its weights help the user tower."""

from __future__ import annotations

from inspect import signature
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import policies
from policies.networks.pretraining import Pretrained, judged, judged_by_popularity, pretrain, trained
from policies.policy import PolicyError, Problem


def chain(transitions: Any, n: int, length: int) -> Any:
    """(n, length) walks of a Markov chain from a uniform start."""
    rng = np.random.default_rng(4)
    walks = np.empty((n, length), np.int64)
    walks[:, 0] = rng.integers(len(transitions), size=n)
    for t in range(1, length):
        below = transitions.cumsum(axis=1)[walks[:, t - 1]]
        walks[:, t] = (rng.random((n, 1)) > below).sum(axis=1)
    return walks


def test_the_loss_of_a_markov_chain_comes_down_to_its_entropy_rate() -> None:
    # Doubly stochastic, so the chain is uniform at every step: the entropy rate is the mean entropy of the rows.
    transitions = np.array([[0.8, 0.1, 0.1, 0.0], [0.0, 0.8, 0.1, 0.1], [0.1, 0.0, 0.8, 0.1], [0.1, 0.1, 0.0, 0.8]])
    entropy = -(0.8 * np.log(0.8) + 0.2 * np.log(0.1))  # 0.639 nats; knowing nothing costs log 4 = 1.386
    losses = pretrain(chain(transitions, 2000, 6), 4, epochs=12, learning_rate=0.01).losses
    assert losses[0] > entropy + 0.1
    assert losses[-1] == pytest.approx(entropy, abs=0.03)


def test_what_came_two_steps_ago_is_remembered() -> None:
    # After item 0 only the one before it tells what follows; without memory log 2 / 2 nats an item would be left.
    walks = np.array([[1, 0, 1, 0, 1], [2, 0, 2, 0, 2]] * 200)
    assert pretrain(walks, 3, epochs=20, learning_rate=0.02).losses[-1] < 0.05


def test_places_without_an_item_are_skipped_and_cost_nothing() -> None:
    cycle = (np.arange(6)[None, :] + np.arange(3)[:, None]) % 3
    padded = np.concatenate([np.full((3, 4), -1), cycle], axis=1)
    plain, late = (pretrain(np.tile(walks, (50, 1)), 3, epochs=3) for walks in (cycle, padded))
    np.testing.assert_allclose(late.losses, plain.losses, rtol=1e-4)


def test_pretrained_weights_stand_in_the_user_tower_until_training_moves_them(tmp_path: Path) -> None:
    encoder = pretrain(chain(np.eye(5)[[1, 2, 3, 4, 0]], 300, 5), 5, embedding=6, memory=7, epochs=2)
    encoder.save(tmp_path / "encoder.npz")
    policy: Any = policies.load(
        "neural_argmax", Problem(5, 2, 0, 3), pretrained=str(tmp_path / "encoder.npz"), embedding=6, memory=7
    )
    networks = policy.learner.model._create()[0]
    np.testing.assert_array_equal(networks.history.items[0], encoder.items)
    np.testing.assert_array_equal(networks.history.cell.weight_hh[0], encoder.weight_hh)


def test_where_nothing_is_said_an_encoder_fits_a_policy(tmp_path: Path) -> None:
    from benchmarks.commands import pretrain as command

    encoder = pretrain(chain(np.eye(5)[[1, 2, 3, 4, 0]], 20, 5), 5, epochs=1)
    encoder.save(tmp_path / "encoder.npz")
    policies.load("neural_argmax", Problem(5, 2, 0, 3), pretrained=str(tmp_path / "encoder.npz"))
    said = signature(command.pretrain).parameters
    assert encoder.items.shape == (5, said["embedding"].default)
    assert encoder.weight_hh.shape[1] == said["memory"].default


def test_weights_of_another_shape_are_refused_with_both_shapes(tmp_path: Path) -> None:
    encoder = Pretrained(np.zeros((5, 6)), np.zeros((28, 6)), np.zeros((28, 7)), np.zeros(28), np.zeros(1))
    encoder.save(tmp_path / "encoder.npz")
    for problem, message in (
        (Problem(4, 2, 0, 3), r"pretrained must have shapes .*\(4, 6\).* got .*\(5, 6\)"),
        (Problem(5, 2, 0, 0), "pretrained must be None where history_length is 0"),
    ):
        with pytest.raises(PolicyError, match=message):
            policies.load("neural_argmax", problem, pretrained=str(tmp_path / "encoder.npz"), embedding=6, memory=7)


@pytest.mark.parametrize(
    ("sequences", "message"),
    [
        ([[0, 1, 3]], "got 0 to 3"),
        ([[0, -2, 1]], "got -2 to 1"),
        ([[-1, -1, 2]], "two items in a row somewhere, got none"),
        ([[1], [2]], r"got \(2, 1\)"),
    ],
)
def test_impossible_sequences_are_refused_with_what_was_found(sequences: Any, message: str) -> None:
    with pytest.raises(PolicyError, match=message):
        pretrain(np.array(sequences), 3)


def test_popularity_is_as_hard_to_tell_as_the_entropy_of_its_shares() -> None:
    sequences = np.array([[0, 0, 0, 1]] * 100)  # with one more of each: 301 and 101 of 402
    found = judged_by_popularity(sequences, 2, np.array([[0, 1]]))
    assert found.perplexity == pytest.approx(402 / 101)
    assert found.recall == 1.0  # both are among the ten likeliest


def test_on_users_held_out_a_cycle_is_told_and_popularity_is_not() -> None:
    cycle = (np.arange(8)[None, :] + np.arange(30)[:, None]) % 30
    _, model = trained(np.tile(cycle, (20, 1)), 30, epochs=20, learning_rate=0.02)
    mine, plain = judged(model, cycle), judged_by_popularity(cycle, 30, cycle)
    assert mine.recall > 0.95
    assert plain.recall == pytest.approx(10 / 30, abs=0.1)
    assert mine.perplexity < plain.perplexity / 3
