"""Errors of a shop's tables, which are read as logs are: they say which table they are about."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from envs.logs.rows import LogError


@contextmanager
def about(table: str) -> Iterator[None]:
    """What is said of a log within is said of this table: "goods", "behavior" or "invoices"."""
    try:
        yield
    except LogError as error:
        said = str(error).removeprefix("log ")
        raise LogError(f"{table} {said}" if said != str(error) else said.replace("of a log", f"of {table}")) from None
