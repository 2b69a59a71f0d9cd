"""What a derivation takes for granted, in sentences.

Derivatives at kinks, entries out of range, letters that are multi-indices.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

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
    nodes_in,
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
    return tuple(dict.fromkeys([*_declared(graph.multi), *_unknown(letters), *found]))


def _unknown(letters: list[str]) -> list[str]:
    """What is said of the functions that are only letters."""
    *first, last = letters or [""]
    if not first:
        return [f"{last} stands for any smooth function."] if last else []
    return [f"{', '.join(first)} and {last} stand for any smooth functions."]


def _declared(multi: Sequence[str]) -> Iterator[str]:
    """Which letters are multi-indices."""
    if len(multi) == 1:
        yield f"{multi[0]} is a multi-index: it stands for any number of axes, also for none."
    elif multi:
        listed = f"{', '.join(multi[:-1])} and {multi[-1]}"
        yield f"{listed} are multi-indices: each stands for any number of axes, also for none."


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
    return all(leaf.is_integer for leaf in nodes_in(node, Symbol, Indexed))
