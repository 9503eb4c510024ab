"""Trained networks asked in plain numpy: far quicker than a call into a compiled program for a few visits.

The weights are those of `policies/networks.py`, as numpy arrays: m networks stacked. Each visit is multiplied on its
own, so that ties between its items fall alike whether it comes alone or with others.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from policies.policy import Floats, Integers

VISITS = 64  # at once, so that what lies between the layers stays in the processor's cache


def _relu(x: Any) -> Any:
    return np.maximum(x, 0.0, out=x)


def _sigmoid(x: Any) -> Any:
    return 1.0 / (1.0 + np.exp(-x))


_ACTIVATIONS: dict[str, Any] = {"relu": _relu, "tanh": np.tanh, "sigmoid": _sigmoid}


def item_vectors(networks: Any, features: Floats, ids: Integers) -> Any:
    """(m, k, e) item tower of standardised features (k, a) and ids (k,)."""
    peculiar = networks.ids[:, ids]
    if networks.features is None:
        return peculiar
    return _layer(networks.features, features.astype(np.float32)) + peculiar


def remembered(encoder: Any, histories: Integers) -> Any:
    """(m, n, width) LSTM over (n, L) histories."""
    inputs = _layer(encoder.cell, encoder.items, "weight_ih")  # (m, K, 4 width)
    recurrent = encoder.cell.weight_hh.swapaxes(1, 2)
    hidden = cell = np.zeros((len(inputs), len(histories), recurrent.shape[1]), np.float32)
    for items in histories.T:
        gates = inputs[:, items] + hidden @ recurrent
        enter, keep, new, leave = np.split(gates, 4, axis=2)
        present = (items >= 0)[:, None]
        cell = np.where(present, _sigmoid(keep) * cell + _sigmoid(enter) * np.tanh(new), cell)
        hidden = np.where(present, _sigmoid(leave) * np.tanh(cell), hidden)
    return hidden


def users(networks: Any, contexts: Floats, histories: Integers | None) -> Any:
    """(m, n, widths[0]) what the user tower adds to the first dense layer, of standardised contexts (n, d)."""
    first = networks.dense[0]
    d = contexts.shape[1]
    user = contexts.astype(np.float32) @ first.weight[:, :, :d].swapaxes(1, 2) + first.bias[:, None]
    if networks.history is not None and histories is not None:
        memory = remembered(networks.history, histories)
        user += memory @ first.weight[:, :, d : d + memory.shape[2]].swapaxes(1, 2)
    return user


def items(networks: Any, features: Floats, ids: Integers) -> Any:
    """(m, k, widths[0]) what the item tower adds to the first dense layer, of features (k, a) and ids (k,)."""
    vectors = item_vectors(networks, features, ids)
    return vectors @ networks.dense[0].weight[:, :, -vectors.shape[2] :].swapaxes(1, 2)


def last_layer(networks: Any, user: Any, item: Any) -> Any:
    """(m, n, k, widths[-1]) what the output layer sees, of `users` (m, n, h) and `items` (m, k, h)."""
    activate = _ACTIVATIONS[networks.activation]
    hidden = activate(user[:, :, None] + item[:, None])
    for layer in networks.dense[1:-1]:
        hidden = activate(hidden @ layer.weight[:, None].swapaxes(2, 3) + layer.bias[:, None, None])
    return hidden


def scores(networks: Any, user: Any, item: Any) -> Floats:
    """(m, n, k) the networks' answers, of `users` (m, n, h) and `items` (m, k, h)."""
    output = networks.dense[-1]
    m, n, k = len(user), user.shape[1], item.shape[1]
    answers: npt.NDArray[np.float32] = np.empty((m, n, k), np.float32)
    for start in range(0, n, VISITS):
        visits = slice(start, start + VISITS)
        hidden = last_layer(networks, user[:, visits], item)
        answers[:, visits] = (hidden @ output.weight[:, None].swapaxes(2, 3))[..., 0] + output.bias[:, None]
    return answers


def _layer(layer: Any, rows: Any, weight: str = "weight") -> Any:
    """(m, n, out) of one stacked layer."""
    return rows @ getattr(layer, weight).swapaxes(1, 2) + layer.bias[:, None]
