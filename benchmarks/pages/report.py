"""One page that a manager can read: the answer first, then pictures, tables, what was done, and how to do it again."""

from __future__ import annotations

import base64
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import rich.console
import rich.table
import rich.text
from matplotlib.figure import Figure
from rich.cells import cell_len

from benchmarks.compared import Comparison
from benchmarks.comparison.guardrails import DEFAULTS, MEASURES, Kept
from benchmarks.pages import explain_page, figures, guards, palette, plots, products
from benchmarks.pages import turned as what_changes
from benchmarks.pages.page import kept_before, number, template, versions
from benchmarks.pages.statuses import digest, statuses

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from benchmarks.explain import Explanation
    from benchmarks.pages.real_logs import RealLogs
    from benchmarks.what_if import WhatIf

_ALT = {
    "gain": "Curves of cumulative sales gained over the baseline, a line a policy with its uncertainty band",
    "sales": "Curves of cumulative sales of the shop, a line a policy with its uncertainty band",
    "regret": "Curves of cumulative regret, a line a policy with its uncertainty band",
    "real_logs": "Click rates of policies on three real logs, with intervals",
    "guards": "How much worse each policy is than the baseline in what is guarded, with intervals and what is allowed",
    "season": "Visits by day and the launches of the season",
    "what_if": "Gains of each policy with more and less traffic, stock and novelty",
    "since_launch": "Curves of what a new product sold since its launch, a line a policy with its uncertainty band",
}
_MOST_PRODUCTS = 40  # in the table of products
_MOST_POLICIES = 7  # in it, the best


def write(
    folder: str | Path,
    comparison: Comparison,
    command: str,
    replay: RealLogs | str | None = None,
    explained: Sequence[Explanation] = (),
    turned: WhatIf | None = None,
    notes: Sequence[str] = (),
) -> Path:
    """Write the comparison, its figures (PNG, SVG) and `index.html`, which needs no other file, into the folder.

    Args:
        folder: made if absent.
        comparison: what the page tells.
        command: the command line that makes the same page again.
        replay: what real logs say; a sentence that says why they say nothing; None where none was asked about.
        explained: why policies chose what they chose, where that was asked.
        turned: the same comparison with other traffic, stock and novelty, where that was asked.
        notes: what must be known beside the finding, a sentence each.

    Returns:
        The page's path.
    """
    folder = Path(folder)
    kept_before(folder / "index.html", command)
    comparison.write(folder)
    images, told = _images(comparison, folder / "figures")
    if replay is not None and not isinstance(replay, str):
        images["real_logs"] = _kept(plots.real_logs(replay)[0], folder / "figures" / "real_logs")
        on_phone = plots.real_logs(replay, narrow=True)[0]
        images["real_logs_narrow"] = _kept(on_phone, folder / "figures" / "real_logs_narrow", ("svg",))
    reasons = [_reasons(found, folder / "figures" / f"why_{number}") for number, found in enumerate(explained)]
    page = folder / "index.html"
    if turned is not None:
        told["what_if"] = " ".join(what_changes.answer(turned, comparison.leaders[0]))
        for name, width in (("what_if", 1.4 * figures.WIDTH), ("what_if_narrow", figures.NARROW["width"])):
            images[name] = _kept(what_changes.picture(turned, width)[0], folder / "figures" / name)
        turned.cells.to_csv(folder / "what_if.csv", index=False)
    page.write_text(html(comparison, images, command, replay, reasons, told, turned, notes), encoding="utf-8")
    return page


def html(
    comparison: Comparison,
    images: dict[str, str],
    command: str,
    replay: RealLogs | str | None = None,
    reasons: Sequence[dict[str, Any]] = (),
    told: Mapping[str, str] | None = None,
    turned: WhatIf | None = None,
    notes: Sequence[str] = (),
) -> str:
    """The page as text; `images` are data addresses by the name of their picture, `told` what each has found."""
    return template("index.html", number=number, signed=signed, rate=rate, share=share, days=days).render(
        answer=answer(comparison),
        comparison=comparison,
        scenario=comparison.scenario,
        widening=comparison.widening,
        table=comparison.table,
        sources=comparison.sources,
        evidence=comparison.evidence,
        guards=_by_guard(comparison),
        pairing=pairing(comparison),
        unit=plots.UNITS[comparison.measure],
        pictures=list(plots.pictures(comparison)),
        images=images,
        alt=alts(comparison, told or {}),
        statuses=statuses(comparison),
        code=digest(),
        goods=_goods(comparison),
        most_products=_MOST_PRODUCTS,
        colours=palette.colours(comparison.policies),
        command=command,
        versions=versions(),
        replay=replay,
        reasons=reasons,
        turned=_turned(comparison, turned),
        notes=notes,
    )


