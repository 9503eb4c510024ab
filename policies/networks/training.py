"""Training the networks on what is remembered: whole epochs inside one compiled call of fixed shapes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
import optax

from policies.networks import scoring
from policies.networks.network import create, load_history, with_history
from policies.networks.recipe import Recipe
from policies.networks.replay import ReplayBuffer, centre_and_scale
from policies.networks.scalars import Scalars
from policies.policy import Decisions, Feedback, PolicyError, Problem

OPTIMISERS = {"adam": optax.adam, "adamw": optax.adamw, "sgd": optax.sgd, "rmsprop": optax.rmsprop}
LOSSES = {
    "bce": optax.sigmoid_binary_cross_entropy,
    "mse": optax.squared_error,
}
_WARM = 4.0  # the average is over the latest 1 / 4 of the steps, until that is too many
_POISSON = np.cumsum([1.0, 1.0, 1 / 2, 1 / 6, 1 / 24, 1 / 120, 1 / 720]) / np.e  # distribution function, mean 1


@partial(
    jax.tree_util.register_dataclass,
    data_fields=["learning_rate", "shrinkage"],
    meta_fields=["optimiser", "loss", "averaging"],
)
@dataclass(frozen=True)
class Step:
    """One gradient step; those that differ in rate and shrinkage alone share their compiled program, so that a search
    need not wait for it at every trial."""

    optimiser: str
    learning_rate: float
    loss: str
    shrinkage: float
    averaging: int

    @classmethod
    def of(cls, recipe: Recipe, rewards: Any) -> Step:
        """The part of a recipe that a step takes, for rewards like these."""
        counts = bool((rewards == np.round(rewards)).all() and (rewards >= 0.0).all())
        loss = ("bce" if counts else "mse") if recipe.loss == "suited" else recipe.loss
        return cls(recipe.optimiser, recipe.learning_rate, loss, recipe.shrinkage, recipe.averaging)


def _optimiser(step: Step) -> Any:
    return optax.flatten(OPTIMISERS[step.optimiser](step.learning_rate))  # one long vector: fewer, larger operations


def losses(step: Step, networks: Any, rows: Any, weights: Any) -> Any:
    """(m,) mean loss of stacked networks over n rows (contexts, features, chosen, histories, targets).

    Args:
        step: the gradient's.
        networks: m of them.
        rows: columns of n rows.
        weights: (n, m) what each row counts for each network.
    """
    heads, memories = _encoded(networks, rows[3])
    return _over_members(partial(_loss, step), (heads, memories, rows, weights), (0, None, None, 1))


def _encoded(networks: Any, histories: Any) -> Any:
    """The networks without their history encoder, and what that remembers of each row; None without one."""
    if networks.history is None:
        return networks, None
    encoder = jax.tree.map(partial(jnp.squeeze, axis=0), networks.history)
    return eqx.tree_at(_encoder, networks, None), encoder.many(histories)


def _encoder(networks: Any) -> Any:
    return networks.history


def _loss(step: Step, head: Any, memories: Any, rows: Any, weights: Any) -> Any:
    """Mean loss of one network."""
    contexts, features, chosen, _, targets = rows
    answers = jax.vmap(head)(contexts, features, chosen, memories)
    total = jnp.maximum(weights.sum(), 1.0)
    peculiar = jnp.sum(head.ids[chosen] ** 2, axis=1)
    return jnp.sum(weights * (LOSSES[step.loss](answers, targets) + step.shrinkage * peculiar)) / total


def gradients(step: Step, networks: Any, rows: Any, weights: Any) -> Any:
    """Of each network's loss by what is its own, of their mean by what they share; arguments as of `losses`."""
    found = jax.grad(lambda networks: losses(step, networks, rows, weights).sum())(networks)
    if networks.history is None:
        return found
    return eqx.tree_at(_encoder, found, jax.tree.map(lambda array: array / len(networks.ids), found.history))


def _minibatch(rows: Any, weights: Any, places: Any) -> Any:
    """Rows at these places and their weights, one column a member; -1 is no row."""
    return tuple(column[places] for column in rows), jnp.where(places[:, None] >= 0, weights[places], 0.0)


