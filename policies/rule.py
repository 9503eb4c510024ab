"""Show what a marketer's rule says: if this holds, then that product."""

from __future__ import annotations

import operator
import re
import tomllib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from policies import settings
from policies.policy import Booleans, Decisions, Feedback, Floats, PolicyError, Problem
from policies.saving import Saveable
from policies.selection import epsilon_at, numbered

_COMPARED: dict[str, Callable[[Any, float], Any]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "=": operator.eq,
    "!=": operator.ne,
}
_CONDITION = re.compile(r"\s*(.+?)\s*(<=|>=|!=|<|>|=)\s*(.+?)\s*")


class Rule(Saveable):
    """The first rule that holds for a visitor and has a product available decides; learns nothing.

    A file holds the rules in their order:

        [[rules]]
        if = "womens > 0 and recency <= 6"
        show = ["Womens E-Mail"]

        [[rules]]
        show = ["Mens E-Mail"]

    A condition compares a context feature, by its name and in its own unit, with a number, or a category with one of
    its values (`channel = Web`, `channel != Web`); several are joined by `and`. A rule without `if` always holds. Where
    no rule decides, the first available product of the catalogue is shown.

    Args:
        problem: knows the names of context features and products, as a log and a simulated season do.
        file: TOML with the rules.
        rules: the same rules as a list, each {"if": "womens > 0", "show": ["Womens E-Mail"]}, in a file's place.
        epsilon: chance spread over all that is available.
        seed: not needed, nothing is random.
    """

    def __init__(
        self,
        problem: Problem,
        *,
        file: str | None = None,
        rules: Sequence[dict[str, Any]] | None = None,
        epsilon: float = 0.0,
        seed: int = 0,
    ) -> None:
        if file is not None and rules is not None:
            raise PolicyError(f"rules must be left out where there is a file, got both, file={file!r}")
        self.problem = problem
        self.file = None  # a saved policy holds its rules
        self.rules = _read(file) if file is not None else list(rules or [])
        self.epsilon = settings.between("epsilon", epsilon, 0, 1)
        self.seed = seed
        self._rules = [_Parsed.of(problem, rule) for rule in self.rules]
        self._last = _Parsed([], list(range(problem.n_actions)))

    def probabilities(self, decisions: Decisions) -> Floats:
        """(n, K) epsilon spread, the rest on what the rules say."""
        chosen = np.full(len(decisions), -1)
        for rule in [*self._rules, self._last]:
            rule.decide(decisions, chosen)
        return epsilon_at(chosen, decisions.available, self.epsilon)

    def learn(self, feedback: Feedback) -> None:
        """Nothing to learn."""


class _Parsed:
    """Conditions on context features, and actions in the order in which they are tried."""

    def __init__(self, conditions: list[Callable[[Floats], Booleans]], show: list[int]) -> None:
        self._conditions, self._show = conditions, show

    @classmethod
    def of(cls, problem: Problem, rule: Any) -> _Parsed:
        if not isinstance(rule, dict) or "show" not in rule or set(rule) - {"if", "show"}:
            raise PolicyError(f'rule must have "show" and may have "if", got {rule!r}')
        show = [rule["show"]] if isinstance(rule["show"], str) else rule["show"]
        asked = str(rule["if"]) if "if" in rule else ""
        parts = re.split(r"\band\b", asked) if asked.strip() else []
        return cls([_condition(problem, part) for part in parts], numbered("show", show, problem))

    def decide(self, decisions: Decisions, chosen: Any) -> None:
        """Fill in what is chosen where nothing is yet."""
        holds = chosen < 0
        for condition in self._conditions:
            holds &= condition(decisions.contexts)
        for action in self._show:
            taken = holds & decisions.available[:, action]
            chosen[taken] = action
            holds &= ~taken


def _condition(problem: Problem, text: str) -> Callable[[Floats], Booleans]:
    found = _CONDITION.fullmatch(text)
    if not found:
        raise PolicyError(f"rule must compare, like womens > 0, got {text.strip()!r}")
    name, sign, value = found[1], found[2], found[3].strip("\"'")
    names = [feature.name for feature in problem.context]
    if sign in ("=", "!=") and f"{name}={value}" in names:
        column, wanted = names.index(f"{name}={value}"), sign == "="
        return lambda contexts: (contexts[:, column] > 0.5) == wanted
    if name not in names:
        known = ", ".join(names) or "features without names"
        raise PolicyError(f"rule must name one of {known}, got {text.strip()!r}")
    feature, column = problem.context[names.index(name)], names.index(name)
    number = (_number(text, value) - feature.mean) / feature.scale
    compare = _COMPARED[sign]
    if sign in ("=", "!="):  # in its own unit to six digits, as standardised numbers are not what was typed
        return lambda contexts: compare(np.round((contexts[:, column] - number) * feature.scale, 6), 0.0)
    return lambda contexts: compare(contexts[:, column], number)


def _number(text: str, value: str) -> float:
    try:
        return float(value)
    except ValueError:
        raise PolicyError(
            f"rule must compare with a number, or with a value that was seen, got {text.strip()!r}"
        ) from None


def _read(file: str) -> list[Any]:
    try:
        rules = tomllib.loads(Path(file).read_text(encoding="utf-8-sig")).get("rules")
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as reason:
        raise PolicyError(f"file must be a TOML file with rules, got {file!r} ({reason})") from None
    if not isinstance(rules, list) or not rules:
        raise PolicyError(f"file must have one [[rules]] or more, got none in {file!r}")
    return rules
