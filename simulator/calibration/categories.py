"""Categories: those that the shop gives, otherwise groups of titles that share words."""

from __future__ import annotations

import re
from collections import Counter

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.cluster.vq import kmeans2
from scipy.sparse import csr_array
from scipy.sparse.linalg import svds

OTHER = "other"

_GROUPS = 20
_LEAST = 5  # titles that a word must stand in
_AXES = 20


def categories(goods: pd.DataFrame) -> npt.NDArray[np.str_]:
    """(K,) the category of each product.

    Where the shop gives none, titles are grouped by their words: words are weighed by how rare they are (tf-idf),
    reduced to their main axes (latent semantic analysis, Deerwester et al. 1990), and grouped by k-means. A group is
    called by the word that sets it apart.
    """
    named = np.array([str(name) if pd.notna(name) else "" for name in goods["category"].astype(object)])
    if (named != "").mean() > 0.5:
        return np.where(named == "", OTHER, named)
    return _grouped([words(str(title)) for title in goods["title"].astype(object)])


def words(title: str) -> list[str]:
    """The words of a title, in the singular; of what is written without spaces, each two signs in a row."""
    found = []
    for word in re.findall(r"[^\W\d_]+", title.lower()):
        if not word.isascii():
            found += [word[i : i + 2] for i in range(max(len(word) - 1, 1))]
        elif len(word) > 2:
            found.append(word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word)
    return found


def _grouped(titles: list[list[str]]) -> npt.NDArray[np.str_]:
    spread = Counter(word for title in titles for word in set(title))
    known = sorted(word for word, n in spread.items() if n >= _LEAST)
    if len(known) <= _GROUPS:
        return np.full(len(titles), OTHER)
    place = {word: i for i, word in enumerate(known)}
    cells = [(k, place[word]) for k, title in enumerate(titles) for word in set(title) if word in place]
    rows, columns = np.array(cells).T
    rarity = np.log(len(titles) / np.array([spread[word] for word in known]))
    table = csr_array((rarity[columns], (rows, columns)), shape=(len(titles), len(known)))
    left, size, _ = svds(table, min(_AXES, len(known) - 1), rng=np.random.default_rng(0))
    axes = left * size
    axes /= np.maximum(np.linalg.norm(axes, axis=1, keepdims=True), 1e-9)
    _, group = kmeans2(axes, _GROUPS, minit="++", rng=np.random.default_rng(0))
    return _called(group, csr_array((np.ones(len(rows)), (rows, columns)), shape=table.shape), known)


def _called(group: npt.NDArray[np.int32], table: csr_array, known: list[str]) -> npt.NDArray[np.str_]:
    """(K,) the name of each product's group: the word that sets it apart, and is not yet a name."""
    names: list[str] = []
    everywhere = table.sum(axis=0)
    for number in range(_GROUPS):
        inside = table[group == number].sum(axis=0) if (group == number).any() else np.zeros(len(known))
        apart = inside * inside / np.maximum(everywhere, 1)
        apart[[known.index(name) for name in names]] = -1.0
        names.append(known[int(np.argmax(apart))])
    return np.array(names)[group]
