"""The picture of a sweep: every policy but the baseline has a line in every panel, along the setting in its order."""

from __future__ import annotations

from itertools import product

import pandas as pd
import pytest

from benchmarks.pages.sweep_picture import picture


def settings(*traffic: str, stock: tuple[float, ...] = (1.0,)) -> pd.DataFrame:
    rows = [
        {"arrivals.per_day": factor, "stock": units, "policy": policy, "difference": gain, "verdict": "better"}
        | {"difference_lower": gain - 2, "difference_upper": gain + 2}
        for (factor, units), (policy, gain) in product(
            product(traffic, stock), (("uniform", 0.0), ("linucb", 5.0), ("vowpal", 3.0))
        )
    ]
    table = pd.DataFrame(rows)
    return table if len(stock) > 1 else table.drop(columns="stock")


def test_factors_stand_in_the_order_of_their_size() -> None:
    _, [axes] = picture(settings("x2", "x0.5", "x10"), "units", "uniform")
    assert [label.get_text() for label in axes.get_xticklabels()] == ["x0.5", "x2", "x10"]
    assert len(axes.collections) == 2  # bands of all but the baseline


def test_what_else_is_varied_has_panels_and_those_left_out_are_told() -> None:
    varied = settings("x1", "x2", *(f"x{n}" for n in range(3, 9)), stock=tuple(range(8)))
    drawn, axes = picture(varied, "units", "uniform")
    assert len(axes) == 6
    assert "2 further combinations are not drawn" in " ".join(drawn.get_suptitle().split())


def test_a_sweep_in_which_nothing_varies_is_refused() -> None:
    with pytest.raises(ValueError, match="a setting that is varied"):
        picture(settings("x1").drop(columns="arrivals.per_day"), "units", "uniform")
