"""The Open Bandit Dataset: logs of a fashion shop's front page, under uniform and under Thompson sampling choice.

Saito, Aihara, Matsutani & Narita (2021), Open Bandit Dataset and Pipeline, arXiv 2008.07146. Read in the data set's own
layout, `<behavior>/<campaign>/<campaign>.csv` with `item_context.csv` beside it, plain or gzipped; the sample and the
full release share it.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pandas as pd

from envs.feedback import LogError, LoggedFeedback
from policies.policy import Decisions, Feedback, Floats

BEHAVIORS = ("random", "bts")
CAMPAIGNS = ("all", "men", "women")


def cache() -> Path:
    """Where `launchsim data open-bandit` puts the data set."""
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "launchsim" / "open_bandit"


def load(behavior: str = "random", campaign: str = "all", path: str | Path | None = None) -> LoggedFeedback:
    """One of the six logs.

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
    log = pd.read_csv(_file(folder, behavior, campaign, campaign), index_col=0)
    items = pd.read_csv(_file(folder, behavior, campaign, "item_context"), index_col=0)
    times = pd.to_datetime(log.timestamp, utc=True)
    contexts = pd.get_dummies(log.filter(regex="^user_feature_")).astype(float)
    decisions = Decisions(
        ((times - times.min()) / pd.Timedelta(days=1)).to_numpy(),
        contexts.to_numpy(),
        _item_features(items),
        np.ones((len(log), len(items)), bool),
    )
    feedback = Feedback(
        decisions,
        log.item_id.to_numpy(np.int64),
        log.propensity_score.to_numpy(float),
        log.click.to_numpy(float),
    )
    names = [str(item) for item in range(len(items))]
    return LoggedFeedback(feedback, names, context=list(contexts.columns), positions=log.position.to_numpy())


def _file(folder: Path, behavior: str, campaign: str, name: str) -> Path:
    for ending in (".csv", ".csv.gz"):
        file = folder / behavior / campaign / f"{name}{ending}"
        if file.is_file():
            return file
    raise LogError(
        f"Open Bandit Dataset must have {behavior}/{campaign}/{name}.csv, got none in {str(folder)!r}: "
        "bring it with: launchsim data open-bandit"
    )


def _item_features(items: pd.DataFrame) -> Floats:
    """(K, a) the one numeric feature, standardised, and the categories one-hot."""
    items = items.sort_values("item_id")
    number = items.item_feature_0
    features = pd.get_dummies(items.drop(columns=["item_id", "item_feature_0"])).astype(float)
    features.insert(0, "item_feature_0", (number - number.mean()) / number.std())
    table: Floats = features.to_numpy()
    return table
