"""Independent random streams from one seed, found by purpose.

Two kinds. `generator` gives a numpy Generator for a purpose (and further keys), for drawing many numbers at once.
`uniforms` gives a luck that belongs to an id: the same (seed, id, purpose) meets the same number in any order, any
batch, whoever decides. That is what makes common random numbers exact.
"""

from __future__ import annotations

import zlib
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit, uint64

Ids = npt.NDArray[np.uint64]

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)


@njit(uint64(uint64, uint64), cache=True, inline="always")
def mix(key: Any, word: Any) -> Any:
    """A new key from a key and a word: two rounds of SplitMix64's finaliser (Steele, Lea & Flood 2014)."""
    z = key ^ (word * _GOLDEN + _GOLDEN)
    z = (z ^ (z >> np.uint64(30))) * _MIX_1
    z = (z ^ (z >> np.uint64(27))) * _MIX_2
    z = z ^ (z >> np.uint64(31))
    z = z + _GOLDEN
    z = (z ^ (z >> np.uint64(30))) * _MIX_1
    z = (z ^ (z >> np.uint64(27))) * _MIX_2
    return z ^ (z >> np.uint64(31))


@njit(cache=True, inline="always")
def unit(key: Any) -> Any:
    """A key as a number strictly between 0 and 1."""
    return (np.float64(key >> np.uint64(11)) + 0.5) * (1.0 / 9007199254740992.0)


@njit(cache=True)
def uniforms(seed: Any, ids: Any) -> Any:
    """(n,) numbers in (0, 1), one for each id under this seed."""
    drawn = np.empty(len(ids))
    for i in range(len(ids)):
        drawn[i] = unit(mix(seed, ids[i]))
    return drawn


def word(purpose: str) -> int:
    """A purpose as a number that is the same on every machine."""
    return zlib.crc32(purpose.encode())


def key(seed: int, purpose: str) -> np.uint64:
    """The seed of the id-keyed luck of one purpose."""
    return np.uint64(mix(np.uint64(seed), np.uint64(word(purpose))))


def generator(seed: int, purpose: str, *keys: int) -> np.random.Generator:
    """A numpy generator of its own for a purpose, and for further keys (a day, a product)."""
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, word(purpose), *keys])))
