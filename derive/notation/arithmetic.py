"""SymPy's arithmetic with bounds: what is not a real number, or too large, is a mistake."""

from __future__ import annotations

from collections.abc import Sequence

import sympy
from sympy import Add, Expr, Function, I, KroneckerDelta, Mul, Pow, Rational, S

from derive.expressions import ELEMENTARY, Iverson, elementary, opaque
from derive.notation.source import Mistake, Span

__all__ = ["add", "apply", "compare", "multiply", "number", "raise_to", "reciprocal"]

MOST_BITS = 1000
LARGEST_EXPONENT = 100
_NOT_ZERO = "the divisor is zero whatever the inputs are: check its terms"
_REAL = "all numbers are real: keep roots, logarithms and inverse functions inside their domain"
_SIMPLER = "write the number, or a name for it"


def number(numerator: int, denominator: int) -> Expr:
    """A rational number."""
    return Rational(numerator, denominator)


def add(terms: Sequence[Expr], span: Span) -> Expr:
    """The sum of terms."""
    return _checked(Add(*terms), span)


def multiply(factors: Sequence[Expr], span: Span, *, factored: bool = False) -> Expr:
    """The product of factors; where it is `factored`, a number stays in front of a sum."""
    product = Mul(*factors)
    if factored and product.is_Add:
        numbers, rest = zip(*(factor.as_coeff_Mul() for factor in factors), strict=True)
        number, total = Mul(*numbers), Mul(*rest)
        if total.is_Add and number is not S.One:
            product = Mul(number, total, evaluate=False)
    return _checked(product, span)


def reciprocal(divisor: Expr, span: Span) -> Expr:
    """One over the divisor."""
    if divisor.is_zero:
        raise Mistake("this divides by zero", span, mend=_NOT_ZERO)
    return _checked(Pow(divisor, S.NegativeOne), span)


def raise_to(base: Expr, exponent: Expr, span: Span) -> Expr:
    """The base to the power of the exponent."""
    if exponent.is_number:
        _check_exponent(base, exponent, span)
    if base.is_zero and exponent.is_negative is not False:
        raise Mistake("this divides by zero", span, mend=_NOT_ZERO)
    power = _written(_checked(Pow(base, exponent), span), span)
    if power.is_Pow and power.exp.is_number and power.base is not S.Exp1:
        _check_exponent(power.base, power.exp, span)
    return power


def apply(function: str, arguments: Sequence[Expr], span: Span) -> Expr:
    """The function of that name, `sqrt`, or one that is only a name, of its arguments."""
    if function == "sqrt":
        return raise_to(arguments[0], S.Half, span)
    for argument in arguments:
        if argument.is_number:
            _check_argument(argument, span)
    row = ELEMENTARY.get(function)
    applied = row.function if row else opaque(function)
    return _written(_checked(applied(*arguments), span), span)


def compare(left: Expr, relation: str, right: Expr, span: Span) -> Expr:
    """1 where the comparison holds, else 0."""
    return _checked(Iverson(left, relation, right), span)


def _check_exponent(base: Expr, exponent: Expr, span: Span) -> None:
    """Refuse exponents that nobody writes, before SymPy computes with them."""
    if not exponent.is_Rational:
        _check_argument(exponent, span)
        return
    if abs(exponent) > LARGEST_EXPONENT or exponent.q > LARGEST_EXPONENT:
        raise Mistake(
            "the exponent is too large", span, mend=f"{LARGEST_EXPONENT} is the largest one"
        )
    if _bits(base) * abs(exponent) > MOST_BITS:
        raise Mistake("the number is too large", span, mend=_SIMPLER)


def _check_argument(argument: Expr, span: Span) -> None:
    """Refuse towers of constants: what is inside a function of a number is a small number."""
    tower = any(not power.exp.is_Rational for power in argument.atoms(Pow))
    if tower or argument.atoms(Function):
        raise Mistake("the constant is too involved", span, mend=_SIMPLER)
    if argument.is_Rational and (abs(argument) > MOST_BITS or _bits(argument) > MOST_BITS // 10):
        raise Mistake("the number is too large", span, mend=_SIMPLER)


def _bits(expr: Expr) -> int:
    """The length of the number in front of an expression."""
    coefficient = expr.as_coeff_Mul()[0]
    if not coefficient.is_Rational:
        return 0
    return max(int(coefficient.p).bit_length(), int(coefficient.q).bit_length())


def _checked(expr: Expr, span: Span) -> Expr:
    """The expression, which must be real, of bounded size and in the notation."""
    if _bits(expr) > MOST_BITS:
        raise Mistake("the number is too large", span, mend=_SIMPLER)
    if expr.has(S.NaN, S.ComplexInfinity, S.Infinity, S.NegativeInfinity):
        raise Mistake("this has no finite value", span, mend=_REAL)
    if expr.has(I) or (expr.is_number and expr.is_real is False):
        raise Mistake("this is not a real number", span, mend=_REAL)
    return expr


def _written(expr: Expr, span: Span) -> Expr:
    """The expression, if SymPy did not make a function of it that the notation lacks."""
    for part in expr.atoms(Function):
        if elementary(part) is None and not isinstance(part, KroneckerDelta):
            raise Mistake(
                f"this comes to {sympy.sstr(expr)}, which the notation cannot write",
                span,
                mend="the functions are " + ", ".join(ELEMENTARY),
            )
    return expr
