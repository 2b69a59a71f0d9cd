"""The rules that differentiate a relation, and the inverses that they need in the graph."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from sympy import Expr, Mul, S, expand
from sympy.core.sorting import default_sort_key

from derive.calculus.context import Context
from derive.calculus.implicit import Isolation, isolated, remainder
from derive.calculus.inverse import Inverse, find_inverse
from derive.calculus.rule import Rule, rule
from derive.expressions import (
    Bound,
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
)

__all__ = [
    "RELATION",
    "differentiate_and_divide",
    "differentiate_relation",
    "invertible",
    "multiply_by_inverse",
    "split_matrix",
]

_INVERSE = "δ_ij = x_ik y_kj for y"


@dataclass(frozen=True)
class _Solution:
    """The relation of an unknown in the indices of one derivative of it.

    The multiple `before` times `pair.matrix` times `after` of the derivative is equal to the
    remainder. Where there is no `pair`, the derivative is multiplied by `before` alone.
    """

    partial: Partial
    before: Expr
    remainder: Expr
    after: Expr = S.One
    axis: int = 0
    pair: Inverse | None = None

    def multiplied(self) -> Expr | None:
        """The derivative as the inverse times the matrix times the derivative."""
        if self.pair is None:
            return None
        slots = list(indices_of(self.partial.function))
        wanted, slots[self.axis] = slots[self.axis], self.pair.column
        inner = Partial(
            tensor(name_of(self.partial.function), *slots),
            self.partial.variable,
            *self.partial.held,
        )
        body = self.pair.matrix * self.after * inner * self._inverse(wanted)
        return Contraction(body, self.pair.row, self.pair.column)

    def isolated(self) -> Expr:
        """The derivative in terms of the remainder."""
        if self.pair is None:
            return self.remainder / self.before
        wanted = indices_of(self.partial.function)[self.axis]
        return Contraction(self._inverse(wanted) * self.remainder / self.before, self.pair.row)

    def _inverse(self, wanted: Expr) -> Expr:
        """The inverse with what divides the wanted entry."""
        assert self.pair is not None
        return (self.pair.inverse / self.after).xreplace({self.pair.column: wanted})


def _signed(partial: Partial, before: Expr, rest: Expr, *others: Any) -> _Solution:
    """A solution that divides by nothing with a minus sign in front."""
    sign = -1 if before.could_extract_minus_sign() else 1
    return _Solution(partial, sign * before, sign * rest, *others)


def _solution(partial: Partial, context: Context) -> _Solution | None:
    """The relation of the function, solved for its derivative where the graph allows it."""
    equation = _relation_of(partial, context.graph)
    if equation is None:
        return None
    # The letters of the relation must not meet those of the derivative.
    fresh = fresh_indices(equation.paired, partial, *equation.sides)
    equation = _renamed(equation, fresh)
    isolation = isolated(equation)
    if isolation is None:
        return None
    rest = remainder(equation, partial, context)
    slots = dict(zip(fresh, indices_of(partial.function), strict=True))
    if isolation.axis is None:
        return _signed(partial, isolation.matrix.xreplace(slots), rest.xreplace(slots))
    row = fresh[isolation.axis]
    parts = invertible(isolation, context.graph, rest, partial)
    del slots[row]
    return None if parts is None else parts.at(partial, rest, isolation.axis, slots)


def _relation_of(partial: Expr, graph: Graph) -> Equation | None:
    """The relation that defines what is differentiated."""
    function = partial.function if isinstance(partial, Partial) else None
    name = name_of(function) if is_tensor(function) else ""
    if name not in graph or not graph[name].is_relation or name_of(function) in _by(partial):
        return None
    return graph[name]


def _by(partial: Partial) -> set[str]:
    return {name_of(partial.variable)} if is_tensor(partial.variable) else set()


def _renamed(equation: Equation, indices: list[Index]) -> Equation:
    """The relation in other free indices."""
    letters = dict(zip(equation.paired, indices, strict=True))
    left, right = (side.xreplace(letters) for side in equation.sides)
    return replace(equation, lhs=tensor(equation.name, *indices), left=left, rhs=right)


@dataclass(frozen=True)
class _Divided:
    """A matrix as a product: what the row carries, a matrix with an inverse, the rest."""

    before: Expr
    pair: Inverse
    after: Expr

    def at(self, partial: Partial, rest: Expr, axis: int, slots: dict[Index, Expr]) -> _Solution:
        """The solution, with the slots of the derivative for the indices of the relation."""
        matrix, inverse = (e.xreplace(slots) for e in (self.pair.matrix, self.pair.inverse))
        return _signed(
            partial,
            self.before.xreplace(slots),
            rest.xreplace(slots),
            self.after.xreplace(slots),
            axis,
            replace(self.pair, matrix=matrix, inverse=inverse),
        )


def invertible(isolation: Isolation, graph: Graph, *avoid: Expr) -> _Divided | None:
    """The matrix of a relation as far as its inverse is known."""
    row = isolation.row
    assert row is not None, "the isolation has a matrix"
    (column,) = fresh_indices([row], isolation.matrix, row, *avoid)
    matrix = isolation.matrix.xreplace({isolation.column: column})
    for sign in (S.One, S.NegativeOne):
        pair = find_inverse(expand(sign * matrix), row, column, graph)
        if pair is not None:
            return _Divided(sign, pair, S.One)
    before, middle, after = split_matrix(matrix, row, column)
    pair = find_inverse(middle, row, column, graph)
    return None if pair is None else _Divided(before, pair, after)


def split_matrix(matrix: Expr, row: Index, column: Index) -> tuple[Expr, Expr, Expr]:
    """The factors that lack the column, those with row and column, those that lack the row."""
    factors = Mul.make_args(matrix)
    before = [f for f in factors if column not in ranging(f)]
    middle = [f for f in factors if {row, column} <= ranging(f)]
    after = [f for f in factors if column in ranging(f) and row not in ranging(f)]
    return Mul(*before), Mul(*middle), Mul(*after)


@rule(
    "multiply by the inverse",
    "∂y_nj/∂x_pq = y_ni x_ik ∂y_kj/∂x_pq",
    free="njpq",
    where=_INVERSE,
    refuses=("∂x_nj/∂x_pq", "∂y_nj/∂y_pq"),
)
def multiply_by_inverse(node: Expr, context: Context) -> Expr | None:
    """A matrix times its inverse is the Kronecker delta, which changes nothing."""
    solution = _solution(node, context) if isinstance(node, Partial) else None
    return None if solution is None else solution.multiplied()


@rule(
    "differentiate the relation",
    "y_ni x_ik ∂y_kj/∂x_pq = y_ni (∂δ_ij/∂x_pq - ∂x_ik/∂x_pq y_kj)",
    free="njpq",
    where=_INVERSE,
    refuses=("y_ni ∂y_ij/∂x_pq", "y_ni x_ik ∂x_kj/∂x_pq"),
)
def differentiate_relation(node: Expr, context: Context) -> Expr | None:
    """Both sides have the same derivative, and the term that is sought stands alone."""
    if not isinstance(node, Contraction | Mul):
        return None
    for partial in sorted(nodes_in(node, Partial), key=default_sort_key):
        for wanted in sorted(ranging(node) - ranging(partial.variable), key=str):
            for asked in _in_place_of_bound(partial, wanted):
                solution = _solution(asked, context)
                if solution is not None and solution.multiplied() == node:
                    return solution.isolated()
    return None


def _in_place_of_bound(partial: Partial, wanted: Index) -> Iterator[Partial]:
    """The derivative with a free index for one of the bound ones of its function."""
    for slot in indices_of(partial.function) if is_tensor(partial.function) else ():
        if isinstance(slot, Bound) and slot.size == wanted.size:
            function = partial.function.xreplace({slot: wanted})
            yield Partial(function, partial.variable, *partial.held)


@rule(
    "differentiate the relation and divide",
    "∂y_i/∂x_n = (1/(3 y_i^2 + 1)) ∂x_i/∂x_n",
    free="in",
    where="y_i^3 + y_i = x_i for y",
    refuses=("∂x_i/∂x_n", "∂y_i/∂y_n"),
)
def differentiate_and_divide(node: Expr, context: Context) -> Expr | None:
    """Both sides have the same derivative, in which that of the unknown is a factor."""
    solution = _solution(node, context) if isinstance(node, Partial) else None
    return solution.isolated() if solution is not None and solution.pair is None else None


RELATION: tuple[Rule, ...] = (multiply_by_inverse, differentiate_relation, differentiate_and_divide)
