"""How much customers, products and visits shift the size of a line, from pairs of lines that share one of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.polynomial.hermite_e import HermiteE
from scipy.special import ndtri

from simulator.calibration.sales import Floats, Ints, Sales

_TERMS = 12
_BLOCKS = 20  # of customers, one left out at a time
_MOST = 0.95  # share of the variance that the three may have together
_ALIKE = 0.2  # how much less a pair of lines says beside another pair of the same customer


@dataclass(frozen=True)
class Shared:
    """Shares of the variance of what a line's size stands for, a normal variable, that go with what lines share."""

    users: float
    products: float
    visits: float
    errors: tuple[float, float]  # standard errors of the spreads of users and visits, in sd of the noise

    @property
    def noise(self) -> float:
        """What is left to the line."""
        return 1 - self.users - self.products - self.visits


def shared(sales: Sales, scores: Floats, size_of: Ints, cumulated: Floats) -> Shared:
    """Covariances of the scores of pairs of lines: of one customer in different visits, of one visit, of one product.

    A pair's covariance needs no model of anything else, so that effects that lie within one another (a customer's
    visits) are told apart without bias; which correlation of the normal variables gives such a covariance of their
    scores is Pearson's series (1900). Standard errors by leaving out a twentieth of the customers at a time.
    Where nobody has a name each visit is a customer's, and nothing goes with customers.

    Args:
        scores: (J,) of the sizes, with mean 0.
        size_of: (L,) the size of each line.
        cumulated: (J,) share of the lines of each size or a smaller one.
    """
    series = _series(scores, cumulated)
    nobody = bool(sales.guest.all())
    named = ~sales.guest[sales.visits] | nobody
    y, visit, item = scores[size_of[named]], sales.visits[named], sales.items[named]
    user = np.unique(visit if nobody else sales.users[visit], return_inverse=True)[1]
    table = _by_user(y, visit, user)
    products = _correlation(_products(y, item), series)

    def found(kept: Floats) -> tuple[float, float]:
        across, within = ((kept @ table[:, [0, 2]]) / np.maximum(kept @ table[:, [1, 3]], 1e-9)).tolist()
        users = _correlation(across, series)
        return users, max(_correlation(within, series) - users, 0.0)

    def spreads(users: float, visits: float) -> Floats:
        return np.sqrt(np.array([users, visits]) / max(1 - min(users + visits + products, _MOST), 0.05))

    users, visits = found(np.ones(len(table)))
    block = np.arange(len(table)) % _BLOCKS
    without = np.array([spreads(*found((block != out).astype(float))) for out in range(_BLOCKS)])
    errors = np.sqrt((_BLOCKS - 1) / _BLOCKS * ((without - without.mean(axis=0)) ** 2).sum(axis=0))
    scale = min(1.0, _MOST / max(users + visits + products, 1e-9))
    return Shared(users * scale, products * scale, visits * scale, (float(errors[0]), float(errors[1])))


def _series(scores: Floats, cumulated: Floats) -> Floats:
    """(n,) covariance of two scores by powers of their variables' correlation: squared Hermite coefficients."""
    edges = ndtri(np.clip(cumulated[:-1], 1e-12, 1 - 1e-12))
    density = np.exp(-0.5 * edges**2) / np.sqrt(2 * np.pi)
    terms, size = [], 1.0
    for n in range(1, _TERMS + 1):
        size *= n
        at = HermiteE.basis(n - 1)(edges) * density
        terms.append(float(np.diff(scores) @ at) ** 2 / size)
    return np.array(terms)


def _correlation(covariance: float, series: Floats) -> float:
    """The correlation, 0 to 1, whose series has this value."""
    grid = np.linspace(0, 1, 1001)
    values = (grid[:, None] ** np.arange(1, len(series) + 1)) @ series
    return float(np.interp(covariance, values, grid))


def _by_user(y: Floats, visit: Ints, user: Ints) -> Floats:
    """(n, 4) of each customer: weighted covariance and weight of pairs across visits, and of pairs within a visit."""
    n, v = int(user.max()) + 1, int(visit.max()) + 1
    lines = np.bincount(user)
    mean = np.bincount(user, y) / lines
    weight = lines / (1 + _ALIKE * lines)
    y = y - float(weight @ mean / weight.sum())  # the mean over customers, each by what its lines say
    owner = np.zeros(v, np.int64)
    owner[visit] = user
    of_visit, count, square = np.bincount(visit, y, v), np.bincount(visit, minlength=v), np.bincount(visit, y * y, v)
    within, pairs_within = (of_visit**2 - square) / 2, count * (count - 1) / 2
    total = np.bincount(user, y, n)
    across = (total**2 - np.bincount(owner, of_visit**2, n)) / 2
    pairs_across = (lines.astype(float) ** 2 - np.bincount(owner, count.astype(float) ** 2, n)) / 2
    by_across = 1 / (1 + _ALIKE * pairs_across)
    by_within = 1 / (1 + _ALIKE * pairs_within)
    return np.column_stack(
        [
            across * by_across,
            pairs_across * by_across,
            np.bincount(owner, within * by_within, n),
            np.bincount(owner, pairs_within * by_within, n),
        ]
    )


def _products(y: Floats, item: Ints) -> float:
    """Covariance of pairs of lines of one product, each product weighed by its lines, which noise is left of."""
    y = y - y.mean()
    count, total = np.bincount(item).astype(float), np.bincount(item, y)
    both, pairs = (total**2 - np.bincount(item, y * y)) / 2, count * (count - 1) / 2
    weight = 1 / np.maximum(count, 1)
    return float(weight @ both / max(float(weight @ pairs), 1e-9))
