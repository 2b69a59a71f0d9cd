"""Multi-indices spread: each becomes as many ordinary indices as the ranks of a sample say."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from sympy import Expr, Indexed, KroneckerDelta, Mul, S

from derive.expressions import (
    Binder,
    Contraction,
    Equation,
    Graph,
    Index,
    One,
    Shape,
    Size,
    indices_of,
    name_of,
    tensor,
    tensors_in,
)
from derive.expressions.reductions import Place
from derive.verify.evaluate import EvaluationError

__all__ = ["Spread", "drawn_ranks", "shapes_of"]

HIGHEST_RANK = 3
# With more axes of different sizes, single indices counted, or with a tensor of a higher order,
# there are too many entries to be checked.
MOST_AXES = 5
MOST_ORDER = 5
# No author can write this name.
LOST = "#inputs"


def shapes_of(graph: Graph) -> dict[Shape, str]:
    """The shapes of the multi-indices of a graph, each with the first letter declared for it."""
    found: dict[Shape, str] = {}
    for letter in graph.multi:
        axes = [axis for axis, letters in graph.letters.items() if letter in letters]
        for size in (graph.axis_size(*axis) for axis in axes):
            if isinstance(size, Shape):
                found.setdefault(size, letter)
    return found


def drawn_ranks(graph: Graph, seed: int) -> dict[Shape, int]:
    """A rank for each multi-index: one axis each, then as many as there is room for, then few."""
    shapes = list(shapes_of(graph))
    if seed % 3 == 0:
        return dict.fromkeys(shapes, 1)
    room = max(MOST_AXES - len(_single_sizes(graph)), 1)
    rng = np.random.default_rng([seed, 5])
    total = room if seed % 3 == 1 else int(rng.integers(0, len(shapes) or 1))
    ranks = dict.fromkeys(shapes, 0)
    for _ in range(total):
        larger = [shape for shape in shapes if _is_small(graph, {**ranks, shape: ranks[shape] + 1})]
        if larger:
            ranks[larger[rng.integers(0, len(larger))]] += 1
    return ranks


def _is_small(graph: Graph, ranks: Mapping[Shape, int]) -> bool:
    orders = (sum(ranks.get(size, 1) for size in _axis_sizes(graph, n)) for n in graph.names)
    return max(ranks.values()) <= HIGHEST_RANK and max(orders) <= MOST_ORDER


def _axis_sizes(graph: Graph, name: str) -> list[Any]:
    return [graph.axis_size(name, axis) for axis in range(graph.arity[name])]


def _single_sizes(graph: Graph) -> set[Expr]:
    sizes = {size for name in graph.names for size in _axis_sizes(graph, name)}
    return {size for size in sizes if not isinstance(size, Shape)}


class Spread:
    """Expressions about a graph with its multi-indices spread to the given ranks.

    `graph` is the graph with ordinary indices alone. A delta of two multi-indices becomes a
    product of deltas, a sum over one a sum over several, the number of entries a product of sizes.
    """

    def __init__(self, graph: Graph, ranks: Mapping[Shape, int]) -> None:
        self.ranks = ranks
        self._known: dict[Expr, Expr] = {}
        self.graph = self._spread_graph(graph) if ranks else graph

    def __call__(self, expr: Expr) -> Expr:
        if not self.ranks:
            return expr
        if expr not in self._known:
            self._known[expr] = self._spread(expr)
        return self._known[expr]

    def axes(self, indices: Iterable[Expr]) -> tuple[Expr, ...]:
        """The indices, each multi-index among them spread."""
        return tuple(axis for index in indices for axis in self._axes(index))

    def _axes(self, index: Expr) -> Sequence[Expr]:
        if not isinstance(index, Index):
            return [self(index)]
        if not isinstance(index.size, Shape):
            return [index]
        sizes = self._sizes(index.size)
        # The underscore keeps what an upper-case letter becomes from being a label.
        return [Index(f"_{index.name}.{number}", size) for number, size in enumerate(sizes)]

    def _sizes(self, shape: Shape) -> list[Size]:
        if shape not in self.ranks:
            raise EvaluationError(f"the multi-index of the shape {shape} runs over no axis")
        return [Size(f"{shape}.{number}") for number in range(self.ranks[shape])]

    def _spread(self, expr: Expr) -> Expr:
        if isinstance(expr, Indexed):
            slots = self.axes(indices_of(expr))
            return tensor(name_of(expr), *slots, integer=bool(expr.base.label.is_integer))
        if isinstance(expr, Shape):
            return Mul(*self._sizes(expr))
        if isinstance(expr, One):
            return Mul(*map(One, self._axes(expr.index)))
        if isinstance(expr, KroneckerDelta):
            pairs = zip(*map(self._axes, expr.args), strict=True)
            return Mul(*(KroneckerDelta(left, right) for left, right in pairs))
        if isinstance(expr, Binder):
            return self._binder(expr)
        if isinstance(expr, Index) and expr.is_multi:
            raise EvaluationError("a multi-index cannot be compared")
        return expr.func(*map(self, expr.args)) if expr.args else expr

    def _binder(self, expr: Binder) -> Expr:
        """A sum, or another reduction, over as many indices; over none it is what stands in it."""
        indices, body = expr.open()
        if isinstance(expr, Place) and any(index.is_multi for index in indices):
            raise EvaluationError("the place of an extremum is no single number")
        axes = self.axes(indices)
        return expr.func(self(body), *axes) if axes else self(body)

    def _spread_graph(self, graph: Graph) -> Graph:
        sizes: dict[str, str | int] = {}
        letters: dict[tuple[str, int], tuple[str, ...]] = {}
        for name in graph.names:
            for axis, size in enumerate(self._spread_sizes(_axis_sizes(graph, name))):
                letters[name, axis] = (f"_{size}",)
                sizes[f"_{size}"] = int(size) if size.is_Integer else str(size)
        equations = [replace(eq.mapped(self), lhs=self(eq.lhs)) for eq in graph.equations]
        return Graph([*equations, *self._lost(graph, equations)], letters=letters, sizes=sizes)

    def _lost(self, graph: Graph, equations: Sequence[Equation]) -> list[Equation]:
        """An equation that mentions the inputs which no other does any more.

        Without axes some formulas are constant, such as the softmax of a single number.
        """
        sides = (side for eq in equations for side in eq.sides)
        kept = {name_of(node) for side in sides for node in tensors_in(side)}
        total: Expr = S.Zero
        for name in (name for name in graph.inputs if name not in kept):
            sizes = self._spread_sizes(_axis_sizes(graph, name))
            indices = [Index(f"_{axis}", size) for axis, size in enumerate(sizes)]
            total += Contraction(tensor(name, *indices), *indices)
        return [Equation(tensor(LOST), total, "abbreviation")] if total != 0 else []

    def _spread_sizes(self, sizes: Iterable[Expr]) -> list[Expr]:
        parts = [self._sizes(size) if isinstance(size, Shape) else [size] for size in sizes]
        return [size for part in parts for size in part]
