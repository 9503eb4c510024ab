"""What the app keeps in its folder: the setup at hand, scenarios under names, opened files; runs lie beside them."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

from benchmarks.app.setup import Case, Setup, setup
from benchmarks.sweeps.store import put
from simulator.scenario import Scenario, ScenarioError

MOST_BYTES = 2_000_000  # of a scenario that is opened
_NAME = re.compile(r"[^\W_][\w -]{0,59}")


class Kept:
    """Files below `app/` in a folder that `launchsim compare --out` can share: its `runs/` are the same.

    Args:
        folder: made when something is first written.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.runs = folder / "runs"

    def last(self) -> Setup | None:
        """The setup that was at hand; None where there is none that can be read."""
        return self._read(self.folder / "app" / "setup.json")

    def hold(self, at_hand: Setup) -> None:
        """Remember the setup at hand, whatever happens next."""
        put(self.folder / "app" / "setup.json", at_hand.model_dump_json(indent=1).encode())

    def names(self) -> list[str]:
        """Scenarios that were given a name, the oldest first."""
        files = (self.folder / "app" / "kept").glob("*.json")
        return [file.stem for file in sorted(files, key=lambda file: (file.stat().st_ctime_ns, file.stem))]

    def read(self, name: str) -> Setup:
        """A setup by its name.

        Raises:
            ScenarioError: there is none of that name.
        """
        found = self._read(self._file(name)) if name in self.names() else None
        if found is None:
            raise ScenarioError(f"name must be one of {', '.join(self.names()) or '(none)'}, got {name!r}")
        return found

    def keep(self, name: str, case: Case) -> Setup:
        """Keep a setup under a name, its scenario beside it as TOML.

        Raises:
            ScenarioError: a scenario cannot be called so.
        """
        name = checked(name)
        named = case.setup.changed(name=name)
        self.scenario(name, case)
        put(self._file(name), named.model_dump_json(indent=1).encode())
        return named

    def forget(self, name: str) -> None:
        """Take a name away; what was played stays."""
        if name in self.names():
            self._file(name).unlink(missing_ok=True)

    def scenario(self, name: str, case: Case) -> Path:
        """The scenario of a setup as a TOML file."""
        path = self.folder / "app" / "scenarios" / f"{name}.toml"
        path.parent.mkdir(parents=True, exist_ok=True)
        case.scenario.write(path)
        return path

    def opened(self, called: str, content: bytes) -> str:
        """Where a TOML that was handed over is kept.

        Raises:
            ScenarioError: it is too large, or no scenario.
        """
        if len(content) > MOST_BYTES:
            raise ScenarioError(f"scenario must have at most {MOST_BYTES:,} bytes, got {len(content):,}")
        name = re.sub(r"\W+", "_", Path(called).stem).strip("_")[:60] or "opened"
        path = self.folder / "app" / "opened" / f"{name}.toml"
        before = path.read_bytes() if path.exists() else None
        put(path, content)
        try:
            Scenario.load(path)
        except ScenarioError:
            path.unlink() if before is None else put(path, before)
            raise
        return str(path)

    def page(self, name: str) -> Path:
        """The folder of the page of a setup."""
        return self.folder / "app" / "pages" / name

    def _file(self, name: str) -> Path:
        return self.folder / "app" / "kept" / f"{name}.json"

    def _read(self, file: Path) -> Setup | None:
        try:
            return setup(json.loads(file.read_text(encoding="utf-8")))
        except FileNotFoundError:
            return None
        except (ScenarioError, ValueError, TypeError) as reason:
            print(f"launchsim: {file} cannot be read ({reason}): left as it is", file=sys.stderr)
            return None


def checked(name: str) -> str:
    """A name that is a file's too.

    Raises:
        ScenarioError: it cannot be.
    """
    if not _NAME.fullmatch(name.strip()):
        rule = "letters, digits, spaces, - and _, beginning with a letter or digit, at most 60"
        raise ScenarioError(f"name must have {rule}, got {name[:80]!r}")
    return name.strip()
