"""What is proposed of a log's columns: roles, units, formats, and who a column is of; what is unclear is asked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from envs.feedback import LogError, LoggedFeedback
from envs.logs import proposal
from envs.logs.columns import Columns
from envs.logs.health import describe

DAYS = ["03", "04", "13"]


def frame(n: int = 400, **more: Any) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    click = rng.random(n) < 0.3
    return pd.DataFrame({"time": np.arange(n) / 10, "item": np.arange(n) % 4, "click": click.astype(int)} | more)


def csv(tmp_path: Path, times: list[str], delimiter: str = ";", **more: list[str]) -> Path:
    cells = {"timestamp": times, "item_id": ["a", "b"] * len(times), "click": ["0", "1"] * len(times)} | more
    rows = zip(*cells.values(), strict=False)
    (tmp_path / "log.csv").write_text("\n".join([delimiter.join(cells), *map(delimiter.join, rows)]) + "\n")
    return tmp_path / "log.csv"


def test_a_proposal_finds_the_roles_of_usual_names(tmp_path: Path) -> None:
    n = 40
    log = pd.DataFrame({
        "Unnamed: 0": range(n),
        "timestamp": 1.6e9 + np.arange(n),
        "item_id": np.arange(n) % 3,
        "click": np.arange(n) % 2,
        "propensity_score": 1 / 3,
        "position": 1,
        "customer_id": [f"c{i % 7}" for i in range(n)],
        "age": np.arange(n) % 17,
        "country": [("de", "fr")[i // 5 % 2] for i in range(n)],
        "city": [f"city {i * i % 37}" for i in range(n)],
        "town": [f"town {i}" for i in range(n)],
        "email": [f"{i}@example.org" for i in range(n)],
        "constant": 3,
    })  # fmt: skip
    found = describe(log).columns
    assert found.roles() == {
        "time": "timestamp",
        "action": "item_id",
        "reward": "click",
        "propensity": "propensity_score",
        "position": "position",
        "user": "customer_id",
    }
    assert found.time_unit == "epoch seconds"
    kinds = {"age": "number", "country": "one-hot", "city": "one-hot", "town": "hash"}
    assert {name: how.kind for name, how in found.context.items()} == kinds
    (tmp_path / "columns.toml").write_text(describe(log).mapping())
    assert Columns.of(tmp_path / "columns.toml") == found


def test_a_log_without_a_likely_action_asks_for_a_mapping() -> None:
    with pytest.raises(LogError, match=r"one for action, found none among 'time', 'reward'.*TOML"):
        describe(pd.DataFrame({"time": [1, 2], "reward": [0, 1]}))


def test_an_id_is_proposed_only_where_no_two_rows_share_it() -> None:
    assert describe(frame(id=np.arange(400))).columns.id == "id"
    assert describe(frame(id=np.arange(400) // 2)).columns.id == ""
    assert describe(frame(id=np.arange(400) // 2)).rejected == {}


def test_a_log_without_times_is_taken_in_the_order_of_its_rows_and_says_so() -> None:
    health = describe(frame().drop(columns="time"))
    assert health.columns.time == ""
    assert any("rows count in their order" in note for note in health.notes)
    log = LoggedFeedback.read(frame().drop(columns="time"))
    assert not log.about.timed
    np.testing.assert_allclose(log.feedback.decisions.times, np.arange(400) / 86_400)


@pytest.mark.parametrize("unit", ["seconds", "milliseconds", "microseconds", "nanoseconds"])
def test_epochs_are_told_by_their_size(unit: str) -> None:
    """Two rows a minute apart, and one a day after the first."""
    factor = {"seconds": 1, "milliseconds": 10**3, "microseconds": 10**6, "nanoseconds": 10**9}[unit]
    times = [t * factor for t in (1_709_283_600, 1_709_283_660, 1_709_370_000)]
    log = LoggedFeedback.read(pd.DataFrame({"time": times, "item": ["a", "b", "a"], "click": 0}))
    np.testing.assert_allclose(log.feedback.decisions.times, [0, 1 / 1440, 1], atol=1e-9)
    assert log.about.origin == "2024-03-01T09:00:00.000000Z"


@pytest.mark.parametrize(
    ("times", "days"),
    [
        ([20240330, 20240331, 20240401], [0, 1, 2]),
        ([20240330100000, 20240331100000, 20240401100000], [0, 1, 2]),
        ([202403301000, 202403301200, 202404011000], [0, 1 / 12, 2]),
        ([20_240_330, 20_240_399], None),
    ],
)
def test_dates_that_are_written_as_one_number_are_dates(times: list[int], days: list[float] | None) -> None:
    log = pd.DataFrame({"time": times, "item": "a", "click": 0})
    if days is None:
        with pytest.raises(LogError, match=r"time must be a time.*set time_format or time_unit"):
            LoggedFeedback.read(log)
    else:
        np.testing.assert_allclose(LoggedFeedback.read(log).feedback.decisions.times, days)


WRITTEN = {
    "%d/%m/%Y %H:%M": ["03/04/2024 10:00", "13/04/2024 10:00", "01/05/2024 10:00"],
    "%m/%d/%Y": ["03/04/2024", "03/13/2024", "04/01/2024"],
    "%d.%m.%Y %H:%M": ["03.04.2024 10:00", "13.04.2024 10:00", "01.05.2024 10:00"],
    "%d.%m.%Y": ["03.04.2024", "04.04.2024", "05.04.2024"],
    "%Y-%m-%d %I:%M %p": ["2024-03-01 9:00 AM", "2024-03-01 9:00 PM", "2024-03-02 9:00 AM"],
    "%d-%m-%y": ["31-03-99", "01-04-99", "30-04-99"],
    "%b %d, %Y": ["Mar 1, 2024", "Mar 2, 2024", "Apr 1, 2024"],
    "%d.%m.%y %H:%M:%S": ["31.12.98 23:59:59", "01.01.99 00:00:00", "02.01.99 00:00:00"],
    "": ["2024-03-01 10:00:00,123", "2024-03-01 10:00:01,123", "2024-03-02 10:00:00,123"],
}


@pytest.mark.parametrize("shape", WRITTEN)
def test_the_one_way_in_which_dates_can_be_read_is_proposed(shape: str, tmp_path: Path) -> None:
    path = csv(tmp_path, WRITTEN[shape])
    assert describe(path).columns.time_format == shape
    log = LoggedFeedback.read(path)
    parsed = pd.to_datetime(pd.Series(WRITTEN[shape]), format=shape or "%Y-%m-%d %H:%M:%S,%f")
    expected = (parsed - parsed.min()) / pd.Timedelta(days=1)
    np.testing.assert_allclose(log.feedback.decisions.times, sorted(expected), atol=1e-9)


@pytest.mark.parametrize(
    ("times", "ways"),
    [
        (["03/04/2024 10:00", "04/04/2024 10:00"], ["%d/%m/%Y %H:%M", "%m/%d/%Y %H:%M"]),
        (["03-04-24", "13-04-24"], ["%d-%m-%y", "%y-%m-%d"]),
        (["24-03-01", "24-04-01"], ["%d-%m-%y", "%y-%m-%d"]),
    ],
)
def test_dates_that_can_be_read_in_several_ways_are_asked_for_never_guessed(
    times: list[str], ways: list[str], tmp_path: Path
) -> None:
    health = describe(csv(tmp_path, times))
    assert health.columns.time_format == ""
    assert sum(health.rejected.values()) == health.rows
    (note,) = health.notes
    assert f"dates such as {times[0]!r} can be read in several ways: set time_format to one of" in note
    assert all(repr(way) in note for way in ways)
    assert health.mapping().startswith(f"# {note}\n")
    with pytest.raises(LogError, match=f"timestamp must be a time, got '{times[0]}': dates such as .*{ways[0][:5]}"):
        LoggedFeedback.read(tmp_path / "log.csv")
    told = Columns.of({"time": "timestamp", "action": "item_id", "reward": "click", "time_format": ways[0]})
    assert len(LoggedFeedback.read(tmp_path / "log.csv", told)) == 2


NUMBERS = {
    ("1.299,99", "12,50", "0,00"): (",", ".", [1299.99, 12.5, 0]),
    ("12,50", "7,125", "0"): (",", "", [12.5, 7.125, 0]),
    ("1,299.99", "12.50", "3"): (".", ",", [1299.99, 12.5, 3]),
    ("1 299,99", "12,50", "2"): (",", " ", [1299.99, 12.5, 2]),
    ("1'299.99", "12.50", "2"): (".", "'", [1299.99, 12.5, 2]),
    ("12.50", "1.299", "1e3"): (".", "", [12.5, 1.299, 1000]),
}


@pytest.mark.parametrize("cells", NUMBERS)
def test_marks_of_decimals_and_thousands_are_found_where_the_numbers_decide(
    cells: tuple[str, ...], tmp_path: Path
) -> None:
    decimal, thousands, values = NUMBERS[cells]
    path = csv(tmp_path, ["2024-03-01", "2024-03-02", "2024-03-03"], revenue=list(cells), age=["20", "30", "40"])
    path.write_text(path.read_text().replace("click", "note"))
    columns = describe(path).columns
    assert (columns.decimal, columns.thousands) == (decimal, thousands)
    log = LoggedFeedback.read(path)
    assert log.feedback.rewards.tolist() == values
    assert columns.context["age"].kind == "number"


def test_a_comma_that_may_mean_either_is_asked_for(tmp_path: Path) -> None:
    health = describe(csv(tmp_path, ["2024-03-01", "2024-03-02"], price=["1,250", "2,999"]))
    assert (health.columns.decimal, health.columns.thousands) == (".", "")
    assert any("set one of them" in note and 'decimal = ","' in note for note in health.notes)


def test_a_column_of_numbers_with_a_decimal_comma_is_no_category(tmp_path: Path) -> None:
    """20.5, 21.5, ...: standardised, their mean is 0 and their spread 1."""
    n = 12
    ages = [f"{20 + i},5" for i in range(n)]
    path = csv(tmp_path, [f"2024-03-{1 + i:02d}" for i in range(n)], age=ages, probability=["0,75", "0,25"] * n)
    log = LoggedFeedback.read(path)
    assert log.about.context == ("constant", "age")
    assert log.feedback.propensities.tolist() == [0.75, 0.25] * (n // 2)
    spread = np.arange(n) - (n - 1) / 2
    np.testing.assert_allclose(log.feedback.decisions.contexts[:, 1], spread / spread.std())


def test_what_came_of_a_visit_is_no_context() -> None:
    rng = np.random.default_rng(1)
    base = frame()
    bought = base["click"] * rng.integers(0, 2, 400)
    found = describe(base.assign(
        purchase=bought,
        revenue=bought * rng.gamma(2, 10, 400),
        seconds_on_page=np.where(base["click"] == 1, rng.gamma(2, 10, 400), 0.0),  # by its values, whatever its name
        basket=[f"b{i}" if c else None for i, c in enumerate(base["click"])],
        visits=rng.integers(0, 5, 400),
    ))  # fmt: skip
    assert set(found.columns.context) == {"visits"}
    assert "basket, purchase, revenue, seconds_on_page: known only after the action" in found.notes[0]


def test_what_is_of_the_item_is_a_feature_of_it_and_no_context() -> None:
    """Price and category follow from the item: as contexts they would tell a policy what was shown."""
    base = frame()
    joined = base.assign(
        price=base["item"].map({0: 1.5, 1: 2.0, 2: 2.0, 3: 9.0}),
        category=base["item"].map({0: "hot", 1: "hot", 2: "cold", 3: None}),
        age=np.random.default_rng(2).integers(18, 70, 400),
    )
    health = describe(joined)
    assert set(health.columns.context) == {"age"}
    assert set(health.columns.shown()) == {"price", "category"}
    assert "category, price: the same in all rows of an action" in health.notes[0]
    log = LoggedFeedback.read(joined)
    prices = np.array([1.5, 2, 2, 9])
    assert log.about.context == ("constant", "age")
    np.testing.assert_allclose(log.feedback.decisions.actions[:, 0], (prices - prices.mean()) / prices.std())


def test_a_log_where_no_item_is_shown_twice_has_contexts_all_the_same() -> None:
    found = describe(frame(item=np.arange(400), age=np.arange(400) % 50)).columns
    assert set(found.context) == {"age"}


def test_a_log_of_very_many_columns_is_described(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proposal, "_MOST_CONTEXTS", 3)
    n = 3_000
    names = ["time", "item", "click", *(f"x{i}" for i in range(n))]
    rows = [",".join(["0", "a", "1", *map(str, range(row, n + row))]) for row in range(3)]
    (tmp_path / "wide.csv").write_text("\n".join([",".join(names), *rows]) + "\n")
    health = describe(tmp_path / "wide.csv")
    assert len(health.columns.context) == 3
    assert f"{n} columns may be contexts: the first 3 are proposed" in health.notes
    (tmp_path / "wider.csv").write_text(",".join(f"x{i}" for i in range(100_000)) + "\n")
    with pytest.raises(LogError, match="at most 10000 columns, got 100000 in"):
        describe(tmp_path / "wider.csv")


def test_a_policy_that_was_logged_by_vowpal_wabbit_is_read_from_its_json_lines(tmp_path: Path) -> None:
    lines = [
        '{"_label_cost":-1,"_label_probability":0.8,"_label_Action":2,"_labelIndex":1,"Timestamp":"2024-03-01T10:00:00Z",'
        f'"EventId":"e{i}","a":[2,1],"p":[0.8,0.2],"c":{{"user":{{"age":{20 + i}}},"_multi":[{{"x":1}},{{"x":2}}]}}}}'
        for i in range(3)
    ]
    (tmp_path / "log.dsjson").write_text("\n".join([*lines, "not json", "[1]", ""]))
    health = describe(tmp_path / "log.dsjson")
    assert health.rejected == {"line must be a JSON object": 2}
    assert health.columns.negate
    assert set(health.columns.context) == {"c.user.age"}
    columns = {
        "time": "Timestamp", "action": "_label_Action", "reward": "_label_cost", "negate": True, "available": "a",
        "propensity": "_label_probability", "id": "EventId", "context": {"c.user.age": "number"},
    }  # fmt: skip
    log = LoggedFeedback.read(tmp_path / "log.dsjson", columns, rejects=tmp_path / "rejects.csv")
    assert log.actions == ("1", "2")
    assert log.feedback.rewards.tolist() == [1, 1, 1]
    assert log.feedback.propensities.tolist() == [0.8] * 3
    assert log.feedback.decisions.available.all()
    assert (tmp_path / "rejects.csv").read_text().splitlines()[1:] == [
        "4,line,be a JSON object,",
        "5,line,be a JSON object,",
    ]


def test_a_price_that_moves_in_time_is_the_items_and_no_context() -> None:
    """Prices are raised every ten days, each item's by itself, and 1 row in 200 is mistyped. The weekday moves in time
    for all items alike, the segment decides for nine visitors of ten what is shown: both stay the visitor's."""
    rng = np.random.default_rng(4)
    n = 3_000
    day = np.sort(rng.random(n) * 40)
    segment = rng.integers(0, 2, n)
    item = np.where(rng.random(n) < 0.9, segment, 1 - segment)
    price = 10.0 + 5 * item + np.floor((day + 3 * item) / 10)
    price[::200] += 0.01
    log = pd.DataFrame({
        "time": day, "item": item, "click": rng.integers(0, 2, n), "price": price,
        "weekday": np.floor(day).astype(int) % 7, "segment": np.where(segment, "new", "old"),
        "age": rng.integers(18, 70, n),
    })  # fmt: skip
    shuffled = log.sample(frac=1, random_state=0)
    for frame_ in (log, shuffled):
        health = describe(frame_)
        assert set(health.columns.context) == {"weekday", "segment", "age"}
        assert health.columns.items is None
        assert [note for note in health.notes if note.startswith("price: of the item though not always the same")]


def test_what_a_user_keeps_is_the_users_though_pages_are_reloaded() -> None:
    """Twenty rows of each user show one item: rows of an item seldom change country, but by another user they do."""
    rng = np.random.default_rng(5)
    users = 300
    item = np.repeat(rng.integers(0, 3, users), 20)
    country = np.repeat(rng.choice(["DE", "FR", "NL"], users), 20)
    n = len(item)
    log = pd.DataFrame({
        "time": np.arange(n), "item": item, "click": rng.integers(0, 2, n), "country": country,
        "user_id": np.repeat(np.arange(users), 20),
    })  # fmt: skip
    assert set(describe(log).columns.context) == {"country"}
