"""Which lines of a user are of one visit, where no order says so."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit


class Visits:
    """Numbers visits, batch by batch, in order of time: a user's visit ends with a pause of so many minutes.

    Args:
        n_users: how many there are.
        minutes: of the pause.
        orders: how many there are; they have the first numbers.
    """

    def __init__(self, n_users: int, minutes: float, orders: int = 0) -> None:
        self._last = np.full(n_users, np.iinfo(np.int64).min // 2)  # microseconds
        self._open = np.zeros(n_users, np.int32)
        self._pause = int(minutes * 60e6)
        self._count = orders

    def of(
        self, times: npt.NDArray[np.int64], users: npt.NDArray[np.int32], orders: npt.NDArray[np.int32]
    ) -> npt.NDArray[np.int32]:
        """(n,) the order of each line, or its visit where that is -1; -1 where neither it nor the user is known."""
        visits = orders.copy()
        self._count = _number(times, users, self._last, self._open, self._pause, self._count, visits)
        return visits


@njit(cache=True)
def _number(times: Any, users: Any, last: Any, open_: Any, pause: int, count: int, visits: Any) -> int:
    for i in range(len(users)):
        user = users[i]
        if user < 0 or visits[i] >= 0:
            continue
        if times[i] - last[user] > pause:
            open_[user] = count
            count += 1
        last[user] = times[i]
        visits[i] = open_[user]
    return count
