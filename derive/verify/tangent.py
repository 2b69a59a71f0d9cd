"""Partial derivatives as expressions, so that they can be evaluated exactly.

This is plain forward differentiation, one definition at a time and nothing simplified. It shares
no code with the rules that make derivations, which it is there to check.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import sympy
from sympy import Add, Expr, KroneckerDelta, Mul, Pow, S, exp, log, sqrt

from derive.expressions import (
    Binder,
    Contraction,
    Determinant,
    Equation,
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
    ranging,
    tensor,
    tensors_in,
)
from derive.expressions.kinked import sigmoid, softplus
from derive.verify.labelled import UndecidedError
from derive.verify.printer import INNER

__all__ = ["Tangents", "upstream"]

_DERIVATIVES: Mapping[Any, Callable[[Expr], Expr]] = {
    exp: exp,
    log: lambda u: 1 / u,
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


def upstream(loss: str, output: str) -> str:
    """The name of the gradient of a loss by an output; no author can write it."""
    return f"#{loss}/{output}"


class Tangents:
    """The partial derivatives of what a graph defines."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self._known: dict[Partial, Expr] = {}

    def __call__(self, partial: Partial) -> Expr:
        """An expression equal to a partial derivative.

        Of definitions further up it holds partial derivatives in turn.
        """
        if partial not in self._known:
            self._known[partial] = self._unfolded(partial)
        return self._known[partial]

    def _unfolded(self, partial: Partial) -> Expr:
        function, variable = partial.function, partial.variable
        if not is_tensor(variable):
            return self._by_expression(partial)
        if function.has(Partial):
            self._check_order(partial)
        if name_of(variable) not in self.graph.names:
            raise UndecidedError(f"{name_of(variable)} is in no equation")
        if is_tensor(function) and not indices_of(function):
            return self._backwards(function, variable, partial.held)
        return _Derivative(self, variable, partial.held)(self._opened(function, variable))

    def _backwards(self, function: Expr, variable: Expr, held: tuple[str, ...]) -> Expr:
        """The derivative of a scalar, through each equation that uses the variable.

        So no Jacobian of all that lies between is ever made.
        """
        name, root = name_of(variable), name_of(function)
        if root == name:
            return S.One
        terms = []
        if root not in self.graph.names:
            if name in self.graph.outputs:
                terms.append(tensor(upstream(root, name), *indices_of(variable)))
        elif name not in self.graph.ancestors(root):
            return S.Zero
        for equation in self.graph.equations:
            if equation.name in held or name not in self.graph.mentions(equation.name):
                continue
            fresh = fresh_indices(equation.indices, equation.rhs, variable)
            after = Partial(function, tensor(equation.name, *fresh), *held)
            terms.append(Contraction(after * self._direct(equation, fresh, variable), *fresh))
        return Add(*terms)

    def _direct(self, equation: Equation, at: list[Index], variable: Expr) -> Expr:
        """How an entry of what an equation defines moves while all other names are fixed."""
        if equation.is_relation:
            others = (name for name in self.graph.order if name != equation.name)
            return Partial(tensor(equation.name, *at), variable, *others)
        body = equation.rhs.xreplace(dict(zip(equation.indices, at, strict=True)))
        return _Derivative(self, variable, (), direct=True)(body)

    def _opened(self, function: Expr, variable: Expr) -> Expr:
        """What is differentiated, written out by one definition."""
        if isinstance(function, Partial):
            return self(function)
        if not is_tensor(function) or name_of(function) == name_of(variable):
            return function
        name = name_of(function)
        if name in self.graph:
            return definition(self.graph[name]).at(indices_of(function))
        if name in self.graph.names:
            return S.Zero
        return self._loss(function)

    def _loss(self, loss: Expr) -> Expr:
        """A loss downstream of the outputs, linear in them with arbitrary coefficients."""
        if indices_of(loss):
            raise UndecidedError(f"{name_of(loss)} is not defined")
        terms = []
        for name in self.graph.outputs:
            sizes = [self.graph.axis_size(name, axis) for axis in range(self.graph.arity[name])]
            indices = [Index(f"_l{axis}", size) for axis, size in enumerate(sizes)]
            gradient = tensor(upstream(name_of(loss), name), *indices)
            terms.append(Contraction(gradient * tensor(name, *indices), *indices))
        return Add(*terms)

    def _by_expression(self, partial: Partial) -> Expr:
        """The derivative by an inner expression, as in a chain rule."""
        slots = sorted(ranging(partial.variable), key=lambda index: (index.name, str(index.size)))
        inner = tensor(INNER, *slots)
        outer = partial.function.xreplace({partial.variable: inner})
        names = {name_of(node) for node in tensors_in(outer)}
        reached = names.union(*(self.graph.ancestors(name) for name in names))
        if INNER not in names or reached & {name_of(n) for n in tensors_in(partial.variable)}:
            raise UndecidedError("a derivative by an expression that is not all that varies")
        letters = [Index(f"_v{n}", index.size) for n, index in enumerate(slots)]
        there = tensor(INNER, *letters)
        found = _Derivative(self, there, partial.held)(outer)
        found = found.xreplace(dict(zip(letters, slots, strict=True)))
        if found.atoms(Partial):
            raise UndecidedError("a derivative by an expression of a derivative")
        return _with_inner(found, partial.variable, slots)

    def _check_order(self, partial: Partial) -> None:
        for inner in partial.function.atoms(Partial):
            above = {name_of(node) for node in tensors_in(inner.variable)}
            if above & self.graph.ancestors(name_of(partial.variable)):
                raise UndecidedError("a derivative by what the first derivative moves")
            root = inner.root
            if is_tensor(root) and name_of(root) not in self.graph.names:
                raise UndecidedError("a second derivative of a loss that is not defined")

    def residual(self, equation: Equation) -> Expr:
        """The difference of the sides of a relation."""
        left, right = equation.sides
        return left - right

    def jacobian(self, equation: Equation) -> tuple[tuple[Index, ...], Expr]:
        """The derivative of the residual by what the relation defines, at the given slots."""
        slots = tuple(Index(f"_y{n}", index.size) for n, index in enumerate(equation.indices))
        unknown = tensor(equation.name, *slots)
        return slots, _Derivative(self, unknown, (), direct=True)(self.residual(equation))

    def is_linear(self, equation: Equation) -> bool:
        """Whether a relation is linear in what it defines."""
        _, slope = self.jacobian(equation)
        return equation.name not in {name_of(node) for node in tensors_in(slope)}

    def moved(self, equation: Equation, variable: Expr, held: tuple[str, ...]) -> Expr:
        """The derivative of the residual while what the relation defines is fixed."""
        return _Derivative(self, variable, (*held, equation.name))(self.residual(equation))

    def depends(self, expr: Expr, name: str) -> bool:
        """Whether an expression may depend on what has a name."""
        return any(
            found == name or name in self.graph.ancestors(found) or found not in self.graph.names
            for found in {name_of(node) for node in tensors_in(expr)}
            if found[:1] != "#" or found == name
        )


def definition(equation: Equation) -> Equation:
    """The equation, if it says outright what its name means."""
    if equation.is_relation:
        raise UndecidedError(f"{equation.name} is defined by a relation")
    return equation


def _with_inner(expr: Expr, inner: Expr, slots: list[Index]) -> Expr:
    """The expression with the inner one in place of its name."""
    found = {node for node in tensors_in(expr) if name_of(node) == INNER}
    return expr.xreplace(
        {n: inner.xreplace(dict(zip(slots, indices_of(n), strict=True))) for n in found}
    )


class _Derivative:
    """The derivative of expressions by an entry of a tensor.

    With `direct`, what an equation defines does not move with it.
    """

    def __init__(
        self, tangents: Tangents, variable: Expr, held: tuple[str, ...], direct: bool = False
    ) -> None:
        self._tangents = tangents
        self.variable, self.held, self.direct = variable, held, direct
        self.name = name_of(variable)

    def __call__(self, expr: Expr) -> Expr:
        if not self._tangents.depends(expr, self.name):
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

    def _tensor(self, expr: Expr) -> Expr:
        name, graph = name_of(expr), self._tangents.graph
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
