"""Letters for the nameless dummies of a line, chosen while it is written.

A dummy is called what the author would call it: after the axes over which it runs. A letter must
not be read as another index: the reader sums an index over the smallest product that holds all its
occurrences, so letters differ from the free ones of the line, from those of enclosing sums, and
between the factors of one product.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import count

from sympy import Expr, Indexed, preorder_traversal

from derive.expressions import (
    Bound,
    Graph,
    Index,
    Shape,
    free_indices,
    indices_of,
    name_of,
    nodes_in,
    tensors_in,
)
from derive.expressions.multi import multi_letters

__all__ = ["Scope", "name_dummies", "outermost"]

SPARE = "ijkmnpqrtuvwabcdfgh"


@dataclass(frozen=True)
class Scope:
    """The letters of the dummies in whose sums something stands, and all that are not to be had."""

    letters: Mapping[Bound, str] = field(default_factory=dict)
    taken: frozenset[str] = frozenset()
    # The dummies that a sign such as `Σ_j` names, so that they need no one-tensor.
    signed: frozenset[Bound] = frozenset()

    def without(self, letters: Iterable[str]) -> Scope:
        """The same scope with more letters taken."""
        return replace(self, taken=self.taken.union(letters))

    def binding(self, names: Mapping[Bound, str]) -> Scope:
        """The scope inside a sum over the given dummies."""
        taken = self.taken.union(names.values())
        return Scope({**self.letters, **names}, taken, self.signed.difference(names))

    def naming(self, bound: Iterable[Bound]) -> Scope:
        """The same scope where a sign names the given dummies."""
        return replace(self, signed=self.signed.union(bound))


def outermost(expr: Expr, reserved: Sequence[Expr]) -> Scope:
    """The scope of a whole line: free letters and the names of tensors are taken."""
    exprs = (expr, *reserved)
    free = {index.name for line in exprs for index in free_indices(line)}
    names = {name_of(node) for line in exprs for node in tensors_in(line)}
    return Scope(taken=frozenset(free | names))


def name_dummies(body: Expr, bound: Sequence[Bound], graph: Graph, scope: Scope) -> Scope:
    """The scope inside a contraction, with a letter for each of its dummies."""
    slots = _slots(body, bound)
    found = {name_of(node) for node in nodes_in(body, Indexed)}
    places = {index: [(place, axis) for place, (_, axis) in slots[index]] for index in bound}
    ordered = sorted(bound, key=lambda index: min(places[index], default=(0, 0)))
    names: dict[Bound, str] = {}
    for index in ordered:
        taken = scope.taken.union(names.values(), found)
        choices = _preferences(index, [axis for _, axis in slots[index]], graph)
        names[index] = next(letter for letter in choices if letter not in taken)
    return scope.binding(names)


def _slots(body: Expr, bound: Sequence[Bound]) -> dict[Bound, list[tuple[int, tuple[str, int]]]]:
    """For each dummy the axes that it stands at, with their places in the body."""
    slots: dict[Bound, list[tuple[int, tuple[str, int]]]] = {index: [] for index in bound}
    for place, node in enumerate(preorder_traversal(body)):
        if isinstance(node, Indexed):
            for axis, slot in enumerate(indices_of(node)):
                if slot in slots:
                    slots[slot].append((place, (name_of(node), axis)))
    return slots


def _preferences(index: Bound, axes: list[tuple[str, int]], graph: Graph) -> Iterator[str]:
    """Letters for a dummy, best first: of defined tensors, of inputs, of axes as long, spare.

    Of inputs alone those come first that the author wrote at every axis it runs over.
    In a window, as k in `x_{i+k}`, it may run over no axis; then the letter with its size is its.
    """
    if isinstance(index.size, Shape):
        yield from multi_letters(index.size, graph)
        return
    defined = [axis for axis in axes if axis[0] in graph]
    written = [graph.letters.get(axis, ()) for axis in defined + axes]
    if not defined and written:
        # In `x_i A_ij x_j`, i alone is a letter of x as well as of the first axis of A.
        yield from (letter for letter in written[0] if all(letter in own for own in written))
    for letters in written:
        yield from letters
    yield from (letter for letter, size in graph.declared.items() if str(size) == str(index.size))
    for axis in _as_long(index, graph):
        yield from graph.letters.get(axis, ())
    yield from SPARE
    for primes in count(1):
        yield from (letter + "'" * primes for letter in SPARE)


def _as_long(index: Index, graph: Graph) -> list[tuple[str, int]]:
    """The axes that have the size of the index, in the author's order."""
    axes = [(name, axis) for name in graph.names for axis in range(graph.arity[name])]
    return [axis for axis in axes if graph.axis_size(*axis) == index.size]
