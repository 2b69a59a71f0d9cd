"""Products that are 0 where one factor is, though another is infinite there: p log p at p = 0.

The logarithm is taken of p + [p = 0], which is p elsewhere.
"""

from __future__ import annotations

from sympy import Add, Expr, Mul, log

from derive.codegen.sums import is_positive
from derive.expressions import Contraction, Index, Iverson, One, is_tensor, ranging
from derive.expressions.kinked import log1p

__all__ = ["vanishing"]


def vanishing(expr: Expr) -> Expr:
    """The expression with products that are finite where a factor is 0."""
    if is_tensor(expr) or not expr.args or isinstance(expr, Index | Iverson | One):
        return expr
    if isinstance(expr, Contraction):
        indices, body = expr.open()
        return Contraction(vanishing(body), *indices)
    if not expr.has(log, log1p):
        return expr
    if expr.is_Mul:
        return Mul(*(_beside(factor, expr) for factor in expr.args))
    return expr.func(*(vanishing(arg) if isinstance(arg, Expr) else arg for arg in expr.args))


def _beside(factor: Expr, product: Expr) -> Expr:
    """A factor of a product, its logarithms finite where another factor is 0."""
    rule: dict[Expr, Expr] = {}
    for term in Add.make_args(factor):
        for node in Mul.make_args(term):
            if isinstance(node, log | log1p):
                inner = node.args[0]
                for other in product.args:
                    if other != factor and _vanish_together(other, node):
                        rule[node] = node.func(inner + Iverson(_base(other), "=", 0))
    return vanishing(factor).xreplace(rule) if rule else vanishing(factor)


def _vanish_together(factor: Expr, logarithm: Expr) -> bool:
    """Whether a logarithm is infinite where a factor is 0."""
    value = logarithm.args[0] + (1 if isinstance(logarithm, log1p) else 0)
    base = _base(factor)
    if not ranging(base) and not is_tensor(base):
        return False
    return base in Mul.make_args(value) and not is_positive(base)


def _base(factor: Expr) -> Expr:
    """What a factor is a positive power of."""
    base, power = factor.as_base_exp()
    return base if power.is_positive else factor
