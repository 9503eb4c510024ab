"""Policies side by side on one scenario: the same visitors for each, so that differences can be told."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import closing
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from benchmarks.compared import Comparison
from benchmarks.comparison import anytime
from benchmarks.comparison import guardrails as guards_of
from benchmarks.sweeps.columns import SALES
from benchmarks.sweeps.growing import play_until
from benchmarks.sweeps.runs import Finished, Played, Run, check, finished, meaning, play_runs, together
from benchmarks.sweeps.seasons import Seasons, foreign, of_a_shop
from benchmarks.sweeps.store import Store
from policies.policy import PolicyError

__all__ = ["Comparison", "SoFar", "compare", "comparing"]

_SLOW = "neural_"  # such policies take fifty times as long: of each season they come last where answers are shown early


def compare(
    scenario: Any,
    policies: Sequence[str],
    seeds: int | Sequence[int] = 10,
    *,
    baseline: str | None = None,
    measure: str | None = None,
    guardrails: Mapping[str, float] | None = None,
    until_decided: bool = False,
    budget: int = 200,
    titles: int = 0,
    overrides: Mapping[str, Any] | None = None,
    folder: str | Path | None = None,
    processes: int = 1,
    executor: Executor | None = None,
    progress: bool = False,
) -> Comparison:
    """Let every policy run the same seasons and judge their sales against a baseline.

    Args:
        scenario: a Scenario, the name of one, the path of its TOML, or a function from a seed to a fresh environment of
            your own, which is judged by reward, or by sales where it has a `ledger` as `Simulated` has; without one
            its curves have 100 equal parts of the decisions for days. Of a
            calibrated market (Calibrated, or the TOML that `launchsim calibrate` wrote) each season is of its own draw.
        policies: calls such as `linucb(alpha=0.5)`; `oracle` is the policy that knows the truth.
        seeds: how many (0, 1, ...), or which. The same seed brings the same visitors to every policy.
        baseline: one of the policies; `uniform` if it is among them, otherwise the first.
        measure: what is judged: "units", "revenue" or "margin" (euros), the shop's, net of returns; what the scenario
            rewards where not given.
        guardrails: what a policy that sells more may worsen, and by which share at most, such as {"margin": 0.02}; it
            is "discuss" otherwise. None: those of `benchmarks.comparison.guardrails.DEFAULTS`, of a shop; {}: none.
        until_decided: add seasons until every verdict on the baseline stands and the leader leads alone. Intervals are
            then such that one may look after every season (benchmarks.comparison.anytime); the first look is after
            `seeds` of them, 20 at least.
        budget: how many seasons at most, where they are added until decided.
        titles: dimensions in which policies see the products' titles (sentence embeddings, extra `text`); 0 for none.
        overrides: keys of the scenario that are changed, such as {"arrivals.per_day": "x1.5"}: see
            `benchmarks.sweeps.overrides`.
        folder: finished runs are kept there and not played again; None keeps nothing.
        processes: runs at once; above 1 needs the caller's `if __name__ == "__main__":`.
        executor: plays the runs in place of processes of this machine, such as that of a cluster; it is not shut down.
        progress: show a bar on stderr.

    Raises:
        ScenarioError: the scenario is unknown or malformed.
        PolicyError: a policy, setting, baseline, measure or guardrail is unknown, a budget holds no look, or titles
            need an extra that is not installed.
    """
    asked = _asked(scenario, policies, seeds, baseline, measure, guardrails, titles, overrides, kept=folder is not None)
    seasons, calls, chosen = asked.seasons, asked.policies, asked.seeds
    looks = _looks(seeds, budget) if until_decided else None
    how: Any = {
        "days": seasons.days,
        "folder": Path(folder) if folder else None,
        "key": seasons.key,
        "workers": executor or processes,
        "progress": progress,
    }
    if looks is None:
        comparison = asked.judged(play_runs(seasons.environments, calls, chosen, **how), chosen)
    else:
        most = list(range(looks[1])) if isinstance(seeds, int) else chosen

        def enough(played: Played, seeds: Sequence[int]) -> bool:
            return asked.judged(played, seeds, looks).decided

        comparison = asked.judged(*play_until(enough, looks[0], seasons.environments, calls, most, **how), looks)
    if seasons.drawn is None:
        return comparison
    certain = compare(
        comparison.scenario,
        comparison.policies,
        comparison.seeds,
        baseline=comparison.baseline,
        measure=comparison.measure,
        guardrails=guardrails,
        titles=titles,
        folder=folder,
        processes=processes,
        executor=executor,
        progress=progress,
    )
    return replace(comparison, certain=replace(certain, looks=looks))


@dataclass(frozen=True)
class SoFar:
    """What a comparison has come to while its seasons are being played."""

    asked: Asked
    answers: list[Finished]
    total: int  # runs

    @property
    def done(self) -> int:
        """Runs that are through, failed ones among them."""
        return len(self.answers)

    @property
    def failed(self) -> dict[str, str]:
        """Policies that did not play a season, and why."""
        return {each.run.policy: each.reason for each in reversed(self.answers) if each.record is None}

    @property
    def waiting(self) -> list[str]:
        """Policies whose first season is not through."""
        begun = {each.run.policy for each in self.answers}
        return [call for call in self.asked.policies if call not in begun]

    @property
    def seeds(self) -> list[int]:
        """Seasons that all policies have finished which have finished any."""
        left = [call for call in self.asked.policies if call not in {*self.waiting, *self.failed}]
        done = {(each.run.policy, each.run.seed) for each in self.answers}
        return [seed for seed in self.asked.seeds if left and all((call, seed) in done for call in left)]

    @cached_property
    def comparison(self) -> Comparison | None:
        """Of the policies and seasons that are through; None as long as there is nothing to compare.

        Raises:
            PolicyError: the baseline failed, or every policy.
        """
        seeds, waiting = self.seeds, self.waiting
        if self.asked.baseline in waiting or len(waiting) == len(self.asked.policies) - 1 > 0 or not seeds:
            return None
        answers = [each for each in self.answers if each.run.seed in seeds or each.record is None]
        return self.asked.judged(together(answers), seeds, waiting=waiting)


def comparing(
    scenario: Any,
    policies: Sequence[str],
    seeds: int | Sequence[int] = 10,
    *,
    baseline: str | None = None,
    measure: str | None = None,
    guardrails: Mapping[str, float] | None = None,
    titles: int = 0,
    overrides: Mapping[str, Any] | None = None,
    folder: str | Path | None = None,
    processes: int = 1,
    executor: Executor | None = None,
) -> Generator[SoFar, None, None]:
    """As `compare`, season by season: first what is kept already, then after each run; close the generator to stop.

    The same runs as those of `compare`, under the same names in the same folder. Nothing is played before the second
    answer is asked for. A verdict is that of all seasons: one that is looked at early is less sure than it says.
    """
    asked = _asked(scenario, policies, seeds, baseline, measure, guardrails, titles, overrides, kept=folder is not None)
    seasons, store = asked.seasons, Store(Path(folder)) if folder else None
    calls = sorted(asked.policies, key=lambda call: call.startswith(_SLOW))
    runs = [Run(seasons.environments, call, seed, seasons.days, seasons.key) for seed in asked.seeds for call in calls]
    answers = [Finished(run, found) for run in runs if store and (found := store.read(run.name)) is not None]
    kept = {each.run for each in answers}
    yield SoFar(asked, [*answers], len(runs))
    if len(kept) == len(runs):
        return
    check(seasons.environments, calls, asked.seeds[0], executor or processes)
    with closing(finished(runs, len(runs), kept.__contains__, store, executor or processes)) as playing:
        for each in playing:
            answers.append(each)
            yield SoFar(asked, [*answers], len(runs))


@dataclass(frozen=True)
class Asked:
    """A comparison that makes sense, before anything is played."""

    seasons: Seasons
    policies: list[str]
    seeds: list[int]
    baseline: str
    measure: str
    guardrails: Mapping[str, float]

    def judged(
        self,
        played: Played,
        seeds: Sequence[int],
        looks: tuple[int, int] | None = None,
        waiting: Sequence[str] = (),
    ) -> Comparison:
        """What came of these seasons, of the policies that neither failed nor wait.

        Raises:
            PolicyError: the baseline failed.
        """
        if self.baseline in played.failed:
            raise PolicyError(f"baseline must play every season; {played.failed[self.baseline]}")
        return Comparison(
            self.seasons.scenario,
            [call for call in self.policies if call not in played.failed and call not in waiting],
            list(seeds),
            self.baseline,
            self.measure,
            played.records,
            played.failed,
            self.seasons.drawn,
            played.products,
            guardrails=self.guardrails,
            looks=looks,
        )


def _asked(
    scenario: Any,
    policies: Sequence[str],
    seeds: int | Sequence[int],
    baseline: str | None,
    measure: str | None,
    guardrails: Mapping[str, float] | None,
    titles: int,
    overrides: Mapping[str, Any] | None,
    kept: bool,
) -> Asked:
    calls, chosen = list(policies), list(range(seeds) if isinstance(seeds, int) else seeds)
    seasons = foreign(scenario, kept=kept) if callable(scenario) else of_a_shop(scenario, titles, overrides)
    shop = seasons.scenario
    measure = measure or ("reward" if shop is None else shop.reward)
    books = shop is not None or any(hasattr(seasons.environments(seed), "ledger") for seed in chosen[:1])
    known = SALES if shop is not None else (*SALES, "reward") if books else ("reward",)
    baseline = _check(calls, chosen, baseline, measure, known)
    guarded = _guarded(guards_of.DEFAULTS if guardrails is None and shop is not None else guardrails, books, measure)
    return Asked(seasons, calls, chosen, baseline, measure, guarded)


def _looks(seeds: int | Sequence[int], budget: int) -> tuple[int, int]:
    """After how many seasons one looks first, and how many there are at most."""
    first, most = (seeds, budget) if isinstance(seeds, int) else (0, len(seeds))
    first = max(first, anytime.FIRST)
    if most < first:
        raise PolicyError(f"budget must be at least {first} seasons, those of the first look, got {most}")
    return first, most


def _guarded(guardrails: Mapping[str, float] | None, books: bool, measure: str) -> dict[str, float]:
    """The guardrails of a comparison: not what is judged anyway, and none where nobody keeps books."""
    guardrails = guardrails or {}
    if guardrails and not books:
        raise PolicyError(f"guard must be none where environments have no ledger, got {', '.join(guardrails)}")
    return {name: margin for name, margin in guards_of.checked(guardrails).items() if name != measure}


def _check(calls: list[str], seeds: list[int], baseline: str | None, measure: str, known: Sequence[str]) -> str:
    """The baseline, once all that was asked for makes sense."""
    if not calls:
        raise PolicyError("policies must be at least one, got none")
    for i, call in enumerate(calls):
        if alike := [other for other in calls[:i] if meaning(other) == meaning(call)]:
            raise PolicyError(f"policies must be distinct, got {call!r}, which means the same as {alike[0]!r}")
    if not seeds or len(set(seeds)) < len(seeds) or min(seeds) < 0:
        raise PolicyError(f"seeds must be one or more distinct numbers from 0 up, got {seeds}")
    if measure not in known:
        raise PolicyError(f"measure must be one of {', '.join(known)}, got {measure!r}")
    if baseline is None:
        return "uniform" if "uniform" in calls else calls[0]
    if baseline not in calls:
        raise PolicyError(f"baseline must be one of the policies compared ({', '.join(calls)}), got {baseline!r}")
    return baseline
