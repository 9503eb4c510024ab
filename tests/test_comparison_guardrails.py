"""What may not be worsened: non-inferiority by hand, verdicts, and what is typed."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.comparison import guardrails
from benchmarks.comparison.guardrails import kept, parse, verdict
from benchmarks.comparison.statistics import mean_interval, paired
from policies.policy import Floats, PolicyError

LUCK = np.array([0.0, 3, -2, 1, 4, -1, 2, 0])


def shop(**changed: float) -> guardrails.Seasons:
    """Eight seasons of a shop, some columns shifted."""
    means = {
        "units": 900.0,
        "returned": 100.0,
        "lost_sales": 0.0,
        "leftovers": 50.0,
        "bought": 250.0,
        "margin": 200.0,
        "conversion": 0.1,
    }
    scale = {"conversion": 1e-4}

    def column(name: str) -> Floats:
        return np.asarray(means[name] + scale.get(name, 0.1) * LUCK * (name in changed) + changed.get(name, 0.0))

    return column


def test_a_margin_that_falls_is_a_share_of_the_baselines_worked_out_by_hand() -> None:
    (found,) = kept(shop(margin=-10.0), shop(), {"margin": 0.02})
    # falls by 10 - luck / 10 of 200
    worse = (10 - 0.1 * LUCK) / 200
    mean, lower, upper = mean_interval(worse)
    assert (found.worse, found.lower, found.upper) == pytest.approx((mean, lower, upper))
    assert found.state == "broken"


@pytest.mark.parametrize(
    ("measure", "changed", "worse"),
    [
        ("returns", {"returned": 25.0}, 125.0875 / 1025.0875 - 0.1),  # luck has mean 7/8, a tenth of it counts
        ("leftovers", {"leftovers": 10.0}, 10.0875 / 50),
        ("stranded", {"leftovers": 10.0}, 10.0875 / 250),
        ("conversion", {"conversion": -0.01}, (0.01 - 0.875e-4) / 0.1),
        ("lost_sales", {"lost_sales": 250.0}, 250.0875 / 1250.0875),
    ],
)
def test_each_measure_is_worse_as_its_page_says(measure: str, changed: dict[str, float], worse: float) -> None:
    (found,) = kept(shop(**changed), shop(), {measure: 0.01})
    assert found.worse == pytest.approx(worse, rel=1e-4)
    assert found.state == "broken"


def test_what_is_not_shown_to_hold_is_open() -> None:
    (found,) = kept(shop(margin=-4.0), shop(), {"margin": 0.02})
    assert found.lower < 0.02 < found.upper
    assert found.state == "cannot tell"


GAINS = np.array([20.0, 18, 21, 21, 19, 21, 20, 22])


@pytest.mark.parametrize(
    ("gains", "mine", "base", "said"),
    [
        (GAINS, shop(), shop(), "better"),
        (GAINS, shop(margin=-10.0), shop(), "discuss"),  # broken
        (GAINS, shop(margin=-4.0), shop(), "discuss"),  # open
        (GAINS, shop(margin=10.0), shop(), "better"),
        (-GAINS, shop(), shop(), "worse"),
        (-GAINS, shop(margin=4.0), shop(), "worse"),  # what sells more is not shown to break anything
        (-GAINS, shop(), shop(margin=-10.0), "discuss"),
        (GAINS * LUCK, shop(margin=-10.0), shop(), "cannot tell"),
    ],
)
def test_what_sells_more_is_better_only_where_it_is_shown_to_keep_every_guardrail(
    gains: Floats, mine: guardrails.Seasons, base: guardrails.Seasons, said: str
) -> None:
    margins = {"margin": 0.02, "returns": 0.02}
    assert verdict(paired(gains), kept(mine, base, margins), kept(base, mine, margins)) == said


def test_a_policy_that_is_just_as_much_worse_as_allowed_is_let_through_as_seldom_as_stated() -> None:
    random = np.random.default_rng(4)
    through = 0
    for _ in range(2_000):
        fell = random.normal(4.0, 3.0, 12)  # 2% of 200 on average
        seasons: guardrails.Seasons = lambda name, fell=fell: 200 - fell  # noqa: E731
        through += kept(seasons, lambda name: np.full(12, 200.0), {"margin": 0.02})[0].state == "holds"
    assert through / 2_000 <= 0.025 + 2 * np.sqrt(0.025 * 0.975 / 2_000)
    assert through > 0


def test_guardrails_are_read_as_typed() -> None:
    assert parse([]) is None
    assert parse(["none"]) == {}
    assert parse(["margin=2%", "returns=0.05"]) == {"margin": 0.02, "returns": 0.05}


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ("margin", "guard must be measure=share such as margin=2%, got 'margin'"),
        ("fame=2%", "guard must be one of .*, got 'fame'"),
        ("margin=200%", "guard margin must be from 0% to 100%, got 200%"),
        ("margin=nan", "guard margin must be from 0% to 100%, got nan%"),
    ],
)
def test_guardrails_that_mean_nothing_are_refused(typed: str, message: str) -> None:
    with pytest.raises(PolicyError, match=message):
        parse([typed])
