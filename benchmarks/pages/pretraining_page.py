"""What pretraining came to: the loss curve, and the judgement on users who were not learned from."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from benchmarks.pages.figures import STYLE, panel
from benchmarks.pages.labels import head
from benchmarks.pages.palette import QUIET
from benchmarks.pages.picture import save
from benchmarks.planning.scores import bounds, resamples
from policies.networks.pretraining import Judgement
from policies.policy import Floats, Integers, PolicyError

Scalars = Callable[[Floats, Judgement | None], None]


def write(out: Path, losses: Floats, mine: Judgement | None, plain: Judgement | None) -> None:
    """The loss curve, as a picture of the encoder's name."""
    save(picture(losses, mine, plain)[0], out.with_suffix(".png"))


def picture(
    losses: Floats, mine: Judgement | None, plain: Judgement | None, axes: Axes | None = None
) -> tuple[Figure, Axes]:
    """Loss by epoch on users learned from; on those held out, the encoder's (ring) and popularity's (dashes)."""
    with rc_context(STYLE):
        figure, axes = panel(axes, (7, 4.2))
        last = len(losses)
        axes.plot(np.arange(1, last + 1), losses, "o-", color="#0072B2", markersize=4)
        if plain is not None:
            axes.axhline(_nats(plain), color=QUIET, linestyle="--", linewidth=1.2)
            axes.annotate("popularity, users held out", (1, _nats(plain)), va="bottom", color=QUIET)
        if mine is not None:
            axes.plot(last, _nats(mine), "o", color="#D55E00", markersize=9, fillstyle="none", markeredgewidth=2)
            axes.annotate(
                "users held out ", (last, _nats(mine)), (4, 12), textcoords="offset points", ha="right", color="#D55E00"
            )
        axes.margins(y=0.1)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set_xlabel("epoch")
        axes.set_ylabel("nats for each next item (lower: better)")
        held = "" if mine is None else f", {_nats(mine):.2f} on users held out"
        head(axes, f"Loss: {losses[-1]:.2f} nats after {last} epochs{held}", "line: users learned from")
        return figure, axes


def _nats(one: Judgement) -> float:
    return float(np.log(one.perplexity))


def told(mine: Judgement, plain: Judgement, users: Integers) -> str:
    """By how much it is better than popularity, on users held out, with intervals over users."""
    counts = resamples(users.astype(np.int64))

    def recall(one: Judgement) -> Floats:
        return np.asarray((counts @ one.hits) / (counts @ one.counts))

    def perplexity(one: Judgement) -> Floats:
        return np.asarray(np.exp((counts @ one.surprise) / (counts @ one.counts)))

    more = bounds(recall(mine) - recall(plain))
    fewer = bounds(perplexity(mine) / perplexity(plain))
    verdict = (
        "better than popularity"
        if more[0] > 0
        else "worse than popularity"
        if more[1] < 0
        else "cannot tell from popularity"
    )
    return (
        f"On {len(np.unique(users)):,} users held out, recall@10 is {mine.recall:.3f}, "
        f"by popularity {plain.recall:.3f} (difference {more[0]:+.3f} to {more[1]:+.3f}): {verdict}.\n"
        f"Perplexity {mine.perplexity:,.0f}, by popularity {plain.perplexity:,.0f} "
        f"(ratio {fewer[0]:.2f} to {fewer[1]:.2f})."
    )


def scalars(folder: Path) -> Scalars:
    """What writes losses and the judgement as TensorBoard scalars into a folder.

    Raises:
        PolicyError: the extra `tensorboard` is not installed.
    """
    try:
        from tensorboardX import SummaryWriter
    except ImportError:
        raise PolicyError(
            "TensorBoard scalars require tensorboardX. Install it with pip install launchsim[tensorboard]"
        ) from None

    def write(losses: Floats, judgement: Judgement | None) -> None:
        writer: Any = SummaryWriter(str(folder))
        for epoch, loss in enumerate(losses, 1):
            writer.add_scalar("loss", float(loss), epoch)
        if judgement is not None:
            writer.add_scalar("held_out/recall_at_10", judgement.recall, len(losses))
            writer.add_scalar("held_out/perplexity", judgement.perplexity, len(losses))
        writer.close()

    return write
