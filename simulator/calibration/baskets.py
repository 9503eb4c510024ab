"""How many products a visit buys: negative binomial, with a mean of its own for each customer and kind of customer."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from simulator.calibration.calendar import WEEKS, week_of_year
from simulator.calibration.customers import Customers
from simulator.calibration.kept import Kept
from simulator.calibration.likelihood import Estimate, Posterior, padded
from simulator.calibration.part import Parameter, Part, Settings, parameter
from simulator.calibration.sales import Floats, Sales
from simulator.calibration.smoothing import Smooth, smoothed

_SIZES = 32  # numbers of products that differ are told in multiples of so many
_NODES = 9  # of the quadrature over customers
_OTHERS = 2.0  # visits of the shop's usual customer that a customer's own usual number is shrunk by
_SURELY = 0.9  # chance that a visit was two, at most
_STEP = 0.2  # spread of the log of usual numbers from one kind of customer to the next
_MOST = 8_000  # customers whose visits are looked at; of more, every other (or third, ...)


def fit(sales: Sales, customers: Customers, kept: Kept = Kept()) -> Part:
    """Further products of a visit, beside its first: n - 1 ~ NB(mean m_u, shape), log m_u normal about its kind's.

    The likelihood sums over the kinds that a customer may be of and, by Gauss-Hermite quadrature, over his own mean.
    Where a visit may have been two on one day, n - 2 ~ NB(2 m_u, 2 shape): their sum. Guests have a mean and a shape
    of their own, since they are met only once.
    """
    named = ~sales.guest
    further = sales.lines_a_visit - 1
    sizes, place = np.unique(further, return_inverse=True)
    guests = np.bincount(place[~named], minlength=len(sizes))
    met, of_user = np.unique(sales.users[named], return_inverse=True)
    every = max(-(-len(met) // _MOST), 1)
    told = of_user % every == 0
    visits = np.zeros((-(-len(met) // every), len(sizes)))  # of each customer and size
    np.add.at(visits, (of_user[told] // every, place[named][told]), 1.0)
    kinds = customers.kinds[met[::every]]
    more = -len(sizes) % _SIZES  # none has them; shops of about one size share what is compiled
    told = (
        padded(kinds, 1 / kinds.shape[1]),
        np.append(sizes, np.zeros(more, np.int64)),
        padded(np.pad(visits, ((0, 0), (0, more)))),
        np.append(guests, np.zeros(more, np.int64)),
        padded(np.arange(sizes[-1]), sizes[-1]),
        np.zeros(len(customers.rates)) if customers.twice is None else np.minimum(customers.twice, _SURELY),
    )
    level = np.log(max(further[named].mean() if named.any() else further.mean(), 0.1))
    start = {
        "means": np.full(len(customers.rates), level),
        "spread": np.array(-1.0),
        "shape": np.array(0.0),
        "guest_mean": np.array(np.log(further[~named].mean() + 0.1) if guests.sum() else level),
        "guest_shape": np.array(0.0),
    }
    found = Estimate.of(kept.arrays("baskets", lambda: _posterior().maximise(start, *told).arrays()))
    weeks = _weeks(sales, found.values)

    def draw(random: np.random.Generator) -> Settings:
        drawn = {name: value[0] for name, value in found.draws(1, random).items()}
        return _settings(drawn) | {"baskets.weeks": np.exp(weeks.draw(random)).tolist()}

    settings = _settings(found.values) | {"baskets.weeks": np.exp(weeks.mean).tolist()}
    return Part(settings, [*_parameters(found, bool(guests.sum())), _told(weeks)], draw)


def _weeks(sales: Sales, values: dict[str, Floats]) -> Smooth:
    """Log factors of the weeks of the year: further products of a week's visits over those usual for who came."""
    further, named = sales.lines_a_visit - 1, ~sales.guest
    users = np.maximum(sales.users, 0)
    visits = np.bincount(users, named)
    level = further[named].mean() if named.any() else 1.0
    usual = (np.bincount(users, further * named) + _OTHERS * level) / (visits + _OTHERS)
    expected = np.where(named, usual[users], np.exp(values["guest_mean"]))
    shape = np.where(named, np.exp(values["shape"]), np.exp(values["guest_shape"]))
    week = week_of_year(sales.dates)[sales.visit_days]
    total, told, noise = (np.bincount(week, of, WEEKS) for of in (further, expected, expected + expected**2 / shape))
    seen = (total > 0) & (told > 0)
    ratio = np.where(seen, np.log(np.maximum(total, 1e-9) / np.maximum(told, 1e-9)), np.nan)
    return smoothed(ratio, noise / np.maximum(told, 1e-9) ** 2)


