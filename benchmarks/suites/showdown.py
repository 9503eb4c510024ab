"""Policies as papers wrote them, where ours are short of one: played beside ours, to meet published totals."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np

from policies.policy import Decisions, Feedback, Floats, Integers, Problem


class Regressions:
    """A Bayesian linear regression of each action with unknown noise, normal inverse gamma (Riquelme et al. 2018, 3).

    Noise variance ~ IG(shape, rate), weights ~ N(0, variance / precision I).

    Args:
        K: actions.
        d: width of a row.
        shape: a0.
        rate: b0.
        precision: lambda.
    """

    _AT_ONCE = 1_024

    def __init__(self, K: int, d: int, *, shape: float, rate: float, precision: float) -> None:
        self._rate = rate
        self.inverse = np.tile(np.eye(d) / precision, (K, 1, 1))  # of each action's precision matrix
        self._moments = np.zeros((K, d))  # sum of x r
        self._squares = np.zeros(K)  # sum of r r
        self.means = np.zeros((K, d))
        self.shapes = np.full(K, shape)
        self.rates = np.full(K, rate)

    def best(self, x: Floats, random: np.random.Generator) -> int:
        """The action that wins one draw of noise and weights.

        What is drawn is x'w rather than w: a normal of variance noise x' inverse x, for which no factor is needed.
        """
        noise = self.rates / random.standard_gamma(self.shapes)
        spread = np.sqrt(noise * np.maximum((self.inverse @ x) @ x, 0.0))
        return int(np.argmax(self.means @ x + spread * random.standard_normal(len(spread))))

    def add(self, x: Floats, k: int, reward: float) -> None:
        """Take in one row: Sherman and Morrison's update of the inverse."""
        turned = self.inverse[k] @ x
        self.inverse[k] -= np.outer(turned, turned) / (1.0 + x @ turned)
        self._moments[k] += reward * x
        self._squares[k] += reward * reward
        self._solve(k, 1)

    def add_all(self, rows: Callable[[Integers], Floats], chosen: Integers, rewards: Floats) -> None:
        """Take in many rows at once, from the prior on.

        Args:
            rows: places (n,) -> their rows (n, d); asked for as many at a time as stay near the processor.
            chosen: (N,) action of each place.
            rewards: (N,) of each place.
        """
        for k in np.unique(chosen):
            places = np.flatnonzero(chosen == k)
            precision = np.linalg.inv(self.inverse[k])
            for some in np.split(places, range(self._AT_ONCE, len(places), self._AT_ONCE)):
                own, r = rows(some).astype(float), rewards[some]  # sums of squares need all digits
                precision += own.T @ own
                self._moments[k] += own.T @ r
                self._squares[k] += r @ r
            self.inverse[k] = np.linalg.inv(precision)
            self._solve(k, len(places))

    def _solve(self, k: int, n: int) -> None:
        self.means[k] = self.inverse[k] @ self._moments[k]
        self.shapes[k] += 0.5 * n
        spread = 0.5 * (self._squares[k] - self.means[k] @ self._moments[k])
        self.rates[k] = self._rate + max(spread, 0.0)


class FullPosterior:
    """Linear Thompson sampling that draws the noise too, "LinFullPost" of Riquelme, Tucker & Snoek (2018), section 3.

    A decision draws noise and weights once and takes the best action, so its probability is not known: rows answer 1
    for it. Every action is shown `pulls` times first, in turn.

    Args:
        problem: needs contexts with a constant.
        seed: of the draws.
        shape: a0.
        rate: b0.
        precision: of the prior of the weights, "lambda".
        pulls: of each action before anything is drawn.
    """

    def __init__(
        self,
        problem: Problem,
        *,
        seed: int = 0,
        shape: float = 6.0,
        rate: float = 6.0,
        precision: float = 0.25,
        pulls: int = 2,
    ) -> None:
        self._random = np.random.default_rng(seed)
        self._forced = problem.n_actions * pulls
        self._asked = 0
        self._prior = {"shape": shape, "rate": rate, "precision": precision}
        self.regressions = Regressions(problem.n_actions, self._width(problem), **self._prior)

    def _width(self, problem: Problem) -> int:
        return problem.n_context_features

    def _row(self, x: Floats) -> Floats:
        return x

    def probabilities(self, decisions: Decisions) -> Floats:
        """(n, K) 1 for the action drawn."""
        answer = np.zeros(decisions.available.shape)
        for i, x in enumerate(decisions.contexts):
            answer[i, self._choose(x)] = 1.0
        return answer

    def _choose(self, x: Floats) -> int:
        self._asked += 1
        if self._asked <= self._forced:
            return (self._asked - 1) % len(self.regressions.means)
        return self.regressions.best(self._row(x), self._random)

    def learn(self, feedback: Feedback) -> None:
        """Take in every row."""
        for x, k, reward in zip(feedback.decisions.contexts, feedback.chosen, feedback.rewards, strict=True):
            self._learn(x, int(k), float(reward))

    def _learn(self, x: Floats, k: int, reward: float) -> None:
        self.regressions.add(x, k, reward)


