"""The network of predicted sales: an item tower and a user tower, multiplied, and merged into dense layers.

Item: embedding of what the product is like, plus an embedding of its id. User: context features and, where histories
are kept, an LSTM over the items seen last. Trained in JAX; `scoring.py` asks the same weights without jax.
"""

from __future__ import annotations

import os
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

# Read when jax starts. The networks are small: many processes with one thread each beat one process with many threads.
os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1")

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from policies.networks.lstm import lstm
from policies.policy import PolicyError, Problem

# The user's own choice stands, said in JAX_PLATFORMS or by a CUDA build of jax; where nothing is said, the processor.
if "JAX_PLATFORMS" not in os.environ and find_spec("jax_plugins") is None:
    jax.config.update("jax_platforms", "cpu")

ACTIVATIONS = {"relu": jax.nn.relu, "tanh": jnp.tanh, "sigmoid": jax.nn.sigmoid}


class HistoryEncoder(eqx.Module):  # type: ignore[misc]
    """Embedding + LSTM over the items a user saw last (Hochreiter & Schmidhuber 1997)."""

    items: Any  # (K, e) embedding of each item
    cell: eqx.nn.LSTMCell  # e -> width

    def __init__(self, n_items: int, embedding: int, width: int, *, key: Any) -> None:
        first, second = jax.random.split(key)
        self.items = jax.random.normal(first, (n_items, embedding)) / np.sqrt(embedding)
        self.cell = eqx.nn.LSTMCell(embedding, width, key=second)

    def step(self, state: Any, item: Any) -> Any:
        """The state (h, c) after one more item; -1 is no item and leaves it as it was."""
        moved = self.cell(self.items[jnp.maximum(item, 0)], state)
        return jax.tree.map(lambda new, old: jnp.where(item >= 0, new, old), moved, state)

    def states(self, history: Any) -> Any:
        """(L, width) what is remembered after each item of an (L,) history, oldest first."""
        start = (jnp.zeros(self.cell.hidden_size, self.items.dtype),) * 2

        def step(state: Any, item: Any) -> Any:
            state = self.step(state, item)
            return state, state[0]

        return jax.lax.scan(step, start, history)[1]

    def many(self, histories: Any) -> Any:
        """(n, width) what is remembered at the end of each of (n, L) histories; quicker to train than `states`."""
        return lstm(self.items @ self.cell.weight_ih.T + self.cell.bias, self.cell.weight_hh, histories)


class Network(eqx.Module):  # type: ignore[misc]
    """One number for a visit and an item: the logit of a sale, or the predicted reward itself."""

    features: eqx.nn.Linear | None  # a -> e, what the item is like; one-hot categories make it their embedding
    ids: Any  # (K, e) what is peculiar to the item: zero until its own sales say otherwise
    history: HistoryEncoder | None
    tower: eqx.nn.Linear  # user -> e, multiplied with the item: tastes, which a ReLU would have to piece together
    dense: tuple[eqx.nn.Linear, ...]  # user and item -> widths; the last layer and the product -> 1
    activation: str = eqx.field(static=True)

    def __init__(
        self, problem: Problem, widths: tuple[int, ...], activation: str, embedding: int, memory: int, *, key: Any
    ) -> None:
        keys = jax.random.split(key, 4 + len(widths))
        a, L = problem.n_action_features, problem.history_length
        self.features = eqx.nn.Linear(a, embedding, key=keys[0]) if a else None
        self.ids = jnp.zeros((problem.n_actions, embedding))
        self.history = HistoryEncoder(problem.n_actions, embedding, memory, key=keys[1]) if L else None
        user = problem.n_context_features + (memory if L else 0)
        self.tower = eqx.nn.Linear(user, embedding, key=keys[2])
        into, out = [user + embedding, *widths[:-1], widths[-1] + embedding], [*widths, 1]
        self.dense = tuple(eqx.nn.Linear(i, o, key=k) for i, o, k in zip(into, out, keys[3:], strict=True))
        self.activation = activation

    def item(self, features: Any, chosen: Any) -> Any:
        """(e,) item tower: what it is like, plus what is peculiar to it."""
        peculiar = self.ids[chosen]
        return peculiar if self.features is None else self.features(features) + peculiar

    def __call__(self, context: Any, features: Any, chosen: Any, memory: Any) -> Any:
        """The answer, of context (d,), item features (a,), item id and what is remembered (width,); None: nothing."""
        user = context if memory is None else jnp.concatenate([context, memory])
        item = self.item(features, chosen)
        hidden = jnp.concatenate([user, item])
        for layer in self.dense[:-1]:
            hidden = ACTIVATIONS[self.activation](layer(hidden))
        return self.dense[-1](jnp.concatenate([hidden, self.tower(user) * item]))[0]


