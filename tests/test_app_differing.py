"""What exactly differs between two scenarios."""

from __future__ import annotations

from benchmarks.app.differing import differences
from benchmarks.sweeps.overrides import overridden
from simulator.scenario import Scenario

SPRING = Scenario.load("spring_launch")


def told(**overrides: object) -> dict[str, tuple[str, str]]:
    found = differences(SPRING, overridden(SPRING, {key.replace("__", "."): value for key, value in overrides.items()}))
    return {each.place: (each.before, each.now) for each in found}


def test_a_scenario_differs_in_nothing_from_itself_whatever_it_is_called() -> None:
    assert differences(SPRING, SPRING.changed(name="another", title="Another", about="Another.")) == []


def test_exactly_what_differs_is_listed() -> None:
    found = told(arrivals__per_day=1200, **{"products.Linen shirt.stock": None, "choice.novelty": 0})
    assert found == {
        "arrivals.per_day": ("800", "1,200"),
        "choice.novelty": ("0.3", "0"),
        "products.Linen shirt.stock": ("500", "none"),
    }


def test_a_product_that_came_and_one_that_went_are_named() -> None:
    rows = [product.model_dump(exclude_defaults=True) for product in SPRING.products]
    found = told(products=[*rows[1:], {"title": "Rain cape", "category": "tops", "price": 80, "launch": 3}])
    assert found == {"products.Classic white tee": ("there", "not there"), "products.Rain cape": ("not there", "there")}


def test_a_part_that_the_base_does_not_have_is_listed() -> None:
    assert told(**{"baskets.products": 2.0})["baskets"] == ("none", "there")


def test_what_a_key_means_stands_beside_it() -> None:
    (each,) = differences(SPRING, overridden(SPRING, {"products.Linen shirt.price": 3.0}))
    assert each.about == "euros"
