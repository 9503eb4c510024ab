"""Do the tests of a file notice when one thing in it is wrong? Small changes, one at a time, and which of them survive.

Run `make mutants FILES=simulator/till.py SAMPLE=20`, or `python -m benchmarks.suites.mutants simulator/till.py`, with
`--sample 20` for twenty of the file's mutants, `--tests test_till` for other tests than those of `_TESTS`. The file
itself is never written to: every mutant is imported from a folder of its own by a process of its own. (mutmut leaves
decorated functions alone, and so all that is compiled; cosmic-ray writes into the working tree, and starts and compiles
everything anew for each.)

A survivor is a test that is missing, or a change that changes nothing: read the line, and say which.
"""

from __future__ import annotations

import argparse
import ast
import importlib
import importlib.util
import os
import random
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import Any

_TESTS = {  # what holds a file, the quickest first
    "simulator/arrivals.py": ["test_arrivals", "test_market"],
    "simulator/choice.py": ["test_choice", "test_market"],
    "simulator/logit.py": ["test_wants", "test_consideration", "test_baskets"],
    "simulator/market.py": ["test_market", "test_simulated"],
    "simulator/shop.py": ["test_shop", "test_stock", "test_market"],
    "simulator/stock.py": ["test_stock", "test_shop", "test_market"],
    "simulator/till.py": ["test_till", "test_market", "test_logbook"],
    "simulator/wants.py": ["test_wants", "test_baskets"],
    "envs/simulated.py": ["test_simulated", "test_prospects"],
    "envs/prospects.py": ["test_prospects"],
    "envs/slates.py": ["test_simulated"],
    "envs/logged.py": ["test_logged", "test_replay"],
    "envs/logs/rounding.py": ["test_logs_rounding"],
    "policies/regression/linear.py": ["test_linear_thompson", "test_linucb", "test_epsilon_greedy"],
    "policies/networks/training.py": ["test_networks_learning", "test_networks_network", "test_neural_argmax"],
    "benchmarks/runner.py": ["test_runner"],
    "benchmarks/replay.py": ["test_replay"],
    "benchmarks/comparison/statistics.py": ["test_comparison_statistics"],
    "benchmarks/comparison/regret.py": ["test_comparison_regret"],
    "benchmarks/comparison/cannibalisation.py": ["test_comparison_regret"],
    "benchmarks/off_policy/pareto.py": ["test_off_policy_pareto"],
    "benchmarks/off_policy/slates.py": ["test_off_policy_slates"],
    "benchmarks/off_policy/differences.py": ["test_off_policy_differences"],
    "benchmarks/off_policy/sums.py": ["test_off_policy_sums", "test_off_policy_intervals"],
    "benchmarks/off_policy/diagnostics.py": ["test_off_policy_diagnostics", "test_off_policy_evaluation"],
    "benchmarks/off_policy/verdicts.py": ["test_off_policy_verdicts", "test_off_policy_evaluation"],
    "benchmarks/off_policy/evidence.py": ["test_off_policy_evaluation"],
    "benchmarks/off_policy/estimators.py": ["test_off_policy_estimators", "test_off_policy_evaluation"],
    "benchmarks/off_policy/logging_model.py": ["test_off_policy_logging_model", "test_off_policy_slots"],
    "benchmarks/off_policy/intervals.py": ["test_off_policy_intervals", "test_off_policy_differences"],
}
_PATIENCE = 5.0  # a mutant that takes so many times as long as the file itself has been noticed
_COMPARISONS = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
_OPERATORS = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.FloorDiv,
    ast.Pow: ast.Mult,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
}
_NAMES = {"max": "min", "min": "max", "maximum": "minimum", "minimum": "maximum", "any": "all", "all": "any"}
_TEXTS = {"left": "right", "right": "left"}


