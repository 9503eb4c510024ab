"""Choices among alternatives: multinomial and nested logit, as log shares."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt


def log_shares(
    utilities: Any, available: npt.NDArray[np.bool_], nests: npt.NDArray[np.int64], dissimilarities: Any
) -> Any:
    """(n, J) log of the share that each alternative gets; -inf where it is not available.

    Args:
        utilities: (n, J).
        available: (n, J) bool.
        nests: (J,) the nest of each alternative, from 0.
        dissimilarities: (G,) of the nests, in (0, 1]; 1 everywhere is the multinomial logit (McFadden 1978).
    """
    inside = jnp.where(available, utilities / dissimilarities[nests], -jnp.inf)
    member = jnp.asarray(np.eye(len(dissimilarities))[nests])  # (J, G)
    top = jax.lax.stop_gradient(jnp.max(jnp.where(available, inside, -1e300), axis=1, keepdims=True))
    weight = jnp.where(available, jnp.exp(inside - top), 0.0) @ member  # (n, G)
    some = weight > 0
    inclusive = jnp.where(some, jnp.log(jnp.where(some, weight, 1.0)) + top, -jnp.inf)  # (n, G)
    worth = jnp.where(some, dissimilarities * jnp.where(some, inclusive, 0.0), -jnp.inf)
    of_nest = worth - jax.scipy.special.logsumexp(worth, axis=1, keepdims=True)
    return inside - inclusive[:, nests] + of_nest[:, nests]
