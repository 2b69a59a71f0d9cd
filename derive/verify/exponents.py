"""Logarithms in exponents, and what stands inside a logarithm: e^{a log u + r} is u^a e^r."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any

import sympy
from sympy import Add, Expr, Mul, Pow, exp, expand_mul, log, pi

from derive.expressions import (
    Contraction,
    Equation,
    Graph,
    One,
    ProductOver,
    indices_of,
    is_tensor,
    name_of,
    tensors_in,
)
from derive.expressions.kinked import expm1, log1p, sigmoid, softplus

__all__ = ["REWRITTEN", "Exponents"]

REWRITTEN: Mapping[Any, Callable[[Expr], Expr]] = {
    expm1: lambda u: exp(u) - 1,
    log1p: lambda u: log(1 + u),
    sigmoid: lambda u: 1 / (1 + exp(-u)),
    softplus: lambda u: log(1 + exp(u)),
    sympy.tanh: lambda u: (exp(2 * u) - 1) / (exp(2 * u) + 1),
    sympy.sinh: lambda u: (exp(u) - exp(-u)) / 2,
    sympy.cosh: lambda u: (exp(u) + exp(-u)) / 2,
    sympy.tan: lambda u: sympy.sin(u) / sympy.cos(u),
    sympy.acos: lambda u: pi / 2 - sympy.asin(u),
}
"""Functions that are others put together."""


class Exponents:
    """Exponents about a graph, whose definitions are either seen through or not."""

    def __init__(self, graph: Graph, written_out: bool) -> None:
        self.graph, self.written_out = graph, written_out

    def shown(self, name: str) -> Equation | None:
        """The equation that a name is seen through by."""
        if name not in self.graph:
            return None
        equation = self.graph[name]
        seen = self.written_out or equation.kind == "abbreviation"
        return equation if seen and not equation.is_relation else None

    def outright(self, expr: Expr) -> Expr | None:
        """What a tensor stands for, if it is seen through."""
        equation = self.shown(name_of(expr)) if is_tensor(expr) else None
        return equation.at(indices_of(expr)) if equation else None

    @cached_property
    def _with_logs(self) -> frozenset[str]:
        """The names that hold a logarithm and are seen through."""
        found: set[str] = set()
        for name in self.graph.order:
            equation = self.shown(name)
            if equation is not None and (
                equation.rhs.has(log) or self.graph.mentions(name) & found
            ):
                found.add(name)
        return frozenset(found)

    def parted(self, exponent: Expr) -> tuple[Expr, Expr]:
        """A factor and an exponent that is left: e to the given one is the factor times e^rest."""
        factors, rest = [], []
        for term in Add.make_args(self._written(exponent)):
            power = _as_power(term)
            if power is None:
                rest.append(term)
            else:
                factors.append(power)
        return Mul(*factors), Add(*rest)

    def _written(self, expr: Expr) -> Expr:
        """The exponent with its logarithms in sight."""
        while True:
            hidden = [n for n in tensors_in(expr) if name_of(n) in self._with_logs]
            if not hidden:
                break
            expr = expr.xreplace({node: self.outright(node) for node in hidden})
        return expand_mul(expr) if expr.has(log) else expr


def _as_power(term: Expr) -> Expr | None:
    """e to a multiple of a logarithm, or to a sum of such, without e."""
    factors = list(Mul.make_args(term))
    logs = [factor for factor in factors if isinstance(factor, log)]
    if len(logs) == 1:
        factors.remove(logs[0])
        return Pow(logs[0].args[0], Mul(*factors))
    sums = [factor for factor in factors if isinstance(factor, Contraction)]
    if len(sums) == 1 and not any(factor.has(log) for factor in factors if factor != sums[0]):
        factors.remove(sums[0])
        indices, body = sums[0].open(*factors)
        marks = [factor for factor in Mul.make_args(body) if isinstance(factor, One)]
        plain = Mul(*(f for f in Mul.make_args(body) if f not in marks))
        power = _as_power(plain * Mul(*factors))
        return None if power is None else ProductOver(power, *indices)
    return None
