"""What is searched: ranges and choices of a policy's settings, as typed, or sensible ones found from its defaults."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from typing import Any, TypeAlias

import policies
from benchmarks.sweeps.ranges import Range, written
from policies.calls import parse
from policies.policy import PolicyError

_USUAL = {  # by the setting's name: one name means one thing in all policies; rewards are of the size of 1
    "alpha": "0.01..3 log",
    "epsilon": "0.005..0.5 log",
    "explore": "epsilon|softmax|squarecb|regcb|regcbopt|bag|cover",
    "forgetting": "0.9..1",
    "half_life": "1..60 log",
    "model": "mean|ridge",
    "noise": "unit|estimated",
    "power_t": "0..1",
    "ridge": "0.1..100 log",
    "scale": "0.01..3 log",
    "shared": "actions|outer",
}
_LEFT_ALONE = {"noise_rate", "noise_shape"}  # priors that a few hundred lessons outweigh


@dataclass(frozen=True)
class Choice:
    """One of some values, each as it is typed."""

    values: tuple[str, ...]

    def points(self, n: int) -> list[str]:
        """All of them, however many are asked for."""
        return list(self.values)

    def text(self, value: str) -> str:
        """The value as it is typed."""
        return value

    def __str__(self) -> str:
        return "|".join(self.values)


Space: TypeAlias = dict[str, Range | Choice]


def read(texts: list[str], policy: str) -> Space:
    """The space that texts such as `alpha=0.1..3 log`, `draws=10..200` or `model=mean|ridge` name.

    A range of a setting that takes whole numbers holds whole numbers. Choices are literals or bare words.

    Raises:
        PolicyError: a text is neither, a setting is named twice, or the policy has no such setting.
    """
    known = _settings(parse(policy)[0])
    space: Space = {}
    for text in texts:
        name, equals, values = (part.strip() for part in text.partition("="))
        if not equals or not name.isidentifier():
            raise _malformed(text)
        if name not in known or name in space:
            rule = "be given once" if name in space else f"name one of {', '.join(known) or '(none)'}"
            raise PolicyError(f"space of {policy} must {rule}, got {name!r}")
        space[name] = _dimension(values, known[name], text)
    return space


def usual(policy: str) -> Space:
    """What is searched where nothing is said, for the settings that a call such as `linucb(ridge=4)` leaves open.

    A setting named in the table above has the range there; another number above 0 is searched from a tenth to ten
    times its default, and a flag or a setting that lists its values (`Literal`) over them all.

    Raises:
        PolicyError: the policy has no setting that this would find.
    """
    name, fixed = parse(policy)
    space = {
        setting: found
        for setting, about in _settings(name).items()
        if setting not in fixed and (found := _usual(setting, about)) is not None
    }
    if "explore" in space:  # each exploration has settings of its own, which do not go with another
        space.pop("epsilon", None)
    if not space:
        raise PolicyError(f"space must be given for {policy}: it has no setting with a usual range")
    return space


def call(policy: str, space: Space, values: dict[str, Any]) -> str:
    """The policy with these values of the space, as it is typed; what the policy already says stays."""
    name, fixed = parse(policy)
    said = {setting: repr(value) for setting, value in fixed.items() if setting not in values}
    said |= {setting: space[setting].text(value) for setting, value in values.items()}
    return f"{name}({', '.join(f'{setting}={value}' for setting, value in said.items())})"


def stated(call: str, space: Space) -> dict[str, Any]:
    """What a policy as it is called has for the settings of the space, as it is typed where that is one of some."""
    name, fixed = parse(call)
    known = _settings(name)
    values = {setting: fixed.get(setting, known[setting].default) for setting in space}
    return {name: repr(value) if isinstance(space[name], Choice) else value for name, value in values.items()}


def playable(space: Space, plays: Callable[[dict[str, Any]], bool]) -> Space:
    """The space without choices that cannot be played where it is searched, and without settings that this decides."""
    left: Space = {}
    for setting, dimension in space.items():
        if isinstance(dimension, Choice):
            dimension = Choice(tuple(value for value in dimension.values if plays({setting: value})))
            if len(dimension.values) < 2:
                continue
        left[setting] = dimension
    return left


def grid(space: Space, trials: int) -> list[dict[str, Any]]:
    """Every combination of evenly spread points: as many a range as keep the combinations within `trials`, the default
    aside.

    Raises:
        PolicyError: not even the ends of all ranges fit.
    """
    n, points = 2, _crossed(space, 2)
    if len(points) > trials:
        least = f"at least {1 + len(points)} for a grid over {len(space)} settings and the default"
        raise PolicyError(f"trials must be {least}, got {1 + trials}")
    while len(finer := _crossed(space, n + 1)) <= trials and len(finer) > len(points):
        n, points = n + 1, finer
    return points


def ends(space: Space) -> list[dict[str, Any]]:
    """Each setting alone at its ends, or at each of its choices."""
    return [{name: value} for name, dimension in space.items() for value in dimension.points(2)]


def _crossed(space: Space, n: int) -> list[dict[str, Any]]:
    points = product(*(dimension.points(n) for dimension in space.values()))
    return [dict(zip(space, values, strict=True)) for values in points]


def _settings(policy: str) -> dict[str, inspect.Parameter]:
    parameters = inspect.signature(policies.find(policy)).parameters
    return {name: about for name, about in parameters.items() if name not in ("problem", "seed")}


def _dimension(values: str, about: inspect.Parameter, text: str) -> Range | Choice:
    if found := written(values, "space", text, whole=_whole(about)):
        return found
    words = [word.strip() for word in values.split("|")]
    if not all(words):
        raise _malformed(text)
    return Choice(tuple(_literal(word, text) for word in words))


def _whole(about: inspect.Parameter) -> bool:
    """Whether a setting takes whole numbers alone: by its type where it has one, otherwise by its default."""
    stated = str(about.annotation)
    if about.annotation is not inspect.Parameter.empty:
        return "int" in stated and "float" not in stated
    return isinstance(about.default, int)


def _literal(word: str, text: str) -> str:
    """A literal, or a bare word in quotes."""
    try:
        return repr(ast.literal_eval(word))
    except (ValueError, SyntaxError):
        if not re.fullmatch(r"[\w.:/-]+", word):
            raise _malformed(text) from None
        return repr(word)


def _usual(setting: str, about: inspect.Parameter) -> Range | Choice | None:
    if setting in _USUAL and "Any" not in str(about.annotation):
        return _dimension(_USUAL[setting], about, setting)
    if isinstance(about.default, bool):
        return Choice(("False", "True"))
    if listed := re.fullmatch(r"Literal\[(.+)\]", str(about.annotation)):
        return Choice(tuple(repr(value) for value in ast.literal_eval(f"({listed[1]},)")))
    if isinstance(about.default, float) and about.default > 0 and setting not in _LEFT_ALONE:
        return Range(about.default / 10, about.default * 10, log=True)
    return None


def _malformed(text: str) -> PolicyError:
    return PolicyError(f'space must read like "alpha=0.1..3 log", "draws=10..200" or "model=mean|ridge", got {text!r}')
