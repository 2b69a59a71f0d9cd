"""The inverses that derivatives need and that the author did not define."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sympy import Expr, Indexed, S
from sympy.core.sorting import default_sort_key

from derive.calculus.implicit import isolated
from derive.calculus.inverse import find_inverse
from derive.calculus.relation import invertible, split_matrix
from derive.expressions import (
    Equation,
    Graph,
    Index,
    OfMatrix,
    indices_of,
    inverse_relation,
    name_of,
    ranging,
    tensor,
    tensors_in,
)

__all__ = ["with_inverses"]

# Names for matrices, Jacobians first, and letters for their indices.
MATRICES = "JKMNPQRSUVWABCDEFGH"
SPARE = "ijkmnpqrtuvw"


def with_inverses(graph: Graph, names: Iterable[str]) -> Graph:
    """The graph with an inverse for each matrix that the derivatives of the names need.

    The inverse of A is called A⁻¹. A matrix that is no tensor gets a name first.
    """
    for name in names:
        for matrix, row, column in _matrices(graph[name], graph):
            if find_inverse(matrix, row, column, graph) is None:
                graph = _with_inverse(graph, matrix, row, column)
    return graph


_Matrix = tuple[Expr, Index, Index]
"""A matrix, and the indices of its rows and columns; others are those of a batch."""


def _matrices(equation: Equation, graph: Graph) -> Iterator[_Matrix]:
    """The matrices whose inverses the derivatives of what an equation defines hold."""
    for node in sorted(equation.rhs.atoms(OfMatrix), key=default_sort_key):
        indices, body = node.open(equation.rhs)
        row, column = _in_order(body, *indices)
        yield body, row, column
    isolation = isolated(equation) if equation.is_relation else None
    if isolation is None or isolation.row is None or isolation.column is None:
        return
    if invertible(isolation, graph) is None:
        middle = split_matrix(isolation.matrix, isolation.row, isolation.column)[1]
        matrix = isolation.matrix if middle is S.One else middle
        yield matrix, isolation.row, isolation.column


def _in_order(matrix: Expr, row: Index, column: Index) -> tuple[Index, Index]:
    """Row and column as they stand at the first tensor that has both."""
    for node in tensors_in(matrix):
        slots = indices_of(node)
        if row in slots and column in slots:
            return (row, column) if slots.index(row) < slots.index(column) else (column, row)
    return row, column


def _with_inverse(graph: Graph, matrix: Expr, row: Index, column: Index) -> Graph:
    """The graph with the relation of an inverse, and with a name for the matrix if it needs one."""
    expr, (row, column, *batch) = _lettered(matrix, row, column, graph)
    added: list[Equation] = []
    if isinstance(expr, Indexed):
        # What is called A⁻¹ is the inverse of A, also where its transpose is needed.
        row, column = _in_order(expr, row, column)
    else:
        named = tensor(next(c for c in MATRICES if c not in graph.names), *batch, row, column)
        added.append(Equation(named, expr, "abbreviation", auxiliary=True))
        expr = named
    added.append(inverse_relation(f"{name_of(expr)}⁻¹", expr, row, column, batch))
    letters = dict(graph.letters)
    for new in added:
        letters |= {(new.name, axis): (index.name,) for axis, index in enumerate(new.indices)}
    return Graph(
        [*graph.equations, *added],
        letters=letters,
        sizes=graph.declared,
        multi=graph.multi,
        about=graph.about,
    )


def _lettered(matrix: Expr, row: Index, column: Index, graph: Graph) -> tuple[Expr, list[Index]]:
    """The matrix in letters for its row, its column and its batch, as the author writes them."""
    batch = sorted(ranging(matrix) - {row, column}, key=lambda index: index.name)
    named: dict[Index, Index] = {}
    for index in sorted((row, column, *batch), key=lambda index: index.name[0] == "_"):
        own = [] if index.name[0] == "_" else [index.name]
        axes = [
            (name_of(node), axis)
            for node in tensors_in(matrix)
            for axis, slot in enumerate(indices_of(node))
            if slot == index
        ]
        used = [letter for axis in axes for letter in graph.letters.get(axis, ())]
        taken = {letter.name for letter in named.values()}
        letter = next(c for c in (*own, *used, *SPARE) if c not in taken)
        named[index] = Index(letter, index.size)
    return matrix.xreplace(named), [named[index] for index in (row, column, *batch)]
