"""Plain forward differentiation of an expression, one name at a time and nothing simplified."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import sympy
from sympy import Add, Expr, KroneckerDelta, Mul, Pow, S, exp, log, sqrt

from derive.expressions import (
    Binder,
    Contraction,
    Determinant,
    Extremum,
    Graph,
    Index,
    Iverson,
    LogDeterminant,
    Opaque,
    Partial,
    ProductOver,
    elementary,
    fresh_indices,
    indices_of,
    is_tensor,
    name_of,
    opaque,
    tensors_in,
)
from derive.expressions.kinked import expm1, log1p, sigmoid, softplus
from derive.verify.labelled import UndecidedError

__all__ = ["Derivative"]

_DERIVATIVES: Mapping[Any, Callable[[Expr], Expr]] = {
    exp: exp,
    log: lambda u: 1 / u,
    expm1: exp,
    log1p: lambda u: 1 / (1 + u),
    sympy.sin: sympy.cos,
    sympy.cos: lambda u: -sympy.sin(u),
    sympy.tan: lambda u: 1 / sympy.cos(u) ** 2,
    sympy.sinh: sympy.cosh,
    sympy.cosh: sympy.sinh,
    sympy.tanh: lambda u: 1 / sympy.cosh(u) ** 2,
    sympy.asin: lambda u: 1 / sqrt(1 - u**2),
    sympy.acos: lambda u: -1 / sqrt(1 - u**2),
    sympy.atan: lambda u: 1 / (1 + u**2),
    sympy.erf: lambda u: 2 * exp(-(u**2)) / sqrt(sympy.pi),
    sigmoid: lambda u: sigmoid(u) * sigmoid(-u),
    softplus: sigmoid,
}
"""The derivatives of smooth functions, in a form as far from that of the rules as may be."""


class Derivative:
    """The derivative of expressions by an entry of a tensor.

    With `direct`, what an equation defines does not move with it.
    """

    def __init__(
        self, graph: Graph, variable: Expr, held: tuple[str, ...], direct: bool = False
    ) -> None:
        self._graph = graph
        self.variable, self.held, self.direct = variable, held, direct
        self.name = name_of(variable)

    def __call__(self, expr: Expr) -> Expr:
        if not self._depends(expr):
            return S.Zero
        if is_tensor(expr):
            return self._tensor(expr)
        if isinstance(expr, Partial):
            return Partial(expr, self.variable, *self.held)
        if expr.is_Add:
            return Add(*map(self, expr.args))
        if expr.is_Mul:
            return self._product(list(expr.args))
        if expr.is_Pow:
            return self._power(expr)
        if isinstance(expr, Binder):
            return self._binder(expr)
        if isinstance(expr, Iverson | KroneckerDelta):
            return S.Zero
        return self._function(expr)

    def _depends(self, expr: Expr) -> bool:
        """Whether an expression may depend on the variable."""
        name, graph = self.name, self._graph
        return any(
            found == name or name in graph.ancestors(found) or found not in graph.names
            for found in {name_of(node) for node in tensors_in(expr)}
            if found[:1] != "#" or found == name
        )

    def _tensor(self, expr: Expr) -> Expr:
        name, graph = name_of(expr), self._graph
        if name == self.name:
            pairs = zip(indices_of(expr), indices_of(self.variable), strict=True)
            return Mul(*(_delta(one, other) for one, other in pairs))
        if name not in graph.names and indices_of(expr):
            raise UndecidedError(f"{name} is not defined")
        known = name in graph.names and self.name not in graph.ancestors(name)
        if name in self.held or known or self.direct:
            return S.Zero
        return Partial(expr, self.variable, *self.held)

    def _product(self, factors: list[Expr]) -> Expr:
        terms = []
        for place, factor in enumerate(factors):
            moved = self(factor)
            if moved != 0:
                terms.append(Mul(*factors[:place], moved, *factors[place + 1 :]))
        return Add(*terms)

    def _power(self, expr: Pow) -> Expr:
        base, exponent = expr.base, expr.exp
        by_base = exponent * base ** (exponent - 1) * self(base)
        moved = self(exponent)
        return by_base if moved == 0 else by_base + expr * log(base) * moved

    def _function(self, expr: Expr) -> Expr:
        row = elementary(expr)
        if row is not None and row.pieces is not None:
            return self(row.pieces(*expr.args))
        (inner,) = expr.args
        if isinstance(expr, Opaque):
            outer = opaque(f"{expr.func.__name__}'")(inner)
        elif expr.func in _DERIVATIVES:
            outer = _DERIVATIVES[expr.func](inner)
        else:
            raise UndecidedError(f"the derivative of {expr.func.__name__} is not known")
        return outer * self(inner)

    def _binder(self, expr: Binder) -> Expr:
        indices, body = expr.open(self.variable)
        moved = self(body)
        if isinstance(expr, Contraction):
            return Contraction(moved, *indices)
        if isinstance(expr, ProductOver):
            return expr * Contraction(moved / body, *indices)
        if isinstance(expr, Extremum) and len(indices) == 1:
            return moved.xreplace({indices[0]: expr.place(body, *indices)})
        if isinstance(expr, Determinant | LogDeterminant):
            return self._determinant(expr, indices, body, moved)
        raise UndecidedError(f"a derivative of {type(expr).__name__}")

    def _determinant(self, expr: Expr, indices: list[Index], body: Expr, moved: Expr) -> Expr:
        """The sum over the cofactors, each the determinant with one row taken from the change."""
        row, column = indices
        (one,) = fresh_indices([row], expr, moved, body, self.variable, *indices)
        here = KroneckerDelta(row, one)
        mixed = (1 - here) * body + here * moved
        total = Contraction(Determinant(mixed, row, column), one)
        return total if isinstance(expr, Determinant) else total / Determinant(body, row, column)


def _delta(one: Expr, other: Expr) -> Expr:
    """1 where two slots are the same entry."""
    if one == other:
        return S.One
    plain = all(isinstance(slot, Index) or is_tensor(slot) for slot in (one, other))
    return KroneckerDelta(one, other) if plain else Iverson(one, "=", other)