def create(
    generator: np.random.Generator,
    problem: Problem,
    *,
    widths: tuple[int, ...],
    activation: str,
    embedding: int,
    memory: int,
    members: int,
) -> Any:
    """A stack of `members` networks: every array has one more leading axis.

    They share one history encoder, where it is of length 1: heads of their own on one body (Osband et al. 2016,
    "Deep exploration via bootstrapped DQN"), since the encoder takes most of a training and all want the same of it.
    """
    return drawn(generator, members, partial(Network, problem, widths, activation, embedding, memory))


def drawn(generator: np.random.Generator, members: int, module: Any) -> Any:
    """A stack of `members` modules of this kind (called with a jax key as `key`), with weights drawn in numpy.

    What is called `history` is drawn once, for all of them.
    Weights are uniform within 1 / sqrt(inputs) of 0, popularity and what is peculiar to an item 0. So are biases, but
    for those of dense layers that are bent: where neither contexts nor items have anything to say all their inputs
    are 0, and a ReLU without a bias would never wake. In numpy, because compiling jax's generators for so many shapes
    takes longer than training.
    """

    def draw(path: Any, leaf: Any) -> Any:
        shape = (1 if getattr(path[0], "name", "") == "history" else members, *leaf.shape)
        name, bent = path[-1].name, getattr(path[0], "name", "") in ("dense", "tower") and shape[-1] > 1
        if name in ("ids", "popularity") or (name == "bias" and not bent):
            return jax.device_put(np.zeros(shape, np.float32))
        within = 1.0 / np.sqrt(shape[-1])
        return jax.device_put(generator.uniform(-within, within, shape).astype(np.float32))

    shapes = eqx.filter_eval_shape(lambda key: module(key=key), jax.eval_shape(lambda: jax.random.key(0)))
    return jax.tree_util.tree_map_with_path(draw, shapes)


def load_history(path: str | Path, problem: Problem, *, embedding: int, memory: int) -> dict[str, Any]:
    """The arrays of a pretrained `HistoryEncoder` (policies/pretraining.py), by name.

    Raises:
        PolicyError: the file is missing or holds something else, or the problem or the widths are others.
    """
    if not problem.history_length:
        raise PolicyError(f"pretrained must be None where history_length is 0, got {str(path)!r}")
    shapes = {
        "items": (problem.n_actions, embedding),
        "weight_ih": (4 * memory, embedding),
        "weight_hh": (4 * memory, memory),
        "bias": (4 * memory,),
    }
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name].astype(np.float32) for name in shapes}
    except (OSError, KeyError, ValueError):
        raise PolicyError(f"pretrained must be a file written by Pretrained.save, got {str(path)!r}") from None
    found = {name: array.shape for name, array in arrays.items()}
    if found != shapes:
        raise PolicyError(f"pretrained must have shapes {shapes}, got {found}")
    return arrays


def with_history(network: Any, arrays: dict[str, Any]) -> Any:
    """The stacked networks with these weights in their history encoder."""

    def places(network: Any) -> Any:
        cell = network.history.cell
        return network.history.items, cell.weight_ih, cell.weight_hh, cell.bias

    new = (arrays[name] for name in ("items", "weight_ih", "weight_hh", "bias"))
    return eqx.tree_at(places, network, tuple(jax.device_put(array[None]) for array in new))
