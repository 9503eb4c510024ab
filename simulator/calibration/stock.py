"""What was sold out: from then on nobody can buy, so that silence says nothing about demand."""

from __future__ import annotations

import numpy as np

from simulator.calibration.sales import Floats, Sales


def believed(sales: Sales, stock: Floats) -> Floats:
    """(K,) the pieces that there were in all; NaN where the shop does not say, or where more were sold than it says."""
    return np.where((stock > 0) & (_kept(sales) <= stock), stock, np.nan)


def sold_out(sales: Sales, stock: Floats) -> Floats:
    """(K,) day on which the last of a product's pieces was sold; NaN where some are left, or nobody says."""
    last = np.full(sales.n_products, -np.inf)
    np.maximum.at(last, sales.items, sales.times[sales.visits])
    return np.where((stock > 0) & (_kept(sales) == stock), last, np.nan)


def _kept(sales: Sales) -> Floats:
    """(K,) pieces sold that did not come back."""
    return np.bincount(sales.items, sales.pieces - sales.returned, sales.n_products).astype(float)
