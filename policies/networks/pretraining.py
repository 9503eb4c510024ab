"""Learning from behaviour alone what users look at next, before any launch: weights for the user tower."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax

from policies import settings
from policies.networks.network import HistoryEncoder, drawn
from policies.networks.recipe import Recipe
from policies.policy import Floats, Integers, PolicyError


@dataclass(frozen=True, slots=True, eq=False)
class Pretrained:
    """A history encoder as plain arrays, and how well it came to predict."""

    items: Floats  # (K, e) embedding of each item
    weight_ih: Floats  # (4 width, e) LSTM, gates in the order enter, keep, new, leave
    weight_hh: Floats  # (4 width, width)
    bias: Floats  # (4 width,)
    losses: Floats  # (epochs,) cross-entropy in nats of each next item

    def save(self, path: str | Path) -> None:
        """Write it to a .npz file, for the setting `pretrained` of a neural policy."""
        arrays = {name: getattr(self, name) for name in self.__slots__}
        with Path(path).open("wb") as file:
            np.savez_compressed(file, **arrays)


class NextItem(eqx.Module):  # type: ignore[misc]
    """Scores of every item as the next one: nearness of the LSTM's state to its embedding, and its popularity."""

    history: HistoryEncoder
    towards: eqx.nn.Linear  # LSTM width -> e
    popularity: Any  # (K,)

    def __init__(self, n_items: int, embedding: int, memory: int, *, key: Any) -> None:
        first, second = jax.random.split(key)
        self.history = HistoryEncoder(n_items, embedding, memory, key=first)
        self.towards = eqx.nn.Linear(memory, embedding, key=second)
        self.popularity = jnp.zeros(n_items)

    def __call__(self, sequence: Any) -> Any:
        """(L - 1, K) logits of the items at 1, 2, ... of an (L,) sequence, each from those before it."""
        states = self.history.states(sequence[:-1])
        return jax.vmap(self.towards)(states) @ self.history.items.T + self.popularity


def pretrain(
    sequences: Integers,
    n_items: int,
    *,
    embedding: int = Recipe.embedding,
    memory: int = Recipe.memory,
    epochs: int = 10,
    batch: int = 64,
    learning_rate: float = 0.005,
    seed: int = 0,
) -> Pretrained:
    """Self-supervised: predict each next item of behaviour sequences (Hidasi et al. 2016, here with an LSTM).

    Args:
        sequences: (n, L) items, oldest first, -1 where there is none.
        n_items: K.
        embedding: e, as in the policy that will use it.
        memory: width of the LSTM, as in the policy that will use it.
        epochs: passes over all sequences, all in one compiled call.
        batch: sequences of a minibatch.
        learning_rate: of Adam.
        seed: of first weights and minibatches.

    Raises:
        PolicyError: an item outside -1 to K - 1, or no pair of consecutive items.
    """
    return trained(
        sequences,
        n_items,
        embedding=embedding,
        memory=memory,
        epochs=epochs,
        batch=batch,
        learning_rate=learning_rate,
        seed=seed,
    )[0]


def trained(
    sequences: Integers,
    n_items: int,
    *,
    embedding: int = Recipe.embedding,
    memory: int = Recipe.memory,
    epochs: int = 10,
    batch: int = 64,
    learning_rate: float = 0.005,
    seed: int = 0,
) -> tuple[Pretrained, NextItem]:
    """As `pretrain`, and the whole model beside it, for `judged`."""
    sequences = _checked(sequences, n_items)
    for name, value in (("embedding", embedding), ("memory", memory), ("epochs", epochs), ("batch", batch)):
        settings.whole(name, value, 1)
    generator = np.random.default_rng(seed)
    model = drawn(generator, 1, partial(NextItem, n_items, embedding, memory))
    model = jax.tree.map(lambda array: array[0], model)
    order = np.stack([_order(generator, len(sequences), batch) for _ in range(epochs)])
    model, losses = _train(settings.positive("learning_rate", learning_rate), model, sequences, order)
    cell = model.history.cell
    arrays = (model.history.items, cell.weight_ih, cell.weight_hh, cell.bias, losses)
    return Pretrained(*(np.asarray(array) for array in arrays)), model


@dataclass(frozen=True, slots=True, eq=False)
class Judgement:
    """How well the next items of users who were not learned from are told, user by user, n of them."""

    counts: Floats  # (n,) next items
    hits: Floats  # (n,) of them among the ten likeliest
    surprise: Floats  # (n,) nats, summed

    @property
    def recall(self) -> float:
        """Share of next items among the ten likeliest."""
        return float(self.hits.sum() / self.counts.sum())

    @property
    def perplexity(self) -> float:
        """As many equally likely items would be as hard to tell."""
        return float(np.exp(self.surprise.sum() / self.counts.sum()))


