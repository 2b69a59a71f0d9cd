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
from typing import Any

import numpy as np
from sympy import Expr, preorder_traversal

from derive.errors import DeriveError
from derive.expressions import Index, ranging
from derive.verify.arrays import NAMESPACE, Array
from derive.verify.printer import Argument, NumPyPrinter, Request, UnknownNodeError

__all__ = [
    "FLOATS",
    "Arithmetic",
    "Array",
    "Compiled",
    "Compiler",
    "EvaluationError",
    "ShapeError",
    "Values",
    "free_axes",
]


@dataclass(frozen=True)
class Arithmetic:
    """The numbers to reckon with: how expressions are written as code, and what the code means."""

    printer: type[NumPyPrinter]
    namespace: Mapping[str, Any]


FLOATS = Arithmetic(NumPyPrinter, NAMESPACE)


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
        self,
        expr: Expr,
        free: Sequence[Index],
        moving: frozenset[str] = frozenset(),
        arithmetic: Arithmetic = FLOATS,
    ) -> None:
        self.free = tuple(free)
        self._printer = arithmetic.printer(self.free, moving)
        try:
            self.code = self._printer.doprint(expr)
            names = ", ".join(argument.code for argument in self.arguments)
            # All names in the code are made by the printer, none by a user.
            self._function = eval(f"lambda {names}: {self.code}", dict(arithmetic.namespace))
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

    def __init__(self, arithmetic: Arithmetic = FLOATS) -> None:
        self._arithmetic = arithmetic
        self._known: dict[tuple[Expr, tuple[Index, ...], frozenset[str]], Compiled] = {}

    def __call__(
        self, expr: Expr, free: Sequence[Index], moving: frozenset[str] = frozenset()
    ) -> Compiled:
        key = (expr, tuple(free), moving)
        if key not in self._known:
            self._known[key] = Compiled(expr, free, moving, self._arithmetic)
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
