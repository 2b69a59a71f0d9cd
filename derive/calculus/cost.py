"""What a form costs its reader: the measure by which the shortest of equal forms is chosen."""

from __future__ import annotations

from typing import Any

from sympy import Expr, Indexed, KroneckerDelta, S, Symbol
from sympy.core.symbol import Str

from derive.expressions import Binder, Contraction, One, Partial, Place

__all__ = ["cost"]

# The weights say what a careful author would rather read: `y_i (1 − y_i)` than `y_i − y_i²`,
# `∂l/∂c (s_n − δ_Tn)` than the same multiplied out, a name than what it stands for.
PARTIAL, DELTA, TENSOR, NUMBER, UNIT, ONE = 2.0, 1.5, 1.0, 1.5, 0.5, 0.25
PARENTHESES, POWER, ROOT, DIVISION, FUNCTION, SUM = 0.5, 2.0, 1.0, 0.5, 1.0, 0.25
CROWD = 0.75
_LEAVES: tuple[tuple[Any, float], ...] = (
    (Partial, PARTIAL),
    (KroneckerDelta, DELTA),
    (One, ONE),
    (Indexed | Symbol, TENSOR),
    (Str, 0.0),  # the relation of a comparison
)


def cost(expr: Expr) -> float:
    """The cost of reading an expression; smaller is better."""
    for kinds, weight in _LEAVES:
        if isinstance(expr, kinds):
            return weight + sum(cost(slot) for slot in expr.args if isinstance(slot, Place))
    if expr.is_Number:
        return {0: 0.0, 1: UNIT, -1: UNIT}.get(expr, NUMBER)
    if isinstance(expr, Binder):
        return (SUM if isinstance(expr, Contraction) else FUNCTION) + cost(expr.body)
    if expr.is_Add:
        return sum(cost(term) for term in expr.args)
    if expr.is_Mul:
        return sum(_factor(factor) for factor in expr.args if factor is not S.NegativeOne)
    if expr.is_Pow:
        return _power(expr)
    return FUNCTION + sum(map(_argument, expr.args))


def _argument(expr: Expr) -> float:
    """The cost of what stands in a function, where a reader wants little."""
    return cost(expr) + (CROWD * (len(expr.args) - 1) if expr.is_Add else 0.0)


def _factor(expr: Expr) -> float:
    return cost(expr) + (PARENTHESES if expr.is_Add else 0.0)


def _power(expr: Expr) -> float:
    base, exponent = expr.base, expr.exp
    if exponent.could_extract_minus_sign():
        inverse = base**-exponent
        return DIVISION + (_power(inverse) if inverse.is_Pow else _factor(inverse))
    if exponent.is_Rational:
        return _factor(base) + (ROOT if exponent == S.Half else 0.0 if exponent == 1 else POWER)
    return _factor(base) + FUNCTION + cost(exponent)
