"""Parts of an expression replaced, inside sums too."""

from __future__ import annotations

from collections.abc import Callable

from sympy import Expr, Indexed, KroneckerDelta

from derive.expressions import Binder, Index, One, Partial

__all__ = ["rewritten"]


def rewritten(expr: Expr, change: Callable[[Expr], Expr | None]) -> Expr:
    """The expression with what `change` makes of a part in its place; None leaves the part.

    Indices that are bound are ordinary ones where a part inside is looked at.
    """
    new = change(expr)
    if new is not None:
        return new
    if isinstance(expr, Binder):
        indices, body = expr.open()
        return expr.func(rewritten(body, change), *indices)
    if not expr.args or isinstance(expr, Index | Indexed | KroneckerDelta | One | Partial):
        return expr
    return expr.func(*(rewritten(arg, change) for arg in expr.args))
