"""Reading back the arrays that a grid's running state is kept as; as bytes, so an infinity or a NaN is exact there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["read_array"]


def read_array(
    arrays: Mapping[str, NDArray[Any]], name: str, kind: type[np.generic], shape: tuple[int, ...]
) -> NDArray[Any]:
    """Return a copy of the array kept under `name`.

    Args:
        arrays: the state.
        name: which of them.
        kind: the type of its numbers.
        shape: its shape, -1 where any length will do.

    Raises:
        ValueError: the name is missing or holds something else.
    """
    if name not in arrays:
        raise ValueError(f"inference state has no {name!r}; it has {sorted(arrays)}")
    array = arrays[name]
    fits = array.ndim == len(shape) and all(want in (-1, have) for want, have in zip(shape, array.shape, strict=True))
    if not fits or array.dtype != np.dtype(kind):
        raise ValueError(
            f"inference state {name!r} must be {np.dtype(kind)} of shape {shape}, not {array.dtype} of {array.shape}"
        )
    return array.copy()
