"""In which slot was it shown? What a slot does to choice and reward, for the models that learn from the log."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np

from policies.policy import Feedback, Floats, Integers

MOST = 32  # slots told apart; those further down count as one


class Slots:
    """The slots of a log, one-hot beside the context: whoever is shown on top is bought more, whatever it is.

    Policies never see them, since they answer what to show and not where; logging and reward models do.

    Args:
        seen: (n,) slots of the log's rows, or None where it has none.
    """

    def __init__(self, seen: Any) -> None:
        self.names: Integers = np.empty(0, np.int64) if seen is None else np.unique(seen)[:MOST]

    def of(self, positions: Any) -> Floats | None:
        """(n, S) one-hot slots of some rows; None where there is one slot or none, which tells nothing."""
        if len(self.names) < 2:
            return None
        place = np.minimum(np.searchsorted(self.names, positions), len(self.names) - 1)
        one_hot: Floats = np.eye(len(self.names))[place]
        return one_hot


def different(positions: Iterable[Any]) -> Any:
    """The different slots of a log that passes by; None where it has none."""
    found: Any = None
    for part in positions:
        if part is None:
            return None
        found = np.unique(part if found is None else np.concatenate([found, part]))
    return found


def beside(feedback: Feedback, slots: Floats | None) -> Feedback:
    """The rows as a model sees them: (n, d + S) context and slot."""
    if slots is None:
        return feedback
    contexts = np.hstack([feedback.decisions.contexts, slots])
    return replace(feedback, decisions=replace(feedback.decisions, contexts=contexts))
