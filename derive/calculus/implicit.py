"""How the derivative of what a relation defines stands in the differentiated relation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache

from sympy import Add, Expr, KroneckerDelta, Mul

from derive.calculus.context import Context
from derive.calculus.cost import cost
from derive.calculus.derivative import CHAIN, STRUCTURE, elementary_derivative
from derive.calculus.engine import rewrite
from derive.calculus.fold import Relation, relations
from derive.calculus.index_algebra import drop_one
from derive.expressions import (
    Contraction,
    Equation,
    Graph,
    Index,
    Multiple,
    NotLinearError,
    One,
    Partial,
    fresh_indices,
    indices_of,
    is_tensor,
    levelled,
    linear_terms,
    name_of,
    occurrences,
    tensor,
)

__all__ = ["Isolation", "isolated", "remainder"]

# What takes the derivative of a side apart, and leaves those of tensors as they are.
DIFFERENTIATE = (*STRUCTURE, elementary_derivative, *CHAIN)


@dataclass(frozen=True)
class Isolation:
    """What stands at the derivative of the unknown in the differentiated relation.

    In `A_ik ∂y_kj = …` the `axis` of y is contracted with a matrix, whose indices are the free
    index `row` of the relation and the `column` over which it is summed; the other axes of y carry
    the free indices of the relation. Without such an axis the derivative is multiplied by
    `matrix`, entry by entry.
    """

    matrix: Expr
    axis: int | None = None
    row: Index | None = None
    column: Index | None = None


@lru_cache(maxsize=64)
def isolated(equation: Equation) -> Isolation | None:
    """How the derivative of the unknown stands in its relation; None if no term isolates."""
    paired = equation.paired
    # In an empty graph the unknown is all that varies with a variable that nobody can write.
    context = Context(Graph([]), Partial(equation.lhs, tensor("#")))
    try:
        terms = [t for t in _terms(equation, equation.sides, context) if t.node is not None]
    except NotLinearError:
        return None
    active = {a for term in terms for a, slot in enumerate(_slots(term)) if slot != paired[a]}
    if active:
        return None if len(active) > 1 else _with_matrix(terms, active.pop(), paired)
    matrix = levelled(Add(*(term.coefficient for term in terms)))
    return None if matrix == 0 or any(term.bound for term in terms) else Isolation(matrix)


def remainder(equation: Equation, partial: Partial, context: Context) -> Expr:
    """What the multiple of the derivative of the unknown is equal to.

    The free indices of the relation are those of the equation; the variable must not carry them.
    """
    terms = _terms(equation, equation.sides, Context(context.graph, partial))
    return -Add(*(term.coefficient for term in terms if term.node is None))


def _terms(equation: Equation, sides: tuple[Expr, Expr], context: Context) -> list[Multiple]:
    """The derivative of the left side less the right one, as multiples of that of the unknown."""
    partial = context.goal
    left, right = (_differentiated(side, partial, context) for side in sides)
    found = linear_terms(left - right, _is_derivative_of(equation.name), partial.variable)
    folds = list(relations(equation))
    return [_folded(_trimmed(term, context), folds) for term in found]


def _folded(term: Multiple, folds: list[Relation]) -> Multiple:
    """The term with the unknown for what it is equal to, where a side of the relation says so."""
    for fold in folds:
        after = fold.apply(term.coefficient)
        if cost(after) < cost(term.coefficient):
            term = replace(term, coefficient=after)
    return term


def _trimmed(term: Multiple, context: Context) -> Multiple:
    """The term without the one-tensors that its other factors make needless."""
    coefficient = term.coefficient
    if term.node is None:
        while (found := rewrite(coefficient, (drop_one,), context)) is not None:
            coefficient = found[0]
        return replace(term, coefficient=coefficient)
    for one in [factor for factor in Mul.make_args(coefficient) if isinstance(factor, One)]:
        rest = [factor for factor in Mul.make_args(coefficient) if factor != one]
        if occurrences(one.index, [*rest, term.node]) >= (2 if one.index in term.bound else 1):
            coefficient = Mul(*rest)
    return replace(term, coefficient=coefficient)


def _differentiated(side: Expr, partial: Expr, context: Context) -> Expr:
    """The derivative of a side; that of a term which does not vary is left for the reader."""
    return Add(*(_term(term, partial, context) for term in Add.make_args(side) if term != 0))


def _term(term: Expr, partial: Partial, context: Context) -> Expr:
    expr: Expr = Partial(term, partial.variable, *partial.held)
    if not context.varies(term, partial):
        return expr
    while (found := rewrite(expr, DIFFERENTIATE, context)) is not None:
        expr = found[0]
    return expr


def _is_derivative_of(name: str) -> Callable[[Expr], bool]:
    def is_node(node: Expr) -> bool:
        function = node.function if isinstance(node, Partial) else None
        return is_tensor(function) and name_of(function) == name

    return is_node


def _slots(term: Multiple) -> tuple[Expr, ...]:
    return indices_of(term.node.function) if isinstance(term.node, Partial) else ()


def _with_matrix(terms: list[Multiple], axis: int, paired: tuple[Index, ...]) -> Isolation | None:
    """The matrix with which one axis of the unknown is contracted."""
    row = paired[axis]
    (column,) = fresh_indices([row], *(term.coefficient for term in terms), *paired)
    matrix = Add(*(_column_of(term, axis, column) for term in terms))
    return None if matrix == 0 else Isolation(matrix, axis, row, column)


def _column_of(term: Multiple, axis: int, column: Index) -> Expr:
    """What a term adds to the matrix: a diagonal where it is not summed over the axis."""
    slot = _slots(term)[axis]
    if slot in term.bound:
        others = [index for index in term.bound if index != slot]
        return Contraction(term.coefficient.xreplace({slot: column}), *others)
    return Contraction(term.coefficient * KroneckerDelta(slot, column), *term.bound)
