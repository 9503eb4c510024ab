"""The page of a sweep: it tells who leads in how many settings, what is sure, and which way is better."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from test_sweeps_results import runs

from benchmarks.pages import sweep_page
from benchmarks.sweeps.settings import by_setting


def test_who_leads_where_and_what_is_sure_is_told_first() -> None:
    told = sweep_page.answer(by_setting(runs()), "units", "a")
    assert told[0] == "a has the most units sold in 1 of 2 settings, b in 1."  # equal at 400, b more at 800
    assert told[1] == "Of 2 differences to a: better 1, worse 0, cannot tell 1."
    assert told[2].startswith("The largest sure gain: b, +3.5 (")
    assert told[2].endswith(") where arrivals.per_day 800.")


@pytest.mark.parametrize("measure", ["regret", "lost_sales"])
def test_of_regret_and_lost_sales_less_is_better(measure: str) -> None:
    table = runs().rename(columns={"units": measure})
    settings = by_setting(table, measure)
    assert settings.verdict.tolist() == ["baseline", "cannot tell", "baseline", "worse"]
    assert sweep_page.answer(settings, measure, "a")[0].startswith("a has the least " + measure.replace("_", " "))


def test_a_failed_run_is_told_and_its_setting_is_there(tmp_path: Path) -> None:
    table = runs()
    table.loc[(table.policy == "b") & (table["arrivals.per_day"] == 400), ["units", "error"]] = [np.nan, "failed"]
    page = sweep_page.write(tmp_path, by_setting(table), "units", "a").read_text()
    assert "8 runs failed and are left out" in page
    assert page.count("<tr><td>arrivals.per_day") + page.count('<tr><td><span class="whole">arrivals.') == 2


def test_a_policy_of_one_seed_has_no_verdict_and_still_a_page(tmp_path: Path) -> None:
    one: pd.DataFrame = runs().query("seed == 3")
    page = sweep_page.write(tmp_path, by_setting(one), "units", "a").read_text()
    assert "Nothing is sure yet" in page
    assert "nan" not in page.split("</style>")[1].replace("data:image", "").split("<figure>")[0]
