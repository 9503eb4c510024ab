"""Jobs over workers of any kind: what each answers as it finishes; a worker that dies takes only its job with it."""

from __future__ import annotations

import ctypes
import gc
import multiprocessing
import os
import pickle
import sys
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, CancelledError, Executor, Future, wait
from itertools import chain, count, islice
from typing import Protocol, TypeAlias, TypeVar

from benchmarks.workers.processes import Processes
from policies.policy import PolicyError

_TRIM_EVERY = 8  # jobs of a process; what was given back is dear to get again
_AHEAD = 256  # jobs handed out at once, so that no worker waits and a million of them need no memory

_done = count(1)

Workers: TypeAlias = int | Executor  # so many processes of this machine, 1 for this one; or any executor

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class Job(Protocol[T_co]):
    """Something to do in another process; it and its answer must pickle."""

    def play(self) -> T_co:
        """Do it."""


def play_all(
    jobs: Iterable[Job[T]], workers: Workers = 1, lost: Callable[[Job[T], str], T] | None = None
) -> Generator[T, None, None]:
    """What each job answers, in the order they finish; close the generator to stop those still at work.

    Args:
        jobs: taken as workers need them.
        workers: processes of this machine, or an executor, which is not shut down.
        lost: what a job answers whose worker died, given why; without it that is an error once all others are done.

    Raises:
        ChildProcessError: a worker was killed, and `lost` was not given; or all of them are gone.
        PolicyError: a job cannot go to another process.
    """
    jobs = iter(jobs)
    first = list(islice(jobs, 2))
    jobs = chain(first, jobs)
    if workers == 1 or (len(first) < 2 and isinstance(workers, int)):
        yield from map(played, jobs)
    elif isinstance(workers, int):
        pool = Processes(workers)
        try:
            yield from _spread(jobs, pool, lost)
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
    else:
        yield from _spread(jobs, workers, lost)


def _spread(
    jobs: Iterator[Job[T]], executor: Executor, lost: Callable[[Job[T], str], T] | None
) -> Generator[T, None, None]:
    asked = {_ask(executor, job): job for job in islice(jobs, _AHEAD)}
    died = ""
    try:
        while asked:
            for future in wait(asked, return_when=FIRST_COMPLETED).done:
                job = asked.pop(future)
                asked |= {_ask(executor, further): further for further in islice(jobs, 1)}
                why = _death(future)
                if not why:
                    yield future.result()
                elif lost is not None:
                    yield lost(job, why)
                died = died or why
    finally:
        for future in asked:
            future.cancel()
    if died and lost is None:
        raise ChildProcessError(f"{died}; finished runs are kept, start again to go on")


def _ask(executor: Executor, job: Job[T]) -> Future[T]:
    _check_it_travels(job)
    try:
        return executor.submit(played, job)
    except (BrokenExecutor, RuntimeError) as reason:
        gone = f"workers are gone ({reason})"
        raise ChildProcessError(f"{gone}; finished runs are kept, start again to go on") from None


def _death(future: Future[T]) -> str:
    """How the worker of a finished job died, or '' where it lives; nobody else cancels what was asked."""
    if future.cancelled():
        raise ChildProcessError("the cluster is gone; finished runs are kept, start again to go on")
    error = future.exception()
    if isinstance(error, CancelledError):
        raise ChildProcessError("the cluster is gone; finished runs are kept, start again to go on")
    killed = isinstance(error, BrokenExecutor) or type(error).__name__ == "KilledWorker"
    return "a process was killed" if killed else ""


def _check_it_travels(job: Job[T]) -> None:
    """Say what is wrong before the work, where processes would only break."""
    if getattr(multiprocessing.current_process(), "_inheriting", False):  # a worker that is importing its main script
        print('launchsim: a script that uses several processes needs `if __name__ == "__main__":`', file=sys.stderr)
        os._exit(1)
    try:
        pickle.dumps(job)
    except (pickle.PicklingError, AttributeError, TypeError) as reason:
        rule = "must come from the top of a module to go to other processes; or use one process"
        raise PolicyError(f"what is played {rule}, got: {reason}") from None


def played(job: Job[T]) -> T:
    """Its answer; what a job used is given back.

    A season and its policy hold each other, and the C library keeps free pieces between whatever lives on: some 5 MB a
    season, gigabytes after hundreds. What lived before is not looked through: that takes longer than a short season.
    """
    gc.freeze()
    try:
        return job.play()
    finally:
        gc.collect()
        gc.unfreeze()
        if next(_done) % _TRIM_EVERY == 0:
            _trim()


def _trim() -> None:
    if sys.platform == "linux" and (trim := getattr(ctypes.CDLL(None), "malloc_trim", None)):
        trim(0)
