"""Mistakes with the indices of one tensor, delta or comparison."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from itertools import combinations

from sympy import Expr, Indexed, KroneckerDelta, S

from derive.expressions import (
    ArgMaximum,
    ArgMinimum,
    Graph,
    Index,
    Iverson,
    Partial,
    Place,
    indices_of,
    is_computed,
    is_tensor,
    name_of,
    tensor,
)
from derive.verify.drafts import Draft, Where, wrapped

__all__ = ["in_comparison", "in_delta", "in_partial", "in_side", "in_tensor"]


def in_tensor(leaf: Expr, where: Where) -> Iterator[Draft]:
    """A mistake in one slot or two, another tensor of the same axes, a power too many."""
    yield from _slots(leaf, where)
    if leaf.is_integer:
        return
    yield Draft("raise a power", (leaf, " squared"), lambda: leaf**2)
    for name in _others(leaf, where.graph):
        other = tensor(name, *indices_of(leaf))
        yield Draft("take another tensor", (other, " in place of ", leaf), partial(_same, other))


def in_delta(delta: KroneckerDelta, where: Where) -> Iterator[Draft]:
    """No delta, or one of another index."""
    yield Draft("drop a delta", ("the delta ", delta, " dropped"), lambda: S.One)
    yield from _slots(delta, where)


def in_partial(partial_: Partial, where: Where) -> Iterator[Draft]:
    """Mistakes with what a derivative is taken by."""
    function, variable, held = partial_.function, partial_.variable, partial_.held

    def by(new: Expr) -> Expr:
        return Partial(function, new, *held)

    if not is_tensor(variable):
        return
    for draft in wrapped(_slots(variable, where), by):
        said = tuple(by(part) if part == variable else part for part in draft.said)
        yield draft._replace(said=(*said, " in ", partial_) if said == draft.said else said)
    for name in _others(variable, where.graph):
        other = by(tensor(name, *indices_of(variable)))
        yield Draft(
            "take another tensor", (other, " in place of ", partial_), partial(_same, other)
        )


def _same(expr: Expr) -> Expr:
    return expr


def _others(leaf: Expr, graph: Graph) -> Iterator[str]:
    """The other tensors of a graph that have the axes of one."""
    name = name_of(leaf)
    if name not in graph.arity or name in graph.labels:
        return
    axes = [graph.axis_size(name, axis) for axis in range(graph.arity[name])]
    for other in graph.names:
        if other == name or other in graph.labels or graph.arity[other] != len(axes):
            continue
        if [graph.axis_size(other, axis) for axis in range(len(axes))] == axes:
            yield other


def in_comparison(expr: Iverson, where: Where) -> Iterator[Draft]:
    """The other relation, none, and mistakes in the sides."""
    left, relation, right = expr.left, expr.relation, expr.right
    turned = {"=": (left, "!=", right), "!=": (left, "=", right)}
    flipped = Iverson(*turned.get(relation, (right, relation, left)))
    yield Draft("flip a relation", (flipped, " in place of ", expr), lambda: flipped)
    yield Draft("drop a comparison", ("the factor ", expr, " dropped"), lambda: S.One)

    def with_left(new: Expr) -> Expr:
        return Iverson(new, relation, right)

    def with_right(new: Expr) -> Expr:
        return Iverson(left, relation, new)

    for side, wrap in ((left, with_left), (right, with_right)):
        for draft in in_side(side, where):
            new = wrap(draft.build())
            yield Draft(draft.mistake, (new, " in place of ", expr), partial(_same, new))


def in_side(side: Expr, where: Where) -> Iterator[Draft]:
    """An index that is off by one; the signs of other sides."""
    if isinstance(side, Index):
        yield Draft("shift an index", (f"{side.name} off by one",), lambda: side + 1)
    elif not (side.is_number or side.is_integer):
        yield Draft("flip the sign of a side", ("the sign of ", side, " flipped"), lambda: -side)
    if isinstance(side, Indexed):
        yield from _slots(side, where)


def _slots(leaf: Expr, where: Where) -> Iterator[Draft]:
    """Another index of the same size in one slot, or two slots exchanged."""
    is_delta = isinstance(leaf, KroneckerDelta)
    slots = list(leaf.args if is_delta else indices_of(leaf))

    def changed(places: dict[int, Expr]) -> Expr:
        new = [places.get(position, slot) for position, slot in enumerate(slots)]
        return leaf.func(*new) if is_delta else leaf.func(leaf.base, *new)

    for position, slot in enumerate(slots):
        for mistake, new in _in_slot(slot, where):
            other = changed({position: new})
            yield Draft(mistake, (other, " in place of ", leaf), partial(_same, other))
    for first, second in combinations(range(0 if is_delta else len(slots)), 2):
        places = {first: slots[second], second: slots[first]}
        yield Draft("swap two indices", _swapped(leaf, first, second), partial(changed, places))


def _swapped(leaf: Expr, first: int, second: int) -> tuple[str | Expr, ...]:
    one, other = indices_of(leaf)[first], indices_of(leaf)[second]
    if isinstance(one, Index) and isinstance(other, Index):
        return (f"indices {one.name} and {other.name} of ", leaf, " swapped")
    return (f"slots {first + 1} and {second + 1} of ", leaf, " swapped")


def _in_slot(slot: Expr, where: Where) -> Iterator[tuple[str, Expr]]:
    if isinstance(slot, Place):
        # Other mistakes in it may well leave the place where it is.
        _, indices, body = where.opened(slot)
        other = ArgMinimum if isinstance(slot, ArgMaximum) else ArgMaximum
        yield "take another reduction", other(body, *indices)
    if isinstance(slot, Index):
        yield from (("rename an index", index) for index in where.alike(slot))
    if is_computed(slot):
        yield "shift an index", slot + 1
