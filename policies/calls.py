"""Policies, and other things that are loaded by name, as they are typed on the command line: `linucb(alpha=0.5)`."""

from __future__ import annotations

import ast
import re
from typing import Any

from policies.policy import PolicyError

_NAME = re.compile(r"\w+(?:\.\w+)*(?::\w+)?")


def parse(text: str) -> tuple[str, dict[str, Any]]:
    """The name and the settings of a call in which every value is a literal.

    Example: `parse("linucb(alpha=0.5)")` is `("linucb", {"alpha": 0.5})`; `package.module:Name(x=[1, 2])` and a bare
    name work too. Nothing is evaluated.

    Raises:
        PolicyError: the text is no such call.
    """
    text = text.strip()
    name, bracket, rest = text.partition("(")
    name = name.strip()
    if not _NAME.fullmatch(name) or (bracket and not rest.endswith(")")):
        raise _malformed(text)
    return name, _settings(text, f"call({rest}") if bracket else {}


def _settings(text: str, source: str) -> dict[str, Any]:
    """The keyword arguments of a call, read as literals."""
    try:
        call = ast.parse(source, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise _malformed(text) from None
    if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name) or call.args:
        raise _malformed(text)
    settings = {keyword.arg: _literal(keyword) for keyword in call.keywords if keyword.arg is not None}
    if len(settings) < len(call.keywords) or call.end_col_offset != len(source.encode()):
        raise _malformed(text)
    if "seed" in settings:
        raise PolicyError(f"seed must be given to the run, not to a policy, got {text!r}")
    return settings


def _literal(keyword: ast.keyword) -> Any:
    try:
        return ast.literal_eval(keyword.value)
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
        value = ast.unparse(keyword.value)
        raise PolicyError(f"{keyword.arg} must be a number, a quoted text or a list of these, got {value}") from None


def _malformed(text: str) -> PolicyError:
    return PolicyError(f"policy must read like linucb(alpha=0.5), got {text!r}")
