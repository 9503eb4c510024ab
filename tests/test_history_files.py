"""A history on disk: the same when it is read back, its owner's alone, and unreadable without its key."""

from __future__ import annotations

import base64
import stat
from pathlib import Path

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pyarrow.parquet.encryption as pe
import pytest

from envs.history import History
from envs.history.files import parquet_key
from envs.logs.pseudonyms import VARIABLE, key, pseudonymiser
from envs.logs.rows import LogError

SECRET = "a secret of some length"


@pytest.fixture
def history(monkeypatch: pytest.MonkeyPatch) -> History:
    monkeypatch.setenv(VARIABLE, SECRET)
    goods = pd.DataFrame({"id": ["tea", "cup"], "price": [2.5, None], "colour": [0.5, 1.5]})
    lines = pd.DataFrame(
        {
            "user": ["anna", "bert", "anna", None],
            "item": ["tea", "cup", "tea", "cup"],
            "action": ["buy", "view", "return", "buy"],
            "quantity": [3, 1, 2, 1],
            "time": ["2024-01-01 10:00", "2024-01-01 11:00", "2024-01-02", "2024-01-03"],
        }
    )
    return History.read(goods=goods, behavior=lines)


def alike(one: History, other: History) -> None:
    for name in ("lines", "goods", "undone", "cleaning"):
        pd.testing.assert_frame_equal(getattr(one, name), getattr(other, name))
    assert (one.features, one.n_users, one.listed_given) == (other.features, other.n_users, other.listed_given)
    assert one.users is not None
    assert other.users is not None
    assert one.users.tolist() == other.users.tolist()


@pytest.mark.parametrize("encrypted", [False, True])
def test_a_history_comes_back_as_it_was(history: History, tmp_path: Path, encrypted: bool) -> None:
    history.write(tmp_path / "shop", encrypted=encrypted)
    alike(History.read(invoices=tmp_path / "shop"), history)


def test_a_part_of_a_history_comes_back_as_it_was(history: History, tmp_path: Path) -> None:
    history.until("2024-01-02").write(tmp_path / "shop")
    alike(History.read(invoices=tmp_path / "shop"), history.until("2024-01-02"))


def test_users_are_the_pseudonyms_that_logs_give_them(history: History) -> None:
    assert history.users is not None
    assert history.users.tolist() == pseudonymiser(key())(pa.array(["anna", "bert"])).to_pylist()


def test_files_are_their_owners_alone(history: History, tmp_path: Path) -> None:
    history.write(tmp_path / "shop")
    assert {stat.S_IMODE(file.stat().st_mode) for file in (tmp_path / "shop").iterdir()} == {0o600}
    assert stat.S_IMODE((tmp_path / "shop").stat().st_mode) == 0o700


def test_without_the_key_it_is_refused(history: History, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    history.write(tmp_path / "shop", encrypted=True)
    monkeypatch.delenv(VARIABLE)
    with pytest.raises(LogError, match="is encrypted and must have its key"):
        History.read(invoices=tmp_path / "shop")


def test_with_another_key_it_is_refused(history: History, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    history.write(tmp_path / "shop", encrypted=True)
    monkeypatch.setenv(VARIABLE, "another secret of some length")
    with pytest.raises(LogError, match="with the key that it was written with"):
        History.read(invoices=tmp_path / "shop")


def test_nothing_of_an_encrypted_history_is_in_plain_sight(history: History, tmp_path: Path) -> None:
    history.write(tmp_path / "shop", encrypted=True)
    for file in (tmp_path / "shop").iterdir():
        assert b"tea" not in file.read_bytes()
        assert b"quantity" not in file.read_bytes()


def test_pyarrow_reads_an_encrypted_history_with_the_key(history: History, tmp_path: Path) -> None:
    history.write(tmp_path / "shop", encrypted=True)
    properties = pe.create_decryption_properties(footer_key=parquet_key())
    goods = pq.read_table(tmp_path / "shop" / "goods.parquet", decryption_properties=properties)
    assert goods.column("id").to_pylist() == ["tea", "cup"]


def test_duckdb_reads_an_encrypted_history_with_the_key(history: History, tmp_path: Path) -> None:
    history.write(tmp_path / "shop", encrypted=True)
    with duckdb.connect() as connection:
        connection.execute(f"PRAGMA add_parquet_key('shop', '{base64.b64encode(parquet_key()).decode()}')")
        found = connection.sql(
            f"SELECT sum(quantity) FROM read_parquet('{tmp_path}/shop/lines.parquet', "
            "encryption_config = {footer_key: 'shop'})"
        ).fetchall()
    assert found == [(7,)]


def test_what_is_no_history_is_not_replaced(history: History, tmp_path: Path) -> None:
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "precious.txt").write_text("mine")
    with pytest.raises(LogError, match="must be a folder that is not there yet, or a history"):
        history.write(tmp_path / "shop")
    assert (tmp_path / "shop" / "precious.txt").read_text() == "mine"


def test_a_history_is_replaced_whole(history: History, tmp_path: Path) -> None:
    history.write(tmp_path / "shop", encrypted=True)
    history.until("2024-01-02").write(tmp_path / "shop")
    assert len(History.read(invoices=tmp_path / "shop").lines) == 2
    assert [file.name for file in tmp_path.iterdir()] == ["shop"]


def test_a_torn_file_is_told_in_one_line(history: History, tmp_path: Path) -> None:
    history.write(tmp_path / "shop")
    lines = tmp_path / "shop" / "lines.parquet"
    lines.write_bytes(lines.read_bytes()[:-20])
    with pytest.raises(LogError, match="history must be readable whole") as error:
        History.read(invoices=tmp_path / "shop")
    assert "\n" not in str(error.value)
