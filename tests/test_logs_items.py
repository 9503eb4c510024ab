"""Items of a log: what a policy can see of each, from a second file; constant propensities; thinned logs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from benchmarks.logs import taken_in
from envs.feedback import LogError, LoggedFeedback

LOG = pd.DataFrame(
    {"time": [0.0, 1, 2, 3], "item": ["tea", "mate", "tea", "cola"], "click": [1, 0, 0, 1], "w": [1, 10, 10, 1]}
)
COLUMNS: dict[str, Any] = {"time": "time", "action": "item", "reward": "click"}


def catalogue(tmp_path: Path, text: str, **features: Any) -> dict[str, Any]:
    (tmp_path / "items.csv").write_text(text)
    how = features or {"price": "number", "kind": {"kind": "one-hot", "missing": "mode"}}
    return COLUMNS | {"items": {"file": str(tmp_path / "items.csv"), "id": "sku", "features": how}}


def test_items_get_the_features_of_their_rows_in_a_second_file(tmp_path: Path) -> None:
    """In order cola, mate, tea: prices 1, 2, 3 standardised; kinds cold, hot, and hot where it is missing."""
    columns = catalogue(tmp_path, "sku,price,kind\ntea,3,\nmate,2,hot\ncola,1,cold\nayran,9,hot\nchai,5,hot\n")
    log = LoggedFeedback.read(LOG, columns)
    assert log.actions == ("cola", "mate", "tea")
    assert log.problem.n_action_features == 3
    spread = np.sqrt(2 / 3)
    mode = [1, 0]  # of cold and hot, once each, the smaller
    np.testing.assert_allclose(log.feedback.decisions.actions, [[-1 / spread, 1, 0], [0, 0, 1], [1 / spread, *mode]])


def test_rows_of_items_that_the_catalogue_does_not_have_are_rejected(tmp_path: Path) -> None:
    columns = catalogue(tmp_path, "sku,price\ntea,3\nmate,2\n", price="number")
    log = LoggedFeedback.read(LOG, columns, rejects=tmp_path / "rejects.csv")
    assert log.actions == ("mate", "tea")
    (rule,) = log.about.ingest["by_rule"]
    assert rule.startswith("item must be one of the 2 actions in ")
    assert rule.endswith("items.csv")


BROKEN = {
    "sku,price\ntea,3\ntea,4\nmate,2\ncola,1\n": "items must have one look an action in 'items.csv', got 2 of 'tea'",
    "sku,price\ntea,cheap\nmate,2\ncola,1\n": "price of 'tea' in 'items.csv' must be a finite number.*, got 'cheap'",
    "sku,price\ntea,\nmate,2\ncola,1\n": "price of 'tea' in 'items.csv' must be a finite number: set missing.*, got ''",
    "id,price\ntea,1\n": r"column 'sku' \(items\) must be in 'items.csv', which has 'id', 'price'",
}


@pytest.mark.parametrize("text", BROKEN)
def test_a_catalogue_that_cannot_be_is_told_in_one_line(text: str, tmp_path: Path) -> None:
    with pytest.raises(LogError, match=BROKEN[text]) as refused:
        LoggedFeedback.read(LOG, catalogue(tmp_path, text, price="number"))
    assert "\n" not in str(refused.value)


def test_a_catalogue_is_not_written_over(tmp_path: Path) -> None:
    columns = catalogue(tmp_path, "sku,price\ntea,3\nmate,2\ncola,1\n", price="number")
    with pytest.raises(LogError, match="rejects must be another file than what is read"):
        LoggedFeedback.read(LOG, columns, rejects=tmp_path / "items.csv")


def test_a_later_log_shows_its_items_by_the_earlier_encoding(tmp_path: Path) -> None:
    """Prices 1, 2 and 3 had mean 2; 4 is as far above it as 3 twice."""
    LOG.to_csv(tmp_path / "march.csv", index=False)
    LOG.assign(item=["tea", "ayran", "tea", "cola"]).to_csv(tmp_path / "april.csv", index=False)
    columns = catalogue(tmp_path, "sku,price\ntea,3\nmate,2\ncola,1\n", price="number")
    taken_in(str(tmp_path / "march.csv"), columns, into=tmp_path / "march.parquet")
    columns = catalogue(tmp_path, "sku,price\ntea,3\nmate,2\ncola,1\nayran,4\n", price="number")
    taken_in(str(tmp_path / "april.csv"), columns, into=tmp_path / "april.parquet", like=tmp_path / "march.parquet")
    log = LoggedFeedback.read(tmp_path / "april.parquet")
    assert log.actions == ("cola", "mate", "tea", "ayran")
    np.testing.assert_allclose(log.feedback.decisions.actions[:, 0], np.array([-1, 0, 1, 2]) / np.sqrt(2 / 3))


@pytest.mark.parametrize(
    ("propensity", "expected"),
    [(0.3333, [0.3333] * 4), (1, [1.0] * 4), ({"tea": 0.5, "mate": 0.25, "cola": 0.125}, [0.5, 0.25, 0.5, 0.125])],
)
def test_a_propensity_may_be_one_for_all_rows_or_one_an_action(propensity: Any, expected: list[float]) -> None:
    log = LoggedFeedback.read(LOG, COLUMNS | {"propensity": propensity})
    assert log.propensities == "logged"
    assert log.feedback.propensities.tolist() == expected


def test_an_action_without_a_propensity_is_rejected(tmp_path: Path) -> None:
    log = LoggedFeedback.read(LOG, COLUMNS | {"propensity": {"tea": 0.5, "mate": 0.5}}, rejects=tmp_path / "bad.csv")
    assert log.actions == ("cola", "mate", "tea")
    assert (tmp_path / "bad.csv").read_text().splitlines()[1:] == ["4,propensity,be above 0 and at most 1,cola"]


def test_a_thinned_log_keeps_its_weights(tmp_path: Path) -> None:
    log = LoggedFeedback.read(LOG, COLUMNS | {"weight": "w"})
    log.write(tmp_path / "log.parquet")
    back = LoggedFeedback.read(tmp_path / "log.parquet")
    assert back.weights is not None
    assert back.weights.tolist() == [1, 10, 10, 1]
    again = LoggedFeedback(back.feedback, weights=np.array([1.0, 2, 3, 4]))
    assert [part.weights.tolist() for part in again.parts(2) if part.weights is not None] == [[1, 2], [3, 4]]
    with pytest.raises(LogError, match=r"weight must be a finite number above 0, got 0.0 at row 1"):
        LoggedFeedback(back.feedback, weights=np.array([1.0, 0, 3, 4]))


def test_a_weight_of_nothing_is_rejected(tmp_path: Path) -> None:
    log = LoggedFeedback.read(LOG.assign(w=[0, 1, np.nan, 2]), COLUMNS | {"weight": "w"}, rejects=tmp_path / "bad.csv")
    assert log.about.ingest["by_rule"] == {"w must be a finite number above 0": 2}


@pytest.mark.parametrize("empty", [None, np.nan, "", "NA"])
def test_a_purchase_time_that_is_empty_where_nothing_was_bought_is_known_at_once(empty: Any) -> None:
    frame = LOG.assign(done=[0.5, empty, empty, 4.0])
    log = LoggedFeedback.read(frame, COLUMNS | {"known": "done"})
    assert next(log.parts(9)).known.tolist() == [0.5, 1, 2, 4]
    assert log.feedback.rewards.mean() == 0.5


SETS = {
    "one mark, names of several words": (["tea|mate|earl grey", "earl grey"], ["earl grey", "mate", "tea"]),
    "names with commas": (["tea, green|mate", "mate"], ["mate", "tea, green"]),
    "commas, names of several words": (["tea, earl grey", "earl grey"], ["earl grey", "tea"]),
    "one name of several words": (["earl grey", "earl grey"], ["earl grey"]),
    "quotes": (["['tea, green', 'mate']", '["mate"]'], ["mate", "tea, green"]),
    "fractions": (["7.0|8.0", "7|8"], ["7", "8"]),
    "numbers and spaces": (["[7 8]", "[8]"], ["7", "8"]),
    "a list of fractions": ([[7.0, 8.0], [8.0]], ["7", "8"]),
    "gaps": (["tea||mate", "|mate|"], ["mate", "tea"]),
}


@pytest.mark.parametrize("name", SETS)
def test_available_sets_are_split_by_the_one_mark_that_the_log_uses(name: str) -> None:
    cells, actions = SETS[name]
    taken = ["earl grey" if "earl grey" in actions else actions[0]] * 2
    if "7" in actions:
        taken = ["8.0", "8"]
    if name == "names with commas" or name == "quotes":
        taken = ["mate", "mate"]
    frame = pd.DataFrame({"time": [0.0, 1], "item": taken, "click": 0, "shown": cells})
    log = LoggedFeedback.read(frame, COLUMNS | {"available": "shown"})
    assert log.actions == tuple(actions)
    assert log.feedback.decisions.available[0].all()


def test_a_set_with_a_name_that_is_missing_is_rejected(tmp_path: Path) -> None:
    frame = pd.DataFrame({"time": [0.0, 1], "item": ["a", "b"], "click": 0, "shown": [["a", None], ["a", "b"]]})
    log = LoggedFeedback.read(frame, COLUMNS | {"available": "shown"}, rejects=tmp_path / "bad.csv")
    assert log.about.ingest["by_rule"] == {"shown must hold known actions only": 1}
    assert log.actions == ("a", "b")


def test_contexts_carry_a_constant_and_ones_stay_ones() -> None:
    frame = LOG.assign(one=1.0, five=5, x=[0, 0, 2, 2])
    for context in ({}, dict.fromkeys(("one", "five", "x"), "number")):
        log = LoggedFeedback.read(frame, COLUMNS | {"context": context})
        assert log.about.context == ("constant", *context)
        np.testing.assert_array_equal(log.feedback.decisions.contexts[:, 0], 1)
    np.testing.assert_array_equal(log.feedback.decisions.contexts[:, 1:3], [[1, 5]] * 4)
    np.testing.assert_array_equal(log.feedback.decisions.contexts[:, 3], [-1, -1, 1, 1])
