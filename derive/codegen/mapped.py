"""Expressions with parts exchanged, also those under sums."""

from __future__ import annotations

from collections.abc import Callable

from sympy import Expr

from derive.expressions import Binder

__all__ = ["mapped"]


def mapped(expr: Expr, change: Callable[[Expr], Expr | None]) -> Expr:
    """The expression with each node for which there is a change exchanged, outer ones first.

    Sums are opened, so that a change sees indices in place of bound ones.
    """
    changed = change(expr)
    if changed is not None:
        return changed
    if isinstance(expr, Binder):
        indices, body = expr.open()
        return expr.func(mapped(body, change), *(mapped(index, change) for index in indices))
    if not expr.args:
        return expr
    return expr.func(*(mapped(arg, change) if isinstance(arg, Expr) else arg for arg in expr.args))
