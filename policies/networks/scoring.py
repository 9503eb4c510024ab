"""Trained networks asked in numpy and compiled loops: far quicker than a call into jax for a few visits.

The weights are those of `network.py`, as numpy arrays: m networks stacked. Each visit is multiplied on its
own, so that ties between its items fall alike whether it comes alone or with others.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

from policies.policy import Floats, Integers


def _relu(x: Any) -> Any:
    return np.maximum(x, 0.0, out=x)


def _sigmoid(x: Any) -> Any:
    return 1.0 / (1.0 + np.exp(-x))


_ONE, _HALF = np.float32(1.0), np.float32(0.5)
_LARGEST = np.float32(7.90531110763549805)  # beyond, float32 has no number between tanh and 1
_ABOVE = tuple(
    np.float32(number)
    for number in (
        4.89352455891786e-03,
        6.37261928875436e-04,
        1.48572235717979e-05,
        5.12229709037114e-08,
        -8.60467152213735e-11,
        2.00018790482477e-13,
        -2.76076847742355e-16,
    )
)
_BELOW = tuple(
    np.float32(number)
    for number in (4.89352518554385e-03, 2.26843463243900e-03, 1.18534705686654e-04, 1.19825839466702e-06)
)

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
    recurrent = np.ascontiguousarray(encoder.cell.weight_hh.swapaxes(1, 2))
    hidden = np.zeros((len(inputs), len(histories), recurrent.shape[1]), np.float32)
    for member in range(len(inputs)):
        _remember(inputs[member], recurrent[member], histories, hidden[member])
    return hidden


@njit(cache=True, error_model="numpy", fastmath={"contract", "nnan", "nsz"})
def _remember(inputs: Any, recurrent: Any, histories: Any, hidden: Any) -> None:
    """Fill hidden (n, width) visit by visit; nothing is computed where there is no item."""
    n, length = histories.shape
    width = len(recurrent)
    gates, cell = np.empty(4 * width, np.float32), np.empty(width, np.float32)
    enter, keep, new, leave = gates[:width], gates[width : 2 * width], gates[2 * width : 3 * width], gates[3 * width :]
    half = np.full(4 * width, np.float32(0.5))  # the sigmoid is a tanh of the half; only the third gate is a tanh
    half[2 * width : 3 * width] = 1.0
    for i in range(n):
        state = hidden[i]
        cell[:] = 0.0
        for at in range(length):
            item = histories[i, at]
            if item < 0:
                continue
            for k in range(len(gates)):
                gates[k] = inputs[item, k]
            for j in range(width):
                weights = recurrent[j]
                for k in range(len(gates)):
                    gates[k] += state[j] * weights[k]
            for k in range(len(gates)):
                gates[k] = half[k] * _tanh(half[k] * gates[k]) + (_ONE - half[k])
            for j in range(width):
                cell[j] = keep[j] * cell[j] + enter[j] * new[j]
                state[j] = leave[j] * _tanh(cell[j])


@njit(inline="always")
def _tanh(x: Any) -> Any:
    """To the last few bits, as the ratio of polynomials of Eigen and XLA, because vector units have no tanh."""
    x = min(max(x, -_LARGEST), _LARGEST)
    y = x * x
    a, b = _ABOVE, _BELOW
    above = a[0] + y * (a[1] + y * (a[2] + y * (a[3] + y * (a[4] + y * (a[5] + y * a[6])))))
    below = b[0] + y * (b[1] + y * (b[2] + y * b[3]))
    return x * above / below


def users(networks: Any, contexts: Floats, histories: Integers | None) -> Any:
    """(m, n, widths[0] + e) what the user adds to the first dense layer, and its tower; of standardised contexts."""
    rows = contexts.astype(np.float32)[None]
    if networks.history is not None and histories is not None:
        memory = remembered(networks.history, histories)
        rows = np.concatenate([np.broadcast_to(rows, (len(memory), *rows.shape[1:])), memory], axis=2)
    first = networks.dense[0]
    added = rows @ first.weight[:, :, : rows.shape[2]].swapaxes(1, 2) + first.bias[:, None]
    return np.concatenate([added, _layer(networks.tower, rows)], axis=2)


def items(networks: Any, features: Floats, ids: Integers) -> Any:
    """(m, k, widths[0] + e) what the item adds to the first dense layer, and its vector; of standardised features."""
    vectors = item_vectors(networks, features, ids)
    added = vectors @ networks.dense[0].weight[:, :, -vectors.shape[2] :].swapaxes(1, 2)
    return np.concatenate([added, vectors], axis=2)


def last_layer(networks: Any, user: Any, item: Any) -> Any:
    """(m, ..., widths[-1] + e) what the output layer sees, of `users` and `items` that broadcast: pairs, or a grid."""
    width = networks.dense[0].weight.shape[1]
    hidden = _hidden(networks, user, item)
    return np.concatenate([hidden, user[..., width:] * item[..., width:]], axis=-1)


def _hidden(networks: Any, user: Any, item: Any) -> Any:
    activate, width = _ACTIVATIONS[networks.activation], networks.dense[0].weight.shape[1]
    hidden = activate(user[..., :width] + item[..., :width])
    for layer in networks.dense[1:-1]:
        more = (1,) * (hidden.ndim - 3)
        weight, bias = layer.weight.swapaxes(1, 2), layer.bias[:, None]
        hidden = activate(
            hidden @ weight.reshape(len(weight), *more, *weight.shape[1:]) + bias.reshape(len(bias), *more, 1, -1)
        )
    return hidden


def scores(networks: Any, user: Any, item: Any) -> Floats:
    """(m, n, k) the networks' answers, of `users` (m, n, h) and `items` (m, k, h)."""
    output, middle, biases = networks.dense[-1], *_middle(networks)
    first, width = networks.dense[0].weight.shape[1], networks.dense[-2].weight.shape[1]
    bent = np.zeros((len(user), middle.shape[2]), np.float32)
    bent[:, :width] = output.weight[:, 0, :width]
    towers = user[:, :, first:] * output.weight[:, :, width:]
    answers: npt.NDArray[np.float32] = np.empty((len(user), user.shape[1], item.shape[1]), np.float32)
    kind = list(_ACTIVATIONS).index(networks.activation)
    for m in range(len(user)):
        into = np.ascontiguousarray(user[m, :, :first]), np.ascontiguousarray(item[m, :, :first])
        _answer(
            *into, towers[m], item[m, :, first:], middle[m], biases[m], bent[m], output.bias[m, 0], kind, answers[m]
        )
    return answers


