"""Experiments: how many points they have, what each is, what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from benchmarks.sweeps.experiment import Experiment
from policies.policy import PolicyError
from simulator.scenario import ScenarioError

GRID = """
scenarios = ["tight_stock", "cold_start"]
policies = ["uniform", "linucb(ridge=4)"]
seeds = [3, 5]
[overrides]
"products.*.stock" = ["x0.5", "x1"]
arrivals.per_day = [400, 800, 1600]
users.population = 500
[settings.linucb]
alpha = [0.1, 1.0]
"""


def written(folder: Path, text: str) -> Experiment:
    file = folder / "mine.toml"
    file.write_text(text)
    return Experiment.read(file)


def test_a_grid_crosses_everything_and_is_named_for_its_file(tmp_path: Path) -> None:
    found = written(tmp_path, GRID)
    points = list(found.points())
    assert found.name == "mine"
    assert found.size == 2 * (2 * 3) * (1 + 2) * 2 == sum(len(point.policies) for point in points) * 2
    assert points[1].overrides == {"products.*.stock": "x0.5", "arrivals.per_day": 800, "users.population": 500}
    assert [call for call, _ in points[0].policies] == [
        "uniform",
        "linucb(ridge=4, alpha=0.1)",
        "linucb(ridge=4, alpha=1.0)",
    ]
    assert points[0].policies[1][1] == {"linucb.alpha": 0.1}


def test_cases_are_played_one_after_another() -> None:
    cases = [{"arrivals": {"per_day": 100}}, {"days": 9}]
    found = Experiment.read({"scenarios": "tight_stock", "policies": ["uniform"], "cases": cases})
    assert [point.overrides for point in found.points()] == [{"arrivals.per_day": 100}, {"days": 9}]
    assert found.size == 2 * 10


def test_draws_fill_their_ranges_evenly_and_are_the_same_each_time() -> None:
    asked: dict[str, Any] = {
        "scenarios": "tight_stock",
        "policies": ["uniform", "linucb"],
        "seeds": 1,
        "draws": 50,
        "overrides": {"arrivals.per_day": "100..1600 log", "users.population": "10..20 whole", "days": [9, 10]},
        "settings": {"linucb": {"alpha": "0.1..1"}},
    }
    points = list(Experiment.read(asked).points())
    assert points == list(Experiment.read(asked).points())
    assert len(points) * 2 == Experiment.read(asked).size
    per_day = [point.overrides["arrivals.per_day"] for point in points]
    assert sum(value < 400 for value in per_day) == 25  # a hypercube puts one into each fiftieth of the logarithm
    assert all(type(point.overrides["users.population"]) is int for point in points)
    assert sum(point.overrides["days"] == 9 for point in points) == 25
    assert all(0.1 <= point.policies[1][1]["linucb.alpha"] <= 1 for point in points)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"ovverides": {}}, "ovverides must be a known key, did you mean 'overrides'"),
        ({"overrides": {"days": []}}, "days must have at least one value to try"),
        ({"policies": []}, "policies"),
        ({"scenarios": []}, "scenarios"),
        ({"seeds": 0}, "seeds must be one or more distinct numbers from 0 up, got 0"),
        ({"seeds": [1, 1]}, "distinct"),
    ],
)
def test_what_is_no_experiment_is_one_line(change: dict[str, Any], told: str) -> None:
    with pytest.raises(ScenarioError, match=told):
        list(Experiment.read({"scenarios": "tight_stock", "policies": ["uniform"]} | change).seasons)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"settings": {"linucb": {"alpha": [1]}}}, "of a policy of the experiment, got 'linucb'"),
        ({"policies": ["linucb(alpha=1)"], "settings": {"linucb": {"alpha": [1]}}}, "not vary what the call says"),
        ({"overrides": {"days": "9..12"}}, "must list values where nothing is drawn"),
        ({"overrides": {"days": "12..9"}, "draws": 3}, "low end below its high end, got '12..9'"),
    ],
)
def test_what_does_not_go_together_is_one_line(change: dict[str, Any], told: str) -> None:
    with pytest.raises(PolicyError, match=told):
        list(Experiment.read({"scenarios": "tight_stock", "policies": ["uniform"]} | change).points())
