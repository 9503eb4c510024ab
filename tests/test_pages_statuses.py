"""Every status says what was found, what it was held to, and what to do now."""

from __future__ import annotations

import json

from shop import SIX, fixed

from benchmarks.pages.statuses import as_json, statuses

FOUR = {policy: seasons[:4] for policy, seasons in SIX.items()}


def of(policy: str, sales: dict[str, list[float]]) -> dict[str, object]:
    return next(each for each in statuses(fixed(sales)) if each["policy"] == policy)


def test_what_is_better_is_to_be_tried_beside_the_baseline() -> None:
    found = of("linucb", SIX)
    assert (found["status"], found["difference"]) == ("better", 20.0)
    assert "beside uniform" in str(found["do"])


def test_doubt_says_how_many_seasons_would_end_it() -> None:
    close = {"uniform": [100.0, 110, 90, 105, 95, 100], "vowpal": [104.0, 109, 99, 106, 91, 109]}
    found = of("vowpal", close)
    assert found["status"] == "cannot tell"
    seasons = int(str(found["do"]).split("--seeds ")[1].split()[0])
    half = (found["upper"] - found["lower"]) / 2  # type: ignore[operator]
    assert seasons >= 6 * (half / found["difference"]) ** 2  # of so many the interval would just leave out 0


def test_no_difference_to_speak_of_is_to_be_taken_as_none() -> None:
    same = {"uniform": [100.0, 110, 90, 105, 95, 100], "vowpal": [101.0, 109, 91, 104, 96, 99.1]}
    assert str(of("vowpal", same)["do"]).startswith("Take them as equal")


def test_four_seasons_ask_for_more() -> None:
    assert "--seeds 5 at least" in str(of("linucb", FOUR)["do"])


def test_the_oracle_is_nothing_to_try() -> None:
    assert "limit" in str(of("oracle", SIX)["do"])


def test_other_programs_read_the_same_numbers() -> None:
    told = json.loads(as_json(fixed(SIX), ["linucb sells"], "launchsim compare x", "reports/index.html"))
    assert [each["policy"] for each in told["statuses"]] == ["oracle", "linucb", "uniform", "vowpal"]
    assert told["statuses"][1]["difference"] == 20.0
    assert told["reproduce"]["command"] == "launchsim compare x"
    assert told["reproduce"]["seeds"] == [0, 1, 2, 3, 4, 5]


def test_one_season_has_no_numbers_that_are_none() -> None:
    alone = {policy: seasons[:1] for policy, seasons in SIX.items()}
    told = json.loads(as_json(fixed(alone), [], "", ""))
    assert {each["status"] for each in told["statuses"]} == {"one season", "baseline"}
