"""How many pieces a line takes: usual sizes, shifted by who buys, what is bought, and the visit."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.optimize import minimize, minimize_scalar
from scipy.special import expit, ndtri

from simulator.calibration.customers import Customers
from simulator.calibration.pairs import shared
from simulator.calibration.part import Parameter, Part, Settings, default, parameter
from simulator.calibration.sales import Floats, Ints, Sales
from simulator.pieces import Mixed
from simulator.scenario import Tail

_COMMON = 0.003  # share of the lines from which on a number of pieces is a size of its own
_BETWEEN = 0.004  # share of the lines that the sizes in between are gathered into
_ALIKE = 0.8  # share of the variance of what a size stands for, from which on it tells too little
_WIDE = 1.5  # largest over smallest size that are gathered
_ROUNDS = 40
_TELLING = 4  # lines of a visit, or of a customer, from which on it tells how far it is from others
_TOLD = 200  # visits or customers that tell a tail
_FEW = 0.3  # of all who are far from the others, at most
_WIDEST = 10.0  # log of how many times as far from the others they are
_SURELY = 5.0  # log likelihood that a tail must bring
_MADE = 50_000  # visits that thresholds are set by
_PARTS = 1_000  # equal parts of their lines
_MOVED = 1.0  # by which a line's shift is moved for the level, at most


@dataclass(frozen=True)
class Spreads:
    """Variances of what shifts a line's pieces, on the normal scale, and the shifts themselves."""

    users: float
    products: float
    visits: float
    noise: float
    user_shifts: Floats  # (n_users,)
    product_shifts: Floats  # (K,)
    guest_shift: float
    fill: float  # slope on how many products a visit has beyond what is usual for its customer, logs
    users_tail: Tail | None
    visits_tail: Tail | None


def fit(sales: Sales, customers: Customers, baskets: Settings, mix: Floats | None = None) -> Part:
    """Sizes and their shifts, where visits buy as many products as these baskets say.

    Lines take one of the usual sizes. Each size is a range of a normal variable (ordered probit), which adds up what
    the customer's kind, the customer, the product and the visit bring, and noise. Variances and shifts are found by EM
    on the normal scores of the sizes, and corrected for what a score, which stands for a range, does not tell. The
    noise is the unit; some customers, and some visits, are far from the others; who buys many products takes fewer
    pieces of each (`pieces.basket`). Thresholds are set so that lines made by the model have the sizes that were seen.

    Args:
        sales: what was sold, to whom.
        customers: the kind of each.
        baskets: settings of how many products visits buy.
        mix: (J,) share of the market's visits that each kind of customer makes, guests last; None: of those seen.
    """
    sizes, size_of = usual_sizes(sales.pieces)
    cumulated = np.cumsum(np.bincount(size_of, minlength=len(sizes))) / len(size_of)
    if _scores(cumulated)[1] > _ALIKE:
        return _alike(sizes, cumulated)
    spreads = _spreads(sales, size_of, cumulated)
    told = shared(sales, _scores(cumulated)[0], size_of, cumulated)
    spreads = replace(spreads, users=told.users, products=told.products, visits=told.visits, noise=told.noise)
    unit = np.sqrt(spreads.noise)
    kinds, within = _of_kinds(sales, customers, spreads)
    shifts = np.append(kinds, spreads.guest_shift) / unit
    products = spreads.product_shifts / unit
    basket, basket_spread = _basket(sales, spreads) / unit, baskets["baskets.spread"]
    fill = float(spreads.fill / unit)
    explained = min((basket * basket_spread) ** 2, 0.9 * within / unit**2)
    filled = min(spreads.fill**2 * float(_beyond(sales)[sales.visits].var()), 0.9 * spreads.visits)
    user_spread, visit_spread = np.sqrt(within / unit**2 - explained), np.sqrt(spreads.visits - filled) / unit
    spread = {"pieces.spread": user_spread, "pieces.visits": visit_spread, "pieces.basket": basket}
    spread["pieces.fill"] = fill
    tails = spreads.users_tail, spreads.visits_tail
    user_spread, visit_spread = (s / _wider(tail) for s, tail in zip((user_spread, visit_spread), tails, strict=True))
    spread |= {"pieces.spread": user_spread, "pieces.visits": visit_spread}
    mix = _seen_mix(sales, customers) if mix is None else mix
    lines = _made_lines(mix, baskets, spread, shifts, products[sales.items])
    parts = (user_spread, tails[0]), (visit_spread, tails[1])
    whole = Mixed.of(*parts, other=1 + (basket * basket_spread) ** 2)
    own = Mixed.of(*parts, other=1.0)
    shares = _shares(cumulated, lines, own, whole)
    shifts = shifts + _levelled(float(sales.pieces.mean()), sizes, shares, lines, own, whole)
    settings: dict[str, Any] = {
        "pieces.sizes": sizes.tolist(),
        "pieces.shares": shares.tolist(),
        "pieces.spread": float(user_spread),
        "pieces.visits": float(visit_spread),
        "pieces.basket": float(basket),
        "pieces.spread_tail": _told_tail(tails[0]),
        "pieces.visits_tail": _told_tail(tails[1]),
        "pieces.fill": fill,
        "users.segments.pieces": shifts.tolist(),
        "products.pieces": products.tolist(),
    }
    return Part(settings, _parameters(settings, told.errors, sales, customers))