def _turned(comparison: Comparison, found: WhatIf | None) -> dict[str, Any] | None:
    """What the section of sliders tells."""
    if found is None:
        return None
    answer = what_changes.answer(found, comparison.leaders[0])
    return {"answer": answer, "points": what_changes.points(found), "seeds": found.seeds}


def alts(comparison: Comparison, told: Mapping[str, str]) -> dict[str, str]:
    """What each picture shows, in words, and what it finds."""
    verdicts = [
        f"{each['policy']} {each['difference']:+,.0f}, {each['status']}"
        for each in statuses(comparison)
        if each.get("difference") is not None and each["status"] != "baseline"
    ]
    alt = {name: f"{told[name]}. {words}." if name in told else words for name, words in _ALT.items()}
    alt["verdicts"] = f"Difference of each policy to {comparison.baseline}, with interval: {'; '.join(verdicts)}."
    alt["ribbons"] = "Which share of what each policy shows is which product, day by day; the table below has the sums."
    return alt


def _goods(comparison: Comparison) -> pd.DataFrame | None:
    """A row a product, best-selling first, of each of the best policies a dictionary; None where there are none."""
    rows = comparison.goods
    if rows is None:
        return None
    order = rows.groupby("product", sort=False).sold.sum().sort_values(ascending=False, kind="stable").index
    cells = {
        policy: dict(zip(own["product"], own.to_dict("records"), strict=True)) for policy, own in rows.groupby("policy")
    }
    best = comparison.table.index[:_MOST_POLICIES]
    return pd.DataFrame({policy: [cells[policy][title] for title in order] for policy in best}, order)


def _by_guard(comparison: Comparison) -> dict[str, dict[str, Any]]:
    """The cells of the table of guardrails: title -> policy -> its row."""
    rows = comparison.guards.to_dict("records")
    measures = {row["measure"]: f"{MEASURES[row['measure']].title}, {MEASURES[row['measure']].unit}" for row in rows}
    return {
        title: {row["policy"]: row for row in rows if row["measure"] == measure} for measure, title in measures.items()
    }


def _reasons(found: Explanation, path: Path) -> dict[str, Any]:
    """Why a policy chose what it chose: its name, sentences, and the picture, if anything moves it."""
    moved = bool(found.importance.changed.any())
    told = {"policy": found.policy, "answer": explain_page.answer(found), "picture": "", "narrow": ""}
    if moved:
        told["picture"] = _kept(explain_page.importance(found)[0], path)
        on_phone = explain_page.importance(found, narrow=True)[0]
        told["narrow"] = _kept(on_phone, path.with_name(f"{path.name}_narrow"), ("svg",))
    return told


def answer(comparison: Comparison) -> list[str]:
    """Which policy sells more, by how much, how sure: plain sentences, the finding first."""
    best, *rivals = comparison.leaders
    found = comparison.table.loc[best]
    n = len(comparison.seeds)
    sold = f"{found.sales:,.0f} {plots.UNITS[comparison.measure]} a season"
    if len(comparison.policies) == 1:
        return [f"{best}: {sold}; there is no other policy to compare it with.", *_remarks(comparison)]
    if best == comparison.baseline:
        sentences = [f"No policy sold more than {best} ({sold})."]
    else:
        sentences = [_finding(comparison, best), *_harms(comparison, best)]
    sentences += [*_remarks(comparison), *_looks(comparison)]
    if n == 1:
        return [*sentences, "One simulated season cannot say how sure that is: run several."]
    rivals = [rival for rival in rivals if rival != comparison.baseline or best == comparison.baseline]
    if rivals:
        sentences.append(f"These {n} seasons cannot tell {best} from {_list(rivals)}.")
    if "oracle" in comparison.policies and comparison.table.difference["oracle"] > 0 and found.difference > 0:
        share = found.difference / comparison.table.difference["oracle"]
        sentences.append(f"A policy that knew every visitor's mind would gain more: {best} reaches {share:.0%} of it.")
    return sentences


def _remarks(comparison: Comparison) -> list[str]:
    """What a reader must know beside the finding: another reward than the one judged, and who could not play."""
    said = [
        f"{policy} could not be judged: {reason.removesuffix('.')}." for policy, reason in comparison.failed.items()
    ]
    reward = getattr(comparison.scenario, "reward", comparison.measure)
    if reward != comparison.measure:
        said.insert(0, f"Policies were taught by {reward} and are judged here by {comparison.measure}.")
    return said


