"""Pseudonyms: keyed BLAKE2 as the standard library computes it, a key that is secret, and cells too small to show."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pyarrow as pa
import pytest

from envs.feedback import LogError
from envs.logs.pseudonyms import key, pseudonymiser, suppressed


def test_the_same_user_has_one_pseudonym_under_one_key_and_another_under_another() -> None:
    ids = pa.array(["anna", "bert", "anna"])
    mine, yours = pseudonymiser(b"k" * 32)(ids), pseudonymiser(b"l" * 32)(ids)
    assert mine[0] == mine[2] != mine[1]
    assert mine[0] != yours[0]
    known = hashlib.blake2b(b"anna", key=b"k" * 32, digest_size=8).digest()
    assert mine[0].as_py() == int.from_bytes(known, "little")


def test_the_key_is_in_the_environment_or_in_a_file_of_its_owners(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "key"
    file.write_text("a very secret sentence\n")
    file.chmod(0o600)
    monkeypatch.setenv("LAUNCHSIM_PSEUDONYM_KEY", "a very secret sentence")
    assert key() == key(file)
    file.chmod(0o640)
    with pytest.raises(LogError, match=r"\(0600\), got 0640"):
        key(file)
    with pytest.raises(LogError, match="absent"):
        key(tmp_path / "absent")
    monkeypatch.setenv("LAUNCHSIM_PSEUDONYM_KEY", "short")
    with pytest.raises(LogError, match="16 characters or more, got 5"):
        key()
    monkeypatch.delenv("LAUNCHSIM_PSEUDONYM_KEY")
    with pytest.raises(LogError, match="got none: set LAUNCHSIM_PSEUDONYM_KEY"):
        key()


def test_counts_of_few_users_are_left_out_and_counts_of_none_are_zero() -> None:
    assert suppressed([9, 9, 0, 3], [5, 4, 0, 1], 5) == [9, None, 0, None]
