"""Jobs of a suite that are no seasons: what each answered is kept, so that a suite goes on where it was stopped."""

from __future__ import annotations

import hashlib
import inspect
import json
import os
import secrets
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from benchmarks.suites.suite import Asked
from benchmarks.workers.bar import bar
from benchmarks.workers.jobs import play_all
from benchmarks.workers.provenance import provenance

Answer = dict[str, float]


class Asking(Protocol):
    """A frozen dataclass whose fields are all that its answer depends on, beside the code; it must pickle."""

    def answer(self) -> Answer:
        """Numbers by name."""


def answers(asking: Sequence[Asking], asked: Asked) -> list[Answer]:
    """What each answers, in order; those whose file is in `out/answers` are not asked again."""
    files = [_file(each, asked.out / "answers") for each in asking]
    missing = [_Job(each, file) for each, file in zip(asking, files, strict=True) if not file.exists()]
    with bar(asked.progress) as shown, closing(play_all(missing, asked.workers)) as playing:
        for file, answer in shown.track(playing, total=len(missing), description="answers"):
            _write(file, answer)
    return [json.loads(file.read_text(encoding="utf-8")) for file in files]


@dataclass(frozen=True)
class _Job:
    asking: Asking
    file: Path

    def play(self) -> tuple[Path, Answer]:
        return self.file, self.asking.answer()


def _file(asking: Asking, folder: Path) -> Path:
    """Another one as soon as what decides the answer is: fields, module, packages, policies."""
    module = Path(inspect.getfile(type(asking)))
    inputs = json.dumps([repr(asking), provenance(), hashlib.sha256(module.read_bytes()).hexdigest()])
    return folder / f"{type(asking).__name__.lower()}-{hashlib.sha256(inputs.encode()).hexdigest()[:16]}.json"


def _write(file: Path, answer: Answer) -> None:
    """Whole or not at all."""
    file.parent.mkdir(parents=True, exist_ok=True)
    begun = file.with_suffix(f".{secrets.token_hex(4)}")
    begun.write_text(json.dumps(answer), encoding="utf-8")
    os.replace(begun, file)
