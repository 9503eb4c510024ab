"""Child processes that are warm before they are needed, and gone at once when they are told to stop."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from concurrent.futures import CancelledError, Executor, Future, InvalidStateError
from contextlib import suppress
from functools import partial
from typing import Any

from benchmarks.workers.processes import Processes

_WARM = """
title = "Warming up"
about = "A day that brings compiled code into memory."
days = 2
slots = 1
arrivals.per_day = 20
products = [
    { title = "Tea", category = "hot", price = 10.0, incumbent = true },
    { title = "Mate", category = "hot", price = 10.0, stock = 5, launch = 0.0 },
]
"""


class Hands:
    """Processes for one errand after another.

    Args:
        n: how many.
    """

    def __init__(self, n: int) -> None:
        self._n = n
        self._pool: Processes | None = None
        self._lock = threading.Lock()

    def pool(self) -> Processes:
        """The processes, started where they are not."""
        with self._lock:
            if self._pool is None:
                self._pool = Processes(self._n)
                for _ in range(self._n):
                    self._pool.submit(warm)
            return self._pool

    def let_go(self) -> None:
        """End all processes, whatever they are at."""
        with self._lock:
            pool, self._pool = self._pool, None
        if pool is not None:
            pool.shutdown(wait=False, cancel_futures=True)


class Errand(Executor):
    """An executor over these processes that can be called off: nothing that was asked of it is answered any more.

    What is under way is cancelled, not lost: nobody writes down that it failed.
    """

    def __init__(self, hands: Hands) -> None:
        self._hands = hands
        self._asked: set[Future[Any]] = set()
        self._lock = threading.Lock()
        self.off = False

    def submit(self, work: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Do the work in a process. Raises RuntimeError once it is called off."""
        with self._lock:
            if self.off:
                raise RuntimeError("called off")
            outer: Future[Any] = Future()
            self._asked.add(outer)
            inner = self._hands.pool().submit(work, *args, **kwargs)
        inner.add_done_callback(partial(self._pass_on, outer))
        return outer

    def call_off(self) -> None:
        """Stop at once; those who wait are told."""
        with self._lock:
            self.off = True
            waiting, self._asked = self._asked, set()
        for each in waiting:
            with suppress(InvalidStateError):
                each.set_exception(CancelledError())
        self._hands.let_go()

    def end(self) -> None:
        """Nobody waits any more: where something is under way, it is called off."""
        if self._asked:
            self.call_off()

    def _pass_on(self, outer: Future[Any], inner: Future[Any]) -> None:
        self._asked.discard(outer)
        with suppress(InvalidStateError):
            if inner.cancelled():
                outer.cancel()
            elif error := inner.exception():
                outer.set_exception(error)
            else:
                outer.set_result(inner.result())


def warm() -> int:
    """Play a tiny season, so that the first real one need not wait for imports and compiled code; how nice it is."""
    from benchmarks.runner import run
    from envs.simulated import Simulated
    from policies import load
    from simulator.scenario import Scenario

    shop = Simulated(Scenario.parse(_WARM), 0)
    run(load("linucb", shop.problem), shop, seed=0)
    return os.nice(5)  # whoever looks at the page goes first
