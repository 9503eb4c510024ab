"""How a fitted market is judged, and what every report made on it has to say."""

from __future__ import annotations

from functools import partial

import numpy as np
import pandas as pd
import pytest
from made_sales import made

from simulator.calibration.judging import _number, band, judge, sentence


@pytest.mark.parametrize(
    ("failed", "told"),
    [
        (0, "resembles it in 2 of 3 metrics."),
        (2, "resembles it in 2 of 5 metrics. It fails in: m0; m1."),
        (7, "resembles it in 2 of 10 metrics. It fails in: m0; m1; m2; m3; m4; 2 more."),
    ],
)
def test_a_market_names_what_it_fails_in_but_no_page_full_of_it(failed: int, told: str) -> None:
    metrics = [f"m{k}" for k in range(failed)] + ["orders", "lines", "returns"]
    status = ["FAIL"] * failed + ["PASS", "PASS", "REVIEW"]
    assert sentence(pd.DataFrame({"metric": metrics, "status": status})).endswith(told)


@pytest.mark.parametrize("seasons", [3, 5, 60])
def test_a_band_of_few_seasons_is_asked_to_hold_as_many_weeks_as_such_bands_do(seasons: int) -> None:
    """Beside ends of so many draws, within which one more is drawn, 40,000 times."""
    drawn = np.random.default_rng(0).normal(size=(seasons + 1, 40_000))
    low, high = band(drawn[:-1])
    within = float(((low <= drawn[-1]) & (drawn[-1] <= high)).mean())
    shop = made(56, traffic=4.0)
    fit = judge(lambda seed: partial(made, 56, seed=seed + 1, traffic=4.0), shop, shop, seasons, lambda *_: None).fit
    asked = fit.set_index("metric").loc["weeks in the band, lines", "simulated"]
    assert asked == pytest.approx(within, abs=0.01)


def test_a_judgement_by_no_season_is_told_to_be_done() -> None:
    shop = made(56, traffic=4.0)
    shares: list[float] = []
    judge(lambda seed: partial(made, 56, seed=seed), shop, shop, 0, lambda what, share: shares.append(share))
    assert shares[-1] == 1.0


@pytest.mark.parametrize(("value", "status"), [(0.26, "REVIEW"), (0.13, "FAIL"), (0.31, "PASS")])
def test_a_number_that_the_bands_hold_is_no_failure_however_far_the_mean_is(value: float, status: str) -> None:
    """Seasons between .2 and .46, as of some ninety customers; .13 is below them all."""
    found = _number("share of new customers", value, np.linspace(0.2, 0.46, 30))
    assert found[7] == status
