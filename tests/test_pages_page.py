"""What pages share: a name is broken between its words, never within one, and is otherwise what it was."""

from __future__ import annotations

import re

import pytest

from benchmarks.pages.page import folding, folding_label, folding_words


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("linear_thompson", ["linear_", "thompson"]),
        ("neural_ensemble(members=3,depth=2)", ["neural_", "ensemble(", "members=3,", "depth=2)"]),
        ("linucb(alpha=0.5)", ["linucb(", "alpha=0.5)"]),
        ("my_package.my_module:MyPolicy", ["my_", "package.", "my_", "module:", "MyPolicy"]),
        ("uniform", ["uniform"]),
    ],
)
def test_a_name_can_be_broken_after_its_words_alone(name: str, parts: list[str]) -> None:
    assert folding(name).split("<wbr>") == parts
    assert folding_label(name).split("\u200b") == parts


def test_a_name_that_holds_tags_stays_text() -> None:
    assert folding("<b>_x") == "&lt;b&gt;_x"


def test_a_sentence_keeps_its_words_and_numbers() -> None:
    sentence = "We cannot tell: linear_thompson sold 1,234 units (1.5% more), i.e. 3/4 <more>."
    made = folding_words(sentence)
    assert re.sub(r"<[^>]*>", "", made).replace("&lt;", "<").replace("&gt;", ">") == sentence
    assert '<span class="whole">linear_<wbr>thompson</span>' in made
    assert made.count("<wbr>") == 2  # i.e. is the other
