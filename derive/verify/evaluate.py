"""Expressions as vectorised NumPy functions.

Every index of an expression has an axis of its own, free ones first, and becomes `arange(size)`
along it; a tensor is read with one such array for each of its indices, and broadcasting does the
rest. So `x_ii`, labels, gathered entries and constant indices need no case of their own. A product
under a sum is never built whole: each index is summed as soon as the factors that carry it are
multiplied, so that no array is larger than the indices that are left.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from math import prod
from operator import mul
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sympy import Expr, preorder_traversal

from derive.errors import DeriveError
from derive.expressions import Index, ranging
from derive.verify.functions import FUNCTIONS, opaque
from derive.verify.printer import Argument, NumPyPrinter, Request, UnknownNodeError

__all__ = [
    "Array",
    "Compiled",
    "Compiler",
    "EvaluationError",
    "ShapeError",
    "Values",
    "free_axes",
]

Array = NDArray[Any]


class EvaluationError(DeriveError):
    """An expression cannot be evaluated."""


class ShapeError(EvaluationError):
    """An index runs over an axis of another length: the expression has no value."""


@dataclass(frozen=True)
class Values:
    """Numbers for all that an expression mentions.

    `tensors` by name, tensors of labels among them as integer arrays; `labels`, the letters that
    are fixed indices; `sizes`, a number for each size that is a symbol.
    """

    tensors: Mapping[str, Array]
    labels: Mapping[str, int]
    sizes: Mapping[Expr, int]

    def size(self, size: Expr | None) -> int:
        """The number that a size stands for."""
        if size is None:
            raise EvaluationError("an index has no size")
        if size.is_Integer:
            return int(size)
        if size not in self.sizes:
            raise EvaluationError(f"the size {size} has no value")
        return self.sizes[size]


Jacobian = Callable[[Request], Array]


class Compiled:
    """An expression as a function of values, with an axis for each of the given free indices.

    The tensors `moving` have the index `MOVE` before their own.

    Raises
    ------
    EvaluationError : the expression holds a node that has no NumPy form, or an index that is
        neither bound nor among the free ones.
    """

    def __init__(
        self, expr: Expr, free: Sequence[Index], moving: frozenset[str] = frozenset()
    ) -> None:
        self.free = tuple(free)
        self._printer = NumPyPrinter(self.free, moving)
        try:
            self.code = self._printer.doprint(expr)
            names = ", ".join(argument.code for argument in self.arguments)
            # All names in the code are made by the printer, none by a user.
            self._function = eval(f"lambda {names}: {self.code}", dict(_NAMESPACE))
        except UnknownNodeError as error:
            raise EvaluationError(str(error)) from None
        except (SyntaxError, RecursionError, MemoryError, OverflowError):
            raise EvaluationError("the expression is too deep or too large to evaluate") from None

    @property
    def arguments(self) -> list[Argument]:
        return list(self._printer.arguments.values())

    def __call__(self, values: Values, jacobian: Jacobian | None = None) -> Array:
        """The value, in the shape of the free indices."""
        arrays = {
            argument.code: self._argument(argument, values, jacobian)
            for argument in self.arguments
            if argument.kind != "dtype"
        }
        self._check_shapes(arrays, values)
        try:
            with np.errstate(all="ignore"):
                found = np.asarray(self._function(**self._typed(arrays)))
        except (OverflowError, ZeroDivisionError, MemoryError) as error:
            raise EvaluationError(f"no finite value: {error}") from None
        except (IndexError, ValueError) as error:
            raise ShapeError(f"the axes do not fit together: {error}") from None
        shape = tuple(values.size(index.size) for index in self.free)
        if found.ndim:
            found = found.reshape(found.shape[: len(shape)])
        return np.broadcast_to(found, shape)

    def _argument(self, argument: Argument, values: Values, jacobian: Jacobian | None) -> Any:
        what = argument.what
        if argument.kind == "size":
            return values.size(what)
        if argument.kind == "label":
            return _found(values.labels, what)
        if argument.kind == "tensor":
            return _found(values.tensors, what)
        if argument.kind == "index":
            shape = [1] * len(self._printer.axes)
            shape[self._printer.axes[what]] = -1
            return np.arange(values.size(what.size)).reshape(shape)
        if jacobian is None:
            raise EvaluationError("a partial derivative has no value here")
        return jacobian(what)

    def _typed(self, arrays: dict[str, Any]) -> dict[str, Any]:
        """The arguments with the type of ones and deltas: that of the data, or float64."""
        codes = [argument.code for argument in self.arguments if argument.kind == "dtype"]
        if not codes:
            return arrays
        kinds = [a.dtype for a in arrays.values() if isinstance(a, np.ndarray)]
        kinds = [kind for kind in kinds if kind.kind in "fc"]
        kind = np.result_type(*kinds) if kinds else np.dtype(float)
        return {**arrays, codes[0]: np.empty(0, kind).real.dtype}

    def _check_shapes(self, arrays: Mapping[str, Any], values: Values) -> None:
        """An index of another size than its axis would read a part of it, or repeat."""
        for code, slots in self._printer.reads:
            shape = np.shape(arrays[code])
            if len(shape) != len(slots):
                raise ShapeError(f"{len(slots)} indices for a tensor of order {len(shape)}")
            for length, slot in zip(shape, slots, strict=True):
                runs = isinstance(slot, Index) and not slot.is_label
                if runs and values.size(slot.size) != length:
                    raise ShapeError(f"index {slot} runs over an axis of another size")


class Compiler:
    """Compiles each expression once."""

    def __init__(self) -> None:
        self._known: dict[tuple[Expr, tuple[Index, ...], frozenset[str]], Compiled] = {}

    def __call__(
        self, expr: Expr, free: Sequence[Index], moving: frozenset[str] = frozenset()
    ) -> Compiled:
        key = (expr, tuple(free), moving)
        if key not in self._known:
            self._known[key] = Compiled(expr, free, moving)
        return self._known[key]


def free_axes(*exprs: Expr) -> tuple[Index, ...]:
    """The indices free in the expressions and no labels, in the order they stand."""
    free = set().union(*map(ranging, exprs))
    nodes = (node for expr in exprs for node in preorder_traversal(expr))
    return tuple(dict.fromkeys(node for node in nodes if node in free))


def _found(table: Mapping[str, Any], name: str) -> Any:
    if name not in table:
        raise EvaluationError(f"{name} has no value")
    return table[name]


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


def _determinant(body: Any, *axes: tuple[int, int]) -> Any:
    """The determinant of the matrices that lie along two axes."""
    places = tuple(axis for axis, _ in axes)
    shape = list(np.shape(body))
    for axis, length in axes:
        shape[axis] = length
    matrices = np.moveaxis(np.broadcast_to(body, shape), places, (-2, -1))
    return np.expand_dims(np.linalg.det(matrices), places)


def _log_determinant(body: Any, *axes: tuple[int, int]) -> Any:
    """The logarithm of the determinant, turned to where it is positive."""
    found = _determinant(body, *axes)
    return np.log(found * np.sign(found.real))


_NAMESPACE = {
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
}
_NAMESPACE |= {f"own_{name}": function for name, function in FUNCTIONS.items()}
