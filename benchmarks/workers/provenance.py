"""What a run depends on beside its scenario and seed: the code that plays it, packages, files that a policy names."""

from __future__ import annotations

import ast
import hashlib
import platform
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

import policies
from benchmarks import foreign
from policies.calls import parse

_PACKAGES = (
    "numpy",
    "scipy",
    "pandas",
    "numba",
    "simpy",
    "jax",
    "jaxlib",
    "equinox",
    "optax",
    "scikit-learn",
    "vowpalwabbit",
)


def provenance(call: str = "uniform") -> dict[str, str]:
    """What decides how a policy plays: digests of the code and of files it names, versions of packages, by name."""
    name, settings = parse(call)
    return {"code": code(name)} | versions(name) | dict(_files(settings))


def differences(ours: Mapping[str, str], theirs: Mapping[str, str]) -> str:
    """What is another there, as `numpy 2.3.0 there, 2.4.6 here`; '' where nothing is."""
    names = [name for name in {**ours, **theirs} if ours.get(name) != theirs.get(name)]
    return ", ".join(
        f"{each} {theirs.get(each, 'none')[:12]} there, {ours.get(each, 'none')[:12]} here" for each in names
    )


@cache
def code(policy: str) -> str:
    """A digest of all source that a run depends on."""
    here = Path(__file__).parents[1]
    folders = [here.parent / name for name in ("simulator", "policies", "envs")]
    files = sorted(file for folder in folders for file in folder.rglob("*.py"))
    files += [here / name for name in ("runner.py", "trace.py", "comparison/regret.py")]
    files += [here / "sweeps" / name for name in ("record.py", "products.py")]
    if ":" in policy:
        files += foreign.sources(policies.find(policy))
    return hashlib.sha256(b"\0".join(file.read_bytes() for file in files)).hexdigest()


@cache
def versions(policy: str = "") -> dict[str, str]:
    """Python and the packages that decide a run's numbers; of somebody else's policy also those that it imports."""
    known = {"python": platform.python_version()} | dict(_installed(_PACKAGES))
    if ":" not in policy:
        return known
    imported = {name for file in foreign.sources(policies.find(policy)) for name in _imports(file)}
    packages = metadata.packages_distributions()  # reads a file of every package there is
    theirs = {package for name in imported for package in packages.get(name, [])}
    return known | dict(_installed(sorted(theirs)))


def _installed(packages: Any) -> Iterator[tuple[str, str]]:
    for package in packages:
        try:
            yield package, metadata.version(package)
        except metadata.PackageNotFoundError:
            continue


def _imports(file: Path) -> Iterator[str]:
    """The top-level names that a file imports, the standard library's left out."""
    try:
        tree = ast.parse(file.read_bytes())
    except (SyntaxError, ValueError):
        return
    for node in ast.walk(tree):
        modules = [node.module] if isinstance(node, ast.ImportFrom) else []
        modules += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        roots = (module.partition(".")[0] for module in modules if module)
        yield from (root for root in roots if root not in sys.stdlib_module_names)


def _files(settings: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Files that settings name: a rule, weights."""
    for value in settings.values():
        if isinstance(value, str) and len(value) < 4096 and Path(value).is_file():
            yield value, hashlib.sha256(Path(value).read_bytes()).hexdigest()
