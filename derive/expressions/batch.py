"""A graph written for one example, for a batch of them: an index more on what depends on one."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace

from sympy import Expr

from derive.errors import DefinitionError
from derive.expressions.graph import Equation, Graph, tensors_in
from derive.expressions.indices import (
    Index,
    Size,
    Tensor,
    broadcast,
    free_indices,
    indices_of,
    is_tensor,
    levelled,
    name_of,
    ranging,
    tensor,
)
from derive.expressions.slots import is_computed

__all__ = ["Batch", "batchable"]

# Letters for the index of the examples, in the order in which they are tried.
LETTERS = "bnezuvqwmprstacdfghijkloxy"


class Batch:
    """The equations of a graph for a batch of examples.

    Attributes
    ----------
    graph : the graph in which tensors have an index more, their first.
    index : the letter of that index, which the author does not use.
    given : the inputs and labels that each example has its own of. A label becomes a tensor of
        labels.
    names : what has the index: those inputs, and all that is made of them.

    >>> from derive.notation import read_graph
    >>> from derive.notation.write import write_equation_text
    >>> graph = Batch(read_graph("y_i = w_ij x_j"), ["x"]).graph
    >>> write_equation_text(graph["y"], graph)
    'y_bi = x_bj w_ij'
    """

    def __init__(self, graph: Graph, given: Sequence[str]) -> None:
        self.given = tuple(dict.fromkeys(given))
        self._check(graph)
        self.names = frozenset(self.given) | set(_made_of(graph, self.given))
        self.index = next(c for c in LETTERS if c not in _taken(graph))
        self.graph = Graph(
            [self._equation(equation) for equation in graph.equations],
            letters=dict(self._letters(graph)),
            sizes=graph.declared,
            multi=graph.multi,
        )

    def _check(self, graph: Graph) -> None:
        for name in self.given:
            if name not in batchable(graph):
                listed = ", ".join(batchable(graph))
                raise DefinitionError(
                    f"{name} is no input that each example can have its own of",
                    mend=f"these are {listed}" if listed else "",
                )

    def _equation(self, equation: Equation) -> Equation:
        if equation.name not in self.names:
            return equation.mapped(self._resized)
        lhs, rhs = self._changed(equation.lhs), self._side(equation.rhs)
        if equation.left is None:
            return replace(equation, lhs=lhs, rhs=rhs)
        left = self._side(equation.left)
        index = {Index(self.index)}
        # What a relation says holds for each example, also where a side is the same for all.
        left, rhs = (broadcast(side, ranging(side) | index) for side in (left, rhs))
        return replace(equation, lhs=lhs, rhs=rhs, left=left)

    def _side(self, side: Expr) -> Expr:
        return levelled(self._changed(side))

    def _changed(self, expr: Expr) -> Expr:
        """The expression with the index on each tensor that has it."""
        if isinstance(expr, Index):
            if expr.is_label and expr.name in self.given:
                return tensor(expr.name, Index(self.index), integer=True)
            return expr.sized(None if expr.size is None else self._resized(expr.size))
        if isinstance(expr, Size):
            return self._renamed(expr)
        if is_tensor(expr):
            return self._tensor(expr)
        return expr.func(*map(self._changed, expr.args)) if expr.args else expr

    def _tensor(self, node: Tensor) -> Tensor:
        name, slots = name_of(node), [*map(self._changed, indices_of(node))]
        own = [Index(self.index)] if name in self.names else []
        label = node.base.label if slots and not node.is_Symbol else node
        return tensor(name, *own, *slots, integer=bool(label.is_integer))

    def _resized(self, expr: Expr) -> Expr:
        """The expression with the sizes of axes that have moved."""
        sizes = {size: self._renamed(size) for size in expr.atoms(Size)}
        indices = {i: i.sized(i.size.xreplace(sizes)) for i in expr.atoms(Index) if i.size}
        return expr.xreplace(sizes | indices) if sizes else expr

    def _renamed(self, size: Size) -> Size:
        """A size that is called after an axis, after its new place."""
        name, _, axis = size.name.rpartition(".")
        if name not in self.names or not axis.isdecimal():
            return size
        return type(size)(f"{name}.{int(axis) + 1}")

    def _letters(self, graph: Graph) -> Iterator[tuple[tuple[str, int], tuple[str, ...]]]:
        """The letters of each axis, in the order in which the author names tensors."""
        for name in dict.fromkeys((*graph.names, *self.given)):
            if name in self.names:
                yield (name, 0), (self.index,)
            for axis in range(graph.arity.get(name, 0)):
                letters = tuple(
                    c for c in graph.letters.get((name, axis), ()) if c not in self.given
                )
                if letters:
                    yield (name, axis + (name in self.names)), letters


def batchable(graph: Graph) -> tuple[str, ...]:
    """The inputs and labels that each example of a batch can have its own of, in order.

    What index arithmetic counts with, such as a stride, is the same for all of them.
    """
    sides = [side for equation in graph.equations for side in equation.sides]
    labels = {i.name for side in sides for i in free_indices(side) if i.is_label}
    slots = [s for side in sides for node in tensors_in(side) for s in indices_of(node)]
    counted = set().union(*(_mentioned(slot) for slot in slots if is_computed(slot)))
    inputs = [name for name in graph.names if name not in graph]
    return tuple(name for name in (*inputs, *sorted(labels)) if name not in counted)


def _mentioned(expr: Expr) -> set[str]:
    """The names of tensors and indices."""
    return {i.name for i in free_indices(expr)} | {name_of(node) for node in tensors_in(expr)}


def _made_of(graph: Graph, given: Collection[str]) -> Iterator[str]:
    """The defined names that are made of something given, labels too."""
    found = set(given)
    for name in graph.order:
        letters = {i.name for side in graph[name].sides for i in free_indices(side)}
        if found & (graph.mentions(name) | letters):
            found.add(name)
            yield name


def _taken(graph: Graph) -> set[str]:
    """The letters that are in use: of indices, tensors and sizes."""
    letters = {letter for own in graph.letters.values() for letter in own}
    sides = (side for equation in graph.equations for side in equation.sides)
    indices = {i.name for side in sides for i in free_indices(side)}
    return letters | indices | set(graph.names) | set(graph.declared) | set(graph.multi)
