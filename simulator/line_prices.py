"""Is the price on record that of a piece, or of all pieces of a line?"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

WHOLE = "prices grow with the pieces of a line, as if each was that of all its pieces; if so, name the column total"
_PROPORTION = 0.5  # growth beyond which a price is not that of a piece: 1 if of all pieces, 0 or less if of one
_FEWEST = 30  # lines of several pieces

Numbers = npt.NDArray[np.float64] | npt.NDArray[np.int64] | npt.NDArray[np.int32]


class LinePrices:
    """Log prices against log pieces of lines, within products; lines may come batch by batch."""

    def __init__(self, n_products: int) -> None:
        self._n = n_products
        self._sums = np.zeros((5, n_products))  # of 1, x, y, x x and x y
        self._several = 0

    def add(self, items: npt.NDArray[np.integer], pieces: Numbers, prices: Numbers) -> None:
        """More lines.

        Args:
            items: (n,) numbers of their products.
            pieces: (n,) of each, above 0.
            prices: (n,) on record, in money; NaN: none is known.
        """
        known = prices > 0
        x, y, of = np.log(pieces[known]), np.log(prices[known]), items[known]
        self._several += int((x > 0).sum())
        for total, one in zip(self._sums, (np.ones_like(x), x, y, x * x, x * y), strict=True):
            total += np.bincount(of, one, self._n)

    @property
    def growth(self) -> float:
        """Elasticity of the price by the pieces, within products; 0 where too few lines have several."""
        n, x, y, xx, xy = self._sums[:, self._sums[0] > 0]
        spread = float((xx - x * x / n).sum())
        return float((xy - x * y / n).sum()) / spread if self._several >= _FEWEST and spread > 0 else 0.0

    @property
    def whole(self) -> bool:
        """Do prices seem to be those of whole lines?"""
        return self.growth > _PROPORTION