@dataclass(frozen=True)
class Mutant:
    """One small change of a file."""

    line: int
    change: str  # what was, and what is
    source: str


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the survivors of each file, and how many died."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="*", default=list(_TESTS), help="files to change; all of the core by default")
    parser.add_argument("--tests", nargs="+", help="names of test files that are to notice")
    parser.add_argument("--sample", type=int, default=10**9, help="so many of each file's mutants, drawn by --seed")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    _get_ready()
    died = tried = 0
    for file in options.files:
        source = Path(file).read_text(encoding="utf-8")
        every = count(source)
        drawn = random.Random(options.seed).sample(range(every), min(options.sample, every))
        some = [mutant(source, number) for number in sorted(drawn)]
        tests = [f"tests/{name}.py" for name in options.tests or _TESTS[file]]
        begun = time.monotonic()
        if not _passes(file, source, tests, float("inf")):
            raise SystemExit(f"tests must pass on {file} as it is, got a failure in {' '.join(tests)}")
        most = _PATIENCE * (time.monotonic() - begun)
        survivors = [one for one in some if _passes(file, one.source, tests, most)]
        died, tried = died + len(some) - len(survivors), tried + len(some)
        for one in survivors:
            print(f"  {file}:{one.line}: {one.change}", flush=True)
        print(f"{file}: {len(some) - len(survivors)} of {len(some)} died ({every} in all)", flush=True)
    print(f"{died} of {tried} died")


def count(source: str) -> int:
    """How many mutants a module has."""
    change = _Change(-1)  # makes none: it only counts
    change.visit(ast.parse(source))
    return change.passed


def mutant(source: str, number: int) -> Mutant:
    """The mutant of this number, in the order of the source, from 0."""
    change = _Change(number)
    tree = change.visit(ast.parse(source))
    return Mutant(change.line, change.told, ast.unparse(ast.fix_missing_locations(tree)))


class _Change(ast.NodeTransformer):
    """Makes the change of this number, in the order of the source."""

    def __init__(self, number: int) -> None:
        self._number, self.passed = number, 0
        self.line, self.told = 0, ""

    def _due(self, node: Any, before: str, after: str) -> bool:
        """Whether this is the one."""
        if self.line:
            return False
        self.passed += 1
        if self.passed == self._number + 1:
            self.line, self.told = node.lineno, f"{before}  ->  {after}"
        return bool(self.line)

    def _among(self, node: Any, others: Sequence[Any]) -> Any:
        """The node, or the first of the others that is due, or the node with a change further in."""
        for other in others:
            if self._due(node, ast.unparse(node), ast.unparse(other)):
                return other
        return self.generic_visit(node)

    def generic_visit(self, node: ast.AST) -> Any:
        """As ever, but annotations, decorators and what is said in words stay."""
        if isinstance(node, ast.Import | ast.ImportFrom | ast.Raise | ast.Assert | ast.JoinedStr):
            return node
        for name, value in ast.iter_fields(node):
            if self.line or name in {"annotation", "returns", "decorator_list", "type_params"}:
                continue
            if isinstance(value, list):
                setattr(node, name, [self.visit(one) if isinstance(one, ast.AST) else one for one in value])
            elif isinstance(value, ast.AST):
                setattr(node, name, self.visit(value))
        return node

    def visit_Compare(self, node: ast.Compare) -> Any:
        others = []
        for k, operator in enumerate(node.ops):
            swapped = [*node.ops[:k], _COMPARISONS[type(operator)](), *node.ops[k + 1 :]]
            others.append(ast.Compare(node.left, swapped, node.comparators))
        return self._among(node, others)

    def visit_BinOp(self, node: ast.BinOp) -> Any:
        others: list[Any] = [node.left, node.right]
        if type(node.op) in _OPERATORS:
            others.insert(0, ast.BinOp(node.left, _OPERATORS[type(node.op)](), node.right))
        return self._among(node, others)

    def visit_BoolOp(self, node: ast.BoolOp) -> Any:
        swapped = ast.BoolOp(ast.Or() if isinstance(node.op, ast.And) else ast.And(), node.values)
        fewer = [ast.BoolOp(node.op, [*node.values[:k], *node.values[k + 1 :]]) for k in range(len(node.values))]
        return self._among(node, [swapped, *(one if len(one.values) > 1 else one.values[0] for one in fewer)])

    def visit_UnaryOp(self, node: ast.UnaryOp) -> Any:
        return self._among(node, [node.operand])

    def visit_IfExp(self, node: ast.IfExp) -> Any:
        return self._among(node, [node.body, node.orelse])

    def visit_If(self, node: ast.If) -> Any:
        for always in (True, False):
            if self._due(node, f"if {ast.unparse(node.test)}", f"if {always}"):
                node.test = ast.Constant(always)
                return node
        return self.generic_visit(node)

    def visit_Expr(self, node: ast.Expr) -> Any:
        if isinstance(node.value, ast.Constant):
            return node  # a docstring
        return self._without(node)

    def visit_AugAssign(self, node: ast.AugAssign) -> Any:
        return self._without(node)

    def visit_Assign(self, node: ast.Assign) -> Any:
        return self._without(node) if not isinstance(node.targets[0], ast.Name) else self.generic_visit(node)

    def _without(self, node: ast.stmt) -> Any:
        if self._due(node, ast.unparse(node), "nothing"):
            return ast.Pass()
        return self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> Any:
        named = node.func
        name = named.id if isinstance(named, ast.Name) else named.attr if isinstance(named, ast.Attribute) else ""
        if name in _NAMES and self._due(node, ast.unparse(node), f"{_NAMES[name]}(...)"):
            if isinstance(named, ast.Name):
                named.id = _NAMES[name]
            elif isinstance(named, ast.Attribute):
                named.attr = _NAMES[name]
            return node
        return self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> Any:
        value = node.value
        if isinstance(value, bool):
            return self._among(node, [ast.Constant(not value)])
        if isinstance(value, int):
            return self._among(node, [ast.Constant(value + 1)])
        if isinstance(value, float):
            return self._among(node, [ast.Constant(2 * value if value else 1.0)])
        return self._among(node, [ast.Constant(_TEXTS[value])]) if value in _TEXTS else node