def _told(weeks: Smooth) -> Parameter:
    error = float(np.sqrt(np.diag(weeks.covariance)).mean())
    return parameter("baskets.weeks", float(weeks.mean.std()), error, "spread of log factors")


@cache
def _posterior() -> Posterior:
    """Compiled once for shops of one size."""
    return Posterior(_log_density)


def _log_density(values: Any, kinds: Any, sizes: Any, visits: Any, guests: Any, below: Any, twice: Any) -> Any:
    chances = partial(_log_binomial, below)
    once = chances(sizes, values["shape"])
    both = chances(jnp.maximum(sizes - 1, 0), values["shape"] + np.log(2.0))
    two = jnp.where(sizes > 0, 0.0, -jnp.inf)  # visits buy two products at least
    two, twice = two[:, None, None], twice[:, None]

    def either(log_mean: Any) -> Any:
        together = two + both(log_mean + np.log(2.0))
        return jnp.logaddexp(jnp.log1p(-twice) + once(log_mean), jnp.log(twice) + together)

    named = _log_named(values, kinds, visits, either)
    return named + _log_guests(values, guests, chances(sizes, values["guest_shape"])) + _prior(values)


def _log_named(values: Any, kinds: Any, visits: Any, chances: Callable[[Any], Any]) -> Any:
    """Sum over customers of the log of the chance of all their visits' sizes."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(_NODES)
    spread = jnp.exp(values["spread"])
    means = values["means"][:, None] + spread * nodes - 0.5 * spread**2  # (J, Q) mean one: see the market's baskets
    of_user = jnp.tensordot(visits, chances(means), 1)  # (n, J, Q)
    likely = jnp.log(jnp.maximum(kinds, 1e-12))[:, :, None] + np.log(weights / weights.sum())
    return jnp.sum(jax.scipy.special.logsumexp(of_user + likely, axis=(1, 2)))


def _log_guests(values: Any, counts: Any, chances: Callable[[Any], Any]) -> Any:
    """A guest is met once: his own mean and his visit's noise are one (their sum is what `guest_shape` tells)."""
    return jnp.sum(counts * chances(values["guest_mean"]))


def _log_binomial(below: Any, counts: Any, log_shape: Any) -> Callable[[Any], Any]:
    """Log chance of counts (n,) under a negative binomial of this shape, by the log of its mean (...): (n, ...).

    Gamma(count + shape) / Gamma(shape) is a product over the numbers below the count, for their logs are derived
    faster, and compiled much faster, than gamma functions are.

    Args:
        below: 0, 1, 2, ... up to the largest count at least.
    """
    shape = jnp.exp(log_shape)
    factors = jnp.log(shape + below) - jnp.log1p(below)  # of Gamma(count + shape) / (Gamma(shape) count!)
    rising = jnp.where(below < counts[:, None], 1.0, 0.0) @ factors

    def chances(log_mean: Any) -> Any:
        base = shape + jnp.exp(log_mean)
        rest = shape * (log_shape - jnp.log(base)) + jnp.multiply.outer(counts, log_mean - jnp.log(base))
        return rising.reshape(-1, *[1] * jnp.ndim(log_mean)) + rest

    return chances


def _prior(values: Any) -> Any:
    """Kinds that come nearly as often buy alike; spread and shapes are around 1 within a factor of about 4."""
    steps = jnp.diff(values["means"])
    loose = values["spread"] ** 2 + values["shape"] ** 2 + values["guest_shape"] ** 2 + 0.01 * values["guest_mean"] ** 2
    return -0.5 * jnp.sum((steps / _STEP) ** 2) - 0.5 * loose / 2


def _settings(values: dict[str, Floats]) -> Settings:
    shape = float(np.exp(values["shape"]))
    return {
        "baskets.products": 1.0,  # each kind's mean is stated with the kind
        "baskets.shape": shape,
        "baskets.spread": float(np.exp(values["spread"])),
        "users.segments.products": [*np.exp(values["means"]).tolist(), float(np.exp(values["guest_mean"]))],
        "users.segments.shape": [shape] * len(values["means"]) + [float(np.exp(values["guest_shape"]))],
    }


def _parameters(found: Estimate, guests: bool) -> list[Parameter]:
    errors = found.errors

    def of(place: str, name: str, index: Any = ...) -> Parameter:
        value = float(np.exp(found.values[name][index]))
        return parameter(place, value, value * float(errors[name][index]), "products" if "products" in place else "")

    kinds = len(found.values["means"])
    told = [of(f"users.segments[{j}].products", "means", j) for j in range(kinds)]
    told += [of("baskets.shape", "shape"), of("baskets.spread", "spread")]
    if guests:
        told += [
            of(f"users.segments[{kinds}].products", "guest_mean"),
            of(f"users.segments[{kinds}].shape", "guest_shape"),
        ]
    return told
