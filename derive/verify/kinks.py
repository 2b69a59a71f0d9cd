"""The comparisons that decide on which side of its kinks a graph is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sympy import Expr, Function

from derive.expressions import Contraction, Iverson, elementary, tensors_in

__all__ = ["comparisons"]


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
