"""What real logs say of the policies: replay and off-policy estimates on the Open Bandit Dataset, with their doubts."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.comparison.statistics import CONFIDENCE, rate_difference, rate_interval
from benchmarks.off_policy import bernoulli_ts, evaluate
from benchmarks.off_policy.judging import frozen
from benchmarks.off_policy.passes import InMemory, Passes, Streamed
from benchmarks.runner import run
from benchmarks.sweeps.runs import make
from benchmarks.workers.bar import bar
from benchmarks.workers.jobs import play_all
from envs.feedback import LoggedFeedback
from envs.logged import Logged
from envs.open_bandit import CAMPAIGNS, load

ENOUGH_CLICKS = 10.0
THOMPSON = "logged Thompson sampling"


@dataclass(frozen=True)
class RealLogs:
    """The tables of the page's section on real logs; rates are clicks per shown item."""

    observed: pd.DataFrame  # a row a campaign: what happened under the two policies that made the logs
    replays: pd.DataFrame  # a row a campaign and policy: learning on the random log by rejection
    estimates: pd.DataFrame  # the same: IPS and SNIPS on rows the policy was not trained on

    @property
    def clicks(self) -> tuple[int, int]:
        """Fewest and most clicks of a log."""
        both = self.observed[["random_clicks", "thompson_clicks"]].to_numpy()
        return int(both.min()), int(both.max())

    @property
    def replayed_clicks(self) -> tuple[int, int]:
        """Fewest and most clicks that a replay kept."""
        return int(self.replays.clicks.min()), int(self.replays.clicks.max())

    def replay_of(self, campaign: str, policy: str) -> Any:
        """The row of `replays`; None for the policy of the logs, which was not replayed."""
        rows = self.replays[(self.replays.campaign == campaign) & (self.replays.policy == policy)]
        return None if rows.empty else rows.iloc[0]


@dataclass(frozen=True)
class Question:
    """One policy on one campaign."""

    campaign: str
    call: str
    seed: int
    path: Path | None

    def play(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Its replay and its estimates, as rows."""
        named = {"campaign": self.campaign, "policy": self.call}
        log = _log("random", self.campaign, self.path)
        return named | _replayed(self.call, log, self.seed), named | _frozen(self.call, log, self.seed)


def read_off(
    calls: Sequence[str],
    *,
    seed: int = 0,
    path: Path | None = None,
    processes: int = 1,
    progress: bool = False,
) -> RealLogs:
    """Judge the policies on the three campaigns of the Open Bandit Dataset.

    Args:
        calls: policies, as `linucb(alpha=0.5)`; the oracle has no meaning here and is to be left out.
        seed: of policies and draws.
        path: the data set's folder; where `launchsim data open-bandit` put it if not given.
        processes: how many at once.
        progress: show a bar on stderr.

    Raises:
        LogError: the data set is not there.
    """
    observed = [_observed(campaign, path) for campaign in CAMPAIGNS]
    estimates = [_logged_thompson(campaign, path) for campaign in CAMPAIGNS]
    replays = []
    questions = [Question(campaign, call, seed, path) for campaign in CAMPAIGNS for call in calls]
    with bar(progress) as shown, closing(play_all(questions, processes)) as answers:
        task = shown.add_task("real logs", total=len(questions))
        for replay, judged in answers:
            replays.append(replay)
            estimates.append(judged)
            shown.advance(task)
    order = [*calls, THOMPSON]
    return RealLogs(pd.DataFrame(observed), _sorted(replays, order), _sorted(estimates, order))


def _sorted(rows: list[dict[str, Any]], calls: list[str]) -> pd.DataFrame:
    """By campaign, then in the order of the policies."""
    rows = sorted(rows, key=lambda row: (CAMPAIGNS.index(row["campaign"]), calls.index(row["policy"])))
    return pd.DataFrame(rows)


@cache
def _log(behavior: str, campaign: str, path: Path | None) -> LoggedFeedback:
    return load(behavior, campaign, path)


def _observed(campaign: str, path: Path | None) -> dict[str, Any]:
    """Click rates of the two policies that made the logs, on the visitors they met."""
    logs = {"random": _log("random", campaign, path), "thompson": _log("bts", campaign, path)}
    row: dict[str, Any] = {"campaign": campaign, "items": len(logs["random"].actions)}
    for name, log in logs.items():
        clicks, rows = int(log.feedback.rewards.sum()), len(log)
        row |= {f"{name}_clicks": clicks, f"{name}_rows": rows, f"{name}_rate": clicks / rows}
        row[f"{name}_lower"], row[f"{name}_upper"] = rate_interval(clicks, rows)
    happened = {name: (row[f"{name}_clicks"], row[f"{name}_rows"]) for name in logs}
    together = 1 - (1 - CONFIDENCE) / len(CAMPAIGNS)
    found = rate_difference(*happened["thompson"], *happened["random"], confidence=together)
    row["difference"], row["lower"], row["upper"] = found
    row["verdict"] = "better" if row["lower"] > 0 else "worse" if row["upper"] < 0 else "cannot tell"
    return row


def _replayed(call: str, log: LoggedFeedback, seed: int) -> dict[str, Any]:
    """A policy learns on the log by rejection: the rows it would have made are all that it sees."""
    environment = Logged(log, seed)
    trace = run(make(call, environment, seed), environment, seed=seed)
    report = environment.report()
    clicks, rows = int(trace.rewards.sum()), len(trace)
    lower, upper = rate_interval(clicks, rows)
    found = {"matched": report.matched, "rows": rows, "effective": report.effective_sample_size}
    return found | {"clicks": clicks, "rate": clicks / rows if rows else np.nan, "lower": lower, "upper": upper}


def _frozen(call: str, log: LoggedFeedback, seed: int) -> dict[str, Any]:
    """A policy learns from the earlier half, is frozen, and is judged on the later half."""
    half = len(log) // 2
    policy, _ = frozen(log, call, half, seed)
    return _estimated(Streamed(log, policy, half))


def _logged_thompson(campaign: str, path: Path | None) -> dict[str, Any]:
    """The policy of the other log, judged on the random one: its true rate is known from its own log."""
    log = _log("random", campaign, path)
    assert log.positions is not None  # the data set has them
    answers = bernoulli_ts.probabilities(campaign, log.positions)
    return {"campaign": campaign, "policy": THOMPSON} | _estimated(InMemory(log.feedback, answers))


def _estimated(passes: Passes) -> dict[str, Any]:
    """IPS and SNIPS with bootstrap intervals.

    A bootstrap sees no click that the sample lacks: where the log is worth fewer than ten clicks of this policy its
    interval is widened to Wilson's for the effective sample.
    """
    evaluation = evaluate(passes, ("ips", "snips"), placebo=False)
    table = evaluation.table()
    effective = float(table.effective_sample_size["ips"])
    worth = effective * evaluation.health().observed
    row: dict[str, Any] = {"rows": len(passes), "effective": effective, "worth": worth}
    for name, found in table.iterrows():
        lower, upper = found.lower, found.upper
        if worth < ENOUGH_CLICKS:
            low, high = rate_interval(min(found.value, 1.0) * effective, effective)
            lower, upper = min(low, lower), max(high, upper)
        row |= {f"{name}": found.value, f"{name}_lower": lower, f"{name}_upper": upper}
    return row
