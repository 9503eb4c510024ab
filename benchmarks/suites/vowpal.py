"""Time of the Vowpal Wabbit policy beside VW's own driver on the same rounds, in one run.

Example:
    python -m benchmarks.suites.vowpal
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import numpy as np
from vowpalwabbit import Workspace

from policies.policy import Decisions, Feedback, Problem
from policies.vowpal import Vowpal

_K, _D, _ROUNDS, _REPEATS = 10, 16, 2_000, 5
_SETTINGS: dict[str, dict[str, str]] = {
    "epsilon": {},
    "epsilon, dr": {"cb_type": "dr"},
    **{
        name: {"explore": name}
        for name in ("first", "bag", "cover", "softmax", "squarecb", "regcb", "rnd", "synthcover")
    },
}


def main() -> None:
    """Print microseconds a round (decide and learn) of ours, of the driver, and their ratio; medians."""
    feedback = rounds(seed=0)
    print(f"Decide and learn, K = {_K}, d = {_D}, {_ROUNDS:,} rounds, median of {_REPEATS}; budget: ratio <= 3")
    print(f"{'explore':12} {'ours':>9} {'in batches':>11} {'VW driver':>10} {'ratio':>6}")
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "rounds.txt"
        log.write_text(text(feedback))
        for name, settings in _SETTINGS.items():
            single, batched, theirs = compare(settings, feedback, log)
            print(f"{name:12} {single:6.1f} us {batched:8.1f} us {theirs:7.1f} us {single / theirs:6.2f}")


def rounds(seed: int) -> Feedback:
    """Random rounds in which one linear reward per action can be learned."""
    rng = np.random.default_rng(seed)
    contexts = rng.normal(size=(_ROUNDS, _D)).round(3)
    chosen = rng.integers(_K, size=_ROUNDS)
    liked = (contexts * rng.normal(size=(_K, _D))[chosen]).sum(axis=1) > 0
    available = np.ones((_ROUNDS, _K), bool)
    decisions = Decisions(np.arange(_ROUNDS) / _ROUNDS, contexts, np.empty((_K, 0)), available)
    return Feedback(decisions, chosen, np.full(_ROUNDS, 1 / _K), liked.astype(float))


def text(feedback: Feedback) -> str:
    """The rounds in VW's text format."""
    contexts = (" ".join(f"{i}:{value}" for i, value in enumerate(row)) for row in feedback.decisions.contexts.tolist())
    labels = zip(feedback.chosen.tolist(), feedback.rewards.tolist(), feedback.propensities.tolist(), strict=True)
    lines = []
    for context, (chosen, reward, propensity) in zip(contexts, labels, strict=True):
        label = f"0:{-reward}:{propensity}"
        lines += [f"shared |c {context}", *(f"{label if k == chosen else ''} |i {k}" for k in range(_K)), ""]
    return "\n".join(lines) + "\n"


def compare(settings: dict[str, str], feedback: Feedback, log: Path) -> tuple[float, float, float]:
    """Microseconds a round: ours one at a time, ours in batches of 100, VW's driver reading the file."""
    problem = Problem(_K, _D)
    arguments = Vowpal(problem, **settings).arguments  # type: ignore[arg-type]
    output = ["-p", str(log.with_name("predictions.txt"))]

    def ours(n: int) -> None:
        policy = Vowpal(problem, **settings)  # type: ignore[arg-type]
        for lesson in parts[n]:
            policy.probabilities(lesson.decisions)
            policy.learn(lesson)

    parts = {n: [feedback.take(slice(at, at + n)) for at in range(0, _ROUNDS, n)] for n in (1, 100)}
    ours(1)
    works = [
        lambda: ours(1),
        lambda: ours(100),
        lambda: Workspace(arg_list=[*arguments, *output, "-d", str(log)]).finish(),
        lambda: Workspace(arg_list=[*arguments, *output]).finish(),
    ]
    # In turn, so that a busy machine slows all alike.
    timed = [[microseconds(work) for work in works] for _ in range(_REPEATS)]
    single, batched, driver, start = (median(column) for column in zip(*timed, strict=True))
    return single - start, batched - start, driver - start


def microseconds(work: Callable[[], None]) -> float:
    """Time of all rounds, a round."""
    start = time.perf_counter()
    work()
    return (time.perf_counter() - start) / _ROUNDS * 1e6


if __name__ == "__main__":
    main()
