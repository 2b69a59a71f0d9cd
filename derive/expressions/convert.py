"""From plain SymPy to the project's own leaves."""

from __future__ import annotations

import re
from functools import reduce

from sympy import (
    E,
    Expr,
    Indexed,
    IndexedBase,
    KroneckerDelta,
    Max,
    Min,
    Symbol,
    exp,
    preorder_traversal,
)
from sympy.concrete.expr_with_limits import ExprWithLimits
from sympy.core.function import AppliedUndef, Derivative

from derive.errors import DefinitionError
from derive.expressions.contraction import Contraction
from derive.expressions.indices import Index, Size, tensor
from derive.expressions.kinked import maximum, minimum
from derive.expressions.opaque import opaque

__all__ = ["contract", "from_sympy"]


def from_sympy(expr: Expr) -> Expr:
    """The expression with real tensors and indices for the symbols of a SymPy user.

    A symbol that stands in a slot of an `Indexed` or of a `KroneckerDelta` is an index, any
    other a scalar; an `IndexedBase` is a real tensor, one of labels where it stands in a slot.

    Raises
    ------
    DefinitionError : a sum, integral, derivative or undefined function of SymPy's.
    """
    for node in preorder_traversal(expr):
        if isinstance(node, ExprWithLimits | Derivative) or _is_unknown(node):
            raise DefinitionError(
                f"{node} cannot stand in a definition",
                mend="write a sum with derive.contract(body, index); functions are SymPy's own",
            )
    return _convert(expr, is_slot=False)


def _is_unknown(node: Expr) -> bool:
    """Whether it is an undefined function that is no letter applied to one argument."""
    if not isinstance(node, AppliedUndef):
        return False
    return len(node.args) > 1 or not re.fullmatch(r"[^\W\d_]\d*", node.func.__name__)


def contract(body: Expr, *indices: Symbol) -> Expr:
    """The sum of `body` over the indices, each ranging over the whole of its axis.

    >>> from sympy import IndexedBase, symbols
    >>> x = IndexedBase("x"); i, j = symbols("i j")
    >>> contract(x[i] ** 2, i) == contract(x[j] ** 2, j)
    True
    """
    bound = [Index(index.name) for index in indices]
    scalars = {tensor(index.name): index for index in bound}
    return Contraction(from_sympy(body).xreplace(scalars), *bound)


def _convert(expr: Expr, *, is_slot: bool) -> Expr:
    if isinstance(expr, Indexed):
        slots = [_convert(slot, is_slot=True) for slot in expr.indices]
        return tensor(str(expr.base.label), *slots, integer=is_slot)
    if isinstance(expr, Index | Size | IndexedBase):
        return expr
    if isinstance(expr, Symbol):
        return Index(expr.name) if is_slot else tensor(expr.name)
    if not expr.args:
        return expr
    if expr.is_Pow and expr.base is E:
        return exp(_convert(expr.exp, is_slot=False))
    inside = is_slot or isinstance(expr, KroneckerDelta)
    args = [_convert(arg, is_slot=inside) for arg in expr.args]
    if isinstance(expr, AppliedUndef):
        return opaque(expr.func.__name__)(*args)
    # The notation's extrema have two arguments each.
    extremum = {Max: maximum, Min: minimum}.get(expr.func)
    return reduce(extremum, args) if extremum else expr.func(*args)
