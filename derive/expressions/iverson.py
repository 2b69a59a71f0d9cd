"""The Iverson bracket `[x > 0]`: 1 where a comparison holds, else 0."""

from __future__ import annotations

from typing import Any

from sympy import Add, Expr, KroneckerDelta, Pow, S
from sympy.core.sorting import default_sort_key
from sympy.core.symbol import Str

from derive.expressions.indices import Index, free_indices

__all__ = ["Iverson"]

# Written from left to right: `a > b` is kept as `b < a`, so that equal brackets are equal objects.
_MIRRORED = {">": "<", ">=": "<="}
_SYMMETRIC = ("=", "!=")
_HOLDS = {
    "<": lambda difference: difference.is_negative,
    "<=": lambda difference: difference.is_nonpositive,
    "=": lambda difference: difference.is_zero,
    "!=": lambda difference: difference.is_nonzero,
}


def _balanced(difference: Expr) -> tuple[Expr, Expr]:
    """Two sides with the given difference and few minus signs: 1 and x for `1 - x`.

    What has no index stands alone if all the rest has one sign: x and -a for `x + a`.
    """
    number, rest = difference.as_coeff_Add()
    terms = Add.make_args(rest)
    moving = Add(*(term for term in terms if free_indices(term)))
    signs = {term.could_extract_minus_sign() for term in Add.make_args(moving)}
    if moving not in (S.Zero, rest) and len(signs) == 1:
        fixed = difference - moving
        return (fixed, -moving) if signs == {True} else (moving, -fixed)
    right = Add(*(-term for term in terms if term.could_extract_minus_sign()))
    left = Add(*(term for term in terms if not term.could_extract_minus_sign()))
    if left is S.Zero or (right is not S.Zero and number.is_positive):
        return left + number, right
    return left, right - number


class Iverson(Expr):
    """`[left relation right]`, where the relation is one of `<`, `<=`, `=`, `!=`, `>`, `>=`.

    The sides are values, or indices as in the causal mask `[k <= q]`. A comparison that the
    assumptions decide is a number, and an equality of two indices is a Kronecker delta.

    >>> from derive.expressions import Iverson, tensor
    >>> x = tensor("x")
    >>> Iverson(x, ">", 0) == Iverson(0, "<", x), Iverson(x, ">", x)
    (True, 0)
    """

    is_commutative = True
    is_real = True
    is_integer = True
    is_nonnegative = True

    def __new__(cls, left: Expr | int, relation: str | Str, right: Expr | int) -> Expr:
        left, right, relation = S(left), S(right), str(relation)
        if relation in _MIRRORED:
            left, relation, right = right, _MIRRORED[relation], left
        holds = _HOLDS[relation](left - right)
        if holds is not None:
            return S.One if holds else S.Zero
        if relation == "=" and isinstance(left, Index) and isinstance(right, Index):
            return KroneckerDelta(left, right)
        if (left.is_number or right.is_number) and not (left - right).is_integer:
            left, right = _balanced(left - right)
        if relation in _SYMMETRIC:
            left, right = sorted((left, right), key=default_sort_key)
        return Expr.__new__(cls, left, Str(relation), right)

    @property
    def left(self) -> Expr:
        return self.args[0]

    @property
    def relation(self) -> str:
        return str(self.args[1])

    @property
    def right(self) -> Expr:
        return self.args[2]

    def _eval_power(self, exponent: Expr) -> Expr | None:
        if exponent.is_negative and exponent is not S.NegativeOne:
            return Pow(self, S.NegativeOne)
        return self if exponent.is_positive else None

    def _eval_derivative(self, _symbol: Expr) -> Expr:
        return S.Zero

    def _latex(self, printer: Any) -> str:
        sign = {"<": "<", "<=": r"\le", "=": "=", "!=": r"\ne"}[self.relation]
        return rf"\left[{printer.doprint(self.left)} {sign} {printer.doprint(self.right)}\right]"
