"""What the documents tell people to type works: every command and every Python block is run, with one season each."""

from __future__ import annotations

import re
import shlex
import shutil
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from conftest import DATA
from pasts import invoices
from typer.testing import CliRunner

from benchmarks import cli
from simulator import start, streams

pytestmark = pytest.mark.usefixtures("drafts")

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
ROOMS = ("simulator", "policies", "envs", "benchmarks")
SERIAL = {"compare", "demo", "evaluate", "plan", "replay", "sweep"}  # commands that would start processes
SEASONS = {"compare": "1", "demo": "1", "calibrate": "1", "plan": "2"}  # played, whatever the page says
LAUNCHES = "5"  # of a made shop, however many the page says

SHOP = """
title = "My shop"
about = "Two products and a shelf."
days = 4
arrivals.per_day = 120
choice.leaving = 1.0
products = [
    { title = "Tea", category = "hot", price = 10.0, incumbent = true },
    { title = "Mate", category = "hot", price = 10.0, launch = 0.0 },
    { title = "Cola", category = "cold", price = 8.0, launch = 2.0 },
]
"""

EXPERIMENT = """
scenarios = "my_shop.toml"
policies = ["uniform", "linucb"]
seeds = 1
overrides.arrivals.per_day = [40, 800]
"""

POLICY = '''
from policies.uniform import Uniform

class MyPolicy(Uniform):
    """Somebody else's."""
'''


_RUN: set[str] = set()  # commands of blocks that have run
_FITTED: list[Path] = []  # the folder of finished parts of calibrations


@dataclass
class Block:
    """A fenced block of a page."""

    page: str
    line: int
    language: str
    text: str

    def commands(self) -> list[str]:
        joined = self.text.replace("\\\n", " ")
        return [line for line in joined.splitlines() if line.strip() and not line.lstrip().startswith("#")]

    @property
    def of_market(self) -> bool:
        """Whether it goes on with the market of the made tables."""
        return "reports/mine/" in self.text or "--market reports/mine" in self.text

    @property
    def tables(self) -> str:
        """The shop's tables that it reads, if any."""
        if "made/" in self.text or self.of_market:
            return "made"
        return "invoices" if "invoices.csv" in self.text else ""