def _alike(sizes: Ints, cumulated: Floats) -> Part:
    """Where nearly all lines are of one size: nothing says who takes more."""
    shares = np.diff(np.concatenate([[0.0], cumulated]))
    settings: Settings = {"pieces.sizes": sizes.tolist(), "pieces.shares": shares.tolist()}
    why = "nearly all lines are of one size"
    return Part(settings, [default("pieces.spread", 0.0, "sd of the noise", why)])


def usual_sizes(pieces: Ints) -> tuple[Ints, Ints]:
    """Numbers of pieces that are common, and averages of the rarer ones between them; the size of each line."""
    values, counts = np.unique(pieces, return_counts=True)
    shares = counts / counts.sum()
    common = shares >= _COMMON
    rare = np.concatenate([[0.0], np.cumsum(np.where(common, 0.0, shares))])[:-1] // _BETWEEN
    before = np.cumsum(common) + rare + np.log(values) // np.log(_WIDE)
    bins = np.unique(2 * before + common, return_inverse=True)[1]  # a new bin at each common size, by share, by width
    bins = np.cumsum(np.concatenate([[0], np.diff(bins) != 0]))
    sizes = np.round(np.bincount(bins, values * counts) / np.bincount(bins, counts)).astype(np.int64)
    return sizes, bins[np.searchsorted(values, pieces)]


def _spreads(sales: Sales, size_of: Ints, cumulated: Floats) -> Spreads:
    """EM for a mixed model with crossed effects, each effect's own posterior variance taken alone."""
    scores, lost = _scores(cumulated)
    line_users = sales.users[sales.visits]
    guest = line_users < 0
    users = np.where(guest, 0, line_users)
    n_users = int(users.max(initial=0)) + 1
    y = scores[size_of]
    everywhere = np.ones_like(guest)
    groups = [
        (users, ~guest, n_users),
        (sales.items, everywhere, sales.n_products),
        (sales.visits, everywhere, len(sales.times)),
    ]
    met = np.bincount(users, ~guest, n_users) > 0
    beyond, slope = _beyond(sales)[sales.visits], 0.0
    effects = [np.zeros(n) for *_, n in groups]
    variances, noise = np.array([0.3, 0.3, 0.1]), 0.3
    centre = np.where(guest, y[guest].mean() if guest.any() else 0.0, y[~guest].mean() if (~guest).any() else 0.0)
    for _ in range(_ROUNDS):
        fitted = (
            centre
            + slope * beyond
            + sum(effect[of] * where for effect, (of, where, _) in zip(effects, groups, strict=True))
        )
        uncertain = 0.0
        for which, (of, where, n) in enumerate(groups):
            count = np.bincount(of, where, n)
            rest = (y - fitted) * where + effects[which][of] * where
            posterior = 1 / (count / noise + 1 / variances[which])
            moved = posterior * np.bincount(of, rest, n) / noise
            fitted += (moved - effects[which])[of] * where
            effects[which] = moved
            some = count > 0
            variances[which] = float((moved[some] ** 2 + posterior[some]).mean()) if some.any() else 1e-9
            uncertain += float((count * posterior).sum()) / len(y)
        of_visits = effects[2][sales.visits]
        slope += float(beyond @ (y - fitted + of_visits)) / max(float(beyond @ beyond), 1.0)
        noise = float(((y - fitted) ** 2).mean()) + uncertain
        for kind in (guest, ~guest):
            centre[kind] += (y - fitted)[kind].mean() if kind.any() else 0.0
        common = effects[0][met].mean() if met.any() else 0.0
        effects[0][met] -= common
        centre[~guest] += common
    named = float(centre[~guest][0]) if (~guest).any() else 0.0
    shift = float(centre[guest][0]) - named if guest.any() else 0.0
    kept = 1 - lost  # a score moves by so much less than the variable it stands for
    users_variance, products_variance, visits_variance = (variances / kept**2).tolist()
    unexplained = max(1 - (kept - noise) / kept**2, 0.05)
    shifts = effects[0] / kept, effects[1] / kept, shift / kept, slope / kept
    residuals = (y - fitted + effects[2][sales.visits]) / kept
    tails = _tails(sales, residuals, shifts[0], visits_variance, noise / kept**2)
    return Spreads(users_variance, products_variance, visits_variance, unexplained, *shifts, *tails)


