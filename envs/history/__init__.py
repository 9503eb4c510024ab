"""A shop's own tables become a `History`: goods and behaviour, or invoice lines."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import simulator.history


class History(simulator.history.History):
    """A shop's past, read from its tables."""

    @classmethod
    def read(
        cls,
        *,
        invoices: Any,
        rejects: str | Path | None = None,
        key_file: str | Path | None = None,
    ) -> History:
        """Read, check and clean a shop's tables.

        Args:
            invoices: a table of invoice lines alone, whose goods are derived from it: CSV, Parquet, a DuckDB
                database, SQL text or a pandas frame.
            rejects: a CSV file that gets the rows set aside: row, column, rule, value. Row 1 follows the header.
            key_file: a file (0600) with the key of the pseudonyms; else the environment's. Without one users are
                codes that mean nothing elsewhere.

        Raises:
            LogError: a table cannot be read, a column is missing, or no line is left.
        """
        from envs.history.reading import read

        return read(cls, invoices=invoices, rejects=rejects, key_file=key_file)
