"""Partial derivatives as expressions, so that they can be evaluated exactly.

This is plain forward differentiation, one definition at a time and nothing simplified. It shares
no code with the rules that make derivations, which it is there to check.
"""

from __future__ import annotations

from sympy import Add, Expr, S

from derive.expressions import (
    Contraction,
    Equation,
    Graph,
    Index,
    Partial,
    fresh_indices,
    indices_of,
    is_tensor,
    name_of,
    nodes_in,
    ranging,
    tensor,
    tensors_in,
)
from derive.verify.forward import Derivative
from derive.verify.labelled import UndecidedError
from derive.verify.printer import INNER

__all__ = ["Tangents", "upstream"]


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
        return Derivative(self.graph, variable, partial.held)(self._opened(function, variable))

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
        return Derivative(self.graph, variable, (), direct=True)(body)

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
        found = Derivative(self.graph, there, partial.held)(outer)
        found = found.xreplace(dict(zip(letters, slots, strict=True)))
        if nodes_in(found, Partial):
            raise UndecidedError("a derivative by an expression of a derivative")
        return _with_inner(found, partial.variable, slots)

    def _check_order(self, partial: Partial) -> None:
        for inner in nodes_in(partial.function, Partial):
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
        return slots, Derivative(self.graph, unknown, (), direct=True)(self.residual(equation))

    def is_linear(self, equation: Equation) -> bool:
        """Whether a relation is linear in what it defines."""
        _, slope = self.jacobian(equation)
        return equation.name not in {name_of(node) for node in tensors_in(slope)}

    def moved(self, equation: Equation, variable: Expr, held: tuple[str, ...]) -> Expr:
        """The derivative of the residual while what the relation defines is fixed."""
        return Derivative(self.graph, variable, (*held, equation.name))(self.residual(equation))


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
