"""The network and its training: gradients, numpy twin, memory of order, cold items, early stopping."""

from __future__ import annotations

import os
import subprocess
import sys
from types import SimpleNamespace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import poisson

from policies.networks import scoring, training
from policies.networks.network import HistoryEncoder, create
from policies.networks.replay import ReplayBuffer, centre_and_scale
from policies.networks.training import (
    Recipe,
    Step,
    TrainedNetworks,
    bootstrap_weights,
    epoch,
    evaluate,
    first_moments,
    gradients,
    losses,
    untrained,
)
from policies.policy import Decisions, Feedback, Problem

PROBLEM = Problem(n_actions=5, n_context_features=3, n_action_features=2, history_length=4)
PLAIN = Problem(n_actions=5, n_context_features=3, n_action_features=2)
SHOP = Problem(n_actions=4, n_context_features=6, n_action_features=2)  # what is trained by RECIPE: compiled once
RECIPE: dict[str, Any] = {
    "widths": (16, 16),
    "activation": "tanh",
    "embedding": 3,
    "memory": 4,
    "loss": "bce",
    "optimiser": "adam",
    "learning_rate": 0.01,
    "shrinkage": 0.0,
    "batch": 32,
    "epochs": 1,
    "min_steps": 1,
    "train_every": 256,
    "capacity": 256,
    "validation": 0.0,
    "patience": 1,
    "pretrained": None,
}


# Compiled in one piece: one by one, their operations take far longer.
compiled_losses, compiled_gradients = jax.jit(losses), jax.jit(gradients)


def stacked(problem: Problem = PROBLEM, members: int = 1, activation: str = "tanh") -> Any:
    """Networks whose every number is random, also those that start at 0."""
    rng = np.random.default_rng(8)
    network = create(rng, problem, widths=(7, 6), activation=activation, embedding=3, memory=4, members=members)
    return jax.tree.map(lambda array: jnp.asarray(rng.normal(size=array.shape).astype(np.float32) / 2), network)


def alone(networks: Any, member: int) -> Any:
    """One of the stacked networks, with what it shares, as a stack of one."""
    return jax.tree.map(lambda array: jnp.asarray(np.asarray(array)[member % len(array)][None]), networks)


def rows(problem: Problem, n: int, seed: int = 2) -> Any:
    """Columns (contexts, features, chosen, histories, targets) of random rows."""
    rng = np.random.default_rng(seed)
    return (
        rng.normal(size=(n, problem.n_context_features)).astype(np.float32),
        rng.normal(size=(n, problem.n_action_features)).astype(np.float32),
        rng.integers(problem.n_actions, size=n),
        rng.integers(-1, problem.n_actions, (n, problem.history_length)),
        rng.random(n).astype(np.float32),
    )


def remembered(contexts: Any, actions: Any, chosen: Any, rewards: Any, histories: Any = None) -> ReplayBuffer:
    """A buffer of these rows, exactly filled."""
    n, length = len(contexts), 0 if histories is None else histories.shape[1]
    buffer = ReplayBuffer(Problem(len(actions), contexts.shape[1], actions.shape[1], length), n)
    decisions = Decisions(np.zeros(n), contexts, actions, np.ones((n, len(actions)), bool), histories)
    buffer.add(Feedback(decisions, chosen, np.ones(n), rewards))
    return buffer


@pytest.mark.parametrize(("kind", "problem"), [("bce", PROBLEM), ("mse", PLAIN)])
def test_gradients_are_those_of_finite_differences(kind: str, problem: Problem) -> None:
    step = Step("adam", 0.01, kind, shrinkage=0.3, averaging=1_000)
    data, weights = rows(problem, 6), np.arange(6.0)[:, None]
    with jax.enable_x64(True):
        network = jax.tree.map(lambda array: jnp.asarray(np.asarray(array, np.float64)), stacked(problem))
        flat, back = jax.flatten_util.ravel_pytree(network)
        at = jax.jit(lambda numbers: losses(step, back(numbers), data, weights)[0])
        gradient = np.asarray(jax.flatten_util.ravel_pytree(compiled_gradients(step, network, data, weights))[0])
        h = 1e-6
        moves = h * np.eye(len(flat))
        numeric = np.array([(at(flat + move) - at(flat - move)) / (2 * h) for move in moves])
    assert gradient.dtype == np.float64
    assert np.abs(gradient).max() > 0.01
    np.testing.assert_allclose(gradient, numeric, atol=1e-8)


