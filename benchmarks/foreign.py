"""Somebody else's policy or environment: whatever it does wrong becomes one line that says where in its code."""

from __future__ import annotations

import hashlib
import inspect
import pickle
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

import policies
from envs.environment import Choices, Rounds
from policies.calls import bring, parse
from policies.policy import Decisions, Feedback, Floats, Policy, PolicyError, Problem

_ASKED = ("probabilities", "learn")
_ROOMS = [Path(__file__).parents[1] / name for name in ("simulator", "policies", "envs", "benchmarks", "launchsim.py")]


def load(call: str, problem: Problem, *, seed: int = 0) -> Policy:
    """The policy that a call such as `linucb(alpha=0.5)` names; somebody else's comes as `Foreign`.

    Raises:
        PolicyError: unknown policy or setting, or somebody else's code that fails.
    """
    name, settings = parse(call)
    if ":" not in name:
        return policies.load(name, problem, seed=seed, **settings)
    return Foreign(call, lambda: policies.load(name, problem, seed=seed, **settings), seed)


class Foreign:
    """A policy of somebody else; its own attributes (`save`, ...) are there as well.

    Args:
        call: how it was named.
        make: imports its module and makes it.
        seed: of the season that it plays.

    Raises:
        PolicyError: from every method, with policy, method, season, and file and line in their code.
    """

    def __init__(self, call: str, make: Callable[[], Any], seed: int) -> None:
        self._call, self._seed = call, seed
        with self._held_to("__init__"):
            self._policy = make()
        for method in _ASKED:
            if not callable(getattr(self._policy, method, None)):
                raise PolicyError(f"{call} must have a method {method}, got an object of {type(self._policy).__name__}")

    def probabilities(self, decisions: Decisions) -> Floats:
        """(n, K) what it answers, as an array of floats."""
        with self._held_to("probabilities"):
            answer = self._policy.probabilities(decisions)
        return numbers(answer, self._call)

    def learn(self, feedback: Feedback) -> None:
        """Teach it."""
        with self._held_to("learn"):
            self._policy.learn(feedback)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):  # while it is being unpickled there is no policy yet
            raise AttributeError(name)
        return getattr(self._policy, name)

    def _held_to(self, method: str) -> AbstractContextManager[None]:
        return _held_to(self._call, method, self._seed)


class Worlds:
    """Environments of somebody else, by seed.

    Args:
        make: seed -> a fresh environment.
    """

    def __init__(self, make: Callable[[int], Any]) -> None:
        self._make = make

    def __call__(self, seed: int) -> World:
        """A fresh one. Raises PolicyError with the line of their code that failed."""
        with _held_to(self.name, "__call__", seed):
            return World(self._make(seed), self.name, seed)

    @property
    def name(self) -> str:
        """What it is called in its own code."""
        return str(getattr(self._made, "__qualname__", type(self._made).__name__))

    @property
    def key(self) -> str:
        """Another one as soon as the factory, what it was given or its code is another.

        Raises:
            PolicyError: nobody can tell, because it does not come from a file.
        """
        try:
            code = b"\0".join(file.read_bytes() for file in sources(self._made))
            return hashlib.sha256(pickle.dumps(self._make) + code).hexdigest()
        except (OSError, pickle.PicklingError, AttributeError, TypeError):
            raise PolicyError(f"{self.name} must come from the top of a file for its runs to be kept") from None

    @property
    def _made(self) -> Any:
        return self._make.func if isinstance(self._make, partial) else self._make


class World:
    """An environment of somebody else; its own attributes are there as well."""

    def __init__(self, environment: Any, name: str, seed: int) -> None:
        self._environment, self._name, self._seed = environment, name, seed

    def play(self, choose: Callable[[Decisions], Choices]) -> Iterator[Rounds]:
        """Its rounds. Raises PolicyError with the line of their code that failed."""
        with _held_to(self._name, "play", self._seed):
            yield from self._environment.play(choose)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self._environment, name)


@contextmanager
def _held_to(name: str, method: str, seed: int) -> Iterator[None]:
    try:
        yield
    except PolicyError:
        raise
    except (Exception, SystemExit) as error:
        said = f"{type(error).__name__}: {error}".splitlines()[0].rstrip(": ")
        season = f"{name}: {method} failed in the season of seed {seed}"
        raise PolicyError(f"{season}: {said}{_where(error)}") from error


def named(call: str) -> Any:
    """The class or function that `mine.py:Name` or `package.module:Name` stands for, with whatever settings.

    Raises:
        PolicyError: there is none, or its module fails.
    """
    name, settings = parse(call)
    if ":" not in name:
        return policies.find(name)
    with _held_to(call, "import", 0):
        try:
            found = bring(name)
        except (ImportError, AttributeError) as reason:
            raise PolicyError(f"{name!r} cannot be loaded: {reason}") from None
    return partial(found, **settings) if settings and not isinstance(found, type) else found


def guarded(what: Callable[[], Any], name: str) -> Any:
    """What it answers; a fault of their code as one line that says where."""
    with _held_to(name, "the check", 0):
        return what()


def sources(thing: Any) -> list[Path]:
    """The files that a class or function may rest on: its package, or the folder that its module lies in.

    What it has imported from below that folder counts too; what is installed elsewhere does not, nor do our own rooms,
    of which each process has loaded what it needed so far.
    """
    module = inspect.getmodule(thing)
    written = Path(getattr(module, "__file__", None) or __file__).resolve()
    package = len(getattr(module, "__name__", "").split(".")) - 1  # folders between the module and its root
    root = written.parents[package]
    beside = written.parents[package - 1].rglob("*.py") if package else root.glob("*.py")
    loaded = (Path(file).resolve() for each in list(sys.modules.values()) if (file := getattr(each, "__file__", None)))
    below = (file for file in loaded if file.is_relative_to(root) and "site-packages" not in file.parts)
    theirs = (file for file in below if not any(file.is_relative_to(each) for each in _ROOMS))
    return sorted({written, *beside, *(file for file in theirs if file.suffix == ".py" and file.is_file())})


def numbers(answer: Any, name: str) -> Floats:
    """A policy's answer as an array of floats; lists and whole numbers that mean one are taken.

    Raises:
        PolicyError: it is nothing of the kind.
    """
    if isinstance(answer, np.ndarray) and answer.dtype.char in "fd":  # nearly always, and asked for every decision
        return answer
    try:
        array = np.asarray(answer)
    except ValueError:
        raise PolicyError(f"{name}: probabilities must be rows of equal length, got a ragged list") from None
    if array.dtype.kind not in "fiub" or answer is None:
        got = "None" if answer is None else f"{type(answer).__name__} of {array.dtype}"
        raise PolicyError(f"{name}: probabilities must be an (n, K) array of numbers, got {got}")
    return array.astype(float)


def _where(error: BaseException) -> str:
    """The last line of theirs that ran, for a reader who has never seen ours."""
    ours = {Path(inspect.getfile(module)).parent for module in (policies,)} | {Path(__file__).parent}
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if not any(Path(frame.filename).is_relative_to(folder) for folder in ours)
        and "site-packages" not in Path(frame.filename).parts
        and "importlib" not in frame.filename
    ]
    return f" ({Path(frames[-1].filename).name} line {frames[-1].lineno}: {frames[-1].line})" if frames else ""
