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
        goods: Any = None,
        behavior: Any = None,
        invoices: Any = None,
        columns: Any = None,
        rejects: str | Path | None = None,
        key_file: str | Path | None = None,
    ) -> History:
        """Read, check and clean a shop's tables: behaviour or invoice lines, with a table of goods or without.

        A table is a CSV or Parquet file, a DuckDB database, SQL text or a data frame (pandas, polars, pyarrow ...).

        Args:
            goods: id, title, category, price, cost, listed, delisted, stock, any further numeric columns; derived from
                the lines where not given.
            behavior: user, item, action (view, search, cart, favourite, buy, return), time, quantity, price.
            invoices: invoice, user, item, time, quantity, price, title; or a folder that `write` wrote.
            columns: what the columns mean, a TOML file or a mapping; by their names where not given.
            rejects: a CSV file that gets the rows set aside: table, row, column, rule, value. Row 1 follows the header.
            key_file: a file (0600) with the key of the pseudonyms, else the environment's. Without one users are
                codes that mean nothing elsewhere.

        Raises:
            LogError: a table cannot be read, a column is missing, no line is left, or the key is another one.
        """
        from envs.history import files, taking

        if files.is_one(invoices):
            return taking.read_back(cls, invoices, key_file)
        return taking.read(cls, rejects, key_file, goods=goods, behavior=behavior, invoices=invoices, columns=columns)

    def write(self, path: str | Path, *, encrypted: bool = False, key_file: str | Path | None = None) -> None:
        """A folder of Parquet files with rights 0600, which `read(invoices=path)` takes back.

        Args:
            encrypted: with Parquet's own encryption (AES-GCM, whole footer), as DuckDB and pyarrow read it.
            key_file: as of `read`.

        Raises:
            LogError: there is something else of that name, or no key.
        """
        from envs.history import taking

        taking.write(self, path, encrypted, key_file)