def _finding(comparison: Comparison, best: str) -> str:
    found, base = comparison.table.loc[best], comparison.baseline
    unit, way = plots.UNITS[comparison.measure], "more" if found.difference >= 0 else "less"
    amount = (
        f"{found.sales:,.0f} {unit} a season, {abs(found.difference):,.0f} {way} than {base} ({found.percent:+.1f}%)"
    )
    sure = f"95% interval {found.difference_lower:+,.0f} to {found.difference_upper:+,.0f}"
    if found.verdict == "worse" or (found.verdict == "discuss" and found.difference < 0):
        return f"No policy sold more than {base}. Of the others {best} sold the most: {amount}; {sure}."
    if found.verdict == "discuss" and found.difference > 0:
        return f"{best} sells more than {base}, but discuss it: {amount}; {sure}."
    if found.verdict == "better":
        most = f"sells more than {base}" if len(comparison.leaders) > 1 else "sells the most"
        return f"{best} {most}: {amount}; {sure}, over {len(comparison.seeds)} seasons with the same visitors."
    if not found.verdict:
        return f"{best} sold the most: {amount}."
    doubt = _doubt(comparison, best)
    return f"We cannot tell yet who sells more: {best} sold the most on average ({amount}), but {doubt}."


def _harms(comparison: Comparison, policy: str) -> list[str]:
    """Why a policy that sells more is to be discussed: guardrails that are broken, then those that are open."""
    if comparison.table.verdict[policy] != "discuss" or comparison.table.difference[policy] < 0:
        return []
    own = comparison.kept(policy)
    broken, unsure = ([each for each in own if each.state == state] for state in ("broken", "cannot tell"))
    told = [f"It worsens {_list([_harm(each) for each in broken])}."] if broken else []
    if unsure:
        names = [f"{MEASURES[each.measure].title} by more than {100 * each.margin:g}%" for each in unsure]
        told.append(f"These seasons cannot rule out that it worsens {_list(names, 'or')}.")
    return told


def _harm(each: Kept) -> str:
    about = MEASURES[each.measure]
    sure = f"{100 * each.lower:.1f}% to {100 * each.upper:.1f}%"
    return f"{about.title} by {100 * each.worse:.1f}% {about.unit} ({sure}, where {100 * each.margin:g}% is allowed)"


def _looks(comparison: Comparison) -> list[str]:
    """How many seasons it took, where they were added until everything was decided."""
    if comparison.looks is None:
        return []
    n, most = len(comparison.seeds), comparison.looks[1]
    if comparison.decided:
        return [f"Seasons were added until everything was decided: {n} of at most {most}."]
    return [f"The budget of {most} seasons ended before everything was decided."]


def pairing(comparison: Comparison) -> str:
    """By how much the same visitors for all policies shrink the intervals; empty where nothing can be said."""
    ratios = comparison.evidence["pairing"].drop(comparison.baseline).replace(np.inf, np.nan).dropna()
    if not len(ratios):
        return ""
    ends = [_times(float(end)) for end in (ratios.min(), ratios.max())]
    times = " to ".join(dict.fromkeys(ends))
    return (
        f"The same visitors for all policies: with visitors of its own each would need {times} times as many seasons "
        "for intervals as narrow."
    )


def _times(ratio: float) -> str:
    """Beyond a thousand the policies hardly differ, and the number says nothing more."""
    return f"{ratio:.1f}" if ratio < 1_000 else "more than 1,000"


def _doubt(comparison: Comparison, best: str) -> str:
    """Why there is no verdict."""
    found, n = comparison.table.loc[best], len(comparison.seeds)
    if n < 5:
        return f"{n} seasons are too few for a verdict, 5 are the least"
    if found.difference_lower <= 0 <= found.difference_upper:
        return f"its 95% interval, {found.difference_lower:+,.0f} to {found.difference_upper:+,.0f}, reaches across 0"
    return f"the sign-flip check does not bear it out (p = {found.p:.2f})"


def command_of(comparison: Comparison, scenario: str, folder: Path) -> str:
    """The command line that compares the same again."""
    policies = [word for policy in comparison.policies for word in ("--policy", policy)]
    first, most = comparison.looks or (len(comparison.seeds), 0)
    choices = ["--seeds", str(first), "--baseline", comparison.baseline, "--measure", comparison.measure]
    choices += ["--until-decided", "--budget", str(most)] if most else []
    choices += _guards(comparison)
    return shlex.join(["launchsim", "compare", scenario, *policies, *choices, "--out", str(folder)])


def _guards(comparison: Comparison) -> list[str]:
    """How guardrails are typed, where they are not the usual ones."""
    usual = {name: margin for name, margin in DEFAULTS.items() if name != comparison.measure}
    if comparison.scenario is None or comparison.guardrails == usual:
        return []
    stated = [f"{name}={100 * margin:g}%" for name, margin in comparison.guardrails.items()] or ["none"]
    return [word for guard in stated for word in ("--guard", guard)]


