"""Relations as assignments: linear ones are solved, others have their roots found by Newton."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from sympy import Add, Expr, KroneckerDelta, Mul, S

from derive.calculus.plan import SPARE_LETTERS, derive
from derive.codegen.assignment import Assignment, CodeError
from derive.codegen.mapped import mapped
from derive.expressions import (
    Equation,
    Graph,
    Index,
    Multiple,
    NotLinearError,
    One,
    Partial,
    Tensor,
    broadcast,
    fresh_indices,
    indices_of,
    is_tensor,
    linear_terms,
    name_of,
    ranging,
    tensor,
    tensors_in,
)

__all__ = ["Inverse", "Root", "RootWork", "Solution", "resized", "sizes_in", "solution"]


@dataclass(frozen=True)
class Solution(Assignment):
    """`matrix · target = expr`, where the matrix ranges over `row` and `column`.

    The column stands in the target in the place of the row, which the right-hand side has.
    """

    matrix: Expr
    row: Index
    column: Index

    @property
    def reads(self) -> frozenset[str]:
        """The names of the tensors that the matrix and the right-hand side are made of."""
        return super().reads | frozenset(name_of(node) for node in tensors_in(self.matrix))


@dataclass(frozen=True)
class Inverse(Solution):
    """The target is the inverse of the matrix."""


@dataclass(frozen=True)
class Root(Assignment):
    """The target makes an expression zero, whose derivative by the target is `slope`.

    Where `moved` is empty each entry of the target has an equation of its own; else they are the
    last indices of the target, with other letters, behind those of the expression in the slope.
    Along the axes before them there is a system of equations for each entry.
    """

    slope: Expr
    moved: tuple[Index, ...] = ()

    @property
    def reads(self) -> frozenset[str]:
        """The names of the tensors that the equation is made of, the target left out."""
        own = frozenset(name_of(node) for node in tensors_in(self.slope))
        return (super().reads | own) - {self.name}


@dataclass(frozen=True)
class RootWork(Assignment):
    """A root, with the assignments that compute its equation and slope, which are tensors."""

    slope: Expr
    moved: tuple[Index, ...]
    inner: tuple[Assignment, ...]

    @property
    def reads(self) -> frozenset[str]:
        """The names of the tensors that the equation is made of, the target left out."""
        own = frozenset(each.name for each in self.inner)
        read = frozenset(name for each in self.inner for name in each.reads)
        return read - own - {self.name}


def solution(equation: Equation, graph: Graph) -> Assignment:
    """The assignment that solves a relation."""
    target = tensor(equation.name, *equation.paired)
    left, right = equation.sides
    try:
        terms = list(linear_terms(left - right, _is(equation.name), *equation.paired))
    except NotLinearError:
        return _root(equation, graph, target)
    return _linear(terms, target) or _root(equation, graph, target)


def _is(name: str) -> Callable[[Expr], bool]:
    return lambda node: is_tensor(node) and name_of(node) == name


def _linear(terms: Sequence[Multiple], target: Tensor) -> Assignment | None:
    """The solution of an equation in which one axis of the target is multiplied by a matrix."""
    own, indices = [t for t in terms if t.node is not None], indices_of(target)
    moved = {
        axis
        for term in own
        for axis, (slot, index) in enumerate(zip(indices_of(term.node), indices, strict=True))
        if slot != index
    }
    rest = -Add(*(term.coefficient for term in terms if term.node is None))
    if not indices or len(moved) > 1:
        return None
    axis = min(moved, default=0)
    row = indices[axis]
    (column,) = fresh_indices([row], *(t.coefficient for t in terms), *indices, rest)
    parts = [_part(term, axis, row, column) for term in own]
    if None in parts or not moved:
        return None
    matrix = Add(*(part for part in parts if part is not None))
    if matrix.could_extract_minus_sign():
        matrix, rest = -matrix, -rest
    if ranging(matrix) - {column} - set(indices):
        return None
    identity = [f for f in Mul.make_args(rest) if not isinstance(f, One)]
    others = [i for i in indices if i != row and i not in ranging(matrix)]
    if len(others) == 1 and identity == [KroneckerDelta(row, others[0])]:
        return Inverse(target, S.One, matrix, row, column)
    return Solution(target, rest, matrix, row, column)


def _part(term: Multiple, axis: int, row: Index, column: Index) -> Expr | None:
    """The entries of the matrix that a term makes."""
    slot = indices_of(term.node)[axis] if term.node is not None else row
    if not isinstance(slot, Index) or set(term.bound) - {slot}:
        return None
    if slot == row:
        return term.coefficient * KroneckerDelta(row, column)
    without = [f for f in Mul.make_args(term.coefficient) if f != One(slot)]
    return Mul(*without).xreplace({slot: column})


def _root(equation: Equation, graph: Graph, target: Tensor) -> Root:
    """The root of an equation that holds its unknown in functions or powers."""
    left, right = equation.sides
    residual = left - right
    letter = next(c for c in SPARE_LETTERS if c not in graph.names)
    definition = Equation(tensor(letter, *equation.paired), residual)
    changed = Graph(
        [definition if e.name == equation.name else e for e in graph.equations],
        letters=graph.letters,
        sizes=graph.declared,
    )
    unknown = {equation.name}
    slots = {indices_of(n) for n in tensors_in(residual) if name_of(n) in unknown}
    if slots <= {equation.paired}:
        return _entrywise(equation, changed, letter, graph)
    rows = changed[letter].indices
    spare = [c for c in SPARE_LETTERS if c not in {i.name for i in rows}]
    moved = changed.tensor(equation.name, spare[: len(rows)])
    goal = Partial(tensor(letter, *rows), moved)
    found = _written_out(derive(changed, [goal]).result, changed[letter])
    kept = _kept(slots, equation.paired)
    found = found.xreplace(dict(zip(indices_of(moved)[:kept], rows[:kept], strict=True)))
    found = broadcast(found, {*rows, *indices_of(moved)[kept:]})
    sizes = sizes_in(changed, graph)
    columns = tuple(i.sized(sizes.get(i.size, i.size)) for i in indices_of(moved)[kept:])
    return Root(target, residual, resized(found, sizes), columns)


def _kept(slots: Collection[Sequence[Expr]], indices: Sequence[Index]) -> int:
    """The number of first axes along which each entry has an equation of its own."""
    own = [all(slot[axis] == index for slot in slots) for axis, index in enumerate(indices)]
    return next((axis for axis, is_own in enumerate(own) if not is_own), len(own))


def sizes_in(changed: Graph, graph: Graph, base: Callable[[str], str] = str) -> dict[Expr, Expr]:
    """The sizes of a graph in place of those in another one with the same axes.

    Parameters
    ----------
    base : for a name of the other graph one with the same axes.
    """
    axes = [(n, axis) for n in changed.names for axis in range(changed.arity[n])]
    return {
        changed.axis_size(name, axis): graph.axis_size(base(name), axis)
        for name, axis in axes
        if base(name) in graph.arity
    }


def resized(expr: Expr, sizes: Mapping[Expr, Expr]) -> Expr:
    """The expression with other sizes, also those of its indices."""

    def change(node: Expr) -> Expr | None:
        if isinstance(node, Index):
            return node.sized(sizes.get(node.size, node.size))
        return sizes.get(node)

    return mapped(expr, change)


def _written_out(expr: Expr, equation: Equation) -> Expr:
    """The expression with what an equation defines in place of its name."""

    def change(node: Expr) -> Expr | None:
        own = is_tensor(node) and name_of(node) == equation.name
        return equation.at(indices_of(node)) if own else None

    return mapped(expr, change)


def _entrywise(equation: Equation, changed: Graph, letter: str, graph: Graph) -> Root:
    """The root of an equation for each entry."""
    loss = next(c for c in reversed(SPARE_LETTERS) if c not in changed.names)
    variable = changed.sized(tensor(equation.name, *equation.paired), changed[letter].lhs)
    found = derive(changed, [Partial(tensor(loss), variable)]).result
    given = tensor(letter, *changed[letter].indices)
    slope = _written_out(found.xreplace({Partial(tensor(loss), given): S.One}), changed[letter])
    if slope.has(Partial):
        raise CodeError(f"the relation for {equation.name} has no form as code")
    left, right = equation.sides
    target = tensor(equation.name, *equation.paired)
    return Root(target, left - right, resized(slope, sizes_in(changed, graph)))
