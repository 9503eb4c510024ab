"""The rule of choice on numbers whose answer can be seen."""

from __future__ import annotations

from benchmarks.off_policy.slope import choose


def test_the_most_precise_of_those_that_agree_is_chosen() -> None:
    name, reason = choose({"ips": (1.0, 0.30), "dr": (1.1, 0.10), "dm": (1.2, 0.02)})
    assert name == "dm"
    assert "most precise" in reason


def test_one_that_contradicts_the_wider_ones_is_not_chosen() -> None:
    """dr reaches down to 1.1 - 2 x 1.96 x 0.1 = 0.708; dm ends at 0.6 + 2 x 1.96 x 0.02 = 0.678."""
    name, reason = choose({"dm": (0.6, 0.02), "ips": (1.0, 0.30), "dr": (1.1, 0.10)})
    assert name == "dr"
    assert reason.startswith("dm is more precise but disagrees")


def test_intervals_must_meet_all_together() -> None:
    """b overlaps a below and c overlaps a above, but b and c do not meet."""
    estimates = {"a": (0.0, 1.0), "b": (-3.0, 0.5), "c": (3.0, 0.4)}
    assert choose(estimates)[0] == "b"


def test_estimators_without_a_number_are_left_out() -> None:
    assert choose({"ips": (float("nan"), 0.1), "dr": (1.0, 0.2)})[0] == "dr"
    assert choose({"ips": (float("nan"), 0.1)})[0] == ""


def test_no_spread_is_no_precision() -> None:
    """A policy that never meets the log gets IPS 0 with standard error 0."""
    assert choose({"ips": (0.0, 0.0), "dr": (0.1, 0.2)})[0] == "dr"
    assert choose({"ips": (1.0, 0.0)})[0] == "ips"
