"""What real logs say: click rates counted by hand, estimates that must agree with them, doubt where it is due."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.pages.real_logs import THOMPSON, RealLogs, read_off
from envs.feedback import LogError
from envs.open_bandit import CAMPAIGNS, load

pytestmark = pytest.mark.data


@pytest.fixture(scope="module")
def found(data: Path) -> RealLogs:
    return read_off(["uniform", "popularity"], path=data / "open_bandit")


def test_clicks_are_those_that_the_data_sets_readme_states(found: RealLogs) -> None:
    # 38 to 69 clicks a log of 10,000 rows
    assert found.clicks == (38, 69)
    men = found.observed.set_index("campaign").loc["men"]
    assert (men.random_clicks, men.thompson_clicks, men["items"]) == (46, 69, 34)
    assert men.random_rate == 0.0046


def test_the_three_differences_are_too_small_to_tell(found: RealLogs) -> None:
    assert set(found.observed.verdict) == {"cannot tell"}
    men = found.observed.set_index("campaign").loc["men"]
    assert men.difference == pytest.approx(0.0023)
    assert men.lower < 0 < men.upper


def test_uniform_is_worth_exactly_the_click_rate_of_the_later_half(found: RealLogs, data: Path) -> None:
    judged = found.estimates.set_index(["campaign", "policy"])
    for campaign in CAMPAIGNS:
        later = load("random", campaign, data / "open_bandit").feedback.rewards[5000:]
        assert judged.ips[campaign, "uniform"] == pytest.approx(later.mean())
        assert judged.worth[campaign, "uniform"] == pytest.approx(later.sum())


def test_the_estimate_of_thompson_sampling_covers_what_it_got_in_its_own_log(found: RealLogs) -> None:
    judged = found.estimates.set_index(["campaign", "policy"])
    for row in found.observed.itertuples():
        estimate = judged.loc[(row.campaign, THOMPSON)]
        assert estimate.ips_lower <= row.thompson_rate <= estimate.ips_upper
        assert estimate.snips_lower <= row.thompson_rate <= estimate.snips_upper


def test_a_policy_the_log_is_worth_less_than_a_click_for_gets_an_interval_that_says_so(found: RealLogs) -> None:
    popular = found.estimates[found.estimates.policy == "popularity"]
    assert (popular.worth < 1).all()
    assert (popular.ips_upper > 0.02).all()  # no click in 60 to 200 rows leaves 2% or more possible


def test_a_replay_on_a_uniform_log_keeps_about_one_row_in_k(found: RealLogs) -> None:
    for row in found.observed.itertuples():
        kept = found.replay_of(row.campaign, "uniform")
        share = 1 / row.items
        assert abs(kept.rows - 10_000 * share) < 4 * (10_000 * share * (1 - share)) ** 0.5
        assert kept.lower <= kept.rate <= kept.upper
    assert found.replay_of("men", THOMPSON) is None


def test_an_absent_data_set_is_said_to_be_absent(tmp_path: Path) -> None:
    with pytest.raises(LogError, match="launchsim data open-bandit"):
        read_off(["uniform"], path=tmp_path)
