"""Seasons added until they are enough: looked at after each, in their order, however workers finish them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

from benchmarks.sweeps.runs import Environments, Finished, Played, Run, check, finished, together
from benchmarks.sweeps.store import Recorded, Store
from benchmarks.workers.jobs import Workers

Enough = Callable[[Played, Sequence[int]], bool]  # runs as their last days, and the seeds they are of


def play_until(
    enough: Enough,
    first: int,
    environments: Environments,
    calls: Sequence[str],
    seeds: Sequence[int],
    *,
    days: int,
    folder: Path | None = None,
    key: str = "",
    workers: Workers = 1,
    progress: bool = False,
) -> tuple[Played, Sequence[int]]:
    """Play every policy with one seed after the other until the seasons so far are enough, or there are no more.

    Which seasons are enough depends on nothing but the seasons: what workers have finished beyond them is kept in the
    folder and not looked at.

    Args:
        enough: asked after every season from the `first` on.
        first: seasons at the first look.
        environments, calls, days, folder, key, workers, progress: as of `benchmarks.sweeps.runs.play_runs`.
        seeds: in the order in which they are added.

    Returns:
        What was played, as of `play_runs`, and the seeds it is of.
    """
    check(environments, calls, seeds[0], workers)
    store = Store(folder) if folder else None
    seasons = _Seasons(calls, seeds, first, enough)
    runs = (Run(environments, call, seed, days, key) for seed in seeds for call in calls)

    def kept(run: Run) -> bool:
        found = store.read(run.name) if store else None
        if found is not None:
            seasons.add(Finished(run, found))
        return found is not None

    with closing(finished(runs, len(seeds) * len(calls), kept, store, workers, progress)) as done:
        for each in done:
            seasons.add(each)
            if seasons.settled():
                break
    seasons.settled()
    return together(seasons.answers(seasons.looked)), seeds[: seasons.looked]


class _Seasons:
    """What came of the seasons so far, looked at in their order."""

    def __init__(self, calls: Sequence[str], seeds: Sequence[int], first: int, enough: Enough) -> None:
        self._calls, self._seeds, self._enough = calls, seeds, enough
        self._answers: dict[tuple[int, str], Finished] = {}
        self._settled = False
        self.looked = first - 1  # seasons that the last look was at

    def add(self, each: Finished) -> None:
        """A run has been played, or was kept."""
        self._answers[each.run.seed, each.run.policy] = each

    def answers(self, n: int) -> list[Finished]:
        """Of the first n seasons."""
        return [self._answers[seed, call] for seed in self._seeds[:n] for call in self._calls]

    def settled(self) -> bool:
        """Whether some number of seasons is enough; each is looked at once, as soon as all before it are there."""
        while not self._settled and self._complete(self.looked + 1):
            self.looked += 1
            seen = [each._replace(record=_last_day(each.record)) for each in self.answers(self.looked)]
            self._settled = self._enough(together(seen), self._seeds[: self.looked])
        return self._settled

    def _complete(self, n: int) -> bool:
        seeds = self._seeds[:n]
        return n <= len(self._seeds) and all((seed, call) in self._answers for seed in seeds for call in self._calls)


def _last_day(record: Recorded | None) -> Recorded | None:
    """All that a look needs: curves are cumulative."""
    return None if record is None else Recorded(record.days.tail(1), None)
