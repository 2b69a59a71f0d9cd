"""Numbers for the sizes and labels of a graph, and ranks for its multi-indices."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from sympy import Expr, Mul

from derive.expressions import (
    Graph,
    Index,
    Quotient,
    Remainder,
    Shape,
    Size,
    indices_of,
    name_of,
    nodes_in,
    tensors_in,
)
from derive.verify.labelled import UndecidedError
from derive.verify.reach import Reach
from derive.verify.spread import Spread, shapes_of

__all__ = ["MOST_ASSIGNMENTS", "Assignment"]

MOST_ASSIGNMENTS = 3
"""All sizes are chosen anew so often."""

# With more sizes than this a second axis for a multi-index would make arrays too large.
MOST_SIZES = 3


class Assignment:
    """One choice of all sizes, by its number; no two sizes are equal.

    Those of the last choice are large enough for all that given expressions do.

    Attributes
    ----------
    spread : writes out multi-indices; `graph` is the graph without any.
    sizes : a number for each size.
    period : after so many points the labels that are letters have had all their values together.
    """

    def __init__(self, graph: Graph, number: int, exprs: Iterable[Expr] = ()) -> None:
        self.number = number
        self.spread = Spread(graph, _ranks(graph, number))
        self.graph = self.spread.graph
        self._reach = Reach(self.graph) if number == MOST_ASSIGNMENTS - 1 else None
        self.sizes = _sizes(self.graph, number, self._least(map(self.spread, exprs)))
        self.period = 1
        self._seen: set[Expr] = set()
        self._labels: dict[str, tuple[int, int, int]] = {}
        self._factors = _factors(self.graph)
        self.extend(side for equation in self.graph.equations for side in equation.sides)

    def size(self, size: Expr | None) -> int:
        """The number that a size stands for."""
        if size is not None and size.is_Integer:
            return int(size)
        if size not in self.sizes:
            raise UndecidedError(f"the size {size} is not known")
        return self.sizes[size]

    def _least(self, exprs: Iterable[Expr]) -> Mapping[Expr, int]:
        return self._reach(exprs) if self._reach else {}

    def tells(self, exprs: Iterable[Expr]) -> bool:
        """Whether the sizes are large enough for further expressions."""
        least = self._least(map(self.spread, exprs))
        return all(self.sizes.get(size, low) >= low for size, low in least.items())

    def label(self, name: str) -> tuple[int, int, int]:
        """The least value of a label, how many it has, and for how many points each stays."""
        return self._labels[name]

    def extend(self, exprs: Iterable[Expr]) -> None:
        """Numbers for what further expressions mention."""
        exprs = [expr for expr in exprs if expr not in self._seen]
        if not exprs:
            return
        self._seen.update(exprs)
        letters = set().union(*(nodes_in(expr, Index) for expr in exprs), set())
        labels = {letter.name: self._range(letter) for letter in letters if letter.is_label}
        asked = set().union(*map(_sizes_in, exprs), set()) | set(labels.values())
        least = self._least(exprs)
        known = {size for size in asked if size.is_Integer} | self.sizes.keys()
        for size in sorted(asked - known, key=str):
            self.sizes[size] = _unused(least.get(size, 2), {*self.sizes.values()})
        for name in sorted(labels.keys() - self._labels.keys()):
            low = int(name in self._factors)
            count = max(self.size(labels[name]) - low, 1)
            self._labels[name] = low, count, self.period
            self.period *= count

    def _range(self, label: Index) -> Expr:
        return label.size if label.size is not None else self.graph.label_range(label.name)


def _ranks(graph: Graph, number: int) -> dict[Shape, int]:
    """A rank for each multi-index: one axis, none, and then two for the first if there is room."""
    shapes = list(shapes_of(graph))
    ranks = dict.fromkeys(shapes, int(number != 1))
    if number == 2 and shapes and len(_sizes(graph, 0, {})) <= MOST_SIZES:
        ranks[shapes[0]] = 2
    return ranks


def _factors(graph: Graph) -> frozenset[str]:
    """The labels that multiply or divide an index, such as a stride: they are not zero."""
    return frozenset(
        label.name
        for equation in graph.equations
        for side in equation.sides
        for node in nodes_in(side, Mul, Quotient, Remainder)
        if node.is_integer
        for label in nodes_in(node, Index)
        if label.is_label
    )


def _sizes_in(expr: Expr) -> set[Expr]:
    indices = (index.size for index in nodes_in(expr, Index))
    return {size for size in (*indices, *nodes_in(expr, Size)) if size is not None}


def _sizes(graph: Graph, number: int, needed: Mapping[Expr, int]) -> dict[Expr, int]:
    """A number for each size of a graph, another one for each number of a choice."""
    least: dict[Expr, int] = {}
    fixed: set[int] = set()
    for size, low in _asked(graph):
        if size.is_Integer:
            fixed.add(int(size))
        else:
            least[size] = max(low, least.get(size, 2), needed.get(size, 2))
    count = max(len(least) + 1, MOST_ASSIGNMENTS)
    pool = [n for n in range(2, 2 + count + len(fixed)) if n not in fixed][:count]
    found: dict[Expr, int] = {}
    for place, size in enumerate(sorted(least, key=str)):
        wanted = pool[(place + number) % len(pool)]
        used = {*found.values(), *fixed}
        fits = wanted >= least[size] and wanted not in used
        found[size] = wanted if fits else _unused(least[size] + number, used)
    return found


def _unused(low: int, used: set[int]) -> int:
    return next(n for n in range(low, low + len(used) + 1) if n not in used)


def _asked(graph: Graph) -> Iterator[tuple[Expr, int]]:
    """The sizes of a graph, each with the least number that it can be."""
    for name in graph.names:
        yield from ((graph.axis_size(name, axis), 2) for axis in range(graph.arity[name]))
    yield from ((graph.label_range(name), 2) for name in sorted(graph.labels))
    for equation in graph.equations:
        for side in (equation.lhs, *equation.sides):
            yield from ((size, 2) for size in _sizes_in(side))
            letters = nodes_in(side, Index)
            yield from ((graph.label_range(i.name), 2) for i in letters if i.is_label)
            for node in tensors_in(side):
                for axis, slot in enumerate(indices_of(node)):
                    if slot.is_Integer and name_of(node) in graph.names:
                        yield graph.axis_size(name_of(node), axis), int(slot) + 1
