"""The settings of every policy as tables in a page: names and defaults from its code, meanings from its docstring.

Run `python -m benchmarks.suites.policy_settings --page docs/policies.md` after a setting has changed.
"""

from __future__ import annotations

import argparse
import inspect
import re
from pathlib import Path

import policies
from benchmarks.suites.marks import between
from benchmarks.tuning import space
from policies.policy import PolicyError


def main() -> None:
    """Write the tables between the page's marks."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--page", type=Path, default=Path("docs/policies.md"))
    file = parser.parse_args().page
    page = file.read_text(encoding="utf-8")
    for name in policies.names():
        page = between(page, f"settings of {name}", table(name))
    file.write_text(page, encoding="utf-8")


def table(name: str) -> str:
    """Setting, default, what `launchsim tune` searches where nothing is said, and what it is."""
    meanings, usual = meaning(name), _usual(name)
    parameters = inspect.signature(policies.find(name)).parameters
    rows = [
        f"| `{setting}` | `{about.default!r}` | {_cell(str(usual.get(setting, '')))} | {_cell(meanings[setting])} |"
        for setting, about in parameters.items()
        if setting not in ("problem", "seed")
    ]
    if not rows:
        return "No settings."
    return "\n".join(["| setting | default | searched by `tune` | |", "|---|---|---|---|", *rows])


def meaning(name: str) -> dict[str, str]:
    """What a policy's docstring says of each setting, or that of what it is built on."""
    policy = policies.find(name)
    text = inspect.getdoc(policy) or ""
    told: dict[str, str] = {}
    for base in reversed(policy.__mro__):
        arguments = inspect.cleandoc(base.__doc__ or "").partition("Args:\n")[2]
        for names, words in re.findall(r"^    ([a-z_, ]+): (.*(?:\n        .*)*)", arguments, re.M):
            told |= dict.fromkeys(names.split(", "), " ".join(words.split()))
    return {
        setting: told.get(setting) or _elsewhere(setting, text, told)
        for setting in inspect.signature(policy).parameters
    }


def _elsewhere(setting: str, text: str, told: dict[str, str]) -> str:
    """Where a setting without a line of its own is spoken of: with another setting, or in a list above them."""
    beside = [other for other, words in told.items() if f"`{setting}`" in words]
    listed = re.findall(r"^- ((?:`\w+`(?:, )?)+): (.*(?:\n  .*)*)", text, re.M)
    items = [names for names, words in listed if f"`{setting}`" in words]
    return f"of {', '.join(items)}" if items else f"see `{beside[0]}`" if beside else ""


def _usual(name: str) -> space.Space:
    try:
        return space.usual(name)
    except PolicyError:  # nothing to search
        return {}


def _cell(text: str) -> str:
    return text.replace("|", r"\|")


if __name__ == "__main__":
    main()
