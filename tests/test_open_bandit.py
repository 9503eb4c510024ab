"""The Open Bandit Dataset: the figures of its sample, and how it is brought, checked and found."""

from __future__ import annotations

import hashlib
import subprocess
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from envs import open_bandit
from envs.feedback import LogError

K = {"all": 80, "men": 34, "women": 46}
CLICKS = {  # counted from the files with another reader
    ("random", "all"): 38,
    ("random", "men"): 46,
    ("random", "women"): 46,
    ("bts", "all"): 42,
    ("bts", "men"): 69,
    ("bts", "women"): 46,
}


@pytest.mark.data
@pytest.mark.parametrize(("behavior", "campaign"), CLICKS)
def test_the_six_logs_hold_what_their_files_hold(behavior: str, campaign: str, data: Path) -> None:
    log = open_bandit.load(behavior, campaign, data / "open_bandit")
    feedback = log.feedback
    table = pd.read_csv(data / "open_bandit" / behavior / campaign / f"{campaign}.csv.gz", index_col=0)
    assert len(log) == 10_000
    assert len(log.actions) == K[campaign]
    assert feedback.rewards.sum() == CLICKS[behavior, campaign]
    np.testing.assert_array_equal(feedback.chosen, table.item_id)
    np.testing.assert_array_equal(feedback.propensities, table.propensity_score)
    np.testing.assert_array_equal(log.positions, table.position)
    assert set(log.positions) == {1, 2, 3}
    days = pd.to_datetime(table.timestamp, utc=True).diff().dt.total_seconds().fillna(0).cumsum() / 86_400
    np.testing.assert_allclose(feedback.decisions.times, days, atol=1e-9)
    assert feedback.decisions.available.all()
    np.testing.assert_array_equal(
        feedback.decisions.contexts.sum(axis=1), 5
    )  # a constant, and one category of each feature
    if behavior == "random":
        np.testing.assert_allclose(feedback.propensities, 1 / K[campaign])


@pytest.mark.data
def test_contexts_and_products_mean_the_same_in_both_logs_of_a_campaign(data: Path) -> None:
    one, other = (open_bandit.load(behavior, "men", data / "open_bandit") for behavior in open_bandit.BEHAVIORS)
    assert one.about.context == other.about.context
    assert one.problem == other.problem
    look = one.feedback.decisions.actions
    np.testing.assert_array_equal(look, other.feedback.decisions.actions)
    assert look[:, 0].mean() == pytest.approx(0, abs=1e-12)
    np.testing.assert_array_equal(look[:, 1:].sum(axis=1), 3)  # one category of each feature


@pytest.mark.data
def test_a_copy_that_is_adopted_is_found_without_a_path(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(LogError, match="launchsim data open-bandit"):
        open_bandit.load()
    for _ in range(2):
        open_bandit.adopt(data / "open_bandit")
    assert len(open_bandit.load("bts", "women")) == 10_000
    assert open_bandit.bring() == open_bandit.cache()  # nothing to download


def pip(members: dict[str, str]) -> Any:
    """A stand-in for pip that leaves a wheel of these members."""

    def run(command: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        assert command[-1] == "obp==0.4.1"
        assert command[command.index("--only-binary") + 1] == ":all:"
        with zipfile.ZipFile(Path(command[command.index("--dest") + 1]) / "obp.whl", "w") as archive:
            for name, text in members.items():
                archive.writestr(zipfile.ZipInfo(name), text)
        return subprocess.CompletedProcess(command, 0, "", "")

    return run


def test_the_wheel_is_unpacked_into_the_cache_and_nothing_else_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    members = {"obp/dataset/obd/random/all/all.csv": "a,b\n", "obp/setup.py": "boom", "../evil": "x"}
    with zipfile.ZipFile(tmp_path / "obp.whl", "w") as archive:
        for name, text in members.items():
            archive.writestr(zipfile.ZipInfo(name), text)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(subprocess, "run", pip(members))
    monkeypatch.setattr(open_bandit, "SHA256", hashlib.sha256((tmp_path / "obp.whl").read_bytes()).hexdigest())
    folder = open_bandit.bring()
    assert [str(f.relative_to(tmp_path / "cache")) for f in (tmp_path / "cache").rglob("*") if f.is_file()] == [
        "launchsim/open_bandit/random/all/all.csv"
    ]
    assert (folder.parent.stat().st_mode & 0o777) == 0o700


def test_a_wheel_that_is_not_the_one_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(subprocess, "run", pip({"obp/dataset/obd/random/all/all.csv": "poison"}))
    with pytest.raises(LogError, match=r"must have sha256 87dec9.*, got "):
        open_bandit.bring()
    assert not open_bandit.cache().exists()


def test_offline_the_error_says_what_to_do_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    failed = subprocess.CompletedProcess([], 1, "", "WARNING: retrying\nERROR: no network\n")
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: failed)
    with pytest.raises(LogError, match=r"'ERROR: no network'.*launchsim data open-bandit --path DIR") as caught:
        open_bandit.bring()
    assert "\n" not in str(caught.value)


def test_names_and_folders_that_there_are_not_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with pytest.raises(LogError, match="behavior must be one of random, bts, got 'greedy'"):
        open_bandit.load("greedy")
    with pytest.raises(LogError, match="campaign must be one of all, men, women, got 'kids'"):
        open_bandit.load("bts", "kids")
    with pytest.raises(LogError, match=r"must have random/all/all.csv"):
        open_bandit.load(path=tmp_path)
    with pytest.raises(LogError, match=r"folder with random/all/all.csv or the like"):
        open_bandit.adopt(tmp_path)
