"""Who is asked to do the work, as it is typed on the command line."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from typing import Annotated

import typer


class ClusterError(OSError):
    """A cluster that cannot be used; the message is one line."""


Processes = Annotated[
    int, typer.Option("-j", "--processes", min=1, envvar="LAUNCHSIM_PROCESSES", help="at once, on this machine")
]
Cluster = Annotated[
    str | None, typer.Option(help="dask cluster that plays instead: tcp://host:8786, tls://host:8786 or local:4")
]


@contextmanager
def executor(cluster: str | None) -> Iterator[Executor | None]:
    """The executor of a cluster; None where none is asked for.

    Raises:
        ClusterError: it cannot be used.
    """
    if cluster is None:
        yield None
        return
    from benchmarks.workers import cluster as dask

    with dask.cluster(cluster) as found:
        yield found
