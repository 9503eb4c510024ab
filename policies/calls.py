"""Policies, and other things that are loaded by name, as they are typed on the command line: `linucb(alpha=0.5)`."""

from __future__ import annotations

import ast
import difflib
import importlib
import importlib.util
import re
import sys
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType
from typing import Any

from policies.policy import PolicyError

_NAME = re.compile(r"\w+(?:\.\w+)*(?::\w+)?|[^():]+\.py:\w+")


def parse(text: str) -> tuple[str, dict[str, Any]]:
    """The name and the settings of a call in which every value is a literal.

    Example: `parse("linucb(alpha=0.5)")` is `("linucb", {"alpha": 0.5})`; `package.module:Name(x=[1, 2])`,
    `path/of/mine.py:Name` and a bare name work too. Nothing is evaluated.

    Raises:
        PolicyError: the text is no such call, or no text.
    """
    if not isinstance(text, str):
        name = getattr(text, "__name__", type(text).__name__)
        raise PolicyError(f"policy must be text such as 'linucb(alpha=0.5)' or '__main__:{name}', got {text!r}")
    text = text.strip()
    name, bracket, rest = text.partition("(")
    name = name.strip()
    if not _NAME.fullmatch(name) or (bracket and not rest.endswith(")")):
        raise _malformed(text)
    return name, _settings(text, f"call({rest}") if bracket else {}


def bring(name: str) -> Any:
    """What `package.module:Name` or `path/of/mine.py:Name` stands for; a file finds what lies beside it.

    Raises:
        ImportError: there is no such module or file.
        AttributeError: it holds nothing of that name.
    """
    place, _, attribute = name.partition(":")
    module = _of_file(Path(place)) if place.endswith(".py") else importlib.import_module(place)
    if not hasattr(module, attribute):
        raise AttributeError(f"{place} holds no {attribute!r}{nearest(attribute, vars(module))}")
    return getattr(module, attribute)


def _of_file(path: Path) -> ModuleType:
    """The module that a file is, run once; two files of one name are two modules."""
    path = path.expanduser().resolve()
    name = re.sub(r"\W", "_", str(path.with_suffix("")))
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path)
    if not path.is_file() or spec is None or spec.loader is None:
        raise ImportError(f"there is no file {str(path)!r}")
    if str(path.parent) not in sys.path:
        sys.path.append(str(path.parent))  # last, so that what lies beside it hides nothing of ours
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def nearest(name: str, known: Iterable[str]) -> str:
    """`, did you mean 'linucb'?` where a name that is known is much like this one; otherwise nothing."""
    close = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f", did you mean {close[0]!r}?" if close else ""


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
