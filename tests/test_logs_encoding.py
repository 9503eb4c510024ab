"""Encodings: what a column becomes, by hand, and the same again after saving."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from envs.feedback import LogError
from envs.logs.encoding import Encoding, Feature


def test_numbers_are_standardised_and_gaps_flagged() -> None:
    feature = Feature("age", "number", "indicator", fill=30.0, mean=30.0, scale=5.0)
    assert feature.names == ["age", "age missing"]
    np.testing.assert_array_equal(feature.apply(pa.array([40.0, None, 25.0])), [[2, 0], [0, 1], [-1, 0]])


def test_categories_have_a_feature_each_and_strangers_none() -> None:
    feature = Feature("land", "one-hot", "mode", fill="fr", categories=("de", "fr"))
    assert feature.names == ["land=de", "land=fr"]
    np.testing.assert_array_equal(feature.apply(pa.array(["de", "it", None])), [[1, 0], [0, 0], [0, 1]])


@settings(max_examples=30, deadline=None)
@given(values=st.lists(st.none() | st.text(max_size=5), min_size=1, max_size=20), size=st.integers(1, 9))
def test_hashed_categories_have_one_feature_whatever_stands_beside_them(values: list[str | None], size: int) -> None:
    feature = Feature("city", "hash", "indicator", size=size)
    whole = feature.apply(pa.array(values, pa.string()))
    assert whole.shape == (len(values), size + 1)
    np.testing.assert_array_equal(whole.sum(axis=1), 1)
    np.testing.assert_array_equal(whole[:, -1] == 1, [value is None for value in values])
    for i, value in enumerate(values):
        np.testing.assert_array_equal(feature.apply(pa.array([value], pa.string()))[0], whole[i])


def test_an_encoding_is_the_same_after_saving(tmp_path: Path) -> None:
    encoding = Encoding(
        (
            Feature("age", "number", "mean", fill=1 / 3, mean=0.1, scale=1e-17),
            Feature("land", "one-hot", "drop", categories=("dé", '"x"')),
            Feature("city", "hash", "drop", size=4),
        )
    )
    encoding.save(tmp_path / "encoding.json")
    assert Encoding.load(tmp_path / "encoding.json") == encoding
    assert (tmp_path / "encoding.json").stat().st_mode & 0o777 == 0o600
    assert encoding.names == ["age", "land=dé", 'land="x"', "city#0", "city#1", "city#2", "city#3"]


def test_what_is_no_encoding_is_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("[")
    (tmp_path / "b.json").write_text('{"features": [{"colour": 1}]}')
    for name, message in {"a.json": "JSON", "b.json": "one that was saved", "c.json": "exists"}.items():
        with pytest.raises(LogError, match=message):
            Encoding.load(tmp_path / name)
