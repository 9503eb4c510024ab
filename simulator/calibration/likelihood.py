"""Maximum a posteriori with exact gradients: JAX derives, scipy climbs, the curvature at the top gives the errors.

What a density is told of the data comes as arguments. An array that it closed over would be compiled into the program:
longer to compile the more data there is, and compiled anew for every shop.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

# Read when jax starts: a fit shares its machine with others.
os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1")

import jax
import numpy as np
import numpy.typing as npt
from jax.flatten_util import ravel_pytree
from scipy.optimize import minimize

Floats = npt.NDArray[np.float64]
Values = dict[str, Floats]

_STEP = 6e-6  # of differences: the cube root of what floats round to
_TIGHT = 1e-9  # curvature below this share of the largest one is no information


@dataclass(frozen=True)
class Estimate:
    """The top of a log posterior and its curvature there (Laplace approximation)."""

    values: Values  # by name, at the maximum
    covariance: Floats  # (P, P) over all values, in the order of `values`
    log_density: float  # at the maximum
    steepness: float  # largest slope left there, relative to the standard errors

    @property
    def errors(self) -> Values:
        """Standard errors, by name."""
        return self._by_name(np.sqrt(np.diag(self.covariance)))

    def draws(self, n: int, random: np.random.Generator) -> Values:
        """(n, ...) by name: draws from the normal distribution with this maximum and curvature."""
        roots, turn = np.linalg.eigh(self.covariance)
        spread = random.normal(size=(n, len(roots))) * np.sqrt(np.maximum(roots, 0)) @ turn.T
        flat = np.concatenate([np.ravel(value) for value in self.values.values()]) + spread
        drawn = [self._by_name(row) for row in flat]
        return {name: np.array([one[name] for one in drawn]) for name in self.values}

    def arrays(self) -> Values:
        """All of it by name, as `of` takes it."""
        about = {"covariance": self.covariance, "log_density": self.log_density, "steepness": self.steepness}
        return {name: np.asarray(value) for name, value in about.items()} | {
            f"values.{name}": value for name, value in self.values.items()
        }

    @classmethod
    def of(cls, arrays: Values) -> Estimate:
        """What `arrays` told."""
        values = {name.removeprefix("values."): value for name, value in arrays.items() if name.startswith("values.")}
        return cls(values, arrays["covariance"], float(arrays["log_density"]), float(arrays["steepness"]))

    def _by_name(self, flat: Floats) -> Values:
        ends = np.cumsum([np.size(value) for value in self.values.values()])
        parts = np.split(flat, ends[:-1])
        return {name: part.reshape(np.shape(self.values[name])) for name, part in zip(self.values, parts, strict=True)}


class Posterior:
    """A log posterior density, compiled once.

    Args:
        log_density: of values by name, and of whatever else `maximise` is given; written with jax.numpy, twice
            differentiable in the values.
    """

    def __init__(self, log_density: Callable[..., Any]) -> None:
        self._log_density = log_density
        self._back: Any = None
        self._slope = jax.jit(jax.value_and_grad(self._loss))

    def maximise(self, start: dict[str, Any], *about: Any) -> Estimate:
        """The top, climbed from `start`: numbers or arrays by name, whose shapes are those of the answer.

        BFGS nearly reaches it, for some three hundred gradients; the last of the way are Newton's steps within a trust
        region (Nocedal & Wright 2006, ch. 6 and 4), which know each direction's own curvature, weak ones too.
        """
        with jax.enable_x64(True):
            named = {name: np.asarray(value, np.float64) for name, value in start.items()}
            self._order = list(named)
            flat, self._back = ravel_pytree([named[name] for name in self._order])
            slope, curvature = partial(self._sloped, about), partial(self._curved, about)
            limits: Any = {"maxiter": 300, "gtol": 1e-6}
            near = minimize(slope, np.asarray(flat), jac=True, method="BFGS", options=limits).x
            limits |= {"max_trust_radius": 100.0}
            found = minimize(slope, near, jac=True, hess=curvature, method="trust-exact", options=limits)
            value, gradient = slope(found.x)
            covariance = _inverse(curvature(found.x))
            steepness = float(np.max(np.abs(gradient) * np.sqrt(np.diag(covariance))))
            values = {name: np.array(part) for name, part in zip(self._order, self._back(found.x), strict=True)}
        return Estimate(values, covariance, -value, steepness)

    def _sloped(self, about: tuple[Any, ...], x: Floats) -> tuple[float, Floats]:
        value, gradient = self._slope(x, *about)
        return float(value), np.asarray(gradient)

    def _curved(self, about: tuple[Any, ...], x: Floats) -> Floats:
        """Central differences of exact gradients: some nine digits, and nothing more to compile, which would take
        longer than all that is computed here.
        """
        steps = np.diag(_STEP * np.maximum(np.abs(x), 1.0))
        ends = [(self._sloped(about, x + step)[1], self._sloped(about, x - step)[1]) for step in steps]
        found = np.array([above - below for above, below in ends]) / (2 * steps.sum(axis=1, keepdims=True))
        return np.asarray((found + found.T) / 2)

    def _loss(self, x: Any, *about: Any) -> Any:
        return -self._log_density(dict(zip(self._order, self._back(x), strict=True)), *about)


def padded(array: npt.NDArray[Any], fill: float = 0, *, multiple: int = 256) -> npt.NDArray[Any]:
    """With rows of `fill` up to a multiple, so that shops of about one size share what is compiled for one."""
    missing = -len(array) % multiple
    return np.concatenate([array, np.full((missing, *array.shape[1:]), fill, array.dtype)])


def maximise(log_density: Callable[[Any], Any], start: dict[str, Any]) -> Estimate:
    """The top of a log posterior that is climbed once."""
    return Posterior(log_density).maximise(start)


def _inverse(hessian: Floats) -> Floats:
    """Of the curvature; directions that the data says nothing about get no error of their own (see `_TIGHT`)."""
    roots, turn = np.linalg.eigh((hessian + hessian.T) / 2)
    told = roots > _TIGHT * roots.max()
    return np.asarray((turn[:, told] / roots[told]) @ turn[:, told].T)
