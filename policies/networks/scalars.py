"""Scalars of training, written for TensorBoard where somebody asked for them."""

from __future__ import annotations

import os
from itertools import count
from pathlib import Path
from typing import Any

ASKED = "LAUNCHSIM_TENSORBOARD"  # a folder: a variable of the environment, so that other processes hear of it

_numbers = count()


class Scalars:
    """A run of TensorBoard: a folder of its own below the one that was asked for; nothing where none was.

    Args:
        name: what is trained; the number of the process and of the training in it follow.
    """

    def __init__(self, name: str) -> None:
        folder = os.environ.get(ASKED)
        self._writer: Any = None
        if folder:
            from tensorboardX import SummaryWriter

            self._writer = SummaryWriter(str(Path(folder) / f"{name}-{os.getpid()}-{next(_numbers)}"))

    @property
    def wanted(self) -> bool:
        """Whether anybody will see them."""
        return self._writer is not None

    def write(self, name: str, value: float, step: int) -> None:
        """One number; at once on disk, for a process may end without warning."""
        if self._writer is not None:
            self._writer.add_scalar(name, value, step)
            self._writer.flush()
