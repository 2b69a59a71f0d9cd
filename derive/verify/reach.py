"""How large sizes have to be, for what holds of them to hold of all larger ones.

With four values of i, `[i <= 3]` is always 1 and `x_{i+4}` always 0; and where a size is a number
beside others, as in `N - 2`, some few sizes are its roots.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from functools import cached_property
from math import ceil

from sympy import (
    Add,
    Expr,
    Indexed,
    Integer,
    KroneckerDelta,
    Number,
    preorder_traversal,
)

from derive.expressions import (
    Contraction,
    Graph,
    Index,
    Iverson,
    Size,
    indices_of,
    is_tensor,
    name_of,
    nodes_in,
)

__all__ = ["Reach"]

Need = tuple[Expr, int]
"""A size, and the sum of the numbers that stand beside an index or a size of that kind."""


class Reach:
    """For each size the least number on which expressions about a graph show what they do."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph

    def __call__(self, exprs: Iterable[Expr]) -> dict[Expr, int]:
        """The least number for each size that is a symbol and needs one."""
        found = Counter(self._definitions)
        found.update(_largest(self.graph, exprs))
        return {size: number + 2 for size, number in found.items() if not size.is_Integer}

    @cached_property
    def _definitions(self) -> Counter[Expr]:
        """Numbers of one equation and the next add up: an index may be moved by both."""
        found = Counter[Expr]()
        for equation in self.graph.equations:
            found.update(_largest(self.graph, (equation.lhs, *equation.sides)))
        return found


def _largest(graph: Graph, exprs: Iterable[Expr]) -> dict[Expr, int]:
    found: dict[Expr, int] = {}
    for expr in exprs:
        for size, number in _needs(graph, expr):
            found[size] = max(number, found.get(size, 0))
    return found


def _needs(graph: Graph, expr: Expr) -> Iterator[Need]:
    for node in nodes_in(expr, Indexed, KroneckerDelta, Iverson, Add):
        if isinstance(node, Indexed):
            yield from _slots(graph, node)
        elif isinstance(node, Add):
            yield from _roots(node)
        elif isinstance(node, KroneckerDelta) or _counts(node):
            yield from _beside(graph, node, _constants(node))


def _slots(graph: Graph, node: Expr) -> Iterator[Need]:
    """The numbers that stand in a slot, for its axis and for its indices."""
    for axis, slot in enumerate(indices_of(node)):
        number = 0 if isinstance(slot, Index) else _constants(slot)
        if number and name_of(node) in graph.names:
            yield graph.axis_size(name_of(node), axis), number
        yield from _beside(graph, slot, number)


def _counts(node: Iverson) -> bool:
    """Whether a comparison is one of indices, or of how much a sum is."""
    return bool(node.left.is_integer and node.right.is_integer) or node.has(Contraction, Size)


def _beside(graph: Graph, node: Expr, number: int) -> Iterator[Need]:
    """The sizes of all indices and labels in an expression, with a number."""
    if not number:
        return
    for index in nodes_in(node, Index):
        size = graph.label_range(index.name) if index.size is None else index.size
        if size is not None:
            yield size, number
    for size in nodes_in(node, Size):
        yield size, number
    for label in nodes_in(node, Indexed):
        if is_tensor(label) and name_of(label) in graph.labels:
            yield graph.label_range(name_of(label)), number


def _constants(node: Expr) -> int:
    """The sum of the whole numbers in an expression; a minus sign is none."""
    if isinstance(node, Integer):
        return abs(int(node))
    return sum(
        abs(int(arg))
        for part in preorder_traversal(node)
        for arg in part.args
        if isinstance(arg, Integer) and not (part.is_Mul and arg == -1)
    )


def _roots(node: Expr) -> Iterator[Need]:
    """The sizes in a sum, with a bound of those for which terms alike but for sizes cancel."""
    alike: dict[Expr, list[tuple[float, Expr]]] = {}
    for term in node.args:
        number, rest = term.as_coeff_Mul()
        other, sized = rest.as_independent(Size, as_Add=False)
        if isinstance(number, Number):
            alike.setdefault(other, []).append((abs(float(number)), sized))
    for terms in alike.values():
        numbers = [number for number, _ in terms]
        for size in set().union(*(nodes_in(sized, Size) for _, sized in terms)):
            if len(terms) > 1:
                yield size, ceil(max(numbers) / min(numbers))
