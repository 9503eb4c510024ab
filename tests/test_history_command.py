"""`launchsim history`: what people type, what they see, and what goes wrong in one line."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from benchmarks.commands.history import app
from envs.logs.pseudonyms import VARIABLE
from envs.logs.rows import LogError
from policies.policy import PolicyError
from simulator.scenario import ScenarioError

INVOICES = """\
invoice,customer,item,quantity,time,price
1,7,tea,2,2024-01-01 10:00,1.50
2,8,tea,0,2024-01-02 10:00,1.50
3,8,cup,1,2024-01-03 10:00,4.00
"""


TINY = """
title = "Tiny"
about = "Two products."
days = 3
arrivals.per_day = 60
choice.leaving = 1.0
products = [
    { title = "Tea", category = "hot", price = 10.0, launch = 0.0 },
    { title = "Cola", category = "cold", price = 8.0, launch = 1.0 },
]
"""


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    (tmp_path / "invoices.csv").write_text(INVOICES)
    return tmp_path


def typed(*words: object) -> str:
    result = CliRunner().invoke(app, [str(word) for word in words])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.output


def test_describe_tells_columns_and_counts_and_writes_the_columns(shop: Path) -> None:
    page = typed("describe", "--invoices", shop / "invoices.csv", "--write", shop / "columns.toml")
    assert 'order = "invoice"' in page
    assert "invoices: 1 set aside: quantity must be a whole number, not 0" in page
    assert (shop / "columns.toml").read_text() in page


def test_a_history_is_converted_and_described_alike(shop: Path) -> None:
    typed("convert", shop / "ours", "--invoices", shop / "invoices.csv", "--rejects", shop / "rejects.csv")
    assert (shop / "rejects.csv").read_text().splitlines()[1].startswith("invoices,2,quantity,")
    page = typed("describe", "--invoices", shop / "ours")
    assert page in typed("describe", "--invoices", shop / "invoices.csv")


def test_an_encrypted_history_needs_its_key(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "a secret of some length")
    typed("convert", shop / "ours", "--invoices", shop / "invoices.csv", "--encrypt")
    typed("describe", "--invoices", shop / "ours")
    monkeypatch.delenv(VARIABLE)
    with pytest.raises(LogError, match="must have its key"):
        typed("describe", "--invoices", shop / "ours")


def test_without_a_key_nothing_is_encrypted_nor_written(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    with pytest.raises(LogError, match="got none"):
        typed("convert", shop / "ours", "--invoices", shop / "invoices.csv", "--encrypt")
    assert not (shop / "ours").exists()


@pytest.mark.parametrize("option", ["--write", "--rejects", "--out"])
def test_nothing_is_written_over_what_is_read(shop: Path, option: str) -> None:
    file = shop / "invoices.csv"
    words = ["convert", file] if option == "--out" else ["describe", option, file]
    with pytest.raises(LogError):
        typed(*words, "--invoices", file)
    assert file.read_text() == INVOICES


def test_a_history_is_not_converted_onto_itself(shop: Path) -> None:
    typed("convert", shop / "ours", "--invoices", shop / "invoices.csv")
    with pytest.raises(LogError, match="must be another"):
        typed("convert", shop / "ours", "--invoices", shop / "ours")
    typed("describe", "--invoices", shop / "ours")


def test_a_folder_of_other_things_is_refused_before_the_work(shop: Path) -> None:
    with pytest.raises(LogError, match="must be a folder that is not there yet"):
        typed("convert", shop, "--invoices", shop / "invoices.csv", "--rejects", shop / "rejects.csv")
    assert not (shop / "rejects.csv").exists()


def test_neither_behavior_nor_invoices_is_told_in_one_line(shop: Path) -> None:
    with pytest.raises(LogError, match="either behavior or invoices"):
        typed("describe", "--goods", shop / "invoices.csv")


def test_made_tables_can_be_described(tmp_path: Path) -> None:
    scenario = tmp_path / "shop.toml"
    scenario.write_text(
        'title = "Shop"\nabout = "One."\ndays = 5\narrivals.per_day = 40\nchoice.leaving = 0.0\nproducts = ['
        '{ title = "Tea", category = "hot", price = 2.0, incumbent = true },'
        '{ title = "Mate", category = "hot", price = 2.0, launch = 0.0 }]'
    )
    typed("make", scenario, "--out", tmp_path / "made", "--seed", 4)
    page = typed("describe", "--goods", tmp_path / "made/goods.csv", "--behavior", tmp_path / "made/behavior.csv")
    assert "conversion: " in page[page.index("can say") : page.index("cannot say")]


@pytest.mark.parametrize(
    ("words", "rule"),
    [
        (["nosuch"], "scenario must be one of"),
        (["spring_launch", "--policy", "nosuch"], "policy must be one of"),
        (["spring_launch", "--policy", "linucb(alpha=-1)"], "alpha"),
    ],
)
def test_what_cannot_be_made_is_told_and_leaves_nothing(tmp_path: Path, words: list[str], rule: str) -> None:
    with pytest.raises((ScenarioError, PolicyError), match=rule):
        typed("make", *words, "--out", tmp_path / "made")
    assert not (tmp_path / "made").exists()


def test_another_seed_or_policy_makes_another_shop(tmp_path: Path) -> None:
    (tmp_path / "tiny.toml").write_text(TINY)
    flags: dict[str, list[str]] = {"one": [], "two": ["--seed", "1"], "three": ["--policy", "newest"], "four": []}
    for name, words in flags.items():
        typed("make", tmp_path / "tiny.toml", "--out", tmp_path / name, *words)
    made = {name: (tmp_path / name / "behavior.csv").read_text() for name in flags}
    assert made["one"] == made["four"]
    assert len(set(made.values())) == 3
