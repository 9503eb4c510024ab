"""Every example runs as it stands, with one season in the place of many."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

EXAMPLES = sorted((Path(__file__).parents[1] / "examples").glob("*.py"))


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.stem)
def test_an_example_runs(
    file: Path,
    tmp_path: Path,
    small_scenarios: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(file.parent))
    monkeypatch.setattr("simulator.scenario._PACKAGED", small_scenarios)
    text = file.read_text(encoding="utf-8")
    if "envs.gymnasium" in text:
        pytest.importorskip("gymnasium")
    exec(compile(re.sub(r"seeds=\d+", "seeds=1", text), str(file), "exec"), {"__name__": "__main__"})
    assert capsys.readouterr().out or list(tmp_path.glob("*.png"))


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.stem)
def test_an_example_is_short_and_says_what_it_shows(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    assert text.startswith('"""')
    assert text.count("\n") <= 40
