"""A list of candidates as shops write it: usual names, and codes that are numbers."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from benchmarks.planning.candidates import checked, read


def _read(text: str, tmp_path: Path) -> pd.DataFrame:
    (tmp_path / "new.csv").write_text(text, encoding="utf-8")
    return read(tmp_path / "new.csv")


def test_no_digit_of_a_code_is_lost_though_some_rows_have_none(tmp_path: Path) -> None:
    found = _read("id,title,category,price\n0070501,365,0110411,30\n,Tea,,25\n", tmp_path)
    assert found["id"].tolist()[:1] == ["0070501"]
    assert found["title"].tolist() == ["365", "Tea"]
    assert found["category"].tolist()[:1] == ["0110411"]
    assert found["category"].isna().tolist() == [False, True]


def test_numbers_of_a_frame_are_codes_as_they_would_be_written() -> None:
    found = checked(pd.DataFrame({"title": [365, 366], "category": [110411.0, None]}))
    assert found["title"].tolist() == ["365", "366"]
    assert found["category"].tolist() == ["110411", None]


@pytest.mark.parametrize(
    "header", ["Product Name,SKU,Category,Unit Price,Cost Price", "商品名称,货号,类目,售价,成本"], ids=["en", "zh"]
)
def test_columns_are_known_by_the_names_that_goods_have(header: str, tmp_path: Path) -> None:
    found = _read(f"{header}\nMug,a1,cups,4.5,2\n", tmp_path)
    row = found[["title", "id", "category", "price", "cost"]].iloc[0].tolist()
    assert row == ["Mug", "a1", "cups", 4.5, 2]


def test_where_there_are_no_titles_ids_are(tmp_path: Path) -> None:
    assert _read("product,price\nmug,4.5\n", tmp_path)["title"].tolist() == ["mug"]
