"""Ownership: the table of pairs against a dictionary."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.ownership import Durables, Ownership

PAIRS = st.tuples(st.integers(0, 300), st.integers(0, 9))


@settings(deadline=None, max_examples=50)
@given(st.lists(st.dictionaries(PAIRS, st.sampled_from([3.5, np.inf, -np.inf]), max_size=400), max_size=5))
def test_a_table_of_pairs_says_what_a_dictionary_says(news: list[dict[tuple[int, int], float]]) -> None:
    table, known = Ownership(301, 10), dict[tuple[int, int], float]()
    for some in news:
        if some:
            table.put(some)
        known |= some
    for user in (0, 7, 300):
        expected = [known.get((user, k), -np.inf) for k in range(10)]
        assert [table.get(user, k) for k in range(10)] == expected
        np.testing.assert_array_equal(table.days(user, np.arange(10)), expected)


def test_whoever_returns_a_durable_has_it_no_more() -> None:
    for owned in (Durables(3, 2), Ownership(3, 2)):
        owned.put({(1, 0): np.inf, (2, 1): np.inf})
        owned.put({(1, 0): -np.inf})
        assert [owned.get(*pair) for pair in ((1, 0), (2, 1), (0, 0))] == [-np.inf, np.inf, -np.inf]
