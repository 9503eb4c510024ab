"""Off-policy estimates for pages with several slots: how much of a page has to match the log?

Each function answers (n,) weights for n log rows, one a slot, from the rows' own weights, which are conditional on the
slots above. Assumed is, from weak to
strong: a slot's reward depends on the whole page (`whole`), on its slot and those above (`cascade`), on its slot
alone (`independent`). The stronger the assumption, the tamer the weights.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from numba import njit

from benchmarks.off_policy import intervals
from benchmarks.off_policy.estimators import Terms
from benchmarks.off_policy.evidence import weigh
from benchmarks.off_policy.passes import Passes
from benchmarks.off_policy.reward_models import Ridge
from benchmarks.off_policy.sums import Sums
from benchmarks.off_policy.verdicts import SMALLEST_SAMPLE
from envs.feedback import LoggedFeedback
from envs.logs.rows import LogError, join
from policies.policy import Feedback, Floats, Integers, PolicyError

_MOST_SINGLE = 0.9  # pages in a row of the log; above, the log does not say what was shown together


def independent(weights: Floats, feedback: Feedback, slates: Integers, positions: Integers) -> Floats:
    """Item-position weights: each slot by itself (Li et al. 2018, "Offline evaluation of ranking policies with click
    models", section 5.2).

    They are ratios of the chances that an item stands in a slot, whatever is above it. Where what is above stays
    available, those are the rows' own. Where no product comes twice on a page, a row's ratio is conditional on the page
    above; the marginal one is the mean of the product down the page over all pages with this item in this slot, for the
    context at hand: a ridge regression, as rewards are then free of what is above by assumption.
    """
    if not _excluded(feedback, slates, positions):
        return weights
    down = cascade(weights, feedback, slates, positions)
    marginal = weights.copy()
    first = _first(slates, positions)
    for slot in np.unique(positions):
        rows = (positions == slot) & ~first
        if rows.any():
            marginal[rows] = _expected(feedback.take(rows), down[rows])
    return marginal


def _excluded(feedback: Feedback, slates: Integers, positions: Integers) -> bool:
    """Whether some page could not show again what it shows above."""
    order = np.lexsort((positions, slates))
    above, below = order[:-1], order[1:]
    same = slates[above] == slates[below]
    return bool((~feedback.decisions.available[below, feedback.chosen[above]])[same].any())


def _first(slates: Integers, positions: Integers) -> Any:
    """(n,) whether a row is the top of its page."""
    order = np.lexsort((positions, slates))
    first = np.empty(len(order), bool)
    first[order] = np.concatenate([[True], np.diff(slates[order]) != 0])
    return first


def _expected(feedback: Feedback, down: Floats) -> Floats:
    """(n,) mean of these weights given the item and the context; never negative."""
    model = Ridge(ridge=1.0)
    model.add(replace(feedback, rewards=down), np.ones(len(down)))
    fitted = model.predict(feedback.decisions)[np.arange(len(down)), feedback.chosen]
    return np.maximum(fitted, 0.0)


def cascade(weights: Floats, feedback: Feedback, slates: Integers, positions: Integers) -> Floats:
    """Reward-interaction weights: product down to the row's slot (McInerney et al. 2020, "Counterfactual evaluation of
    slate recommendations with sequential reward interactions", eq. 5)."""
    products, _ = _products(weights, slates, positions)
    return products


def whole(weights: Floats, feedback: Feedback, slates: Integers, positions: Integers) -> Floats:
    """Standard weights: product over all slots of the page (Precup et al. 2000)."""
    _, totals = _products(weights, slates, positions)
    return totals


KINDS: dict[str, Callable[[Floats, Feedback, Integers, Integers], Floats]] = {
    "independent": independent,
    "cascade": cascade,
    "whole": whole,
}


def evaluate_slates(log: LoggedFeedback, passes: Passes, first: int = 0, confidence: float = 0.95) -> pd.DataFrame:
    """`estimate_slates` on a log that says in which slot each row was; rows of one time and user are a page.

    Args:
        log: with positions.
        passes: its rows from row `first` on, with the answers of the policy.
        first: see there.
        confidence: of the intervals.

    Raises:
        LogError: the log has no positions, or no page of several rows, or was thinned out.
    """
    rows = log.rows
    if rows.weights is not None:
        raise LogError("slates must have all rows of their pages, got a log that was thinned out (weights)")
    if rows.positions is None:
        raise LogError("slates must have positions, got a log without")
    users = None if rows.users is None else rows.users[first:]
    slates = pages(rows.feedback.decisions.times[first:], users)
    if slates.max() + 1 > _MOST_SINGLE * len(slates):
        got = f"{slates.max() + 1:,} pages in {len(slates):,} rows"
        raise LogError(f"slates must have several rows of one time and user, got {got}")
    pieces = list(passes)
    feedback, probabilities = join([p.feedback for p in pieces]), np.concatenate([p.probabilities for p in pieces])
    return estimate_slates(feedback, probabilities, slates, rows.positions[first:], confidence=confidence, users=users)


def pages(times: Floats, users: Any = None) -> Integers:
    """(n,) number of the page of each row: those of one time, and of one user where users are known."""
    known = np.zeros(len(times), np.uint64) if users is None else users
    order = np.lexsort((known, times))
    another = (np.diff(times[order]) != 0) | (np.diff(known[order]) != 0)
    numbers = np.empty(len(times), np.int64)
    numbers[order] = np.concatenate([[0], np.cumsum(another)])
    return numbers


def estimate_slates(
    feedback: Feedback,
    probabilities: Floats,
    slates: Integers,
    positions: Integers,
    estimators: Sequence[str] = ("independent", "cascade", "whole"),
    confidence: float = 0.95,
    users: Any = None,
) -> pd.DataFrame:
    """What a policy would have earned per page.

    Args:
        feedback: n rows, one for each slot of each page; propensities given the slots above.
        probabilities: (n, K) of the policy, given the slots above as logged.
        slates: (n,) which page a row belongs to.
        positions: (n,) slot, from the top down.
        estimators: names of `KINDS`.
        confidence: of the gamma intervals over pages.
        users: (n,) who saw the page, as uint64: pages of one user then count as one in the intervals.

    Returns:
        A row per estimator: value, lower, upper, n (pages), effective_sample_size (of the rows' weights, in pages), and
        the reason why it is not to be believed, or none.
    """
    weights = weigh(feedback, probabilities).weights
    pages, first, page = np.unique(slates, return_index=True, return_inverse=True)
    who = None if users is None else users[first]
    rewards: Floats = np.bincount(page, feedback.rewards).astype(float)
    table = {}
    for name in estimators:
        if name not in KINDS:
            raise PolicyError(f"slate estimator must be one of {', '.join(KINDS)}, got {name!r}")
        used = KINDS[name](weights, feedback, slates, positions)
        earned: Floats = np.bincount(page, used * feedback.rewards).astype(float)
        sums = Sums()
        sums.add(Terms(np.zeros(len(pages)), np.ones(len(pages)), earned, rewards), 0, who)
        limits = intervals.gamma(sums, False, confidence, largest_weight=max(float(used.max()), 1.0))
        lower, upper = intervals.around(float(earned.mean()), limits)
        worth = used.sum() ** 2 / np.sum(used**2) * len(pages) / len(feedback) if used.any() else 0.0
        reason = f"worth only {worth:.1f} pages; {SMALLEST_SAMPLE:.0f} are needed" if worth < SMALLEST_SAMPLE else ""
        table[name] = (float(earned.mean()), lower, upper, len(pages), float(worth), reason)
    columns = ["value", "lower", "upper", "n", "effective_sample_size", "reason"]
    made = pd.DataFrame.from_dict(table, orient="index", columns=columns)
    return made.rename_axis("estimator")


def _products(weights: Floats, slates: Integers, positions: Integers) -> tuple[Floats, Floats]:
    """(n,) products of the weights of a page down to the row's slot, and over the whole page."""
    order = np.lexsort((positions, slates))
    down, over = _in_order(weights[order], slates[order])
    products, totals = np.empty(len(order)), np.empty(len(order))
    products[order], totals[order] = down, over
    return products, totals


@njit(cache=True)
def _in_order(weights: Any, slates: Any) -> Any:
    n = len(weights)
    down, over = np.empty(n), np.empty(n)
    first = 0
    for i in range(n):
        if i and slates[i] == slates[i - 1]:
            down[i] = down[i - 1] * weights[i]
        else:
            first = i
            down[i] = weights[i]
        for j in range(first, i + 1):
            over[j] = down[i]
    return down, over