@jax.jit
def epoch(step: Step, trained: Any, rows: Any, weights: Any, order: Any, steps: Any) -> Any:
    """Train stacked networks on the first `steps` minibatches of order (any, batch); answers what it was given.

    Args:
        step: the gradient's.
        trained: stacked networks, m of them; their optimiser's state; the average of the networks over the steps,
            in which those long ago count ever less; and the number of steps.
        rows: columns of (capacity, ...) rows.
        weights: (capacity, m) what each row counts for each network.
        order: places of rows, -1 for none.
        steps: how many minibatches; its value does not recompile.
    """

    def body(i: Any, trained: Any) -> Any:
        networks, moments, average, taken = trained
        gradient = gradients(step, networks, *_minibatch(rows, weights, order[i]))
        change, moments = _optimiser(step).update(gradient, moments, networks)
        networks = optax.apply_updates(networks, change)
        new = jnp.maximum(_WARM / (_WARM + taken), 1.0 / step.averaging)
        average = jax.tree.map(lambda before, now: before + new * (now - before), average, networks)
        return networks, moments, average, taken + 1.0

    return jax.lax.fori_loop(0, steps, body, trained)


@jax.jit
def evaluate(step: Step, networks: Any, rows: Any, order: Any, steps: Any) -> Any:
    """Loss of the stacked networks, summed over them, on the first `steps` minibatches of order (any, batch)."""

    def body(i: Any, total: Any) -> Any:
        places = order[i]
        batch = tuple(column[places] for column in rows)
        weight = jnp.repeat((places >= 0).astype(jnp.float32)[:, None], len(networks.ids), axis=1)
        return total + losses(step, networks, batch, weight).sum() * weight[:, 0].sum()

    return jax.lax.fori_loop(0, steps, body, 0.0)


def _over_members(function: Any, arguments: Any, axes: Any) -> Any:
    """vmap, except that a single member is spared the slower products of stacked matrices."""
    if len(arguments[0].ids) > 1:
        return jax.vmap(function, axes)(*arguments)
    alone = [
        argument if axis is None else jax.tree.map(partial(jnp.squeeze, axis=axis), argument)
        for argument, axis in zip(arguments, axes, strict=True)
    ]
    return jax.tree.map(lambda array: array[None], function(*alone))


def first_moments(step: Step, networks: Any) -> Any:
    """The optimiser's state before the first step of the stacked networks: zeros, whichever it is."""
    shapes = jax.eval_shape(_optimiser(step).init, networks)
    return jax.tree.map(lambda leaf: jax.device_put(np.zeros(leaf.shape, leaf.dtype)), shapes)


def untrained(step: Step, networks: Any) -> Any:
    """Stacked networks as `epoch` takes them, before their first step."""
    return networks, first_moments(step, networks), networks, jax.device_put(np.float32(0.0))


def bootstrap_weights(seed: int, arrivals: npt.NDArray[np.int64], members: int) -> npt.NDArray[np.float32]:
    """(n, members) how often each row counts for each member: Poisson(1), the online bootstrap (Oza & Russell 2001).

    A row has its weights by its number, so that it does not matter in which company it arrived.
    """
    word = arrivals[:, None].astype(np.uint64) * np.uint64(members) + np.arange(members, dtype=np.uint64)
    key = np.random.SeedSequence(seed).generate_state(1, np.uint64)[0]
    z = (word ^ key) * np.uint64(0x9E3779B97F4A7C15)  # SplitMix64 (Steele, Lea & Flood 2014)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    chance = ((z ^ (z >> np.uint64(31))) >> np.uint64(11)) / 2.0**53
    counts: npt.NDArray[np.float32] = np.searchsorted(_POISSON, chance).astype(np.float32)
    return counts


