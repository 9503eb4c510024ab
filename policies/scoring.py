"""A trained network asked in plain numpy: far quicker than a call into a compiled program for a few visits.

The weights are those of `policies/networks.py`, as numpy arrays. Each visit is multiplied on its own, so that ties
between its items fall alike whether it comes alone or with others.
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


def item_vectors(network: Any, features: Floats, ids: Integers) -> Any:
    """(..., e) item tower of standardised features (..., a) and ids (...)."""
    peculiar = network.ids[ids]
    if network.features is None:
        return peculiar
    return features.astype(np.float32) @ network.features.weight.T + network.features.bias + peculiar


def remembered(encoder: Any, histories: Integers) -> Any:
    """(n, width) LSTM over (n, L) histories."""
    hidden = cell = np.zeros((len(histories), encoder.cell.weight_hh.shape[1]), np.float32)
    inputs = encoder.items @ encoder.cell.weight_ih.T + encoder.cell.bias  # (K, 4 width)
    for items in histories.T:
        gates = inputs[items] + hidden @ encoder.cell.weight_hh.T
        enter, keep, new, leave = np.split(gates, 4, axis=1)
        present = (items >= 0)[:, None]
        cell = np.where(present, _sigmoid(keep) * cell + _sigmoid(enter) * np.tanh(new), cell)
        hidden = np.where(present, _sigmoid(leave) * np.tanh(cell), hidden)
    return hidden


def users(network: Any, contexts: Floats, histories: Integers | None) -> Any:
    """(n, widths[0]) what the user tower adds to the first dense layer, of standardised contexts (n, d)."""
    weights = network.dense[0].weight
    user = contexts.astype(np.float32)
    if network.history is not None and histories is not None:
        user = np.concatenate([user, remembered(network.history, histories)], axis=1)
    return user @ weights[:, : user.shape[1]].T + network.dense[0].bias


def items(network: Any, features: Floats, ids: Integers) -> Any:
    """(..., widths[0]) what the item tower adds to the first dense layer."""
    vectors = item_vectors(network, features, ids)
    return vectors @ network.dense[0].weight[:, -vectors.shape[-1] :].T


def last_layer(network: Any, user: Any, item: Any) -> Any:
    """(n, K, widths[-1]) what the output layer sees, of `users` (n, h) and `items` (K, h) or (n, 1, h)."""
    activate = _ACTIVATIONS[network.activation]
    hidden = activate(user[:, None, :] + item)
    for layer in network.dense[1:-1]:
        hidden = activate(hidden @ layer.weight.T + layer.bias)
    return hidden


def scores(network: Any, user: Any, item: Any) -> Floats:
    """(n, k) the network's answers, of `users` (n, h) and `items` (k, h)."""
    output = network.dense[-1]
    answers: npt.NDArray[np.float32] = np.empty((len(user), len(item)), np.float32)
    for start in range(0, len(user), VISITS):
        visits = slice(start, start + VISITS)
        answers[visits] = last_layer(network, user[visits], item) @ output.weight[0] + output.bias[0]
    return answers
