"""How results look where a notebook shows them: a sentence or two, then the table."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import pandas as pd

_ROWS = 30


def html(sentences: Sequence[str], table: pd.DataFrame) -> str:
    """The sentences as paragraphs and the first rows of the table, numbers to four figures; all text is escaped."""
    told = "".join(f"<p>{escape(sentence)}</p>" for sentence in sentences)
    left = f"<p>and {len(table) - _ROWS} more rows</p>" if len(table) > _ROWS else ""
    return told + table.head(_ROWS).to_html(float_format=figures, na_rep="", border=0, index_names=True) + left


def figures(value: float) -> str:
    """Four figures, whole numbers whole: 0.0123, 45.6, 12,345."""
    return f"{value:,.0f}" if abs(value) >= 1000 or value == int(value) else f"{value:.4g}"
