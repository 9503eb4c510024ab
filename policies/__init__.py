"""What decides; knows nothing of markets."""

from __future__ import annotations

import inspect
import re
from functools import partial
from pathlib import Path
from typing import Any

from policies.calls import bring, nearest, parse
from policies.policy import Policy, PolicyError, Problem

_NOT_POLICIES = {"policy"}  # the protocol itself


def _classes() -> dict[str, str]:
    """Policy name -> class name, found by reading the folder: `epsilon_greedy.py` holds `class EpsilonGreedy`."""
    found = {}
    for file in sorted(Path(__file__).parent.glob("*.py")):
        for name in re.findall(r"^class (\w+)", file.read_text(encoding="utf-8"), re.MULTILINE):
            if name.casefold() == file.stem.replace("_", "") and file.stem not in _NOT_POLICIES:
                found[file.stem] = name
    return found


def names() -> list[str]:
    """The policies there are, without importing one."""
    return list(_classes())


def find(name: str) -> type:
    """The class of a policy of ours, or of somebody else's given as `package.module:Name` or `path/of/mine.py:Name`.

    Raises:
        PolicyError: there is none of that name.
    """
    place = name
    if ":" not in name:
        classes = _classes()
        if name not in classes:
            known, meant = ", ".join([*classes, "oracle"]), nearest(name, [*classes, "oracle"])
            raise PolicyError(
                f"policy must be one of {known}, package.module:Name or mine.py:Name, got {name!r}{meant}"
            )
        place = f"policies.{name}:{classes[name]}"
    try:
        found = bring(place)
    except (ImportError, AttributeError) as reason:
        raise PolicyError(f"policy {name!r} cannot be loaded: {reason}") from None
    if not isinstance(found, type):
        raise PolicyError(f"policy must be a class, got {name!r}")
    return found


def load(name: str, problem: Problem, *, seed: int = 0, **settings: Any) -> Policy:
    """A fresh policy by name.

    Args:
        name: one of `names()`, or `package.module:Name`, a class called as `Name(problem, seed=..., **settings)`; or
            either with settings, as it is typed on the command line: `linucb(alpha=0.25)`.
        problem: what it will be asked.
        seed: of its own randomness.
        settings: its hyperparameters.

    Raises:
        PolicyError: unknown policy or setting, or a value that a setting cannot have.
    """
    name, typed = parse(name)
    for setting in typed.keys() & settings.keys():
        raise PolicyError(f"{name}: {setting} must be given once, got {typed[setting]!r} and {settings[setting]!r}")
    settings |= typed
    policy = find(name)
    known = [setting for setting in inspect.signature(policy).parameters if setting not in ("problem", "seed")]
    for setting in settings:
        if setting not in known:
            rule = f"{name} setting must be one of {', '.join(known) or '(none)'}"
            raise PolicyError(f"{rule}, got {setting!r}{nearest(setting, known)}")
    try:
        made: Policy = policy(problem, seed=seed, **settings)
    except PolicyError as reason:
        raise PolicyError(f"{name}: {str(reason).removeprefix(f'{name}: ')}") from None
    return made


def check(policy: str | type, **settings: Any) -> list[str]:
    """Hold a policy to the rules that every environment counts on, with small questions and lessons.

    Args:
        policy: a class called as `Name(problem, seed=..., **settings)`, or its name as for `load`.
        settings: its hyperparameters.

    Returns:
        The rules that hold, in words.

    Raises:
        PolicyError: the first that is broken, and by what answer.
    """
    from policies.checking import check_policy

    if isinstance(policy, type):
        return check_policy(partial(policy, **settings), policy.__name__)
    return check_policy(partial(load, policy, **settings), policy)


def restore(path: str | Path, policy: str | None = None) -> Policy:
    """The policy that `policy.save(path)` wrote, continuing exactly where it stopped.

    Args:
        path: the saved file.
        policy: for a policy that is not ours, its `package.module:Name`; a file alone never decides what code runs.

    Raises:
        PolicyError: the file cannot be read, or holds a policy that is not ours and was not named.
    """
    from policies.saving import read

    about, state = read(path)
    if policy is None and about["policy"] not in _classes():
        raise PolicyError(f"saved policy {about['policy']!r} is not of this project: name its package.module:Name")
    restored: Any = load(policy or about["policy"], Problem.of(about["problem"]), **about["settings"])
    restored.set_state(state)
    made: Policy = restored
    return made