@pytest.mark.parametrize("activation", ["relu", "tanh", "sigmoid"])
@pytest.mark.parametrize("problem", [PROBLEM, Problem(5, 3)], ids=["towers", "bare"])
def test_numpy_answers_what_the_network_answers(activation: str, problem: Problem) -> None:
    networks = stacked(problem, activation=activation, members=2)
    plain = jax.tree.map(np.asarray, networks)
    contexts, _, _, histories, _ = rows(problem, 150)
    ids = np.array([4, 1, 2])
    features = np.random.default_rng(3).normal(size=(3, problem.n_action_features)).astype(np.float32)

    def everyone(network: Any) -> Any:
        n, k = len(contexts), len(ids)
        memories = None if network.history is None else jnp.repeat(network.history.many(histories), k, axis=0)
        pairs = jnp.repeat(contexts, k, axis=0), jnp.tile(features, (n, 1)), jnp.tile(ids, n)
        return jax.vmap(network)(*pairs, memories).reshape(n, k)

    each = (jax.tree.map(lambda array: array[0], alone(networks, member)) for member in range(2))
    answer = np.stack([jax.jit(everyone)(network) for network in each])
    user, item = scoring.users(plain, contexts, histories), scoring.items(plain, features, ids)
    np.testing.assert_allclose(scoring.scores(plain, user, item), answer, atol=1e-5)
    one = scoring.scores(plain, scoring.users(plain, contexts[:1], histories[:1]), item)
    np.testing.assert_allclose(one, answer[:, :1], atol=1e-5)


def test_the_history_encoder_is_the_lstm_of_equinox_with_missing_items_left_out() -> None:
    encoder = HistoryEncoder(5, 3, 4, key=jax.random.key(2))
    state = (jnp.zeros(4), jnp.zeros(4))
    cell = jax.jit(lambda item, state: encoder.cell(item, state))
    for item in (3, 0, 0):
        state = cell(encoder.items[item], state)
    encode = jax.jit(lambda history: encoder.states(history)[-1])
    np.testing.assert_allclose(encode(np.array([-1, 3, -1, 0, 0])), state[0], atol=1e-6)
    np.testing.assert_array_equal(encode(np.full(5, -1)), np.zeros(4))


def test_many_histories_at_once_are_each_alone_and_so_are_their_gradients() -> None:
    encoder = jax.tree.map(lambda array: array[0], stacked().history)
    histories, weights = rows(PROBLEM, 30)[3], np.random.default_rng(4).normal(size=(30, 4))
    ends = jax.vmap(lambda encoder, history: encoder.states(history)[-1], (None, 0))
    alone = jax.jit(jax.value_and_grad(lambda encoder: jnp.sum(weights * ends(encoder, histories))))(encoder)
    together = jax.jit(jax.value_and_grad(lambda encoder: jnp.sum(weights * encoder.many(histories))))(encoder)
    for a, b in zip(jax.tree.leaves(together), jax.tree.leaves(alone), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5)


def test_a_new_item_is_scored_from_its_features_alone() -> None:
    # Items 0 and 1 have sales, 2 looks like 1 and never had any; its id embedding stays where it started.
    rng = np.random.default_rng(0)
    chosen, looks = rng.integers(2, size=256), np.array([[0.0, 2.0], [1.0, 2.0], [1.0, 2.0], [0.0, 2.0]])
    buffer = remembered(rng.normal(size=(256, 6)), looks, chosen, chosen * 0.8 + 0.1)
    trained = TrainedNetworks(SHOP, Recipe(**{**RECIPE, "shrinkage": 1.0, "epochs": 40}), seed=1)
    trained.fit(buffer)
    asked = Decisions(np.zeros(2), np.zeros((2, 6)), looks, np.ones((2, 4), bool))
    scores = trained.scores(asked, np.arange(4))[0, 0]
    np.testing.assert_array_equal(trained.plain.ids[0, 2], np.zeros(3))
    assert scores[2] > scores[0] + 1.0
    assert abs(trained.plain.ids[0, :2]).max() > 0.0