class TrainedNetworks:
    """Networks of one recipe, trained together on one buffer; one of them, unless `members` says more."""

    def __init__(self, problem: Problem, recipe: Recipe, *, seed: int, members: int = 1) -> None:
        self.plain: Any = None  # the stacked networks as numpy arrays; None before the first training
        self.fits = 0
        self._problem, self._recipe, self._seed, self._members = problem, recipe, seed, members
        self._step = Step.of(recipe, np.zeros(1))
        self._history = None
        if recipe.pretrained is not None:
            self._history = load_history(recipe.pretrained, problem, embedding=recipe.embedding, memory=recipe.memory)
        self._trained: Any = None  # see `epoch`
        self._scalars: Scalars | None = None
        self._scales: dict[str, tuple[Any, Any]] = {}  # centre and scale of contexts, features and targets
        self._range: tuple[Any, Any] = (-np.inf, np.inf)  # of the contexts trained on

    def standardised(self, name: str, rows: Any) -> Any:
        """Rows of "contexts", "features" or "targets" as the networks see them.

        A context beyond all that were trained on, as the time always is, counts as the outermost of them: a product of
        towers goes on straight ahead, ever further from anything that was learned.
        """
        if name == "contexts":
            rows = np.clip(rows, *self._range)
        centre, scale = self._scales[name]
        return (rows - centre) / scale

    def users(self, contexts: Any, histories: Any) -> Any:
        """(members, n, widths[0]) user towers."""
        return scoring.users(self.plain, self.standardised("contexts", contexts), histories)

    def items(self, features: Any, ids: Any) -> Any:
        """(members, k, widths[0]) item towers."""
        return scoring.items(self.plain, self.standardised("features", features), ids)

    def observe(self, feedback: Feedback) -> bool:
        """Nothing is learned between trainings."""
        return False

    def scores(self, decisions: Decisions, ids: Any) -> Any:
        """(members, n, k) answers of each network for the visits and these items."""
        user = self.users(decisions.contexts, decisions.histories)
        return scoring.scores(self.plain, user, self.items(decisions.actions[ids], ids))

    def fit(self, buffer: ReplayBuffer) -> None:
        """Train further on what is remembered."""
        if self._trained is None:
            self._step = Step.of(self._recipe, buffer["rewards"])
            self._trained = self._create()
        self._rescale(buffer)
        data = self._data(buffer)
        generator = np.random.default_rng([self._seed, self.fits])
        if len(data.checked):
            self._until_no_better(data, generator)
        else:
            self._train(data, generator, self._epochs(data))
        self.fits += 1
        self._tell(data)
        self._export()

    def _tell(self, data: _Data) -> None:
        """How far the networks are off after this training, on what they saw, and on what was held out."""
        if self._scalars is None:
            self._scalars = Scalars(f"{self._step.loss}-{self._members}-networks-seed-{self._seed}")
        for name, places in (("loss", data.trained), ("loss_held_out", data.checked)):
            if self._scalars.wanted and len(places):
                order, steps = self._order([places], data)
                total = float(evaluate(self._step, self._average, data.rows, order, steps))
                self._scalars.write(name, total / (len(places) * self._members), self.fits)

    def _create(self) -> Any:
        recipe = self._recipe
        networks = create(
            np.random.default_rng(self._seed),
            self._problem,
            widths=recipe.widths,
            activation=recipe.activation,
            embedding=recipe.embedding,
            memory=recipe.memory,
            members=self._members,
        )
        if self._history is not None:
            networks = with_history(networks, self._history)
        return untrained(self._step, networks)

    @property
    def _average(self) -> Any:
        """The networks that are asked: averages of the latest steps (Polyak & Juditsky 1992) are less noisy."""
        return self._trained[2]

    def _rescale(self, buffer: ReplayBuffer) -> None:
        rewards, weights = buffer["rewards"], buffer.weights(self._recipe.forgetting)
        low, mean = min(0.0, rewards.min()), np.average(rewards, weights=weights)
        if self._step.loss == "bce":  # to [0, 1]
            targets = (low, (rewards.max() - low) or 1.0)
        else:
            targets = (mean, np.sqrt(np.average((rewards - mean) ** 2, weights=weights)) or 1.0)
        self._scales = {name: centre_and_scale(buffer[name]) for name in ("contexts", "features")}
        self._scales["targets"] = targets
        self._range = (buffer["contexts"].min(axis=0), buffer["contexts"].max(axis=0))

    def _data(self, buffer: ReplayBuffer) -> _Data:
        columns = (
            self._column("contexts", buffer, "contexts"),
            self._column("features", buffer, "features"),
            buffer.whole("chosen"),
            buffer.whole("histories"),
            self._column("targets", buffer, "rewards"),
        )
        held = buffer.held_out(self._recipe.validation)
        rows, on_device = jax.device_put((columns, self._weigh(buffer)))
        return _Data(rows, on_device, np.flatnonzero(~held), np.flatnonzero(held))

    def _weigh(self, buffer: ReplayBuffer) -> Any:
        """(capacity, members) what each row counts for each network: what it stands for, on average 1, and luck."""
        weights = np.zeros((self._recipe.capacity, self._members), np.float32)
        standing = buffer.weights(self._recipe.forgetting)
        weights[: len(buffer)] = (standing / standing.mean())[:, None]
        if self._members > 1:
            weights[: len(buffer)] *= bootstrap_weights(self._seed, buffer["arrivals"], self._members)
        return weights

    def _column(self, name: str, buffer: ReplayBuffer, column: str) -> Any:
        standardised = np.zeros(buffer.whole(column).shape, np.float32)
        standardised[: len(buffer)] = self.standardised(name, buffer[column])
        return standardised

    def _epochs(self, data: _Data) -> int:
        steps = -(-len(data.trained) // self._recipe.batch)
        return max(self._recipe.epochs, -(-min(self._recipe.min_steps, self._recipe.max_steps) // steps))

    def _order(self, passes: Sequence[Any], data: _Data) -> tuple[Any, int]:
        """Places of rows as (any, batch) minibatches of a shape that is always the same, and how many are filled.

        Every pass begins with a new minibatch.
        """
        batch = self._recipe.batch
        order = np.full((-(-len(data.weights) // batch), batch), -1, np.int32)
        filled = 0
        for places in passes:
            order[filled:].ravel()[: len(places)] = places
            filled += -(-len(places) // batch)
        return order, filled

    def _train(self, data: _Data, generator: np.random.Generator, epochs: int) -> None:
        """So many passes over the rows, several in one compiled call where the rows are few."""
        batch = self._recipe.batch
        at_once = max(1, -(-len(data.weights) // batch) // -(-len(data.trained) // batch))
        for start in range(0, epochs, at_once):
            passes = [generator.permutation(data.trained) for _ in range(start, min(start + at_once, epochs))]
            order, steps = self._order(passes, data)
            steps = min(steps, self._recipe.max_steps)
            self._trained = epoch(self._step, self._trained, data.rows, data.weights, order, steps)

    def _until_no_better(self, data: _Data, generator: np.random.Generator) -> None:
        """Early stopping: keep the networks of the epoch with the least validation loss (Prechelt 1998)."""
        order, steps = self._order([data.checked], data)
        least, best, waited = np.inf, self._trained, 0
        for _ in range(self._epochs(data)):
            self._train(data, generator, 1)
            here = float(evaluate(self._step, self._average, data.rows, order, steps))
            if here < least:
                least, best, waited = here, self._trained, 0
            else:
                waited += 1
            if waited == self._recipe.patience:
                break
        self._trained = best

    def _export(self) -> None:
        self.plain = jax.tree.map(np.asarray, self._average)

    def state(self) -> dict[str, npt.NDArray[Any]]:
        """Weights, optimiser and scales; nothing before the first training."""
        if self._trained is None:
            return {}
        leaves = jax.tree.leaves(self._trained)
        state = {f"leaf_{i}": np.asarray(leaf) for i, leaf in enumerate(leaves)}
        for name, (centre, scale) in self._scales.items():
            state |= {f"{name}_centre": np.asarray(centre), f"{name}_scale": np.asarray(scale)}
        state |= {"contexts_least": np.asarray(self._range[0]), "contexts_most": np.asarray(self._range[1])}
        return state | {"fits": np.array(self.fits), "loss": np.array(self._step.loss)}

    def set_state(self, state: dict[str, npt.NDArray[Any]]) -> None:
        """Go on from there.

        Raises:
            PolicyError: networks of another shape, or less than belongs to them, were saved, as by an earlier version.
        """
        if "fits" not in state:
            return
        self._step = replace(self._step, loss=str(state["loss"]))
        leaves, shape = jax.tree.flatten(self._create())
        saved = [state.get(f"leaf_{i}", np.empty(0)) for i in range(len(leaves))]
        other = any(np.shape(one) != np.shape(leaf) for one, leaf in zip(saved, leaves, strict=True))
        if other or "contexts_least" not in state:
            raise PolicyError(
                "saved networks must have the shapes that this version gives them, got others: train anew"
            )
        new = [jax.device_put(one) for one in saved]
        self._trained = jax.tree.unflatten(shape, new)
        self._scales = {
            name: (state[f"{name}_centre"], state[f"{name}_scale"]) for name in ("contexts", "features", "targets")
        }
        self._range = (state["contexts_least"], state["contexts_most"])
        self.fits = int(state["fits"])
        self._export()


@dataclass(frozen=True, slots=True, eq=False)
class _Data:
    """What one training sees."""

    rows: Any  # columns of (capacity, ...)
    weights: Any  # (capacity, members)
    trained: npt.NDArray[Any]  # places of the rows that are trained on
    checked: npt.NDArray[Any]  # places of the rows held out
