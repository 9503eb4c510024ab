"""Settings are checked with one form of message."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from policies import settings
from policies.policy import PolicyError


def test_values_within_their_rules_come_back() -> None:
    assert settings.between("epsilon", 1, 0, 1) == 1.0
    assert settings.at_least("alpha", np.float32(0.5), 0) == 0.5
    assert settings.positive("ridge", 4) == 4.0
    assert settings.whole("draws", 10.0, 1) == 10
    assert settings.one_of("model", "mean", ["mean", "ridge"]) == "mean"


@pytest.mark.parametrize("value", [float("nan"), float("inf"), "0.5", None, True, [0.5]])
@pytest.mark.parametrize(
    ("check", "rule"),
    [
        (lambda value: settings.between("x", value, 0, 1), "be between 0 and 1"),
        (lambda value: settings.at_least("x", value, 0), "be a number of at least 0"),
        (lambda value: settings.positive("x", value), "be positive"),
        (lambda value: settings.whole("x", value, 1), "be a whole number of at least 1"),
    ],
)
def test_what_is_no_number_is_refused(check: Callable[[Any], Any], rule: str, value: Any) -> None:
    with pytest.raises(PolicyError) as error:
        check(value)
    assert str(error.value) == f"x must {rule}, got {value!r}"