def _middle(networks: Any) -> tuple[Any, Any]:
    """(m, layers, w, w) weights, inputs first, and (m, layers, w) biases of dense layers but the first and the last.

    All are as wide as the widest, with zeros.
    """
    layers = networks.dense[1:-1]
    m, width = len(networks.ids), max(layer.weight.shape[1] for layer in networks.dense[:-1])
    weights = np.zeros((m, len(layers), width, width), np.float32)
    biases = np.zeros((m, len(layers), width), np.float32)
    for at, layer in enumerate(layers):
        _, out, into = layer.weight.shape
        weights[:, at, :into, :out] = layer.weight.swapaxes(1, 2)
        biases[:, at, :out] = layer.bias
    return weights, biases


@njit(cache=True, error_model="numpy", fastmath={"reassoc", "contract", "nnan", "nsz"})
def _answer(
    user: Any, item: Any, towers: Any, vectors: Any, middle: Any, biases: Any, bent: Any, level: Any, kind: int, to: Any
) -> None:
    """Fill to (n, k) visit by visit: all that lies between the layers of one visit stays in the nearest cache."""
    k, first = item.shape
    hidden, sums = np.zeros((k, len(bent)), np.float32), np.empty((k, len(bent)), np.float32)
    for i in range(len(user)):
        hidden[:, first:] = 0.0
        for q in range(k):
            for j in range(first):
                hidden[q, j] = user[i, j] + item[q, j]
        _bend(hidden, kind)
        for at in range(len(middle)):
            np.dot(hidden, middle[at], sums)
            for q in range(k):
                for j in range(len(bent)):
                    hidden[q, j] = sums[q, j] + biases[at, j]
            _bend(hidden, kind)
        for q in range(k):
            answer = level
            for j in range(len(bent)):
                answer += hidden[q, j] * bent[j]
            for j in range(towers.shape[1]):
                answer += towers[i, j] * vectors[q, j]
            to[i, q] = answer


@njit(inline="always")
def _bend(hidden: Any, kind: int) -> None:
    """Apply the activation of this number, in place."""
    k, width = hidden.shape
    for q in range(k):
        for j in range(width):
            if kind == 0:
                hidden[q, j] = max(hidden[q, j], np.float32(0.0))
            elif kind == 1:
                hidden[q, j] = _tanh(hidden[q, j])
            else:
                hidden[q, j] = _HALF * _tanh(_HALF * hidden[q, j]) + _HALF


def _layer(layer: Any, rows: Any, weight: str = "weight") -> Any:
    """(m, n, out) of one stacked layer."""
    return rows @ getattr(layer, weight).swapaxes(1, 2) + layer.bias[:, None]