def _tails(sales: Sales, residuals: Floats, users: Floats, visits: float, noise: float) -> tuple[Any, Any]:
    """Tails of customers and of visits: from each visit's mean beside its customer's, each customer's beside all.

    Args:
        residuals: (L,) of lines, without all but what the visit brings.
        users: (n_users,) shifts.
        visits: variance of visits.
        noise: variance of lines.
    """
    count = sales.lines_a_visit
    mean = np.bincount(sales.visits, residuals, len(count)) / count
    some = (count >= _TELLING) & ~sales.guest
    named = ~sales.guest
    lines = np.bincount(sales.users[named], count[named], len(users))
    often = np.bincount(sales.users[named], minlength=len(users))
    known = lines >= _TELLING
    error = visits / np.maximum(often, 1) + noise / np.maximum(lines, 1)
    total = np.bincount(sales.users[named], (mean * count)[named], len(users))
    own = users + total / np.maximum(lines, 1)  # without the shrinkage
    return tail(own[known], error[known]), tail(mean[some], noise / count[some])


def tail(seen: Floats, errors: Floats) -> Tail | None:
    """The likeliest mixture of two normals of mean 0 beside errors of these variances; None where one does as well."""
    if len(seen) < _TOLD:
        return None
    seen = seen - np.median(seen)
    wide = np.log(max(float(seen.std()), 1e-4))

    def surprise(values: Floats) -> float:
        share, narrow, times = _FEW * expit(values[0]), np.exp(2 * values[1]), 1 + np.exp(values[2])
        ends = ((1 - share, narrow), (share, narrow * times**2))
        return -float(np.log(sum(w * _density(seen, v + errors) for w, v in ends)).sum())

    def surprise_alone(spread: float) -> float:
        return -float(np.log(_density(seen, np.exp(2 * spread) + errors)).sum())

    alone = float(minimize_scalar(surprise_alone, bounds=(-12.0, wide + 1.0), method="bounded").fun)
    start, bounds = np.array([0.0, wide - np.log(2.0), 0.5]), [(None, None), (None, None), (None, _WIDEST)]
    found = minimize(surprise, start, method="Nelder-Mead", bounds=bounds)
    share, times = _FEW * float(expit(found.x[0])), float(1 + np.exp(found.x[2]))
    return Tail(share=share, times=times) if alone - found.fun > _SURELY and share > 1e-3 else None


def _density(seen: Floats, variances: Floats) -> Floats:
    return np.asarray(np.exp(-0.5 * seen**2 / variances) / np.sqrt(2 * np.pi * variances) + 1e-300)


def _wider(tail: Tail | None) -> float:
    """How much a tail widens the standard deviation."""
    return 1.0 if tail is None else float(np.sqrt(1 - tail.share + tail.share * tail.times**2))


def _told_tail(tail: Tail | None) -> Settings | None:
    return None if tail is None else {"share": round(tail.share, 4), "times": round(tail.times, 3)}


def _beyond(sales: Sales) -> Floats:
    """(V,) log of a visit's products over those of the usual visit of its customer; 0 where he came twice at most."""
    users = np.where(sales.guest, int(sales.users.max(initial=-1)) + 1, sales.users)
    visits = np.bincount(users)
    usual = np.bincount(users, sales.lines_a_visit) / np.maximum(visits, 1)
    several = (visits > 2)[users] & ~sales.guest
    return np.where(several, np.log(sales.lines_a_visit / np.maximum(usual[users], 1e-9)), 0.0)


def _basket(sales: Sales, spreads: Spreads) -> float:
    """Slope of customers' shifts on the log of their usual number of products, among those who came several times:
    covariance over variance, both without what single visits add to them.
    """
    named = ~sales.guest
    users, size = sales.users[named], np.log(sales.lines_a_visit[named])
    visits = np.bincount(users)
    several = np.flatnonzero(visits > 2)
    if len(several) < 30:
        return 0.0
    mean = np.bincount(users, size) / np.maximum(visits, 1)
    noise = np.bincount(users, (size - mean[users]) ** 2)[several] / (visits[several] - 1) / visits[several]
    x, y = mean[several], spreads.user_shifts[several]
    variance = max(float(x.var() - noise.mean()), 0.1 * float(x.var()), 1e-9)
    slope = float(np.cov(x, y)[0, 1]) / variance
    chance = float((y - slope * (x - x.mean())).var() * x.var()) / (len(x) * variance**2)
    return slope * max(1 - chance / max(slope**2, 1e-12), 0.0)


