"""What a derivation takes for granted, in sentences: derivatives at kinks, entries out of range."""

from __future__ import annotations

from collections.abc import Iterator

from sympy import Expr, Function, Indexed, Symbol, preorder_traversal

from derive.expressions import (
    Extremum,
    Graph,
    Iverson,
    LogDeterminant,
    Opaque,
    ProductOver,
    elementary,
    is_computed,
)

__all__ = ["conventions"]

_COMPARISON = "The derivative of a comparison [·] is taken as 0, also where it jumps."
_OUTSIDE = "An entry outside the range of its axis is 0."


def conventions(graph: Graph) -> tuple[str, ...]:
    """The conventions that the functions of a graph bring along, each once."""
    sides = [side for equation in graph.equations for side in equation.sides]
    nodes = [node for side in sides for node in preorder_traversal(side)]
    found = [sentence for node in nodes for sentence in _of(node)]
    letters = sorted({node.symbol for node in nodes if isinstance(node, Opaque)})
    return tuple(dict.fromkeys([*_unknown(letters), *found]))


def _unknown(letters: list[str]) -> list[str]:
    """What is said of the functions that are only letters."""
    *first, last = letters or [""]
    if not first:
        return [f"{last} stands for any smooth function."] if last else []
    return [f"{', '.join(first)} and {last} stand for any smooth functions."]


def _of(node: Expr) -> Iterator[str]:
    if isinstance(node, Iverson) and not _is_fixed(node):
        yield _COMPARISON
    if isinstance(node, Indexed) and any(map(is_computed, node.indices)):
        yield _OUTSIDE
    if isinstance(node, Extremum | ProductOver | LogDeterminant):
        yield node.convention
    row = elementary(node) if isinstance(node, Function) else None
    if row is not None and row.convention:
        yield row.convention


def _is_fixed(node: Iverson) -> bool:
    """Whether a comparison is one of indices, which nothing moves."""
    return all(leaf.is_integer for leaf in node.atoms(Symbol, Indexed))
