"""A dask cluster as an executor; needs the extra `cluster`."""

from __future__ import annotations

import logging
import re
import threading
import time
import warnings
from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from typing import Any

from benchmarks.workers.asked import ClusterError
from benchmarks.workers.provenance import differences, provenance

try:
    import dask
    from distributed import Client, LocalCluster, versions
except ImportError:
    raise ClusterError("a cluster requires dask. Install it with pip install launchsim[cluster]") from None

_PATIENCE = 10  # seconds until a scheduler must answer, at first and when it went; and until it must have a worker
_ALONE = 60  # seconds without any worker after which a cluster is given up
_HEALS = {"distributed.deploy.lost-worker-timeout": "1 day"}  # within 15 s a busy machine starts no worker again
_LOCAL = re.compile(r"local:([1-9]\d*)")


@contextmanager
def cluster(address: str) -> Iterator[Executor]:
    """The workers of a scheduler, once it is known that they play as this process would.

    Args:
        address: "tcp://host:8786", "tls://host:8786" (certificates as dask's configuration says), or "local:4" for a
            scheduler and so many workers on this machine, listening on loopback and ended afterwards.

    Raises:
        ClusterError: nobody answers, there is no worker, or one has other packages or other code.
    """
    local = _LOCAL.fullmatch(address)
    if not local and not re.match(r"(tcp|tls|ws|wss|ucx)://.", address):
        raise ClusterError(f"cluster must read like tcp://host:8786, tls://host:8786 or local:4, got {address!r}")
    logging.getLogger("distributed").setLevel(logging.CRITICAL)  # what matters of it is told in a line of ours
    with _started(int(local[1])) if local else _found(address) as client:
        _check(client, address)
        threading.Thread(target=_end_without_workers, args=(client,), daemon=True).start()
        yield client.get_executor(pure=False)


def _end_without_workers(client: Any) -> None:
    """Give a cluster up that has had no worker for long: whoever waits for its answers would wait for ever."""
    seen = time.monotonic()
    while client.status != "closed" and time.monotonic() < seen + _ALONE:
        time.sleep(1)
        if client.status != "running" or client.scheduler_info(n_workers=1)["workers"]:
            seen = time.monotonic()
    if client.status != "closed":
        client.close()


@contextmanager
def _started(workers: int) -> Iterator[Any]:
    how = {"n_workers": workers, "threads_per_worker": 1, "dashboard_address": None, "memory_limit": 0}
    with dask.config.set(_HEALS):
        try:
            started = LocalCluster(**how, silence_logs=logging.CRITICAL)
        except RuntimeError as reason:  # one was killed before it began
            raise ClusterError(f"cluster must start {workers} workers on this machine, got {reason}") from None
        with started, Client(started) as client:
            yield client


@contextmanager
def _found(address: str) -> Iterator[Any]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", versions.VersionMismatchWarning)  # told below, for all that matters
            client = Client(address, timeout=_PATIENCE, set_as_default=False)
    except (OSError, TimeoutError, ValueError, RuntimeError, TypeError) as reason:  # TypeError: TLS is not set up
        said = f"{type(reason).__name__}: {reason}".splitlines()[0]
        raise ClusterError(f"cluster must be a dask scheduler that answers, got {address!r} ({said})") from None
    with client:
        yield client


def _check(client: Any, address: str) -> None:
    """Refuse workers that would play otherwise than this process."""
    try:
        client.wait_for_workers(1, timeout=_PATIENCE)
    except TimeoutError:
        raise ClusterError(f"cluster must have at least one worker, got none at {address!r}") from None
    try:
        theirs = client.run(provenance)
    except Exception as reason:
        said = f"{type(reason).__name__}: {reason}".splitlines()[0]
        raise ClusterError(f"workers of {address!r} must have this launchsim installed, got {said}") from None
    for worker, there in theirs.items():
        if another := differences(provenance(), there):
            raise ClusterError(f"worker {worker} must have the packages and code of whoever asks, got {another}")
