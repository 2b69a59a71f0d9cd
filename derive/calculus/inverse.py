"""Inverses of matrices: known from the relations of the graph, and used in both directions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from itertools import permutations

from sympy import Expr, Indexed, KroneckerDelta, Mul, S, expand

from derive.calculus.context import Context
from derive.calculus.domain import written_out
from derive.calculus.implicit import Isolation, isolated
from derive.calculus.match import match
from derive.calculus.rule import rule
from derive.expressions import (
    Contraction,
    Equation,
    Graph,
    Index,
    NotLinearError,
    One,
    free_indices,
    is_tensor,
    linear_terms,
    name_of,
    nodes_in,
    ranging,
    tensor,
)

__all__ = ["Inverse", "contract_inverse", "find_inverse", "inverses"]


@dataclass(frozen=True)
class Inverse:
    """`matrix` in the indices `row` and `column`, and its inverse in `column` and `row`.

    The sum over `column` of the matrix times the inverse is a Kronecker delta; matrices are
    square, so that the same holds over `row`. Both may carry the indices of a `batch`.
    """

    matrix: Expr
    inverse: Expr
    row: Index
    column: Index
    batch: tuple[Index, ...] = ()

    @property
    def variables(self) -> tuple[Index, ...]:
        return (self.row, self.column, *self.batch)

    @property
    def turned(self) -> Inverse:
        """The matrix as the inverse of its inverse."""
        return Inverse(self.inverse, self.matrix, self.column, self.row, self.batch)


def inverses(graph: Graph) -> tuple[Inverse, ...]:
    """The pairs of matrices that the relations of a graph make inverses of each other."""
    found = [_inverse(eq) for eq in graph.equations if eq.is_relation]
    pairs = [pair for pair in found if pair is not None]
    return (*pairs, *(pair.turned for pair in pairs if isinstance(pair.matrix, Indexed)))


@lru_cache(maxsize=64)
def _inverse(equation: Equation) -> Inverse | None:
    """The pair of a relation that reads `A_ik y_kj = δ_ij`, whatever the matrix is."""
    isolation = isolated(equation)
    if isolation is None or isolation.axis is None or isolation.row is None:
        return None
    left, right = equation.sides
    try:
        terms = list(linear_terms(left - right, _is_tensor(equation.name)))
    except NotLinearError:
        return None
    constants = [term.coefficient for term in terms if term.node is None]
    sign, rest = constants[0].as_coeff_Mul() if len(constants) == 1 else (S.Zero, S.Zero)
    others = [index for index in equation.paired if index != isolation.row]
    passive = [index for index in others if rest.has(KroneckerDelta(isolation.row, index))]
    ones = [One(index) for index in others if index not in passive]
    if (
        abs(sign) != 1
        or len(passive) != 1
        or set(Mul.make_args(rest))
        != {
            KroneckerDelta(isolation.row, passive[0]),
            *ones,
        }
    ):
        return None
    return _pair(equation, isolation, expand(-sign * isolation.matrix), passive[0])


def _pair(equation: Equation, isolation: Isolation, matrix: Expr, passive: Index) -> Inverse | None:
    """The unknown as the inverse of the matrix, its other axis called like the row."""
    row, column = isolation.row, isolation.column
    if row is None or column is None or passive in ranging(matrix):
        return None
    slots = [
        column if axis == isolation.axis else row if index == passive else index
        for axis, index in enumerate(equation.paired)
    ]
    batch = tuple(index for index in equation.paired if index not in (row, passive))
    return Inverse(matrix, tensor(equation.name, *slots), row, column, batch)


def _is_tensor(name: str) -> Callable[[Expr], bool]:
    return lambda node: is_tensor(node) and name_of(node) == name


def find_inverse(matrix: Expr, row: Index, column: Index, graph: Graph) -> Inverse | None:
    """The pair that holds the inverse of a matrix, in the given indices."""
    known = inverses(graph)
    for written in (lambda expr: expr, lambda expr: expand(written_out(expr, graph))):
        for pair in known:
            found = match(written(pair.matrix), written(matrix), pair.variables) or {}
            if {found.get(pair.row), found.get(pair.column)} == {row, column}:
                batch = tuple(found.get(index, index) for index in pair.batch)
                return Inverse(
                    pair.matrix.xreplace(dict(found)),
                    pair.inverse.xreplace(dict(found)),
                    row,
                    column,
                    batch,
                )
    return None


@rule(
    "contract the inverse",
    "x_ik y_kj = δ_ij",
    free="ij",
    where="δ_ij = x_ik y_kj for y",
    refuses=("x_ki y_kj", "x_ik x_kj", "x_ik y_jk", "x_ik y_kj x_kj"),
)
def contract_inverse(node: Expr, context: Context) -> Expr | None:
    """A matrix times its inverse is the Kronecker delta."""
    pairs = [p for p in inverses(context.graph) if isinstance(p.matrix, Indexed)]
    if not pairs:
        return None
    values = {c: v for c in nodes_in(node, Contraction) if (v := _contracted(c, pairs)) is not None}
    return node.xreplace(values) if values else None


def _contracted(node: Contraction, pairs: list[Inverse]) -> Expr | None:
    """The contraction with one product of a matrix and its inverse written as a delta."""
    indices, body = node.open()
    factors = Mul.make_args(body)
    for one, other in permutations([f for f in factors if isinstance(f, Indexed)], 2):
        rest = body / (one * other)
        for pair in pairs:
            found = _delta(pair, one, other)
            if found and found[0] in indices and found[0] not in free_indices(rest):
                ones = Mul(*map(One, found[2]))
                left = [index for index in indices if index != found[0]]
                return Contraction(rest * found[1] * ones, *left)
    return None


def _delta(
    pair: Inverse, one: Indexed, other: Indexed
) -> tuple[Expr, Expr, tuple[Expr, ...]] | None:
    """The index over which two tensors are a product of inverses, the delta, and the batch."""
    first = match(pair.matrix, one, pair.variables)
    second = match(pair.inverse, other, pair.variables)
    if first is None or second is None:
        return None
    batch = tuple(first[index] for index in pair.batch)
    if batch != tuple(second[index] for index in pair.batch):
        return None
    for summed, left in ((pair.column, pair.row), (pair.row, pair.column)):
        if first[summed] == second[summed]:
            return first[summed], KroneckerDelta(first[left], second[left]), batch
    return None
