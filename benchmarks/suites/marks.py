"""Generated parts of a page that is otherwise written by hand: each stands between two marks with its name."""

from __future__ import annotations

import re


def between(page: str, name: str, text: str) -> str:
    """The page with this text between the marks of that name.

    Raises:
        ValueError: the page has no such marks.
    """
    start, end = f"<!-- {name}: start -->", f"<!-- {name}: end -->"
    if not re.search(f"{re.escape(start)}.*{re.escape(end)}", page, re.DOTALL):
        raise ValueError(f"page must hold the marks {start} and {end}")
    pattern = f"{re.escape(start)}.*?{re.escape(end)}"
    return re.sub(pattern, lambda _: f"{start}\n\n{text}\n\n{end}", page, flags=re.DOTALL)