def _get_ready() -> None:
    """All that is imported once for every mutant; nothing of ours, which each imports for itself."""
    for name in ("numba", "pandas", "pyarrow", "pytest", "scipy.integrate", "scipy.stats", "simpy"):
        importlib.import_module(name)
    import hypothesis

    settings = hypothesis.settings
    phases = (hypothesis.Phase.explicit, hypothesis.Phase.generate)  # a failure is enough: it need not be small
    settings.register_profile("mutants", phases=phases, database=None, derandomize=True)
    settings.load_profile("mutants")
    sys.path[:0] = [".", "tests"]


def _passes(file: str, source: str, tests: list[str], most: float) -> bool:
    """Whether the tests pass within `most` seconds with this source in the place of the file's, in a process alone."""
    with tempfile.TemporaryDirectory() as folder:
        mutant = Path(folder) / Path(file).name
        mutant.write_text(source, encoding="utf-8")
        child = os.fork()
        if child == 0:
            os._exit(_tested(file, mutant, tests))
        status = _waited(child, most)
    return status == 0


def _waited(child: int, most: float) -> int:
    """How a process ended; one that takes too long is ended."""
    until = time.monotonic() + most
    while time.monotonic() < until:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return status
        time.sleep(0.05)
    os.kill(child, signal.SIGKILL)
    return os.waitpid(child, 0)[1]


def _tested(file: str, mutant: Path, tests: list[str]) -> int:
    import pytest

    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    os.dup2(null, 2)
    if "njit" in mutant.read_text(encoding="utf-8"):
        import numba

        numba.config.CACHE_DIR = str(mutant.parent)  # else callers in other files run what they compiled before
    sys.meta_path.insert(0, _Instead(file.removesuffix(".py").replace("/", "."), mutant))
    try:
        return int(pytest.main(["-x", "-q", "-p", "no:cacheprovider", "--no-header", *tests]))
    except BaseException:
        return 1


class _Instead:
    """Finds one module somewhere else."""

    def __init__(self, name: str, path: Path) -> None:
        self._name, self._path = name, path

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        """The changed file for the module, nothing for any other."""
        return importlib.util.spec_from_file_location(name, self._path) if name == self._name else None


if __name__ == "__main__":
    main()
