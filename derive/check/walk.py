"""A walk over expressions that reaches inside sums, where bound indices have no letters."""

from __future__ import annotations

from collections.abc import Callable

from sympy import Expr, Indexed

__all__ = ["mapped"]


def mapped(expr: Expr, change: Callable[[Expr], Expr]) -> Expr:
    """The expression with every part of it changed, the innermost first."""
    if expr.args and not isinstance(expr, Indexed):
        args = [mapped(arg, change) if isinstance(arg, Expr) else arg for arg in expr.args]
        if any(new is not old for new, old in zip(args, expr.args, strict=True)):
            expr = expr.func(*args)
    return change(expr)