def judged(model: NextItem, sequences: Integers, batch: int = 256) -> Judgement:
    """The model's judgement on (n, L) sequences."""
    parts = [_judge(_logits(model, rows), rows) for rows in _batches(sequences, batch)]
    return Judgement(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def judged_by_popularity(learned_from: Integers, n_items: int, sequences: Integers) -> Judgement:
    """The plainest judgement: every item as likely as it was frequent in the sequences learned from, plus one."""
    counts = np.bincount(learned_from[learned_from >= 0], minlength=n_items) + 1.0
    told = np.broadcast_to(np.log(counts), (*sequences[:, 1:].shape, n_items))
    parts = [_judge(told[: len(rows)], rows) for rows in _batches(sequences, 256)]
    return Judgement(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def _batches(sequences: Integers, batch: int) -> list[Integers]:
    return [sequences[start : start + batch] for start in range(0, len(sequences), batch)]


@jax.jit
def _logits(model: NextItem, rows: Any) -> Any:
    return jax.vmap(model)(rows)


def _judge(logits: Any, rows: Integers) -> tuple[Floats, Floats, Floats]:
    """(n,) counts, hits and surprise of logits (n, L - 1, K)."""
    logits = np.asarray(logits)
    following = rows[:, 1:]
    real = (following >= 0) & ((rows >= 0).cumsum(axis=1)[:, :-1] > 0)
    mine = np.take_along_axis(logits, np.maximum(following, 0)[:, :, None], axis=2)[:, :, 0]
    largest = logits.max(axis=2)
    total = largest + np.log(np.exp(logits - largest[:, :, None]).sum(axis=2))
    above, alike = ((compare(logits, mine[:, :, None])).sum(axis=2) for compare in (np.greater, np.equal))
    hits = np.clip((10 - above) / alike, 0.0, 1.0)  # those alike share the places that are left
    return real.sum(axis=1).astype(float), (hits * real).sum(axis=1), ((total - mine) * real).sum(axis=1)


def _checked(sequences: Integers, n_items: int) -> Integers:
    if sequences.ndim != 2 or sequences.shape[1] < 2:
        raise PolicyError(f"sequences must have shape (n, L) with L of at least 2, got {sequences.shape}")
    if sequences.min(initial=-1) < -1 or sequences.max(initial=-1) >= n_items:
        raise PolicyError(
            f"sequences must hold items from -1 to {n_items - 1}, got {sequences.min()} to {sequences.max()}"
        )
    if not ((sequences[:, :-1] >= 0) & (sequences[:, 1:] >= 0)).any():
        raise PolicyError("sequences must have two items in a row somewhere, got none")
    return sequences.astype(np.int32)


def _order(generator: np.random.Generator, n: int, batch: int) -> Any:
    """(steps, batch) a permutation of n places, filled up with -1."""
    order = np.full(-(-n // batch) * batch, -1, np.int32)
    order[:n] = generator.permutation(n)
    return order.reshape(-1, batch)


def _surprise(model: NextItem, batch: Any, real: Any) -> tuple[Any, Any]:
    """Cross-entropy of the next items in nats, summed, and how many there were; `real` marks rows that count."""
    logits = jax.vmap(model)(batch)
    following = batch[:, 1:]
    counts = (following >= 0) & (jnp.cumsum(batch >= 0, axis=1)[:, :-1] > 0) & real[:, None]
    losses = optax.softmax_cross_entropy_with_integer_labels(logits, jnp.maximum(following, 0))
    return jnp.sum(losses * counts), jnp.sum(counts)


@partial(jax.jit, static_argnames="learning_rate")
def _train(learning_rate: float, model: NextItem, sequences: Any, order: Any) -> Any:
    """The trained model and (epochs,) losses; order is (epochs, steps, batch) places of sequences."""
    optimiser = optax.flatten(optax.adam(learning_rate))

    def mean_loss(model: NextItem, places: Any) -> tuple[Any, Any]:
        total, count = _surprise(model, sequences[places], places >= 0)
        return total / jnp.maximum(count, 1), (total, count)

    def step(state: Any, places: Any) -> Any:
        model, moments = state
        gradient, sums = jax.grad(mean_loss, has_aux=True)(model, places)
        change, moments = optimiser.update(gradient, moments, model)
        return (optax.apply_updates(model, change), moments), sums

    def epoch(state: Any, places: Any) -> Any:
        state, (totals, counts) = jax.lax.scan(step, state, places)
        return state, totals.sum() / counts.sum()

    (model, _), losses = jax.lax.scan(epoch, (model, optimiser.init(model)), order)
    return model, losses
