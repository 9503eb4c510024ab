"""The picture of a backtest shows the predictors that its answer speaks of."""

from __future__ import annotations

import pandas as pd

from benchmarks.pages.backtest_page import drawn, picture
from benchmarks.planning.backtesting import Backtest
from benchmarks.planning.predictors import PLAIN


def found(correlations: dict[str, float], verdict: str = "cannot tell") -> Backtest:
    rows = [
        {"predictor": name, "days_seen": seen, "spearman": rank, "coverage90": 0.9, "verdict": verdict}
        | {f"{score}_{end}": rank for score in ("spearman", "coverage90") for end in ("lower", "upper")}
        for name, rank in correlations.items()
        for seen in (0, 7)
    ]
    none = pd.DataFrame()
    return Backtest(pd.DataFrame(rows), none, none, 90, 40, 28, "pieces", listed_given=True)


ALL = dict.fromkeys([*PLAIN, "ridge", "boosted", "forest", "gaussian", "neural", "blend"], 0.3)


def test_the_best_plain_and_the_best_learned_predictor_are_drawn_whichever_they_are() -> None:
    for plain in PLAIN:
        for learned in ("ridge", "forest", "neural"):
            shown = drawn(found(ALL | {plain: 0.8, learned: 0.7}))
            assert {plain, learned} <= set(shown)
            assert len(shown) == 6


def test_no_two_predictors_share_a_colour() -> None:
    _, [axes, _] = picture(found(ALL | {"price_band": 0.8, "forest": 0.7}))
    colours = [container.lines[0].get_color() for container in axes.containers]
    assert len(set(colours)) == len(colours) == 6


def test_with_plain_predictors_alone_the_best_of_them_is_drawn() -> None:
    assert "recent_launches" in drawn(found({"recent_launches": 0.6, "unconditional": 0.1}))
