"""Pictures of a fit: each panel says its metric whole, its score, and what its axis counts."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from seasons import season

from benchmarks.pages.calibration_page import shapes, told
from simulator.calibration import Calibrated

METRICS = ("visits by weekday", "visits by hour", "products a visitor looks at in a week")


@pytest.fixture(scope="module")
def panels() -> dict[str, Axes]:
    steps = np.arange(7)
    share = (steps + 1) / 7
    rows = [
        pd.DataFrame(
            {"metric": metric, "value": steps, "observed": share, "simulated": share, "lower": share, "upper": share}
        )
        for metric in METRICS
    ]
    fit = pd.DataFrame({"metric": METRICS, "score": [0.91, 0.92, 0.93]})
    nothing = pd.DataFrame()
    found = Calibrated(season(), nothing, nothing, fit, nothing, pd.concat(rows))
    return dict(zip(METRICS, shapes(found)[1], strict=True))


@pytest.mark.parametrize(("metric", "score"), [*zip(METRICS, ("0.910", "0.920", "0.930"), strict=True)])
def test_a_title_is_the_metric_and_its_score_however_long(panels: dict[str, Axes], metric: str, score: str) -> None:
    assert panels[metric].get_title(loc="left").replace("\n", " ") == f"{metric}: {score}"


def test_weekdays_of_visits_have_their_names(panels: dict[str, Axes]) -> None:
    labels = [label.get_text() for label in panels["visits by weekday"].get_xticklabels()]
    assert labels == ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
    assert panels["visits by weekday"].get_xlabel() == "day of the week"


def test_hours_of_visits_are_called_hours(panels: dict[str, Axes]) -> None:
    assert panels["visits by hour"].get_xlabel() == "hour of the day"


def test_a_terminal_is_told_the_worst_first_and_what_the_market_rests_on() -> None:
    numbers = {"observed": 2.0, "simulated": 1.0, "score": [0.95, 0.5], "floor": 0.9, "threshold": 0.9, "todo": ""}
    fit = pd.DataFrame(
        {"metric": ["orders", "lines"], "status": ["PASS", "FAIL"], "lower": 0.0, "upper": 3.0} | numbers
    )
    nothing, rests = pd.DataFrame(), "No price is on record."
    text = told(Calibrated(season(calibration=rests), nothing, nothing, fit, nothing, nothing))
    assert [line.split()[0] for line in text.splitlines() if line] == ["FAIL", "PASS", "No"]
    assert text.endswith(rests)
