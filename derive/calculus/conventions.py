"""What a derivation takes for granted, in sentences: derivatives at kinks, entries out of range."""

from __future__ import annotations

from collections.abc import Iterator

from sympy import Expr, Function, Indexed, Symbol, preorder_traversal

from derive.expressions import Extremum, Graph, Iverson, ProductOver, elementary, is_computed

__all__ = ["conventions"]

_COMPARISON = "The derivative of a comparison [·] is taken as 0, also where it jumps."
_OUTSIDE = "An entry outside the range of its axis is 0."


def conventions(graph: Graph) -> tuple[str, ...]:
    """The conventions that the functions of a graph bring along, each once."""
    found = (_of(node) for eq in graph.equations for node in preorder_traversal(eq.rhs))
    return tuple(dict.fromkeys(sentence for sentences in found for sentence in sentences))


def _of(node: Expr) -> Iterator[str]:
    if isinstance(node, Iverson) and not _is_fixed(node):
        yield _COMPARISON
    if isinstance(node, Indexed) and any(map(is_computed, node.indices)):
        yield _OUTSIDE
    if isinstance(node, Extremum | ProductOver):
        yield node.convention
    row = elementary(node) if isinstance(node, Function) else None
    if row is not None and row.convention:
        yield row.convention


def _is_fixed(node: Iverson) -> bool:
    """Whether a comparison is one of indices, which nothing moves."""
    return all(leaf.is_integer for leaf in node.atoms(Symbol, Indexed))