def tell(comparison: Comparison) -> None:
    """The answer and the table, on the terminal; a narrow one keeps names and verdicts and drops what is secondary."""
    console = rich.console.Console(highlight=False)
    columns = _columns(comparison)
    for secondary in ("regret", "95% together", "%", plots.UNITS[comparison.measure], "gain"):
        if _width(columns) > console.width:
            del columns[secondary]
    console.print(rich.text.Text(" ".join(answer(comparison))), _table(columns), sep="\n\n")
    if told := pairing(comparison):
        console.print("", rich.text.Text(told), sep="\n")


def _columns(comparison: Comparison) -> dict[str, list[str]]:
    """The cells of the terminal's table by column."""
    rows = [row for _, row in comparison.table.iterrows()]
    return {
        "policy": [str(row.name) for row in rows],
        plots.UNITS[comparison.measure]: [number(row.sales) for row in rows],
        "gain": [signed(row.difference) for row in rows],
        "95% together": [_between(row) for row in rows],
        "%": [signed(row.percent, 1) for row in rows],
        "verdict": [row.verdict for row in rows],
        "regret": [number(row.regret) for row in rows],
    }


def _between(row: pd.Series[Any]) -> str:
    lower, upper = row.difference_lower, row.difference_upper
    return "" if pd.isna(lower) else f"{signed(lower)} to {signed(upper)}"


def _width(columns: dict[str, list[str]]) -> int:
    """Cells that the table takes with its numbers whole; names of policies are folded to 14."""
    widths = [max(map(cell_len, [name, *cells])) + 2 for name, cells in columns.items() if name != "policy"]
    return 14 + sum(widths)


def _table(columns: dict[str, list[str]]) -> rich.table.Table:
    table = rich.table.Table(box=None, pad_edge=False, header_style="bold")
    for name in columns:
        if name == "policy":
            table.add_column(name, overflow="fold", min_width=14)
        else:
            table.add_column(name, justify="left" if name == "verdict" else "right", no_wrap=True)
    for row in zip(*columns.values(), strict=True):
        table.add_row(*row)
    return table


def _list(names: list[str], last: str = "and") -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} {last} {names[-1]}"


def _images(comparison: Comparison, folder: Path) -> tuple[dict[str, str], dict[str, str]]:
    """Draw all pictures into the folder; answer them as data addresses, and what their titles say."""
    folder.mkdir(parents=True, exist_ok=True)
    images, told = {}, {}
    draws = plots.pictures(comparison) | {"season": plots.draw_season}
    if comparison.products is not None and len(comparison.products):
        if products.launches_early(comparison):
            draws["since_launch"] = products.draw_since_launch
        wide, narrow = (products.ribbons(comparison, width)[0] for width in (figures.WIDTH, figures.NARROW["width"]))
        images["ribbons"] = _kept(wide, folder / "ribbons", shown="png")
        images["ribbons_narrow"] = _kept(narrow, folder / "ribbons_narrow", ("png",), shown="png")
    if len(comparison.guards):
        draws["guards"] = guards.draw_guards
    for name, draw in draws.items():
        height_for = guards.height_for if name == "guards" else plots.height_for
        drawn = figures.figure(draw, comparison, height=height_for(comparison))
        told[name] = " ".join(drawn.axes[0].get_title(loc="left").split())
        images[name] = _kept(drawn, folder / name)
        narrow = figures.NARROW | {"height": height_for(comparison, narrow=True)}
        images[f"{name}_narrow"] = _kept(
            figures.figure(draw, comparison, **narrow), folder / f"{name}_narrow", ("svg",)
        )
    return images, told


def _kept(picture: Figure, path: Path, kinds: Sequence[str] = ("png", "svg"), shown: str = "svg") -> str:
    """Write a picture as files of these kinds; answer one of them as a data address."""
    content = figures.rendered(picture, kinds)
    for kind, written in content.items():
        path.with_suffix(f".{kind}").write_bytes(written)
    kind = {"svg": "svg+xml"}.get(shown, shown)
    return f"data:image/{kind};base64,{base64.b64encode(content[shown]).decode()}"


def signed(value: float, digits: int = 0) -> str:
    """+12,345; an en dash where there is none."""
    return "–" if pd.isna(value) else f"{value:+z,.{digits}f}"


def share(value: float) -> str:
    """A share as percent with its sign and one digit; an en dash where there is none."""
    return "–" if pd.isna(value) else f"{100 * value:+z.1f}%"


def days(value: float) -> str:
    """A day of the season; "never" where it does not come."""
    return "–" if pd.isna(value) else "never" if np.isinf(value) else f"{value:,.0f}"


def rate(value: float) -> str:
    """A chance as percent with two digits; an en dash where there is none."""
    return "–" if pd.isna(value) else f"{100 * value:.2f}%"