def test_a_context_beyond_all_that_were_trained_on_counts_as_the_outermost_of_them() -> None:
    """Such as the time, which has always gone on since: a product of towers would go on straight ahead."""
    rng = np.random.default_rng(0)
    chosen, looks = rng.integers(4, size=256), rng.normal(size=(4, 2))
    buffer = remembered(rng.uniform(-1, 1, (256, 6)), looks, chosen, chosen / 4)
    trained = TrainedNetworks(SHOP, Recipe(**RECIPE), seed=1)
    trained.fit(buffer)
    outermost, within = buffer["contexts"].max(axis=0), np.zeros(6)
    asked = Decisions(np.zeros(3), np.array([outermost + 5.0, outermost, within]), looks, np.ones((3, 4), bool))
    beyond, edge, inside = trained.scores(asked, np.arange(4))[0]
    np.testing.assert_array_equal(beyond, edge)
    assert abs(edge - inside).max() > 0.01


def test_shrinkage_leaves_less_that_is_peculiar_to_an_item() -> None:
    rng = np.random.default_rng(0)
    chosen = rng.integers(3, size=256)
    buffer = remembered(rng.normal(size=(256, 6)), np.zeros((4, 2)), chosen, (chosen == 1) * 1.0)
    sizes = []
    for shrinkage in (0.0, 1.0):
        trained = TrainedNetworks(SHOP, Recipe(**{**RECIPE, "shrinkage": shrinkage, "epochs": 40}), seed=1)
        trained.fit(buffer)
        sizes.append(np.abs(trained.plain.ids).sum())
    assert sizes[0] > 2.0 * sizes[1] > 0.0


def test_256_rounds_of_pure_noise_are_learned_by_heart() -> None:
    rng = np.random.default_rng(6)
    contexts, chosen = rng.normal(size=(256, 6)), rng.integers(4, size=256)
    rewards = (rng.random(256) < 0.5).astype(float)
    actions = rng.normal(size=(4, 2))
    trained = TrainedNetworks(SHOP, Recipe(**{**RECIPE, "epochs": 600}), seed=0)
    trained.fit(remembered(contexts, actions, chosen, rewards))
    asked = Decisions(np.zeros(256), contexts, actions, np.ones((256, 4), bool))
    logits = trained.scores(asked, np.arange(4))[0][np.arange(256), chosen]
    assert ((logits > 0) == (rewards == 1)).all()


def test_the_lstm_sees_the_order_of_a_history() -> None:
    # A sale follows where item 0 came before item 1, none where after: the same items, only permuted.
    rng = np.random.default_rng(1)
    first = rng.integers(2, size=256)
    histories = np.column_stack([first, 1 - first])
    buffer = remembered(np.zeros((256, 1)), np.empty((2, 0)), rng.integers(2, size=256), (first == 0) * 1.0, histories)
    trained = TrainedNetworks(Problem(2, 1, 0, 2), Recipe(**{**RECIPE, "epochs": 60}), seed=0)
    trained.fit(buffer)
    both = np.array([[0, 1], [1, 0]])
    asked = Decisions(np.zeros(2), np.zeros((2, 1)), np.empty((2, 0)), np.ones((2, 2), bool), both)
    scores = trained.scores(asked, np.arange(2))[0]
    assert scores[0].min() > 2.0
    assert scores[1].max() < -2.0


def test_an_epoch_is_adam_written_out_by_hand() -> None:
    # Kingma & Ba 2015, algorithm 1, over two minibatches of which the second has one real row and one that is none.
    step = Step("adam", 0.05, "mse", shrinkage=0.2, averaging=1)
    network, data = stacked(PLAIN), rows(PLAIN, 4)
    order = np.array([[2, 0], [3, -1], [1, 1]], np.int32)
    weights = np.array([[1.0], [0.0], [2.0], [1.0]], np.float32)
    trained, _, average, _ = epoch(step, untrained(step, network), data, weights, order, 2)
    numbers, back = jax.flatten_util.ravel_pytree(network)
    gradient = jax.jit(jax.grad(lambda x, part, weight: losses(step, back(x), part, weight)[0]))
    m = v = 0.0
    for t, batch in enumerate(([2, 0], [3]), start=1):
        part = tuple(column[batch] for column in data)
        g = gradient(numbers, part, weights[batch])
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g**2
        numbers = numbers - 0.05 * (m / (1 - 0.9**t)) / (jnp.sqrt(v / (1 - 0.999**t)) + 1e-8)
    np.testing.assert_allclose(jax.flatten_util.ravel_pytree(trained)[0], numbers, atol=2e-5)
    np.testing.assert_allclose(jax.flatten_util.ravel_pytree(average)[0], numbers, atol=2e-5)  # of one step: that step


