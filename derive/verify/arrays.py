"""The functions of arrays that evaluated expressions are made of.

Every array has an axis for each index of the expression, of length 1 where it is constant.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from math import prod
from operator import mul
from typing import Any

import numpy as np
from numpy.typing import NDArray

from derive.verify.functions import FUNCTIONS, opaque

__all__ = ["NAMESPACE", "Array", "matrices_along"]

Array = NDArray[Any]


def _ones(index: Array, dtype: Any) -> Array:
    return np.ones(np.shape(index), dtype)


def _delta(left: Any, right: Any, dtype: Any) -> Array:
    return np.equal(left, right).astype(dtype)


_COMPARED = {"<": np.less, "<=": np.less_equal, "=": np.equal, "!=": np.not_equal}


def _iverson(left: Any, relation: str, right: Any, dtype: Any) -> Any:
    """1 where the relation holds between the real parts, so that a complex step changes none."""
    return _COMPARED[relation](np.real(left), np.real(right)).astype(dtype)


def _power(base: Any, exponent: int) -> Any:
    """A whole power by repeated squaring: unlike `**` it keeps a tiny imaginary part exact."""
    if exponent < 0:
        return 1.0 / _power(base, -exponent)
    result: Any = 1.0
    while exponent:
        if exponent & 1:
            result = result * base
        base, exponent = base * base, exponent >> 1
    return result


def _total(factors: Sequence[Any], *axes: tuple[int, int]) -> Any:
    """The sum over axes of a product, each axis given with its length.

    Axes go one by one, the one first that leaves the smallest array: the factors that carry it
    are multiplied and summed. Along an axis that none of them carries the product repeats.
    """
    arrays = [_Part.of(factor) for factor in factors if np.size(factor) > 1]
    number: Any = reduce(mul, [factor for factor in factors if np.size(factor) == 1], 1.0)
    carried = {axis for array in arrays for axis in array.axes}
    repeats = prod(length for axis, length in axes if axis not in carried)
    left = {axis for axis, _ in axes} & carried
    while left:
        axis = min(sorted(left), key=lambda a: _size_without(a, arrays))
        holders = [array for array in arrays if axis in array.axes]
        arrays = [array for array in arrays if axis not in array.axes]
        arrays.append(_joined(holders, axis))
        left.discard(axis)
    rank = max((np.ndim(factor) for factor in factors), default=0)
    found = reduce(mul, [array.spread(rank) for array in arrays], number)
    return found * float(repeats) if repeats != 1 else found


@dataclass(frozen=True)
class _Part:
    """A factor without the axes along which it is constant; `axes` are the others."""

    entries: Array
    axes: tuple[int, ...]

    @staticmethod
    def of(factor: Array) -> _Part:
        axes = tuple(axis for axis, length in enumerate(factor.shape) if length > 1)
        return _Part(factor.reshape([factor.shape[axis] for axis in axes]), axes)

    def spread(self, rank: int) -> Array:
        """The factor with all axes again, of length 1 where it is constant."""
        shape = [1] * rank
        for axis, length in zip(self.axes, self.entries.shape, strict=True):
            shape[axis] = length
        return self.entries.reshape(shape)


def _size_without(axis: int, parts: Sequence[_Part]) -> int:
    """The number of entries that the factors with an axis have together once it is summed."""
    lengths = {
        a: n
        for part in parts
        if axis in part.axes
        for a, n in zip(part.axes, part.entries.shape, strict=True)
    }
    return prod(lengths.values()) // lengths[axis]


def _joined(parts: Sequence[_Part], axis: int) -> _Part:
    """The product of factors, summed over an axis."""
    kept = sorted({a for part in parts for a in part.axes} - {axis})
    # np.einsum numbers no more than 52 axes.
    number = {a: n for n, a in enumerate((*kept, axis))}
    operands = [
        operand for part in parts for operand in (part.entries, [number[a] for a in part.axes])
    ]
    return _Part(np.asarray(np.einsum(*operands, [number[a] for a in kept])), tuple(kept))


def _entries(array: Any, *slots: Any) -> Any:
    """The entries of an array at computed indices, zero where one is out of range."""
    inside: Any = True
    for slot, length in zip(slots, array.shape, strict=True):
        inside = inside & (slot >= 0) & (slot < length)
    nearest = [np.clip(s, 0, max(n - 1, 0)) for s, n in zip(slots, array.shape, strict=True)]
    return np.where(inside, array[tuple(nearest)], 0)


def _over(body: Any, *axes: tuple[int, int]) -> Any:
    """The product over axes, each given with its length; a body without one repeats along it."""
    body = np.asarray(body)
    absent = [n for axis, n in axes if not body.ndim or body.shape[axis] == 1]
    present = tuple(axis for axis, n in axes if body.ndim and body.shape[axis] != 1)
    found = np.prod(body, axis=present, keepdims=True) if present else body
    return _power(found, prod(absent))


def _place(body: Any, sign: int, *axes: tuple[int, int]) -> Any:
    """The index of the greatest entry, or with the sign -1 of the least, along one axis."""
    ((axis, _),) = axes
    body = np.asarray(body)
    # Real parts are compared, so that a complex step moves the entry and not the choice.
    return np.argmax(sign * body.real, axis=axis, keepdims=True) if body.ndim else 0


def _extremum(body: Any, sign: int, *axes: tuple[int, int]) -> Any:
    """The greatest entry along axes, or with the sign -1 the least."""
    body = np.asarray(body)
    for axis, _ in axes if body.ndim else ():
        body = np.take_along_axis(body, _place(body, sign, (axis, 0)), axis)
    return body


def matrices_along(body: Any, *axes: tuple[int, int]) -> tuple[tuple[int, ...], Any]:
    """Two axes, and the matrices that lie along them, with those axes last."""
    places = tuple(axis for axis, _ in axes)
    shape = list(np.shape(body))
    for axis, length in axes:
        shape[axis] = length
    return places, np.moveaxis(np.broadcast_to(body, shape), places, (-2, -1))


def _determinant(body: Any, *axes: tuple[int, int]) -> Any:
    """The determinant of the matrices that lie along two axes."""
    places, matrices = matrices_along(body, *axes)
    return np.expand_dims(np.linalg.det(matrices), places)


def _log_determinant(body: Any, *axes: tuple[int, int]) -> Any:
    """The logarithm of the determinant, turned to where it is positive."""
    found = _determinant(body, *axes)
    return np.log(found * np.sign(found.real))


NAMESPACE: Mapping[str, Any] = {
    "np": np,
    "ones": _ones,
    "delta": _delta,
    "power": _power,
    "total": _total,
    "over": _over,
    "place": _place,
    "extremum": _extremum,
    "iverson": _iverson,
    "determinant": _determinant,
    "log_determinant": _log_determinant,
    "entries": _entries,
    "opaque": opaque,
    **{f"own_{name}": function for name, function in FUNCTIONS.items()},
}
"""What the code of expressions mentions, for floating point."""