def blocks(*languages: str) -> list[Block]:
    found = []
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for match in re.finditer(r"^```(\w*)\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
            line = text[: match.start()].count("\n") + 1
            found.append(Block(str(page.relative_to(ROOT)).removeprefix("docs/"), line, match[1], match[2]))
    return [block for block in found if block.language in languages]


def named(found: list[Block]) -> list[object]:
    """Blocks of the same tables run in one process: what is fitted to those is fitted once."""
    together = {tables: [pytest.mark.xdist_group(f"docs-{tables}")] for tables in ("made", "invoices")}
    return [
        pytest.param(block, id=f"{block.page}:{block.line}", marks=together.get(block.tables, [])) for block in found
    ]


@pytest.fixture
def workplace(tmp_path: Path, small_scenarios: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the files that the documents speak of: a scenario, a policy, logs."""
    monkeypatch.setattr("simulator.scenario._PACKAGED", small_scenarios)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("COLUMNS", "200")
    (tmp_path / "my_package").mkdir()
    (tmp_path / "my_package" / "my_module.py").write_text(POLICY)
    (tmp_path / "experiment.toml").write_text(EXPERIMENT)
    for name in ("my_shop.toml", "my_season.toml", "my_first.toml"):
        (tmp_path / name).write_text(SHOP)
    write_visits(tmp_path / "visits.csv")
    return tmp_path


def write_visits(file: Path) -> None:
    """A log of a month: three products shown at random, one of which sells better."""
    random = streams.generator(1, "docs")
    n = 1500
    action = random.integers(3, size=n)
    reward = random.random(n) < np.array([0.1, 0.2, 0.4])[action]
    days = np.sort(random.random(n)) * 30
    stamps = np.datetime64("2024-02-10T00:00:00") + (days * 86400).astype("timedelta64[s]")
    age, product = random.integers(18, 70, n), np.array(["tea", "mate", "cola"])[action]
    rows = ["timestamp,item_id,click,probability,age"]
    rows += [f"{t},{a},{int(r)},{1 / 3!r},{x}" for t, a, r, x in zip(stamps, product, reward, age, strict=True)]
    file.write_text("\n".join(rows) + "\n")


def run(command: str) -> None:
    words = shlex.split(command, comments=True)
    if words[1:3] == ["scenarios", "new"]:
        Path(words[3]).unlink(missing_ok=True)
    if words[1] in SEASONS and "--help" not in words:
        if "--seeds" in words:
            words[words.index("--seeds") + 1] = SEASONS[words[1]]
        else:
            words += ["--seeds", SEASONS[words[1]]]
    words = [word.replace("local:2", "local:1") for word in words]
    if "--launches" in words:
        words[words.index("--launches") + 1] = LAUNCHES
    if words[1] in SERIAL and "--help" not in words:
        words += ["-j", "1"]
    runs = Path(words[words.index("--out") + 1]) / "runs" if words[1] == "calibrate" else None
    if runs is not None:  # what another block has fitted to the same tables
        shutil.copytree(_FITTED[0] / "runs", runs, dirs_exist_ok=True)
    result = CliRunner().invoke(cli.app, words[1:])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    if runs is not None:
        shutil.copytree(runs, _FITTED[0] / "runs", dirs_exist_ok=True)
        if "made/goods.csv" in words:
            shutil.copytree(runs.parent, _FITTED[0] / "market", dirs_exist_ok=True)
    fine = (0, 1) if words[1] == "calibrate" else (0,)  # 1: a metric fails, as on a season or two it may
    assert result.exit_code in fine, f"{command}\n{result.output}"


def fit_market() -> None:
    """The market of the made tables, fitted once."""
    fitted = _FITTED[0] / "market"
    if not fitted.exists():
        run("launchsim calibrate --goods made/goods.csv --behavior made/behavior.csv --out reports/mine")
    shutil.copytree(fitted, "reports/mine", dirs_exist_ok=True)


@pytest.fixture(scope="module", autouse=True)
def commands(tmp_path_factory: pytest.TempPathFactory) -> None:
    cli._add_commands()
    _FITTED[:] = [tmp_path_factory.mktemp("fitted")]
    (_FITTED[0] / "runs").mkdir()


@pytest.mark.parametrize("block", named(blocks("sh")))
def test_every_command_of_the_documents_runs(block: Block, workplace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if set(block.commands()) <= _RUN:  # another page says just the same
        return
    _RUN.update(block.commands())
    if "columns.toml" in block.text and "--write" not in block.text and "visits.csv" in block.text:
        run("launchsim log describe visits.csv --write columns.toml")
    if "visits.parquet" in block.text and "convert" not in block.text:
        run("launchsim log convert visits.csv visits.parquet")
    if "open-bandit:" in block.text:
        if not DATA.is_dir():
            pytest.skip("needs the real data")
        monkeypatch.setenv("XDG_CACHE_HOME", str(workplace / "cache"))
        run(f"launchsim data open-bandit --path {DATA / 'open_bandit'}")
    if block.page == "walks/strategy.md":
        Path("my_shop.toml").write_text(start.text(launches=int(LAUNCHES)))
    if block.tables == "made" and "history make" not in block.text:
        run("launchsim history make my_shop.toml --out made")
    if block.of_market:
        fit_market()
    if "shop.parquet" in block.text:
        run("launchsim log describe visits.csv --write shop.toml")
        run("launchsim log convert visits.csv shop.parquet --columns shop.toml")
    if "reports/stock" in block.text and "sweep" not in block.text:
        run("launchsim sweep experiment.toml --out reports/stock")
    if block.tables == "invoices":
        invoices(70, 240).to_csv("invoices.csv", index=False)
    if "candidates.csv" in block.text:
        Path("candidates.csv").write_text(
            "title,price,cost\nMUG NEW,4,2\nSOAP NEW,2,1\nLANTERN NEW,8,4\nMUG DEAR,9,4\n"
        )
    for command in block.commands():
        words = shlex.split(command, comments=True)
        if words[0] == "pip":
            continue
        if words[0] == "make":
            assert re.search(rf"^{words[1]}:", (ROOT / "Makefile").read_text(), re.MULTILINE), command
        elif words[:2] == ["python", "-m"]:
            assert find_spec(words[2]), command
        else:
            run(command)


@pytest.mark.parametrize("block", named(blocks("python")))
def test_every_python_block_of_the_documents_runs(block: Block, workplace: Path) -> None:
    if "made/" in block.text:
        run("launchsim history make my_shop.toml --out made")
    if "invoices.csv" in block.text:
        invoices(70, 240).to_csv("invoices.csv", index=False)
    text = block.text.replace("seeds=10", "seeds=1")
    if "my_policy:" in text:
        (workplace / "my_policy.py").write_text(text)
    exec(compile(text, block.page, "exec"), {"__name__": "__main__"})


def test_every_test_that_a_page_names_is_there() -> None:
    named = {
        found for page in PAGES for found in re.findall(r"`(tests/\w+\.py)::(\w+)`", page.read_text(encoding="utf-8"))
    }
    assert len(named) > 20
    missing = [f"{file}::{test}" for file, test in named if f"\ndef {test}(" not in (ROOT / file).read_text()]
    assert missing == []


def test_every_message_that_the_questions_name_is_one_of_ours() -> None:
    """The quoted words of a table's first column stand somewhere in the code, whatever is put between them."""
    files = [ROOT / "launchsim.py", *(file for room in ROOMS for file in (ROOT / room).rglob("*.py"))]
    code = "".join(file.read_text(encoding="utf-8") for file in files)
    code = re.sub(r'"\s*\n\s*f?"', "", code)  # strings that go on over lines
    rows = re.findall(r"^\| (\".+?\") \|", (ROOT / "docs" / "faq.md").read_text(encoding="utf-8"), re.MULTILINE)
    quoted = [message for row in rows for message in re.findall(r'"(.+?)"', row)]
    assert len(quoted) > 25
    assert [message for message in quoted if message not in code and message.split(" ", 1)[-1] not in code] == []


def test_the_map_leads_to_every_page() -> None:
    text = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
    there = {str(page.relative_to(ROOT / "docs")) for page in PAGES[1:]} - {"index.md"}
    assert {page for page in there if f"]({page})" not in text} == set()


def test_every_picture_and_page_that_is_linked_is_there() -> None:
    for page in PAGES:
        for target in re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
            if not target.startswith("http"):
                assert (page.parent / target).exists(), f"{page.name} links {target}"