class NeuralLinear(FullPosterior):
    """The same on the last hidden layer of a network, "NeuralLinear" of the paper, with its published code's settings.

    Every `every` rounds the network is trained further, and all that was seen is regressed on its new last layer. The
    network sees the contexts without their constant, as there: layers have biases, which begin with zero.

    Args:
        problem, seed, shape, rate, precision, pulls: as of `FullPosterior`.
        widths: of the hidden layers.
        every: rounds between two trainings.
        steps: minibatches of a training.
    """

    def __init__(
        self,
        problem: Problem,
        *,
        seed: int = 0,
        shape: float = 6.0,
        rate: float = 6.0,
        precision: float = 0.25,
        pulls: int = 2,
        widths: Sequence[int] = (50,),
        every: int = 50,
        steps: int = 100,
    ) -> None:
        self._widths = tuple(widths)
        super().__init__(problem, seed=seed, shape=shape, rate=rate, precision=precision, pulls=pulls)
        n_inputs = problem.n_context_features - 1
        self._network = Network((n_inputs, *widths, problem.n_actions), self._random)
        self._every, self._steps, self._problem = every, steps, problem
        self._seen = 0
        self._contexts = np.empty((1_024, n_inputs), self._network.dtype)
        self._chosen, self._rewards = np.empty(1_024, np.int64), np.empty(1_024)

    def _width(self, problem: Problem) -> int:
        return self._widths[-1]

    def _row(self, x: Floats) -> Floats:
        row: Floats = self._network.hidden(x[None, 1:].astype(self._network.dtype))[-1][0]
        return row.astype(float)

    def _learn(self, x: Floats, k: int, reward: float) -> None:
        if self._seen == len(self._chosen):
            self._contexts, self._chosen, self._rewards = (
                np.concatenate([column, np.empty_like(column)])
                for column in (self._contexts, self._chosen, self._rewards)
            )
        self._contexts[self._seen], self._chosen[self._seen], self._rewards[self._seen] = x[1:], k, reward
        self._seen += 1
        if self._seen % self._every:
            self.regressions.add(self._row(x), k, reward)
        else:
            self._train()

    def _train(self) -> None:
        seen = slice(self._seen)
        self._network.train(self._contexts[seen], self._chosen[seen], self._rewards[seen], self._steps, self._random)
        self.regressions = Regressions(self._problem.n_actions, self._widths[-1], **self._prior)
        contexts = self._contexts[seen]
        self.regressions.add_all(
            lambda some: self._network.hidden(contexts[some])[-1], self._chosen[seen], self._rewards[seen]
        )


class Network:
    """ReLU layers and an output an action, squared error of the action shown, as the published code trains it.

    RMSProp with a rate of 0.1 / (1 + 0.5 step), gradients of at most norm 5, minibatches of 512 drawn with replacement;
    first weights uniform on [-0.3, 0.3]. Steps are counted over all trainings: the published code asks for a rate that
    starts anew with each (`reset_lr`), but its optimiser was built on the first schedule and never sees another, so the
    layer that is regressed on soon stands still.

    Args:
        widths: of input, hidden layers and output.
        random: of first weights.
        dtype: of weights and steps; in single precision, as there.
    """

    _BATCH, _RATE, _DECAY, _NORM, _SCALE, _KEEP = 512, 0.1, 0.5, 5.0, 0.3, 0.9

    def __init__(
        self, widths: Sequence[int], random: np.random.Generator, dtype: type[np.floating] = np.float32
    ) -> None:
        shapes = list(pairwise(widths))
        self.weights = [random.uniform(-self._SCALE, self._SCALE, shape).astype(dtype) for shape in shapes]
        self.biases = [np.zeros(shape[1], dtype) for shape in shapes]
        self._squares = [np.ones_like(part) for part in (*self.weights, *self.biases)]  # TensorFlow begins with ones
        self._steps = 0
        self.dtype = dtype

    def hidden(self, x: Floats) -> list[Floats]:
        """What enters each layer, the output's last: x, then (n, width) after each hidden layer."""
        layers = [x]
        for weight, bias in zip(self.weights[:-1], self.biases[:-1], strict=True):
            layer = layers[-1] @ weight
            layer += bias
            layers.append(np.maximum(layer, 0.0, out=layer))
        return layers

    def train(
        self, contexts: Floats, chosen: Integers, rewards: Floats, steps: int, random: np.random.Generator
    ) -> None:
        """So many minibatches."""
        for _ in range(steps):
            some = random.integers(len(chosen), size=self._BATCH)
            gradients = self.gradients(contexts[some], chosen[some], rewards[some])
            norm = np.sqrt(sum(np.vdot(part, part) for part in gradients))
            shrink, rate = min(1.0, self._NORM / max(norm, 1e-12)), self._RATE / (1.0 + self._DECAY * self._steps)
            parts = zip((*self.weights, *self.biases), gradients, self._squares, strict=True)
            for part, gradient, square in parts:
                gradient *= shrink
                square += (1.0 - self._KEEP) * (gradient**2 - square)
                part -= rate * gradient / np.sqrt(square + 1e-10)
            self._steps += 1

    def gradients(self, contexts: Floats, chosen: Integers, rewards: Floats) -> list[Floats]:
        """Of the mean squared error of the action shown, by weights, then biases."""
        layers, n = self.hidden(contexts), len(chosen)
        rows = np.arange(n)
        answers = layers[-1] @ self.weights[-1] + self.biases[-1]
        back = np.zeros_like(answers)
        back[rows, chosen] = 2.0 * (answers[rows, chosen] - rewards) / n
        weights, biases = [layers[-1].T @ back], [back.sum(axis=0)]
        for layer, below, weight in zip(layers[:0:-1], layers[-2::-1], self.weights[:0:-1], strict=True):
            back = back @ weight.T
            back *= layer > 0.0
            weights.append(below.T @ back)
            biases.append(back.sum(axis=0))
        return [*reversed(weights), *reversed(biases)]
