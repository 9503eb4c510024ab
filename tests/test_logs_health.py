"""The health report, figure by figure on rows one can count."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from envs.feedback import LogError, LoggedFeedback
from envs.logs.health import describe
from envs.logs.ingest import ingested


def shop() -> pd.DataFrame:
    """Six rows of tea by three users, two of mate by one user, the second a repetition, and a bad row."""
    return pd.DataFrame(
        {
            "time": [0, 1, 2, 3, 4, 5, 6, 6, 7],
            "action": ["tea"] * 6 + ["mate"] * 2 + ["tea"],
            "reward": [1, 0, 0, 1, 0, 0, 1, 1, 1],
            "propensity": [0.5, 0.4, 0.3, 0.5, 0.5, 0.5, 0.1, 0.1, 7.0],
            "user_id": ["a@x.de", "b@x.de", "c@x.de", "a@x.de", "a@x.de", None, "a@x.de", "a@x.de", "b@x.de"],
            "age": [20, None, 30, 40, 50, 60, 70, 70, None],
        }
    )


def test_every_figure_is_the_one_counted_by_hand() -> None:
    health = describe(shop(), least=3)
    assert health.rows == 9
    assert health.rejected == {"propensity must be above 0 and at most 1": 1}
    assert health.span == (0, 6)
    assert health.reward_rate == 4 / 8
    assert health.propensities == (0.1, 0.5)
    assert health.duplicates == 1
    assert health.missing == {"time": 0, "action": 0, "reward": 0, "propensity": 0, "user_id": 1, "age": 2}
    assert health.users == 3
    assert health.actions["action"].tolist() == ["tea", "mate"]
    assert health.actions["first_day"].tolist() == [0, 6]
    assert health.actions["rows"].tolist() == [6, pd.NA]
    assert health.actions["reward"][0] == 2 / 6


def test_the_text_shows_no_user_and_no_small_cell_and_proposes_columns() -> None:
    health = describe(shop(), least=3)
    text = health.text()
    assert "x.de" not in text + health.columns.text()
    assert text.splitlines()[-1].split() == ["mate", *["<", "3", "users"] * 2, "6.0"]
    assert "9 read, 8 good" in text
    assert health.columns.user == "user_id"
    assert list(health.columns.context) == ["age"]


def test_a_name_that_would_command_the_terminal_is_made_plain() -> None:
    frame = shop()
    frame["action"] = "\x1b[2Jtea"
    assert "\x1b" not in describe(frame).text()


def test_a_log_of_ours_is_described_by_the_names_of_its_actions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAUNCHSIM_PSEUDONYM_KEY", "a very secret sentence")
    ingested(shop(), into=tmp_path / "log.parquet", rejects=tmp_path / "rejects.csv")
    health = describe(tmp_path / "log.parquet", least=1)
    assert health.rows == 8
    assert health.rejected == {}
    assert health.actions["action"].tolist() == ["tea", "mate"]
    assert health.users == 4  # those without an id share one pseudonym
    assert LoggedFeedback.read(tmp_path / "log.parquet").about.ingest["rejected"] == 1


def test_a_log_without_propensities_says_so() -> None:
    assert "none: estimates need them" in describe(shop().drop(columns="propensity")).text()


def test_a_log_with_no_good_row_still_has_a_report() -> None:
    frame = shop().assign(propensity=0.0)
    health = describe(frame)
    assert health.propensities is None
    assert health.rejected == {"propensity must be above 0 and at most 1": 9}
    assert "9 read, 0 good" in health.text()


def test_what_cannot_be_described_is_told(tmp_path: Path) -> None:
    with pytest.raises(LogError, match="exists"):
        describe(tmp_path / "absent.csv")
