"""Saving policies and getting them back: a zip of JSON and plain arrays, with a version, never a pickle."""

from __future__ import annotations

import inspect
import io
import json
import zipfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from policies.policy import PolicyError, Problem

FORMAT = 1


class Saveable:
    """A policy that can be saved. Its constructor takes `problem` and keyword settings, each kept under its own name.

    A policy adds `state` and `set_state`: all that it has learned, as arrays.
    """

    problem: Problem

    def state(self) -> dict[str, npt.NDArray[Any]]:
        """What has been learned, by name. Policies that learn nothing have none."""
        return {}

    def set_state(self, state: dict[str, npt.NDArray[Any]]) -> None:
        """Continue exactly where the policy with this state stopped."""

    def settings(self) -> dict[str, Any]:
        """The keyword arguments that make this policy anew."""
        names = inspect.signature(type(self)).parameters
        return {name: getattr(self, name) for name in names if name != "problem"}

    def save(self, path: str | Path) -> None:
        """Write the policy to one file."""
        about = {
            "format": FORMAT,
            "policy": type(self).__module__.removeprefix("policies."),
            "problem": asdict(self.problem),
            "settings": self.settings(),
        }
        state = self.state()  # before there is a file: a policy that refuses leaves none
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("policy.json", json.dumps(about, indent=1, default=_plain))
            for name, array in state.items():
                buffer = io.BytesIO()
                np.save(buffer, array, allow_pickle=False)
                archive.writestr(f"{name}.npy", buffer.getvalue())


def _plain(value: Any) -> Any:
    """A numpy number as the number it is, so that settings may come from arrays."""
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"a setting must be a number, a text or a list of these to be saved, got {value!r}")


def read(path: str | Path) -> tuple[dict[str, Any], dict[str, npt.NDArray[Any]]]:
    """What stands in a saved policy: its description and its state.

    Raises:
        PolicyError: the file is missing, is no saved policy, or is of a format this version does not know.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            about = json.loads(archive.read("policy.json"))
            state = {
                name.removesuffix(".npy"): np.load(io.BytesIO(archive.read(name)), allow_pickle=False)
                for name in archive.namelist()
                if name.endswith(".npy")
            }
    except FileNotFoundError:
        raise PolicyError(f"saved policy must be a file that exists, got {str(path)!r}") from None
    except (zipfile.BadZipFile, KeyError, ValueError, OSError) as reason:
        raise PolicyError(f"saved policy must be a file written by save(), got {str(path)!r} ({reason})") from None
    if about.get("format") != FORMAT:
        raise PolicyError(f"saved policy must have format {FORMAT}, got {about.get('format')!r} in {str(path)!r}")
    return about, state
