"""Matrix expressions as numbers, by operations on matrices alone.

Shares no code with the evaluation of index notation: every form is an array with two axes, and
nothing is broadcast, so that a vector that lies the wrong way does not fit.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from itertools import product
from typing import Any

import numpy as np
from sympy import Expr

from derive.expressions import (
    Elementary,
    Index,
    Opaque,
    Partial,
    Size,
    indices_of,
    is_tensor,
    name_of,
)
from derive.matrix import MatrixLine
from derive.matrix.forms import Form, Identity, Leaf, Number, OneHot, Ones, Unit, Zero
from derive.matrix.operations import (
    Apply,
    Bracket,
    Diagonal,
    DiagonalOf,
    Hadamard,
    Power,
    Product,
    Scaled,
    Sum,
    Total,
    Trace,
    Transpose,
)
from derive.verify.evaluate import Array, EvaluationError, ShapeError, Values
from derive.verify.functions import FUNCTIONS, opaque

__all__ = ["entries"]

_COMPARE: Mapping[str, Any] = {
    "<": np.less,
    "<=": np.less_equal,
    "=": np.equal,
    "!=": np.not_equal,
}
Positions = Mapping[Index, int]
Partials = Callable[[Expr, tuple[Index, ...]], Array]


def entries(line: MatrixLine, form: Form, values: Values, partials: Partials) -> Array:
    """One side of a matrix line as an array, its axes those of the goal's free indices.

    Parameters
    ----------
    partials : the value of an unevaluated derivative, with an axis for each of the indices.

    Raises
    ------
    ShapeError : two parts do not fit together.
    EvaluationError : a part has no value.
    """
    lengths = [values.size(index.size) for index in (*line.each, *line.axes)]
    found = np.empty(lengths)
    batch = lengths[: len(line.each)]
    for place in product(*map(range, batch)):
        positions = dict(zip(line.each, place, strict=True))
        with np.errstate(all="ignore"):
            matrix = _Matrices(values, partials, positions)(form)
        found[place] = matrix.reshape(lengths[len(batch) :])
    return found


class _Matrices:
    """Forms as arrays with two axes, for one value of each fixed index."""

    def __init__(self, values: Values, partials: Partials, positions: Positions) -> None:
        self.values = values
        self.partials = partials
        self.positions = positions

    def __call__(self, form: Form) -> Array:
        """The array of a form, of the shape that the form says."""
        method = self._methods.get(type(form))
        if method is None:
            raise EvaluationError(f"{type(form).__name__} cannot be evaluated")
        found: Array = method(self, form)
        expected = self._lengths(form)
        if found.shape != expected:
            raise ShapeError(f"{type(form).__name__} is {found.shape} and not {expected}")
        return found

    def _lengths(self, form: Form) -> tuple[int, ...]:
        return tuple(1 if size is None else self.values.size(size) for size in form.shape)

    # Leaves

    def _number(self, form: Number) -> Array:
        return np.full((1, 1), float(form.value))

    def _zero(self, form: Zero) -> Array:
        return np.zeros(self._lengths(form))

    def _ones(self, form: Ones) -> Array:
        return np.ones(self._lengths(form))

    def _identity(self, form: Identity) -> Array:
        return np.eye(self.values.size(form.size))

    def _unit(self, form: Unit) -> Array:
        return np.eye(self.values.size(form.size))[:, [self._position(form.position)]]

    def _one_hot(self, form: OneHot) -> Array:
        rows = [
            self._at(form.labels, {**self.positions, form.axis: number})
            for number in range(self.values.size(form.axis.size))
        ]
        return np.eye(self.values.size(form.columns))[rows]

    def _leaf(self, form: Leaf) -> Array:
        expr = form.expr
        if isinstance(expr, Partial):
            found = self._partial(expr, form.axes)
        elif isinstance(expr, Size):
            found = np.asarray(float(self.values.size(expr)))
        elif is_tensor(expr):
            slots = [slice(None) if s in form.axes else self._position(s) for s in indices_of(expr)]
            found = self._tensor(name_of(expr))[tuple(slots)]
        else:
            found = np.asarray(float(expr))
        return found.reshape(self._lengths(form))

    def _partial(self, expr: Partial, axes: tuple[Index, ...]) -> Array:
        held = [index for index in self.positions if index in expr.free_symbols]
        found = self.partials(expr, (*held, *axes))
        return np.asarray(found[tuple(self.positions[index] for index in held)])

    def _tensor(self, name: str) -> Array:
        if name not in self.values.tensors:
            raise EvaluationError(f"{name} has no value")
        return self.values.tensors[name]

    def _position(self, slot: Expr) -> int:
        return self._at(slot, self.positions)

    def _at(self, slot: Expr, positions: Positions) -> int:
        """The number that a fixed slot stands for."""
        if slot in positions:
            return positions[slot]
        if isinstance(slot, Index):
            return self.values.labels[slot.name]
        if slot.is_Integer:
            return int(slot)
        where = tuple(self._at(inner, positions) for inner in indices_of(slot))
        return int(self._tensor(name_of(slot))[where])

    # Operations

    def _transpose(self, form: Transpose) -> Array:
        return self(form.inner).T

    def _product(self, form: Product) -> Array:
        found = self(form.factors[0])
        for factor in form.factors[1:]:
            found = found @ self(factor)
        return found

    def _hadamard(self, form: Hadamard) -> Array:
        found = self(form.factors[0])
        for factor in form.factors[1:]:
            found = found * self._same(factor, found)
        return found

    def _sum(self, form: Sum) -> Array:
        found = self(form.terms[0])
        for term in form.terms[1:]:
            found = found + self._same(term, found)
        return found

    def _same(self, form: Form, other: Array) -> Array:
        """The array of a form that has to be of the shape of another."""
        found = self(form)
        if found.shape != other.shape:
            raise ShapeError(f"{found.shape} and {other.shape} do not fit together")
        return found

    def _scaled(self, form: Scaled) -> Array:
        number = float(form.coefficient)
        for scalar in form.above:
            number = number * self(scalar).item()
        for scalar in form.below:
            number = number / self(scalar).item()
        inner = np.ones((1, 1)) if form.inner is None else self(form.inner)
        return number * inner

    def _diagonal(self, form: Diagonal) -> Array:
        return np.diag(self(form.inner)[:, 0])

    def _diagonal_of(self, form: DiagonalOf) -> Array:
        return np.diag(self(form.inner))[:, None]

    def _trace(self, form: Trace) -> Array:
        return np.trace(self(form.inner)).reshape(1, 1)

    def _apply(self, form: Apply) -> Array:
        function = _function(form.function)
        sides = [self(a).item() if a.is_scalar else self(a) for a in form.arguments]
        return np.asarray(function(*sides)).reshape(self._lengths(form))

    def _bracket(self, form: Bracket) -> Array:
        left, right = (self(side).item() if side.is_scalar else self(side) for side in form.parts)
        found = np.asarray(_COMPARE[form.relation](left, right), float)
        return found.reshape(self._lengths(form))

    def _power(self, form: Power) -> Array:
        return np.power(self(form.inner), self(form.exponent).item())

    def _total(self, form: Total) -> Array:
        lengths = [range(self.values.size(index.size)) for index in form.over]
        found = np.zeros(self._lengths(form))
        for place in product(*lengths):
            positions = {**self.positions, **dict(zip(form.over, place, strict=True))}
            found = found + _Matrices(self.values, self.partials, positions)(form.inner)
        return found

    _methods: Mapping[type[Form], Callable[..., Array]] = {
        Apply: _apply,
        Bracket: _bracket,
        Diagonal: _diagonal,
        DiagonalOf: _diagonal_of,
        Hadamard: _hadamard,
        Identity: _identity,
        Leaf: _leaf,
        Number: _number,
        OneHot: _one_hot,
        Ones: _ones,
        Power: _power,
        Product: _product,
        Scaled: _scaled,
        Sum: _sum,
        Total: _total,
        Trace: _trace,
        Transpose: _transpose,
        Unit: _unit,
        Zero: _zero,
    }


def _function(row: Elementary) -> Any:
    """The NumPy function of a row."""
    if issubclass(row.function, Opaque):
        return partial(opaque, row.function.symbol, row.function.order)
    function = FUNCTIONS.get(row.name) or getattr(np, row.numpy or "_", None)
    if function is None:
        raise EvaluationError(f"{row.name} cannot be evaluated")
    return function
