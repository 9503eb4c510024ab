"""What every report made on a fitted market has to say of it."""

from __future__ import annotations

import pandas as pd
import pytest

from simulator.calibration.judging import sentence


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
