"""What comes back: of how many lines, how much of them, after how many days."""

from __future__ import annotations

import numpy as np

from simulator.calibration.part import Part, Settings, default, parameter
from simulator.calibration.sales import Sales


def fit(sales: Sales) -> Part:
    """Share of lines of which something comes back, share of those (of several pieces) that keep a part, mean days.

    A return may come later than the history lasts: lines of the last days have had less time, so the share is that of
    lines that were watched for a full return window (the 99th percentile of the delays).
    """
    back = sales.returned > 0
    if not back.any():
        return Part({"buying.returns": 0.0}, [default("buying.returns", 0.0, "of lines", "no return is on record")])
    delays = sales.returned_after
    window = float(max(np.quantile(delays, 0.99), 1.0))
    watched = sales.days - sales.times[sales.visits] >= min(window, sales.days / 2)
    several = back & (sales.pieces > 1)
    part = float((sales.returned < sales.pieces)[several].mean()) if several.any() else 0.0
    count, total = int((back & watched).sum()), int(watched.sum())
    days = float(max(delays.mean(), 0.01))

    def settings(share: float, kept: float) -> Settings:
        return {
            "buying.returns": share,
            "buying.returns_part": kept,
            "buying.return_days": days,
            "buying.return_window": window,
        }

    def draw(random: np.random.Generator) -> Settings:
        kept = random.beta(part * several.sum() + 0.5, (1 - part) * several.sum() + 0.5)
        return settings(float(random.beta(count + 0.5, total - count + 0.5)), float(kept))

    share = count / total
    told = [
        parameter("buying.returns", share, np.sqrt(share * (1 - share) / total), "of lines"),
        parameter(
            "buying.returns_part", part, np.sqrt(part * (1 - part) / max(several.sum(), 1)), "of lines that come back"
        ),
        parameter("buying.return_days", days, float(delays.std() / np.sqrt(len(delays))), "days"),
    ]
    return Part(settings(share, part), told, draw)
