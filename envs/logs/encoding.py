"""From columns of a log to context features: numbers standardised, categories one-hot or hashed; saved with the log."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from envs.logs.private import private
from envs.logs.rows import LogError
from policies.policy import Floats

CONSTANT = "constant"  # a linear policy has no intercept but this


@dataclass(frozen=True)
class Feature:
    """How one column becomes features."""

    column: str
    kind: str  # "number", "one-hot" or "hash"
    missing: str  # "drop", "mean", "median", "mode" or "indicator"
    fill: float | str | None = None  # what stands for a missing value
    mean: float = 0.0
    scale: float = 1.0
    categories: tuple[str, ...] = ()
    size: int = 0  # of a hashed column

    @property
    def names(self) -> list[str]:
        """Of the features, in their order."""
        if self.kind == "number":
            names = [self.column]
        elif self.kind == "one-hot":
            names = [f"{self.column}={category}" for category in self.categories]
        else:
            names = [f"{self.column}#{bucket}" for bucket in range(self.size)]
        return names + ([f"{self.column} missing"] if self.missing == "indicator" else [])

    def apply(self, values: Any) -> Floats:
        """(n, number of names): values is an Arrow array of numbers or of text, null where missing.

        A category that was not there when the encoding was made has no feature: its row is all 0.
        """
        filled = values if self.fill is None else values.fill_null(self.fill)
        width = len(self.names)
        features = np.zeros((len(values), width))
        if self.kind == "number":
            features[:, 0] = (filled.to_numpy(zero_copy_only=False) - self.mean) / self.scale
        else:
            places = self._places(filled)
            rows = np.flatnonzero(places >= 0)
            features[rows, places[rows]] = 1.0
        if self.missing == "indicator":
            features[:, -1] = values.is_null().to_numpy(zero_copy_only=False)
        return features

    def _places(self, values: Any) -> Any:
        """(n,) the feature of each row's category, -1 for none."""
        if self.kind == "one-hot":
            index = pc.index_in(values, value_set=pa.array(self.categories, pa.string()), skip_nulls=True)
            return index.fill_null(-1).to_numpy(zero_copy_only=False)
        coded = values.dictionary_encode()
        bucket = np.array([zlib.crc32(name.encode()) % self.size for name in coded.dictionary.to_pylist()] + [-1])
        return bucket[coded.indices.fill_null(-1).to_numpy(zero_copy_only=False)]


@dataclass(frozen=True)
class Encoding:
    """All of a log's columns, in order."""

    features: tuple[Feature, ...]
    constant: bool = False  # whether a feature that is 1 comes first; contexts have one, items need none

    @property
    def names(self) -> list[str]:
        """Of the d features."""
        return [CONSTANT] * self.constant + [name for feature in self.features for name in feature.names]

    def apply(self, columns: Sequence[Any], n: int) -> Floats:
        """(n, d) features from Arrow arrays, one for each column in its order."""
        made = [feature.apply(values) for feature, values in zip(self.features, columns, strict=True)]
        return np.hstack([np.ones((n, int(self.constant))), *made])

    def plain(self) -> dict[str, Any]:
        """As what JSON can hold."""
        return {"features": [asdict(feature) for feature in self.features], "constant": self.constant}

    @classmethod
    def of(cls, plain: Mapping[str, Any]) -> Encoding:
        """Back from `plain`.

        Raises:
            LogError: this is no encoding.
        """
        try:
            made = [Feature(**{**feature, "categories": tuple(feature["categories"])}) for feature in plain["features"]]
        except (KeyError, TypeError) as reason:
            raise LogError(f"encoding must be one that was saved, got something else ({reason})") from None
        return cls(tuple(made), bool(plain.get("constant")))

    def save(self, path: str | Path) -> None:
        """Write it to a JSON file of its owner's."""
        with private(path) as file:
            json.dump(self.plain(), file, indent=1)

    @classmethod
    def load(cls, path: str | Path) -> Encoding:
        """Back from `save`.

        Raises:
            LogError: the file is missing or is no encoding.
        """
        try:
            return cls.of(json.loads(Path(path).read_text(encoding="utf-8")))
        except FileNotFoundError:
            raise LogError(f"encoding must be a file that exists, got {str(path)!r}") from None
        except (json.JSONDecodeError, UnicodeDecodeError) as reason:
            raise LogError(f"encoding must be a JSON file, got {str(path)!r} ({reason})") from None
