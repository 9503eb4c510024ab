"""Memory that jobs used, given back as often as costs little beside the work.

A season and its policy hold each other, and the C library keeps free pieces between whatever lives on: some 5 MB a
season, gigabytes after hundreds. But to look through all that lives takes up to a second where much is imported.
"""

from __future__ import annotations

import ctypes
import gc
import sys
import time

_SHARE = 0.05  # of the time of the jobs may go into looking
_SHORT = 0.2  # seconds; a job that takes less cannot leave much


class Memory:
    """Of this process."""

    def __init__(self) -> None:
        self._owed = 0.0  # seconds that jobs took since all that lives was last looked through
        self._price = 0.01  # seconds that this took

    def worked(self, seconds: float) -> None:
        """A job of so many seconds has ended: its memory is given back, if that is due."""
        self._owed += seconds
        if self._owed * _SHARE >= self._price:
            started = time.perf_counter()
            gc.collect()
            self._owed, self._price = 0.0, time.perf_counter() - started
        if seconds > _SHORT and sys.platform == "linux" and (trim := getattr(ctypes.CDLL(None), "malloc_trim", None)):
            trim(0)
