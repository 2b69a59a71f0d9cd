"""Arrays with the same entries that lie in memory in other ways."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

__all__ = ["LAYOUTS", "laid_out"]


def _strided(array: np.ndarray) -> np.ndarray:
    return np.repeat(array, 2, axis=-1)[..., ::2]


def _transposed(array: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(np.moveaxis(array, -1, 0)).transpose(*range(1, array.ndim), 0)


def _reversed(array: np.ndarray) -> np.ndarray:
    every = (slice(None, None, -1),) * array.ndim
    return np.ascontiguousarray(array[every])[every]


def _repeated(array: np.ndarray) -> np.ndarray:
    """Entries that are the same along an axis, once in memory."""
    for axis in range(array.ndim):
        first = array.take([0], axis) if array.shape[axis] else array
        if array.shape[axis] > 1 and np.array_equal(first.repeat(array.shape[axis], axis), array):
            return np.broadcast_to(first, array.shape)
    return array


def _within(array: np.ndarray) -> np.ndarray:
    """Somewhere within a larger array."""
    wide = np.full([length + 2 for length in array.shape], 77, array.dtype)
    found = wide[(slice(1, -1),) * array.ndim]
    found[...] = array
    return found


def _read_only(array: np.ndarray) -> np.ndarray:
    found = array.copy()
    found.flags.writeable = False
    return found


LAYOUTS: Mapping[str, Callable[[np.ndarray], np.ndarray]] = {
    "contiguous": np.array,
    "Fortran's order": lambda array: np.array(array, order="F"),
    "transposed": _transposed,
    "strided": _strided,
    "reversed": _reversed,
    "repeated": _repeated,
    "within": _within,
    "read-only": _read_only,
}
"""Ways to lie in memory."""


def laid_out(array: Any, layout: str) -> Any:
    """The array, if it has axes, in a layout."""
    if not isinstance(array, np.ndarray) or not array.ndim:
        return array
    found = LAYOUTS[layout](array)
    np.testing.assert_array_equal(found, array)
    return found
