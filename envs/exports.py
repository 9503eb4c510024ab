"""A log handed to other libraries: coba, Vowpal Wabbit (dsjson), Open Bandit Pipeline.

None of them knows of products that change their look, of rewards that come late or of rows that stand for several
visits: what is handed over is the row as it was decided.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from envs.feedback import LogError, LoggedFeedback
from envs.logs.private import private
from policies.policy import Feedback, Floats

_LISTED = list[float]


def coba(log: LoggedFeedback) -> Iterator[Any]:
    """Logged interactions of coba, one a row, read from disk as they are asked for.

    Context: the d context features, a tuple. Action: (its number, its features ...), so that no two are alike;
    `actions` holds those that were available. A logged propensity is the interaction's probability.

    Raises:
        ImportError: coba is not installed.
    """
    from coba.primitives import LoggedInteraction

    for batch in log.batches():
        looks = [(float(k), *map(float, look)) for k, look in enumerate(batch.decisions.actions)]
        for context, chosen, available, propensity, reward in _rows(batch):
            actions = [looks[k] for k in np.flatnonzero(available)]
            known = {} if np.isnan(propensity) else {"probability": propensity}
            yield LoggedInteraction(tuple(context), looks[chosen], reward, actions=actions, **known)


def dsjson(log: LoggedFeedback, path: str | Path) -> int:
    """Write the log as Vowpal Wabbit's dsjson, a line a row, readable by its owner alone; answers how many.

    `vw --dsjson -d PATH --cb_explore_adf` reads it. The cost is minus the reward. Features of the visitor stand in the
    namespace `Visitor`, those of each available product in `Product` beside its name. The probabilities of the products
    that were not shown are not in a log of ours: they share evenly what the one that was shown leaves.

    Raises:
        LogError: the log has no propensities.
    """
    _with_propensities(log)
    names, seen = log.about.actions, log.about.context
    written = 0
    with private(path) as file:
        for batch in log.batches():
            looks = [_product(name, look) for name, look in zip(names, batch.decisions.actions, strict=True)]
            for context, chosen, available, propensity, reward in _rows(batch):
                there = np.flatnonzero(available).tolist()
                visitor = dict(zip(seen, context, strict=True))
                line = _line(written, there, chosen, propensity, reward)
                line["c"] = {"Visitor": visitor, "_multi": [looks[k] for k in there]}
                file.write(json.dumps(line, ensure_ascii=False) + "\n")
                written += 1
    return written


def open_bandit(log: LoggedFeedback) -> dict[str, Any]:
    """The log in memory as the `bandit_feedback` of Open Bandit Pipeline, which takes every action to be always there.

    Keys: n_rounds, n_actions, context (n, d), action_context (K, a; one-hot where products have no features), action
    (n,), position (n,) from 0 or None, reward (n,), pscore (n,).

    Raises:
        LogError: the log has no propensities, or an action was not available in some row.
    """
    _with_propensities(log)
    feedback = log.feedback
    missing = np.argwhere(~feedback.decisions.available)
    if len(missing):
        row, action = missing[0]
        raise LogError(
            f"every action must be available in every row for Open Bandit Pipeline, got {log.actions[action]!r} "
            f"missing in row {row}"
        )
    K, a = feedback.decisions.actions.shape
    return {
        "n_rounds": len(feedback),
        "n_actions": K,
        "context": feedback.decisions.contexts,
        "action_context": feedback.decisions.actions if a else np.eye(K),
        "action": feedback.chosen,
        "position": None if log.positions is None else log.positions - log.positions.min(),
        "reward": feedback.rewards,
        "pscore": feedback.propensities,
    }


def _with_propensities(log: LoggedFeedback) -> None:
    if log.propensities == "missing":
        raise LogError("log must have propensities to be handed over, got a log without: estimate them first")


def _rows(batch: Feedback) -> Iterator[tuple[_LISTED, int, Floats, float, float]]:
    decisions = batch.decisions
    columns = decisions.contexts.tolist(), batch.chosen.tolist(), decisions.available
    return zip(*columns, batch.propensities.tolist(), batch.rewards.tolist(), strict=True)


def _product(name: str, look: Floats) -> dict[str, Any]:
    return {"Product": {"name": name, **{f"feature{j}": float(x) for j, x in enumerate(look)}}}


def _line(row: int, there: list[int], chosen: int, propensity: float, reward: float) -> dict[str, Any]:
    """What a row says beside its features; the one shown stands first, its label counts among those that were there."""
    index = there.index(chosen)
    others = (1 - propensity) / max(len(there) - 1, 1)
    order = [index, *(i for i in range(len(there)) if i != index)]
    return {
        "_label_cost": 0.0 - reward,  # never -0.0
        "_label_probability": propensity,
        "_label_Action": index + 1,
        "_labelIndex": index,
        "Version": "1",
        "EventId": str(row),
        "a": [i + 1 for i in order],
        "p": [propensity, *[others] * (len(there) - 1)],
    }