def _scores(cumulated: Floats) -> tuple[Floats, float]:
    """Mean of the normal variable within each size's range, and the variance that is lost by taking means."""
    edges = ndtri(np.concatenate([[0.0], np.minimum(cumulated, 1.0)]))
    density = np.exp(-0.5 * np.where(np.isfinite(edges), edges, 0.0) ** 2) / np.sqrt(2 * np.pi) * np.isfinite(edges)
    shares = np.diff(np.concatenate([[0.0], cumulated]))
    scores = (density[:-1] - density[1:]) / shares
    return scores, 1.0 - float(shares @ scores**2)


def _of_kinds(sales: Sales, customers: Customers, spreads: Spreads) -> tuple[Floats, float]:
    """(J,) mean shift of each kind of customer, and the variance of customers around it."""
    kinds, shifts = customers.kinds, spreads.user_shifts
    weight = kinds.sum(axis=0)
    means = (kinds.T @ shifts + 10 * shifts.mean()) / (weight + 10)  # ten customers' worth of the mean of all
    between = float((kinds @ (means - means.mean())).var())
    return means, max(spreads.users - between, 0.05 * spreads.users)


def _made_lines(mix: Floats, baskets: Settings, spread: dict[str, float], shifts: Floats, products: Floats) -> Floats:
    """(n,) shifts of lines that are made up as the market makes them, without what customers and visits have for
    themselves; in order, in equal parts of all.

    Args:
        mix: (J,) share of the visits that each kind of customer makes, guests last.
        products: (L,) shifts of the products of lines that were seen.
    """
    random = np.random.default_rng(0)
    segment = random.choice(len(mix), _MADE, p=mix)
    own = random.normal(size=_MADE)
    mean = np.array(baskets["users.segments.products"])[segment]
    mean *= np.exp(baskets["baskets.spread"] * own - baskets["baskets.spread"] ** 2 / 2)
    shape = np.array(baskets["users.segments.shape"])[segment]
    number = 1 + random.poisson(mean * random.gamma(shape) / shape)
    shift = shifts[segment] + spread["pieces.basket"] * baskets["baskets.spread"] * own
    shift += spread["pieces.fill"] * np.log(number / (1 + mean))
    lines = np.repeat(shift, number)
    lines += random.choice(products, len(lines))
    return np.asarray(np.quantile(lines, (np.arange(_PARTS) + 0.5) / _PARTS))


def _seen_mix(sales: Sales, customers: Customers) -> Floats:
    """(J,) share of the visits that each kind of customer made, guests last."""
    visits = np.bincount(sales.users[~sales.guest], minlength=len(customers.kinds)) @ customers.kinds
    mix = np.append(visits, sales.guest.sum())
    return np.asarray(mix / mix.sum())


def _levelled(mean: float, sizes: Ints, shares: Floats, lines: Floats, own: Mixed, spread: Mixed) -> float:
    """What every line's shift is to be moved by, so that lines with these shifts have so many pieces in the mean."""
    thresholds = spread.quantiles(np.cumsum(shares)[:-1])

    def pieces(move: float) -> float:
        below = own.below(thresholds[:, None] - lines - move).mean(axis=1)
        return float(np.diff(np.concatenate([[0.0], below, [1.0]])) @ sizes)

    low, high = -_MOVED, _MOVED
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if pieces(middle) < mean else (low, middle)
    return low


def _shares(cumulated: Floats, lines: Floats, own: Mixed, spread: Mixed) -> Floats:
    """Shares of the sizes over all customers and visits of a kind that nothing shifts (`spread` is theirs), such
    that lines with these shifts have the sizes that were seen.
    """
    low, high = np.full(len(cumulated) - 1, -20.0), np.full(len(cumulated) - 1, 20.0)
    for _ in range(40):  # bisection: the share below a threshold grows with it
        middle = (low + high) / 2
        below = own.below(middle[:, None] - lines).mean(axis=1)
        low, high = np.where(below < cumulated[:-1], middle, low), np.where(below < cumulated[:-1], high, middle)
    return np.diff(np.concatenate([[0.0], spread.below(low), [1.0]]))


def _parameters(
    settings: dict[str, Any], errors: tuple[float, float], sales: Sales, customers: Customers
) -> list[Parameter]:
    told = [
        parameter(place, settings[place], error, "sd of the noise")
        for place, error in zip(("pieces.spread", "pieces.visits"), errors, strict=True)
    ]
    weight = np.append(customers.kinds.sum(axis=0), max(sales.guest.sum(), 1))
    of_kinds = np.sqrt(settings["pieces.spread"] ** 2 / np.maximum(weight, 1))
    for j, (shift, error) in enumerate(zip(settings["users.segments.pieces"], of_kinds, strict=True)):
        told.append(parameter(f"users.segments[{j}].pieces", shift, float(error), "sd of the noise", scale=1.0))
    return told
