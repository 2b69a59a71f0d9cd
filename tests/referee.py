"""A slow, plain evaluator that referees the vectorised one: it loops over index values."""

from __future__ import annotations

import math
import operator
from collections.abc import Iterator, Mapping, Sequence
from itertools import product

import numpy as np
from sympy import Abs, Expr, Indexed, KroneckerDelta, cos, exp, log, sign, sin, tanh

from derive.expressions import (
    ArgMaximum,
    Contraction,
    Index,
    Iverson,
    Maximum,
    Minimum,
    One,
    Place,
    ProductOver,
    Quotient,
    Remainder,
    Size,
)
from derive.verify import Values

REDUCTIONS = {Contraction: math.fsum, Maximum: max, Minimum: min, ProductOver: math.prod}
COMPARED = {"<": operator.lt, "<=": operator.le, "=": operator.eq, "!=": operator.ne}
FUNCTIONS = {
    exp: math.exp,
    log: math.log,
    sin: math.sin,
    cos: math.cos,
    tanh: math.tanh,
    Abs: abs,
    sign: lambda u: float(np.sign(u)),
}

Scope = Mapping[Expr, int]


def entries(indices: Sequence[Index], values: Values) -> Iterator[tuple[int, ...]]:
    """Every combination of values of the indices."""
    return product(*(range(values.size(index.size)) for index in indices))


def evaluate(expr: Expr, free: Sequence[Index], values: Values) -> np.ndarray:
    """The value of an expression, one entry after the other."""
    found = np.empty(tuple(values.size(index.size) for index in free))
    for entry in entries(free, values):
        found[entry] = number(expr, dict(zip(free, entry, strict=True)), values)
    return found


def number(expr: Expr, scope: Scope, values: Values) -> float:
    """One entry; `scope` says where each index stands."""
    if type(expr) in REDUCTIONS:
        return REDUCTIONS[type(expr)](
            number(expr.body, {**scope, **dict(zip(expr.bound, entry, strict=True))}, values)
            for entry in entries(expr.bound, values)
        )
    if isinstance(expr, One):
        return 1.0
    if isinstance(expr, KroneckerDelta):
        left, right = (position(slot, scope, values) for slot in expr.args)
        return float(left == right)
    if isinstance(expr, Index | Place):
        return float(position(expr, scope, values))
    if isinstance(expr, Iverson):
        left, right = (number(side, scope, values) for side in (expr.left, expr.right))
        return float(COMPARED[expr.relation](left, right))
    if isinstance(expr, Indexed):
        place = tuple(position(slot, scope, values) for slot in expr.indices)
        array = values.tensors[expr.base.label.name]
        inside = all(0 <= p < n for p, n in zip(place, array.shape, strict=True))
        return float(array[place]) if inside else 0.0
    if isinstance(expr, Size):
        return float(values.size(expr))
    if expr.is_Symbol:
        return float(values.tensors[expr.name])
    if expr.is_number and not expr.args:
        return float(expr)
    return _operation(expr, [number(arg, scope, values) for arg in expr.args])


def _operation(expr: Expr, args: list[float]) -> float:
    try:
        if expr.is_Add:
            return math.fsum(args)
        if expr.is_Mul:
            return math.prod(args)
        if expr.is_Pow:
            found = args[0] ** (int(expr.exp) if expr.exp.is_Integer else args[1])
            return math.nan if isinstance(found, complex) else found
        return FUNCTIONS[expr.func](*args)
    except (ValueError, ZeroDivisionError, OverflowError):
        return math.nan


def position(slot: Expr, scope: Scope, values: Values) -> int:
    """The value of an index: a letter, a label, a number, or an entry of a tensor of labels."""
    if isinstance(slot, Index):
        return values.labels[slot.name] if slot.is_label else scope[slot]
    if isinstance(slot, Indexed):
        place = tuple(position(inner, scope, values) for inner in slot.indices)
        return int(values.tensors[slot.base.label.name][place])
    if isinstance(slot, Place):
        (index,) = slot.bound
        entries = [
            number(slot.body, {**scope, index: n}, values) for n in range(values.size(index.size))
        ]
        return entries.index((max if isinstance(slot, ArgMaximum) else min)(entries))
    if isinstance(slot, Size):
        return values.size(slot)
    parts = [position(part, scope, values) for part in slot.args]
    if isinstance(slot, Quotient):
        return parts[0] // parts[1]
    if isinstance(slot, Remainder):
        return parts[0] % parts[1]
    return sum(parts) if slot.is_Add else math.prod(parts) if slot.is_Mul else int(slot)
