"""A bar on the terminal for work of known length."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from benchmarks.workers.bar import bar


@contextmanager
def counted(what: str) -> Iterator[Callable[[int, int], None]]:
    """Call what it gives with how much is done and how much there is; it stands on the error stream."""
    with bar(True) as shown:
        task = shown.add_task(what, total=None)
        try:
            yield lambda done, of: shown.update(task, completed=done, total=of)
        except KeyboardInterrupt:
            shown.print("stopped; what is finished is kept, the same command goes on from there")
            raise
