"""What became of each product, from counts written by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd

from benchmarks.comparison.products import by_product, launched, shares, since_launch

TITLES = ["Tea", "Mate"]  # on the shelf, and launched on day 2
NOTHING = {"chosen": 0, "sold": 0, "lost": 0, "launched": 0, "run_out": 0}


def products(days: int = 8) -> pd.DataFrame:
    """One policy, two seasons: Mate sells 1 a day in the first, 3 a day in the second; it runs out once, on day 4."""
    rows = []
    for seed, a_day in enumerate((1, 3)):
        for day in range(1, days + 1):
            shown = 4 if day > 2 else 0
            rows.append(NOTHING | {"seed": seed, "day": day, "product": 0, "chosen": 8 - shown, "sold": 2})
            if shown:
                rows.append(NOTHING | {"seed": seed, "day": day, "product": 1, "chosen": 4, "sold": a_day})
                rows[-1] |= {"launched": int(day == 3), "run_out": int(day == 5 and seed == 1)}
    return pd.DataFrame(rows).assign(policy="linucb")


def test_shares_of_a_day_are_of_all_that_is_shown_on_it() -> None:
    days, found = shares(products(), 2)["linucb"]
    assert days.tolist() == list(range(1, 9))
    np.testing.assert_allclose(found[:2], [[1, 0], [1, 0]])
    np.testing.assert_allclose(found[2:], 0.5)


def test_a_new_product_is_followed_from_its_launch_day() -> None:
    paths, horizon, n = since_launch(products(), [True, False], days=8)
    assert (horizon, n) == (4, 1)
    np.testing.assert_allclose(paths["linucb"], [[0, 1, 2, 3, 4], [0, 3, 6, 9, 12]])


def test_launches_too_late_to_be_followed_are_not() -> None:
    late = products().assign(day=lambda table: table.day + 12)
    assert since_launch(late, [True, False], days=20)[0] == {}


def test_a_product_has_its_mean_sales_its_share_and_the_day_it_ran_out() -> None:
    found = by_product(products(), TITLES).set_index("product")
    assert found.sold.to_dict() == {"Tea": 16.0, "Mate": 12.0}
    assert found.chosen.to_dict() == {"Tea": 80 / 128, "Mate": 48 / 128}
    assert found.loc["Mate", ["launched_in", "launched", "ran_out_in", "ran_out"]].to_list() == [1.0, 2.0, 0.5, 4.0]
    assert found.loc["Tea", "ran_out_in"] == 0
    assert np.isnan(found.loc["Tea", "ran_out"])


def test_launches_add_up_over_the_season_as_shares_of_seasons() -> None:
    some = products()
    some = some[~((some.seed == 1) & (some.launched > 0))]  # in the second season it was not launched
    days, found = launched(some, 2, days=8)["linucb"]
    assert days.tolist() == [0, 3, 8]
    np.testing.assert_allclose(found, [[0, 0], [0, 0.5], [0, 0.5]])
