"""Learning from feedback as it comes: remember it, and train whenever enough is new."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from policies.networks.replay import ReplayBuffer
from policies.policy import Decisions, Feedback, Floats, Problem

_TELLING = 4  # rows with a reward other than 0 that are worth a first training
_NEW = 12  # the part of all rows that is worth another training


class Model(Protocol):
    """What can be trained on a buffer and then asked."""

    def fit(self, buffer: ReplayBuffer) -> None:
        """Train further on what is remembered."""

    def observe(self, feedback: Feedback) -> bool:
        """Take in all rows, before they are trained on too; whether answers may have changed."""

    def scores(self, decisions: Decisions, ids: Any) -> Any:
        """(m, n, k) m answers each for the n visits and the k items of these ids."""

    def state(self) -> dict[str, npt.NDArray[Any]]:
        """What has been learned."""

    def set_state(self, state: dict[str, npt.NDArray[Any]]) -> None:
        """Go on from there."""


class Learner:
    """A model, the rows it is trained on, and when.

    First with `first` rows, or with four that brought something: a launch is judged once in days and tells much, a
    showing tells little. Then whenever the rows have doubled; then every `train_every` rows; and in a long season
    whenever a 12th of all rows is new, so that ten times the traffic costs 29 trainings more.
    """

    def __init__(self, problem: Problem, model: Model, *, capacity: int, first: int, train_every: int) -> None:
        self.model = model
        self.buffer = ReplayBuffer(problem, capacity)
        self.trained_on = 0  # rows seen at the last training
        self._first, self._train_every = first, train_every
        self._asked: Any = None  # the question; which items were scored; their scores

    def learn(self, feedback: Feedback) -> None:
        """Take in rows; train at the same ones however they are grouped."""
        start = 0
        while start < len(feedback):
            due = self._due(feedback.rewards[start:])
            part = feedback.take(slice(start, start + due))
            self.buffer.add(part)
            if self.model.observe(part):
                self.forget_answers()
            start += due
            if start <= len(feedback):
                self.train()

    def _due(self, rewards: Floats) -> int:
        """In how many rows the next training is, where these rewards are the next."""
        if self.trained_on:
            every = min(self.trained_on, max(self._first, self._train_every, self.trained_on // _NEW))
            return self.trained_on + every - self.buffer.seen
        telling = np.flatnonzero(rewards)
        wanted = _TELLING - int(self.buffer.came[0])
        enough = int(telling[wanted - 1]) + 1 if len(telling) >= wanted else self._first
        return min(enough, self._first - self.buffer.seen)

    def train(self) -> None:
        """Train the model on what is remembered."""
        self.model.fit(self.buffer)
        self.trained_on = self.buffer.seen
        self.forget_answers()

    def scores(self, decisions: Decisions) -> Floats | None:
        """(m, n, K) scores, minus infinity where nobody has it available; None before the first training.

        The next slot of the same visits is answered from memory.
        """
        if not self.trained_on:
            return None
        wanted, question = decisions.available.any(axis=0), decisions.question
        if self._asked is None or self._asked[0] is not question or (wanted > self._asked[1]).any():
            ids = np.flatnonzero(wanted)
            known = self.model.scores(decisions, ids)
            scores = np.full((len(known), *decisions.available.shape), -np.inf)
            scores[:, :, ids] = known
            self._asked = None if question is None else (question, wanted, scores)
            return scores
        answer: Floats = self._asked[2]
        return answer

    def forget_answers(self) -> None:
        """The model has changed: what it said is no longer what it says."""
        self._asked = None

    def state(self) -> dict[str, npt.NDArray[Any]]:
        """The rows, when the model was last trained, and the model's own."""
        return {"trained_on": np.array(self.trained_on), **self.buffer.state(), **self.model.state()}

    def set_state(self, state: dict[str, npt.NDArray[Any]]) -> None:
        """Go on from there."""
        self.trained_on = int(state["trained_on"])
        self.buffer.set_state(state)
        self.model.set_state(state)
