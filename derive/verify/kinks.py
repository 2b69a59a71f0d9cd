"""The comparisons that decide on which side of its kinks a graph is, and whether it is at one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
from sympy import Expr, Function

from derive.expressions import (
    Binder,
    Contraction,
    Extremum,
    Iverson,
    Place,
    elementary,
    tensors_in,
)
from derive.verify.evaluate import Array, Compiler, Values, free_axes

__all__ = ["Kinks", "comparisons"]

# Values nearer than this to each other may be equal but for rounding.
CLOSE = 1e-9


def comparisons(exprs: Iterable[Expr]) -> list[Iverson]:
    """What expressions compare; the indices of sums are free here.

    Comparisons of indices, and equalities of numbers, which no random number meets, are left out.
    """
    found = (node for expr in exprs for node in _compared(expr))
    return [node for node in dict.fromkeys(found) if _is_decided_by_data(node)]


def _compared(expr: Expr) -> Iterator[Iverson]:
    if isinstance(expr, Contraction):
        expr = expr.open()[1]
    if isinstance(expr, Iverson):
        yield expr
    row = elementary(expr) if isinstance(expr, Function) else None
    if row is not None and row.pieces is not None:
        yield from row.pieces(*expr.args).atoms(Iverson)
    for arg in expr.args:
        if isinstance(arg, Expr):
            yield from _compared(arg)


def _is_decided_by_data(node: Iverson) -> bool:
    integers = bool(node.left.is_integer and node.right.is_integer)
    if node.relation in ("=", "!=") and not integers:
        return False
    return any(True for _ in tensors_in(node))


class Kinks:
    """The places at which expressions have kinks: two sides are equal, or two greatest entries."""

    def __init__(self, exprs: Iterable[Expr], compiler: Compiler) -> None:
        exprs = list(exprs)
        compared = [n for n in comparisons(exprs) if not (n.left - n.right).is_integer]
        self._sides = [
            compiler(difference, free_axes(difference))
            for difference in dict.fromkeys(node.left - node.right for node in compared)
        ]
        opened = dict.fromkeys(node for expr in exprs for node in _extrema(expr))
        self._bodies = [
            (compiler(body, (*free_axes(whole), *indices)), len(indices))
            for whole, body, indices in opened
        ]

    def met_by(self, values: Values) -> bool:
        """Whether the expressions are at a kink, or too near to tell."""
        if any(np.any(np.abs(side(values)) < CLOSE) for side in self._sides):
            return True
        return any(_tied(body(values), axes) for body, axes in self._bodies)


def _tied(array: Array, axes: int) -> bool:
    """Whether two of the entries along the last axes are equal, and none is beyond them."""
    shape = array.shape[: array.ndim - axes]
    rows = np.sort(array.real.reshape(*shape, -1), axis=-1)
    if rows.shape[-1] < 2:
        return False
    ends = (rows[..., 1] - rows[..., 0], rows[..., -1] - rows[..., -2])
    return any(bool(np.any(np.abs(end) < CLOSE)) for end in ends)


def _extrema(expr: Expr) -> Iterator[tuple[Expr, Expr, tuple[Expr, ...]]]:
    """The reductions to an extremum: whole, and the body with the indices it is taken over."""
    if isinstance(expr, Binder):
        indices, body = expr.open()
        if isinstance(expr, Extremum | Place):
            yield expr, body, tuple(indices)
        yield from _extrema(body)
        return
    for arg in expr.args:
        if isinstance(arg, Expr):
            yield from _extrema(arg)
