"""Returns undo earlier purchases, the likeliest first, never more than was bought."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from envs.history.returns import Pair, pairs

Line = tuple[int, float, bool]  # quantity, price, is it a return


def paired(*lines: Line) -> list[Pair]:
    quantity, price, back = zip(*lines, strict=True)
    return pairs(
        {
            "row": np.arange(len(lines)),
            "group": np.ones(len(lines), int),
            "quantity": np.array(quantity, float),
            "price": np.array(price),
            "back": np.array(back),
        }
    )


def test_as_many_pieces_at_the_same_price_come_first() -> None:
    assert paired((2, 1.0, False), (5, 1.0, False), (2, 1.0, True)) == [(0, 2, 2)]


def test_else_the_latest_at_the_same_price() -> None:
    assert paired((9, 1.0, False), (5, 1.0, False), (5, 2.0, False), (3, 1.0, True)) == [(1, 3, 3)]


def test_else_the_latest_at_another_price() -> None:
    assert paired((9, 1.0, False), (5, 2.0, False), (3, 3.0, True)) == [(1, 2, 3)]


def test_one_return_may_undo_several_purchases() -> None:
    assert paired((2, 1.0, False), (3, 1.0, False), (4, 1.0, True)) == [(1, 2, 3), (0, 2, 1)]


def test_what_came_back_does_not_come_back_again() -> None:
    assert paired((2, 1.0, False), (2, 1.0, True), (2, 1.0, True)) == [(0, 1, 2)]


def test_nothing_comes_back_before_it_is_bought() -> None:
    assert paired((2, 1.0, True), (2, 1.0, False)) == []


@given(st.lists(st.tuples(st.integers(1, 5), st.sampled_from([1.0, 2.0]), st.booleans()), min_size=1, max_size=20))
def test_as_much_is_paired_as_there_was_to_undo(lines: list[Line]) -> None:
    """What is left of all earlier purchases is enough or it is not, whichever of them a return undoes."""
    there = undone = 0
    for quantity, _, back in lines:
        pieces = min(there, quantity) if back else 0
        there += -pieces if back else quantity
        undone += pieces
    assert sum(pieces for _, _, pieces in paired(*lines)) == undone


@given(st.lists(st.tuples(st.integers(1, 5), st.sampled_from([1.0, 2.0]), st.booleans()), min_size=1, max_size=20))
def test_no_purchase_comes_back_more_often_than_it_was_bought(lines: list[Line]) -> None:
    back = np.zeros(len(lines), int)
    for buy, _, pieces in paired(*lines):
        back[buy] += pieces
    assert all(n <= quantity for n, (quantity, _, _) in zip(back, lines, strict=True))


def test_users_and_products_are_not_mixed() -> None:
    columns = {
        "row": np.arange(2),
        "group": np.array([1, 2]),
        "quantity": np.ones(2),
        "price": np.ones(2),
        "back": np.array([False, True]),
    }
    assert pairs(columns) == []