def test_steps_of_another_rate_or_penalty_are_not_compiled_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    compiled: list[int] = []
    over = training._over_members

    def counted(*told: Any) -> Any:
        compiled.append(1)
        return over(*told)

    monkeypatch.setattr(training, "_over_members", counted)
    data, order, weights = rows(PLAIN, 5), np.arange(5, dtype=np.int32)[:, None], np.ones((5, 1), np.float32)
    steps = [
        Step("sgd", *numbers, averaging=7) for numbers in ((0.1, "mse", 0.3), (0.2, "mse", 0.3), (0.1, "mse", 0.0))
    ]
    ends = [epoch(step, untrained(step, stacked(PLAIN)), data, weights, order, 5)[0] for step in steps]
    assert len(compiled) == 1
    first, *others = (jax.flatten_util.ravel_pytree(end)[0] for end in ends)
    assert not any(np.allclose(first, other) for other in others)


def test_the_weights_in_use_are_the_average_of_the_latest_steps() -> None:
    """The t-th step counts 4 / (4 + t), or 1 / averaging where that is more (from the fifth on, of 2), whatever calls
    it came in."""
    averaging = 2
    step, data = Step("sgd", 0.1, "mse", 0.0, averaging), rows(PLAIN, 8)
    order, weights = np.arange(8, dtype=np.int32).reshape(8, 1), np.ones((8, 1), np.float32)
    trained = untrained(step, stacked(PLAIN))
    average: Any = 0.0
    for t in range(8):
        trained = epoch(step, trained, data, weights, order[t : t + 1], 1)
        new = max(4 / (4 + t), 1 / averaging)
        average = (1 - new) * average + new * jax.flatten_util.ravel_pytree(trained[0])[0]
    at_once = epoch(step, untrained(step, stacked(PLAIN)), data, weights, order, 8)
    np.testing.assert_allclose(jax.flatten_util.ravel_pytree(trained[2])[0], average, atol=1e-5)
    np.testing.assert_allclose(jax.flatten_util.ravel_pytree(at_once[2])[0], average, atol=1e-5)


