"""Assignments as updates of single entries, each for all values of some indices.

`y_b = x_bh 1_h` is `y_b += x_bh` for all b and h. What a delta picks is an update of the entry
that it picks. Where a sum has nothing but zeros the update is not made: the conditions under which
it is are kept beside it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from sympy import Add, Expr, Indexed, Integer, Mul, S, exp

from derive.codegen.entries import masked_by
from derive.codegen.positions import Sizes
from derive.codegen.program import Assignment
from derive.codegen.scatter import split
from derive.codegen.schedule import in_order
from derive.expressions import (
    Binder,
    Index,
    Iverson,
    One,
    Size,
    Tensor,
    in_range,
    indices_of,
    is_computed,
    name_of,
    ranging,
    tensor,
    tensors_in,
)

__all__ = ["REDUCTIONS", "Update", "Whole", "inside", "updates", "whole"]

REDUCTIONS = {
    "Contraction": "sum",
    "ProductOver": "product",
    "Maximum": "max",
    "Minimum": "min",
    "ArgMaximum": "argmax",
    "ArgMinimum": "argmin",
}


@dataclass(frozen=True)
class Update:
    """What happens to one entry of a tensor, for all values of the indices of some loops.

    Attributes
    ----------
    of : the assignment that it is a part of.
    target : the entry; its slots may hold index arithmetic.
    order : the indices of the loops, from the outside in.
    value : an expression without reductions.
    kind : `set`; `add`, to what is there; or the name of a reduction over the indices of the
        loops that the target does not have.
    conditions : whole numbers that are not negative where there is something to do.
    """

    of: Assignment
    target: Tensor
    order: tuple[Index, ...]
    value: Expr
    kind: str = "set"
    conditions: frozenset[Expr] = frozenset()

    @property
    def name(self) -> str:
        """The name of the tensor that it changes."""
        return name_of(self.target)

    def axis(self, index: Index) -> int | None:
        """The axis of the target along which an index runs, if it stands in a slot alone."""
        slots = indices_of(self.target)
        return slots.index(index) if index in slots else None

    @property
    def reduced(self) -> tuple[Index, ...]:
        """The indices of the loops that a reduction is over."""
        if self.kind in ("set", "add"):
            return ()
        return tuple(index for index in self.order if self.axis(index) is None)

    def touched(self, name: str) -> Iterator[Tensor]:
        """The entries of a tensor that it needs or adds to."""
        for node in self.leaves():
            if name_of(node) == name:
                yield node
        if self.kind == "add" and self.name == name:
            yield self.target

    def leaves(self) -> Iterator[Tensor]:
        """The entries of tensors that it reads, labels and places too."""
        yield from tensors_in(self.value)
        for slot in indices_of(self.target):
            yield from tensors_in(slot)

    def renamed(self, old: Index, new: Index) -> Update:
        """The same update with another letter for an index."""
        rule = {old: new}
        return replace(
            self,
            target=self.target.xreplace(rule),
            order=tuple(rule.get(index, index) for index in self.order),
            value=self.value.xreplace(rule),
            conditions=frozenset(each.xreplace(rule) for each in self.conditions),
        )


def updates(assignment: Assignment, sizes: Sizes) -> Iterator[Update]:
    """The updates that make an assignment, in order; `sizes` are those of the axes of a tensor."""
    target = assignment.indices
    dense, scattered = split(assignment.expr, target)
    if isinstance(dense, Binder):
        yield _reduction(assignment, dense, sizes)
    else:
        yield Update(assignment, assignment.target, target, _plain(dense))
    for each in scattered:
        place = tensor(assignment.name, *each.slots)
        found, value = _conditions(each.value, sizes)
        wanted = ranging(place) | set(each.over)
        order = [index for index in in_order(value * place) if index in wanted]
        order += [index for index in each.over if index not in order]
        yield Update(assignment, place, tuple(order), value, "add", found | inside(place, sizes))


@dataclass(frozen=True)
class Whole(Update):
    """An assignment that is made at once, by operations on whole arrays."""

    def touched(self, name: str) -> Iterator[Tensor]:
        """The target, in the place of a tensor that the assignment reads."""
        if name in self.of.reads:
            yield self.target


def whole(assignment: Assignment) -> Whole:
    """An assignment that is no update of single entries."""
    return Whole(assignment, assignment.target, (), assignment.expr)


def _reduction(assignment: Assignment, expr: Binder, sizes: Sizes) -> Update:
    target = assignment.indices
    indices, body = expr.open(*target)
    kind = REDUCTIONS[type(expr).__name__]
    found: frozenset[Expr] = frozenset()
    body = _plain(body)
    if kind == "sum":
        found, body = _conditions(body, sizes)
    if kind == "max":
        found, body = _least(body)
    order = _order(body, target, indices, free=kind == "sum")
    return Update(assignment, assignment.target, order, body, kind, found)


def _order(
    body: Expr, target: Sequence[Index], indices: Sequence[Index], free: bool
) -> tuple[Index, ...]:
    """The loops of a reduction: those over the target outside, or as what is read lies in memory.

    A tensor with all the indices is read once, so its order counts. Where there is none, entries
    of the target are finished one by one.
    """
    natural = in_order(body)
    every = {*target, *indices}
    whole = any(set(indices_of(leaf)) == every for leaf in tensors_in(body))
    if free and whole and set(natural) == every:
        return tuple(natural)
    inner = [index for index in natural if index in indices]
    return (*target, *inner, *(index for index in indices if index not in inner))


def _least(body: Expr) -> tuple[frozenset[Expr], Expr]:
    """The conditions under which a sum is not minus infinity, and the rest of the sum."""
    masks = {term: mask for term in Add.make_args(body) if (mask := masked_by(term)) is not None}
    brackets = [f for mask in masks.values() for f in Mul.make_args(_plain(mask))]
    if not masks or not all(isinstance(f, Iverson) and _is_whole(f) for f in brackets):
        return frozenset(), body
    rest = Add(*(term for term in Add.make_args(body) if term not in masks))
    return frozenset(each for bracket in brackets for each in _bounds(bracket)), rest


def _plain(expr: Expr) -> Expr:
    """The expression without one-tensors, which loops have no need of."""
    return expr.xreplace(dict.fromkeys(expr.atoms(One), S.One))


def _conditions(value: Expr, sizes: Sizes) -> tuple[frozenset[Expr], Expr]:
    """The conditions under which a product is not zero, and the rest of the product."""
    factors = [each for f in Mul.make_args(_plain(value)) for each in _unmasked(f)]
    brackets = [f for f in factors if isinstance(f, Iverson) and _is_whole(f)]
    rest = Mul(*(f for f in factors if f not in brackets))
    found = {each for bracket in brackets for each in _bounds(bracket)}
    for factor in Mul.make_args(rest):
        base = factor.base if factor.is_Pow and factor.exp.is_positive else factor
        if isinstance(base, Indexed):
            found |= inside(base, sizes)
    return frozenset(found), rest


def _unmasked(factor: Expr) -> list[Expr]:
    """An exponential of minus infinity under a comparison, as a product with the comparison."""
    terms = Add.make_args(factor.args[0]) if isinstance(factor, exp) else ()
    masks = {term: mask for term in terms if (mask := masked_by(term)) is not None}
    if not masks:
        return [factor]
    rest = exp(Add(*(term for term in terms if term not in masks)))
    return [rest, *(f for mask in masks.values() for f in Mul.make_args(_plain(mask)))]


def inside(leaf: Tensor, sizes: Sizes) -> frozenset[Expr]:
    """The conditions under which the slots of a tensor lie on their axes."""
    computed = [(axis, slot) for axis, slot in enumerate(indices_of(leaf)) if is_computed(slot)]
    if not computed:
        return frozenset()
    lengths = sizes(name_of(leaf))
    return frozenset(each for axis, slot in computed for each in _needed(slot, lengths[axis]))


def _is_whole(bracket: Iverson) -> bool:
    """Whether a bracket compares indices alone, by an order."""
    sides = (bracket.left, bracket.right)
    return bracket.relation in ("<", "<=") and all(map(_is_index_arithmetic, sides))


def _is_index_arithmetic(side: Expr) -> bool:
    leaves = [leaf for leaf in side.atoms() if not isinstance(leaf, Integer)]
    return all(isinstance(leaf, Index | Size) for leaf in leaves) and bool(side.is_integer)


def _bounds(bracket: Iverson) -> Iterator[Expr]:
    """Whole numbers that are not negative where an order of whole numbers holds."""
    difference = bracket.right - bracket.left
    yield (difference - 1 if bracket.relation == "<" else difference).expand()


def _needed(slot: Expr, size: Expr | None) -> list[Expr]:
    """The conditions under which a computed slot lies on its axis, as far as they can fail."""
    brackets = Mul.make_args(in_range(slot, size))
    return [each for b in brackets if isinstance(b, Iverson) for each in _bounds(b)]
