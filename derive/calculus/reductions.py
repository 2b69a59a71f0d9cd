"""The rules for reductions other than the sum: extrema over an index, products over one."""

from __future__ import annotations

from sympy import Expr

from derive.calculus.context import Context
from derive.calculus.rule import Rule, rule
from derive.expressions import (
    Contraction,
    Extremum,
    Maximum,
    Minimum,
    Partial,
    Place,
    ProductOver,
    nodes_in,
)

__all__ = ["ENTRIES", "REDUCTIONS"]

_U = "u_i := sin(x_i); w := 1_j x_j^2; z = a"


def _of(function: Expr, partial: Partial) -> Partial:
    """The same derivative of another function."""
    return Partial(function, partial.variable, *partial.held)


@rule(
    "derivative of an extremum",
    "∂max_j(u_j)/∂x_n = ∂u_{argmax_j(u_j)}/∂x_n",
    free="n",
    where=_U,
    refuses=("∂sin(max_j(x_j))/∂x_n", "∂prod_j(x_j)/∂x_n"),
)
def of_extremum(node: Expr, context: Context) -> Expr | None:
    """The greatest entry changes as that entry does, and so does the least one."""
    if not (isinstance(node, Partial) and isinstance(node.function, Extremum)):
        return None
    kind = type(node.function)
    indices, body = node.function.open(node.variable)
    for position, index in enumerate(indices):
        rest = kind(body, *indices[position + 1 :])
        body = body.xreplace({index: kind.place(rest, index)})
    return _of(body, node)


@rule(
    "product rule over an index",
    "∂prod_j(u_j)/∂x_n = prod_j(u_j) (1/u_k) ∂u_k/∂x_n",
    free="n",
    where=_U,
    refuses=("∂(u_T w)/∂x_n", "∂max_j(x_j)/∂x_n"),
)
def of_product(node: Expr, context: Context) -> Expr | None:
    """One factor changes at a time, and the others are the product without it."""
    if not (isinstance(node, Partial) and isinstance(node.function, ProductOver)):
        return None
    indices, body = node.function.open(node.variable)
    return node.function * Contraction(_of(body, node) / body, *indices)


@rule(
    "entry at the maximum",
    "x_{argmax_j(x_j)} = max_j(x_j)",
    where=_U,
    refuses=("x_{argmin_j(w x_j)}", "x_T"),
)
def entry_at_extremum(node: Expr, context: Context) -> Expr | None:
    """Where the greatest entry is, the entry is the greatest."""
    for place in nodes_in(node, Place):
        (index,), body = place.open(node)
        if node == body.xreplace({index: place}):
            kind = Maximum if isinstance(place, Maximum.place) else Minimum
            return kind(body, index)
    return None


REDUCTIONS: tuple[Rule, ...] = (of_extremum, of_product)
ENTRIES: tuple[Rule, ...] = (entry_at_extremum,)