@pytest.mark.parametrize("optimiser", ["adam", "adamw", "sgd", "rmsprop"])
def test_every_optimiser_starts_from_zeros(optimiser: str) -> None:
    import optax

    from policies.networks.training import OPTIMISERS

    step, network = Step(optimiser, 0.1, "bce", 0.0, 1_000), stacked()
    true = optax.flatten(OPTIMISERS[optimiser](0.1)).init(network)
    for ours, theirs in zip(jax.tree.leaves(first_moments(step, network)), jax.tree.leaves(true), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_members_trained_together_are_those_trained_alone() -> None:
    step, networks, data = Step("adam", 0.02, "bce", 0.1, 1_000), stacked(PLAIN, members=3), rows(PLAIN, 40)
    weights = bootstrap_weights(4, np.arange(40), 3)
    order = np.arange(40, dtype=np.int32).reshape(5, 8)
    together = epoch(step, untrained(step, networks), data, weights, order, 5)[0]
    second = epoch(step, untrained(step, alone(networks, 1)), data, weights[:, 1:2], order, 5)[0]
    for a, b in zip(jax.tree.leaves(second), jax.tree.leaves(alone(together, 1)), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5)


def test_members_share_one_history_encoder_which_follows_the_mean_of_what_each_alone_would_have_it_do() -> None:
    step, networks, data = Step("adam", 0.02, "bce", 0.1, 1_000), stacked(members=3), rows(PROBLEM, 40)
    weights = bootstrap_weights(4, np.arange(40), 3)
    together = compiled_gradients(step, networks, data, weights)
    apart = [compiled_gradients(step, alone(networks, i), data, weights[:, i : i + 1]) for i in range(3)]
    assert len(jax.tree.leaves(networks.history)[0]) == 1
    for mean, *each in zip(*(jax.tree.leaves(found.history) for found in (together, *apart)), strict=True):
        np.testing.assert_allclose(mean, np.mean(each, axis=0), atol=1e-6)
    np.testing.assert_allclose(
        together.dense[0].weight, np.concatenate([own.dense[0].weight for own in apart]), atol=1e-6
    )


def test_the_loss_of_a_network_is_summed_over_all_minibatches_and_their_rows() -> None:
    step, network, data = Step("adam", 0.1, "mse", 0.0, 1_000), stacked(PLAIN), rows(PLAIN, 7)
    order = np.array([[0, 1, 2], [3, 4, 5], [6, -1, -1]], np.int32)
    whole = 7 * float(compiled_losses(step, network, data, jnp.ones((7, 1)))[0])
    assert float(evaluate(step, network, data, order, 3)) == pytest.approx(whole, rel=1e-4)


def test_rows_are_counted_by_the_distribution_function_of_a_poisson_number() -> None:
    np.testing.assert_allclose(training._POISSON, poisson.cdf(np.arange(7), 1.0))


def test_bootstrap_weights_are_poisson_and_belong_to_the_row() -> None:
    weights = bootstrap_weights(9, np.arange(100_000), 3)
    for count, chance in enumerate([np.exp(-1), np.exp(-1), np.exp(-1) / 2, np.exp(-1) / 6]):
        assert (weights == count).mean() == pytest.approx(chance, abs=0.003)
    assert abs(np.corrcoef(weights.T)[np.triu_indices(3, 1)]).max() < 0.01
    np.testing.assert_array_equal(bootstrap_weights(9, np.array([500, 7]), 3), weights[[500, 7]])
    assert (bootstrap_weights(10, np.arange(1000), 3) != weights[:1000]).any()


def test_early_stopping_keeps_the_epoch_with_the_least_validation_loss() -> None:
    # Pure noise: the more is learned by heart, the worse other rows of the same kind are predicted.
    rng = np.random.default_rng(6)
    contexts, chosen = rng.normal(size=(512, 6)), rng.integers(4, size=512)
    rewards = (rng.random(512) < 0.5).astype(float)
    buffer = remembered(contexts[:256], np.zeros((4, 2)), chosen[:256], rewards[:256])
    assert buffer.held_out(0.25).mean() == pytest.approx(0.25, abs=0.02)

    def surprise_elsewhere(validation: float) -> float:
        recipe = Recipe(**{**RECIPE, "epochs": 120, "validation": validation, "patience": 5})
        trained = TrainedNetworks(SHOP, recipe, seed=0)
        trained.fit(buffer)
        asked = Decisions(np.zeros(256), contexts[256:], np.zeros((4, 2)), np.ones((256, 4), bool))
        logits = trained.scores(asked, np.arange(4))[0][np.arange(256), chosen[256:]]
        return float((np.logaddexp(0, logits) - rewards[256:] * logits).mean())

    assert surprise_elsewhere(0.25) < 0.8
    assert surprise_elsewhere(0.0) > 1.5


def test_rare_categories_and_constant_columns_stay_small_numbers() -> None:
    columns = np.column_stack([np.arange(1000) == 5, np.full(1000, 7.0), np.arange(1000) * 1e6])
    centre, scale = centre_and_scale(columns)
    standardised = (columns - centre) / scale
    assert np.abs(standardised).max() == pytest.approx(4.0)
    np.testing.assert_array_equal(standardised[:, 1], np.zeros(1000))
    assert standardised[:, 2].std() == pytest.approx(1.0)


def test_nothing_said_means_the_processor_and_a_choice_stands() -> None:
    code = "import policies.networks.network, jax; print(jax.config.jax_platforms)"
    for said, expected in ((None, "cpu"), ("cpu,cuda", "cpu,cuda")):
        surroundings = {name: value for name, value in os.environ.items() if name != "JAX_PLATFORMS"}
        surroundings |= {"JAX_PLATFORMS": said} if said else {}
        told = subprocess.run(
            [sys.executable, "-c", code], env=surroundings, capture_output=True, text=True, check=True
        )
        assert told.stdout.strip() == expected


def stream(n: int, share: float, seed: int = 0) -> Feedback:
    """Rows told apart by their context, so many of which bring something."""
    rng = np.random.default_rng(seed)
    decisions = Decisions(np.arange(float(n)), np.arange(float(n))[:, None], np.empty((3, 0)), np.ones((n, 3), bool))
    rewards = np.where(rng.random(n) < share, rng.random(n) + 0.5, 0.0)
    return Feedback(decisions, rng.integers(3, size=n), np.ones(n), rewards)


def test_the_buffer_keeps_all_there_is_room_for() -> None:
    told, buffer = stream(30, 0.2), ReplayBuffer(Problem(3, 1), 40)
    buffer.add(told)
    np.testing.assert_array_equal(buffer["contexts"][:, 0], np.arange(30.0))
    np.testing.assert_array_equal(buffer.weights(), np.ones(30))


def test_a_row_counts_less_the_longer_ago_it_was() -> None:
    """Of 30 days one row each, half forgotten a day: 1 + 1/2 + 1/4 + ... of the rows that each stands for."""
    buffer = ReplayBuffer(Problem(3, 1), 40)
    buffer.add(stream(30, 0.2))
    np.testing.assert_allclose(buffer.weights(0.5), 0.5 ** np.arange(29.0, -1.0, -1.0))


@pytest.mark.parametrize("share", [0.0, 0.02, 0.5, 0.97, 1.0])
def test_rewarded_rows_stay_while_they_fill_less_than_half_and_no_row_is_there_twice(share: float) -> None:
    told, buffer = stream(2_000, share), ReplayBuffer(Problem(3, 1), 200)
    buffer.add(told)
    kept = buffer["contexts"][:, 0].astype(int)
    assert len(set(kept)) == 200
    np.testing.assert_array_equal(buffer["rewards"], told.rewards[kept])
    np.testing.assert_array_equal(buffer["chosen"], told.chosen[kept])
    np.testing.assert_array_equal(buffer["arrivals"], kept)
    rewarded = np.count_nonzero(told.rewards)
    assert np.count_nonzero(buffer["rewards"]) >= min(rewarded, 100)
    if rewarded <= 100:
        assert np.count_nonzero(buffer["rewards"]) == rewarded
    assert buffer.weights().sum() == pytest.approx(2_000)


def test_rows_are_kept_alike_however_they_are_grouped() -> None:
    told = stream(700, 0.1)
    whole, parts = ReplayBuffer(Problem(3, 1), 100), ReplayBuffer(Problem(3, 1), 100)
    whole.add(told)
    for start in range(0, 700, 13):
        parts.add(told.take(slice(start, start + 13)))
    for name in ("contexts", "chosen", "rewards", "arrivals", "times"):
        np.testing.assert_array_equal(whole[name], parts[name])


@pytest.mark.parametrize("share", [0.02, 0.4])
def test_the_expected_weighted_loss_is_the_loss_of_all_rows(share: float) -> None:
    """Over 300 streams: the weighted sum of any function of the rows, early and late ones, hits the sum over all."""
    function = lambda rows, rewards: np.column_stack([rewards, rows < 150, (rows % 7 == 3) * (rewards + 1.0)])  # noqa: E731
    missed = []
    for shift in range(300):
        told, buffer = stream(600, share, seed=1), ReplayBuffer(Problem(3, 1), 60)
        buffer.seen = 10_000 * shift  # other numbers, other luck
        buffer.add(told)
        true = function(np.arange(600), told.rewards).sum(axis=0)
        buffer.seen = 600
        estimate = buffer.weights() @ function(buffer["contexts"][:, 0], buffer["rewards"])
        missed.append(estimate - true)
    error = np.std(missed, axis=0) / np.sqrt(300)
    assert (np.abs(np.mean(missed, axis=0)) < 4 * error + 1e-9).all()


@pytest.mark.parametrize(("losses", "kept"), [([5.0, 3.0, 4.0, 4.5, 1.0], 2), ([5.0, 6.0, 4.0, 4.5, 4.5], 3)])
def test_early_stopping_keeps_the_best_epoch_and_stops_after_so_many_without_a_better(
    losses: list[float], kept: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Patience 2: 1.0 comes too late to be seen; the second list finds better after one wait and keeps the third."""
    from policies.networks import training

    told = iter(losses)
    states: list[Any] = []
    monkeypatch.setattr(training, "evaluate", lambda *_: next(told))
    trained = TrainedNetworks(
        Problem(3, 1), Recipe(**{**RECIPE, "validation": 0.2, "patience": 2, "epochs": 5}), seed=0
    )
    monkeypatch.setattr(
        trained,
        "_train",
        lambda *_: (states.append(len(states) + 1), setattr(trained, "_trained", (0, 0, len(states), 0))),
    )
    monkeypatch.setattr(trained, "_export", lambda: None)
    rng = np.random.default_rng(0)
    trained.fit(remembered(rng.normal(size=(60, 1)), np.empty((3, 0)), rng.integers(3, size=60), rng.random(60)))
    assert trained._trained[2] == kept
    assert len(states) == min(kept + 2, 5)


def test_the_loss_suits_counts_or_money() -> None:
    recipe = Recipe()
    for rewards, expected in (([0, 1, 2], "bce"), ([0, 19.9], "mse"), ([0, -1, 1], "mse")):
        assert Step.of(recipe, np.array(rewards, float)).loss == expected
    assert Step.of(Recipe(loss="mse"), np.zeros(1)).loss == "mse"


@pytest.mark.parametrize(
    ("loss", "least", "centre", "scale"),
    [("bce", 0.0, 0.0, 4.0), ("bce", 2.0, 0.0, 6.0), ("bce", -1.0, -1.0, 4.0), ("mse", 0.0, 1.5, 1.5)],
)
def test_targets_are_shares_of_the_most_or_standardised(
    loss: str, least: float, centre: float, scale: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    rewards = least + np.tile([0.0, 1.0, 4.0, 1.0], 16)
    buffer = remembered(np.random.default_rng(0).normal(size=(64, 2)), np.empty((3, 0)), np.arange(64) % 3, rewards)
    trained = TrainedNetworks(Problem(3, 2), Recipe(**{**RECIPE, "loss": loss, "capacity": 64}), seed=0)
    monkeypatch.setattr(training, "epoch", lambda _, trained, *__: trained)  # no need to
    trained.fit(buffer)
    np.testing.assert_allclose(trained.standardised("targets", rewards), (rewards - centre) / scale, rtol=1e-6)


def test_what_is_told_of_a_training_is_the_mean_loss_of_its_rows_and_networks() -> None:
    rng = np.random.default_rng(0)
    contexts, chosen, rewards = rng.normal(size=(64, 2)), rng.integers(3, size=64), rng.normal(size=64)
    recipe = Recipe(**{**RECIPE, "loss": "mse", "capacity": 64, "shrinkage": 0.0})
    trained = TrainedNetworks(Problem(3, 2), recipe, seed=0, members=2)
    told: dict[str, float] = {}
    trained._scalars = SimpleNamespace(wanted=True, write=lambda name, value, _: told.update({name: value}))  # type: ignore[assignment]
    trained.fit(remembered(contexts, np.empty((3, 0)), chosen, rewards))
    asked = Decisions(np.zeros(64), contexts, np.empty((3, 0)), np.ones((64, 3), bool))
    answers = trained.scores(asked, np.arange(3))[:, np.arange(64), chosen]
    missed = (answers - trained.standardised("targets", rewards)) ** 2
    assert told == {"loss": pytest.approx(missed.mean(), rel=1e-4)}


def test_rows_that_stand_for_many_pull_as_many_times() -> None:
    """40 rewarded rows of 10,000: the mean prediction is the mean of all, not of what is remembered."""
    rng = np.random.default_rng(0)
    n = 10_000
    rewards = np.zeros(n)
    rewards[rng.choice(n, 40, replace=False)] = 1.0
    buffer = ReplayBuffer(SHOP, 256)
    decisions = Decisions(np.zeros(n), np.ones((n, 6)), np.zeros((4, 2)), np.ones((n, 4), bool))
    buffer.add(Feedback(decisions, np.zeros(n, int), np.ones(n), rewards))
    assert np.count_nonzero(buffer["rewards"]) == 40
    trained = TrainedNetworks(SHOP, Recipe(**{**RECIPE, "epochs": 400}), seed=0)
    trained.fit(buffer)
    asked = Decisions(np.zeros(1), np.ones((1, 6)), np.zeros((4, 2)), np.ones((1, 4), bool))
    assert 1 / (1 + np.exp(-trained.scores(asked, np.arange(1))[0, 0, 0])) == pytest.approx(0.004, rel=0.2)
