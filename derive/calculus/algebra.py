"""The rules of algebra: the same value in another form."""

from __future__ import annotations

from math import prod

import sympy
from sympy import Add, Expr, Mul, S, exp

from derive.calculus.context import Context
from derive.calculus.index_algebra import distribute
from derive.calculus.rule import Rule, rule
from derive.expressions import Contraction, broadcast, nodes_in, ranging

__all__ = ["ALGEBRA", "cancel", "combine", "combine_powers", "factor", "multiply_out"]

_NAMES = "z_i = a x_i + b y_i + c"

# Beyond these a form is left as it is: no reader would follow, and the work must stay bounded.
MOST_OPERATIONS = 60
MOST_TERMS = 40
MOST_EXPONENT = 4


def _is_large(expr: Expr) -> bool:
    return int(expr.count_ops(visual=False)) > MOST_OPERATIONS


def _terms(expr: Expr) -> int:
    """How many terms the expression has at most when it is multiplied out."""
    if expr.is_Add:
        return sum(_terms(term) for term in expr.args)
    if expr.is_Mul:
        return prod(_terms(factor) for factor in expr.args)
    if expr.is_Pow and expr.base.is_Add and expr.exp.is_Integer and expr.exp > 0:
        return len(expr.base.args) ** min(int(expr.exp), MOST_EXPONENT)
    return _terms(expr.body) if isinstance(expr, Contraction) else 1


@rule("multiply out", "a (x_i + b) = a x_i + a b", free="i", where=_NAMES, refuses=("a x_i",))
def multiply_out(node: Expr, context: Context) -> Expr | None:
    """A product of sums is the sum of the products."""
    if _terms(node) > MOST_TERMS:
        return None
    after = Add(*(_expanded(term, context) for term in Add.make_args(node)))
    return None if after == node else after


def _expanded(term: Expr, context: Context) -> Expr:
    factors = []
    for factor in Mul.make_args(term):
        parts = distribute(factor, context) if isinstance(factor, Contraction) else None
        factors.append(factor if parts is None else multiply_out(parts, context) or parts)
    small = all(
        factor.exp <= MOST_EXPONENT
        for factor in factors
        if factor.is_Pow and factor.base.is_Add and factor.exp.is_Integer
    )
    product = Mul(*factors)
    return sympy.expand(
        product,
        deep=False,
        mul=True,
        multinomial=small,
        power_exp=False,
        power_base=False,
        log=False,
        basic=False,
    )


@rule("cancel", "(x_i a - x_i b)/(a - b) = x_i", free="i", where=_NAMES, refuses=("a x_i",))
def cancel(node: Expr, context: Context) -> Expr | None:
    """Numerator and denominator lose their common factors."""
    if _is_large(node) or not _has_sum_below(node):
        return None
    after = sympy.cancel(node)
    return None if after == node else after


def _has_sum_below(expr: Expr) -> bool:
    return any(power.base.is_Add and power.exp.is_negative for power in nodes_in(expr, sympy.Pow))


@rule("factor", "a x_i + a y_i = a (x_i + y_i)", free="i", where=_NAMES, refuses=("a x_i + b y_i",))
def factor(node: Expr, context: Context) -> Expr | None:
    """What all terms share stands in front."""
    after = Mul(*(_factored(part) for part in node.args)) if node.is_Mul else _factored(node)
    after = _led_by_plus(after) if after.is_Mul else after
    return None if after == node else after


def _factored(total: Expr) -> Expr:
    """A sum with the common factors of its terms in front; anything else as it is."""
    after = sympy.factor_terms(total) if total.is_Add else total
    return _keep_indices(after) or total if after.is_Mul else total


def _led_by_plus(product: Expr) -> Expr:
    """The product without a minus in front of its sum, if the sum can take it: `b - a`."""
    number, rest = product.as_coeff_Mul()
    total = next((factor for factor in rest.args if factor.is_Add), rest)
    if not number.is_negative or not total.is_Add or len(set(map(_is_minus, total.args))) == 1:
        return product
    others = Mul(*(factor for factor in Mul.make_args(rest) if factor is not total))
    scale = -number * others
    return Mul(scale, -total, evaluate=not scale.is_Number) if scale != 1 else -total


def _is_minus(term: Expr) -> bool:
    return bool(term.could_extract_minus_sign())


def _keep_indices(product: Expr) -> Expr | None:
    """The product with those factors back in its sum without which a term would lack an index.

    Where every term is long, holding a contraction, the term gets a one-tensor instead.
    """
    total = next((factor for factor in product.args if factor.is_Add), None)
    if total is None:
        return product
    kinds = [ranging(term) for term in total.args if ranging(term)]
    lacking = {index for kind in kinds for other in kinds for index in kind - other}
    if not lacking:
        return product
    if all(term.has(Contraction) for term in total.args):
        others = Mul(*(factor for factor in product.args if factor is not total))
        return Mul(others, broadcast(total, ranging(total)), evaluate=not others.is_Number)
    back = [f for f in product.args if f is not total and ranging(f) & lacking]
    outside = Mul(*(f for f in product.args if f is not total and f not in back))
    inside = Add(*(Mul(term, *back) for term in total.args))
    return None if outside is S.One else Mul(outside, inside, evaluate=not outside.is_Number)


@rule(
    "combine the exponentials",
    "exp(x_i) exp(-a) = exp(x_i - a)",
    free="i",
    where=_NAMES,
    refuses=("exp(x_i) a", "exp(x_i) + exp(a)"),
)
def combine(node: Expr, context: Context) -> Expr | None:
    """A product of exponentials is the exponential of the sum."""
    after = node.replace(_has_exponentials, _combined)
    return None if after == node else after


def _has_exponentials(expr: Expr) -> bool:
    return bool(expr.is_Mul and sum(isinstance(f, exp) for f in expr.args) > 1)


def _combined(product: Expr) -> Expr:
    factors = product.args
    exponents = [factor.args[0] for factor in factors if isinstance(factor, exp)]
    total = broadcast(Add(*exponents), set().union(*map(ranging, exponents)))
    return Mul(exp(total), *(factor for factor in factors if not isinstance(factor, exp)))


@rule(
    "combine the powers",
    "x_i x_i^(a - 1) = x_i^a",
    free="i",
    where=_NAMES,
    refuses=("x_i y_i^(a - 1)", "x_i + x_i^a"),
)
def combine_powers(node: Expr, context: Context) -> Expr | None:
    """In a product of powers of one base the exponents add up."""
    after = node.replace(_has_powers, _with_powers_combined)
    return None if after == node else after


def _has_powers(expr: Expr) -> bool:
    bases = [_base_and_exponent(f)[0] for f in Mul.make_args(expr)] if expr.is_Mul else []
    return len(bases) > len(set(bases))


def _base_and_exponent(expr: Expr) -> tuple[Expr, Expr]:
    return (expr.base, expr.exp) if expr.is_Pow else (expr, S.One)


def _with_powers_combined(product: Expr) -> Expr:
    exponents: dict[Expr, Expr] = {}
    for base, exponent in map(_base_and_exponent, product.args):
        exponents[base] = exponents.get(base, S.Zero) + exponent
    return Mul(*(base**exponent for base, exponent in exponents.items()))


ALGEBRA: tuple[Rule, ...] = (multiply_out, cancel, factor, combine, combine_powers)
