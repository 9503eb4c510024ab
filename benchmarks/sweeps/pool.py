"""Jobs over processes that never outlive whoever started them."""

from __future__ import annotations

import ctypes
import gc
import multiprocessing
import os
import pickle
import signal
import sys
import threading
import time
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import Protocol, TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from envs.logs import workplace
from policies.policy import PolicyError

_SHORT = 0.2  # seconds; a job that takes less cannot leave much, and tidying up would take as long

T_co = TypeVar("T_co", covariant=True)


class Job(Protocol[T_co]):
    """Something to do in another process; it and its answer must pickle."""

    def play(self) -> T_co:
        """Do it."""


def play_all(jobs: Sequence[Job[T_co]], processes: int) -> Generator[T_co, None, None]:
    """What each job answers, in the order they finish; close the generator to stop those still at work.

    Raises:
        ChildProcessError: a process was killed from outside.
        PolicyError: a job cannot go to another process.
    """
    if processes == 1 or len(jobs) < 2:
        yield from map(_played, jobs)
        return
    _check_they_travel(jobs)
    context = multiprocessing.get_context("spawn")  # JAX and a fork do not go together
    leash, held = context.Pipe(duplex=False)
    pool = ProcessPoolExecutor(processes, mp_context=context, initializer=_work_until_let_go, initargs=(leash,))
    try:
        with _one_thread_each():
            futures = [pool.submit(_played, job) for job in jobs]
        for future in as_completed(futures):
            yield future.result()
    except BrokenProcessPool:
        raise ChildProcessError("a process was killed; finished runs are kept, start again to go on") from None
    finally:
        held.close()
        pool.shutdown(wait=False, cancel_futures=True)


def _check_they_travel(jobs: Sequence[Job[T_co]]) -> None:
    """Say what is wrong before the work, where processes would only break."""
    if getattr(multiprocessing.current_process(), "_inheriting", False):  # a worker that is importing its main script
        print('launchsim: a script that uses several processes needs `if __name__ == "__main__":`', file=sys.stderr)
        os._exit(1)
    for job in jobs:
        try:
            pickle.dumps(job)
        except (pickle.PicklingError, AttributeError, TypeError) as reason:
            rule = "must come from the top of a module to go to other processes; or use one process"
            raise PolicyError(f"what is played {rule}, got: {reason}") from None


def _played(job: Job[T_co]) -> T_co:
    """Its answer; what a job of some size used is given back.

    A season and its policy hold each other, and the C library keeps free pieces between whatever lives on: some 5 MB a
    season, gigabytes after hundreds.
    """
    started = time.perf_counter()
    answer = job.play()
    if time.perf_counter() - started < _SHORT:
        return answer
    gc.collect()
    if sys.platform == "linux" and (trim := getattr(ctypes.CDLL(None), "malloc_trim", None)):
        trim(0)
    return answer


def bar(shown: bool) -> Progress:
    """A progress bar on stderr, so that what is piped on stays clean."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        disable=not shown,
    )


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
