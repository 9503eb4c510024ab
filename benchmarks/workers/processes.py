"""Processes of this machine that never outlive whoever started them, and die alone."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import Any

from envs.logs import workplace

_LIVES = 2  # a process may be killed for what another one took; the same work twice is no accident


class Processes(ThreadPoolExecutor):
    """Work over processes; one that dies takes only its own work with it, which is tried once more.

    Each thread has one process, started with its first work and again after its death. The standard library's pool of
    many processes does not know which work a dead one had, and gives up all of it.

    Args:
        n: how many.
    """

    def __init__(self, n: int) -> None:
        super().__init__(n)
        self._context = multiprocessing.get_context("spawn")  # JAX and a fork do not go together
        self._leash, self._held = self._context.Pipe(duplex=False)
        self._starting = threading.Lock()
        self._own = threading.local()

    def submit(self, work: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Do the work in a process; BrokenProcessPool where that killed it, twice."""
        return super().submit(self._elsewhere, work, *args, **kwargs)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """No more work. Without waiting, the processes end at once, whatever they are at."""
        if not wait:
            self._held.close()
        super().shutdown(wait, cancel_futures=cancel_futures)
        self._held.close()

    def _elsewhere(self, work: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        for lives in reversed(range(_LIVES)):
            began = False
            try:
                pool = self._process()
                began = True
                return pool.submit(work, *args, **kwargs).result()
            except BrokenProcessPool:
                del self._own.pool
                if not (lives or began):
                    raise ChildProcessError("a process ended before it began its work") from None
                if not lives or self._held.closed:
                    raise
        return None

    def _process(self) -> ProcessPoolExecutor:
        """This thread's own, once it lives."""
        if not hasattr(self._own, "pool"):
            self._own.pool = ProcessPoolExecutor(
                1, mp_context=self._context, initializer=_work_until_let_go, initargs=(self._leash,)
            )
            with self._starting, _one_thread_each():
                started = self._own.pool.submit(os.getpid)
            started.result()
        pool: ProcessPoolExecutor = self._own.pool
        return pool


def _work_until_let_go(leash: Connection) -> None:
    """A worker ends at once when its parent closes the other end of the pipe, or dies however it dies."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def wait() -> None:
        leash.poll(None)
        workplace.close_all()
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


@contextmanager
def _one_thread_each() -> Iterator[None]:
    """Processes started meanwhile keep linear algebra to one thread: there are as many of them as cores already."""
    names = [name for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS") if name not in os.environ]
    os.environ.update(dict.fromkeys(names, "1"))
    try:
        yield
    finally:
        for name in names:
            del os.environ[name]
