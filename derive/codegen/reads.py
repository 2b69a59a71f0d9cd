"""Reading tensors: whole axes, views for index arithmetic, and entries looked up at places."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass, replace

from sympy import Expr, Indexed

from derive.codegen.positions import Positions
from derive.codegen.syntax import number, tupled
from derive.codegen.views import Digits, View, Window, is_free, view
from derive.expressions import (
    Index,
    Tensor,
    in_range,
    indices_of,
    is_computed,
    name_of,
    ranging,
)

__all__ = ["Places", "Reads", "is_plain", "looked_up"]


def is_plain(factor: Expr) -> bool:
    """Whether a factor is a tensor whose slots are different indices."""
    slots = indices_of(factor) if isinstance(factor, Indexed) else ()
    return bool(slots) and len(set(slots)) == len(slots) and all(map(is_free, slots))


@dataclass(frozen=True)
class Places:
    """Slots of which some hold arrays of whole numbers, and the others whole axes.

    Attributes
    ----------
    held : for each slot whether it holds an array.
    order : the indices that the arrays have axes for.
    indices : the indices of the axes of what is found there.
    after : how many axes stand behind those of the arrays.
    """

    held: tuple[bool, ...]
    order: tuple[Index, ...]
    indices: tuple[Index, ...]
    after: int

    def in_front(self) -> Places:
        """The same places, with the axes of their arrays in front of those of whole axes."""
        rest = tuple(index for index in self.indices if index not in self.order)
        return replace(self, indices=(*self.order, *rest), after=len(rest))


def looked_up(slots: Sequence[Expr], order: Sequence[Index]) -> Places:
    """The slots that need arrays of whole numbers; those arrays have axes in the given order."""
    among = {i for slot in slots if not is_free(slot) for i in ranging(slot)}
    free = [slot for slot in slots if is_free(slot)]
    among |= {slot for slot in free if free.count(slot) > 1}
    held = [not is_free(slot) or slot in among for slot in slots]
    first = held.index(True) if True in held else len(slots)
    last = first + sum(held)
    if not all(held[first:last]):
        # Arrays that stand apart would have their axes in front.
        held = [True] * len(slots)
        among, first, last = set().union(*map(ranging, slots)), 0, len(slots)
    own = tuple(index for index in order if index in among)
    before, after = slots[:first], slots[last:]
    return Places(tuple(held), own, (*before, *own, *after), len(after))


class Reads(Positions):
    """The entries of tensors, along the axes of their indices."""

    def _read(self, leaf: Tensor) -> ast.expr:
        """The entries of a tensor, along the axes of its indices."""
        array: ast.expr = ast.Name(self.names[name_of(leaf)])
        slots = indices_of(leaf)
        if not slots:
            return array
        free = [slot for slot in slots if is_free(slot)]
        fixed = all(is_free(s) or s.is_Integer or isinstance(s, Index) for s in slots)
        if fixed and len(set(free)) == len(free):
            if len(free) < len(slots):
                places = [ast.Slice() if is_free(s) else self.position(s) for s in slots]
                array = ast.Subscript(array, tupled(places))
            self.carried |= set(free)
            return self.along_order(array, free)
        self.carried |= ranging(leaf)
        found = self.viewed(leaf)
        return self._gathered(array, leaf) if found is None else self.along_order(*found)

    def viewed(self, leaf: Tensor) -> tuple[ast.expr, list[Index]] | None:
        """A tensor as a view, with the indices of its axes; None where it has to be looked up."""
        array: ast.expr = ast.Name(self.names[name_of(leaf)])
        if is_plain(leaf):
            return array, list(indices_of(leaf))
        plan = view(leaf, self.sizes(name_of(leaf)), self.dialect.labels_are_numbers)
        if plan is None:
            return None
        if plan.windows:
            array = self.dialect.windows(array, [self.window(each) for each in plan.windows])
        return self._joined(array, plan)

    def reduced_windows(
        self, kind: str, leaf: Tensor, over: Sequence[Index]
    ) -> tuple[ast.expr, list[Index]] | None:
        """A reduction over steps of windows, with the indices of its axes; None for another."""
        plan = view(leaf, self.sizes(name_of(leaf)), self.dialect.labels_are_numbers)
        steps = {i for each in plan.windows for _, i in each.steps} if plan else set()
        found = self.viewed(leaf)
        if found is None or not set(over) <= steps:
            return None
        array, indices = found
        axes = [indices.index(i) for i in over]
        folded = self.dialect.fold(kind, array, axes)
        return (folded, [i for i in indices if i not in over]) if folded else None

    def window(self, given: Window) -> ast.expr:
        """An axis, where it starts, and a step and a length for each index."""
        steps = [ast.Tuple([self.position(s), self.size(i)]) for s, i in given.steps]
        return ast.Tuple([number(given.axis), self.position(given.start), *steps])

    def _joined(self, array: ast.expr, plan: View) -> tuple[ast.expr, list[Index]]:
        """A view with one axis in place of those of the digits of an index."""
        indices = list(plan.indices)
        if not plan.digits:
            return array, indices
        owners = {i: each for each in plan.digits for i in (each.first, each.last)}
        for each in plan.digits:
            if each.last not in indices:
                axis = indices.index(each.first)
                array = self.dialect.repeat(array, self.position(each.base), axis)
        order = _side_by_side(indices, plan.digits)
        if all(owners[i].index in self.order if i in owners else i in self.order for i in order):
            own = {i: owners[i].index if i in owners else i for i in order}
            order.sort(key=lambda i: self.order.index(own[i]))
        if order != indices:
            array = self.dialect.transpose(array, [indices.index(i) for i in order])
        shape: list[ast.expr] = []
        joined: list[Index] = []
        for index in order:
            owner = owners.get(index)
            if owner is None or index == owner.first:
                joined.append(owner.index if owner else index)
                shape.append(self._length(owner) if owner else self.size(index))
        if len(shape) < len(order):
            array = self.dialect.reshape(array, shape)
        inexact = {each.index for each in plan.digits if not each.is_exact}
        if inexact:
            ends = [ast.Slice(None, self.size(i)) if i in inexact else ast.Slice() for i in joined]
            array = ast.Subscript(array, tupled(ends))
        return array, joined

    def _length(self, digits: Digits) -> ast.expr:
        """The number of values that digits have together."""
        if digits.is_exact:
            return self.size(digits.index)
        return ast.BinOp(self.size(digits.first), ast.Mult(), self.size(digits.last))

    def _gathered(self, array: ast.expr, leaf: Tensor) -> ast.expr:
        """The entries at positions that are computed; zero where one lies outside its axis."""
        slots, lengths = indices_of(leaf), self.sizes(name_of(leaf))
        found = self._along_rows(array, slots)
        if found is not None:
            return found
        plan = looked_up(slots, self.order)
        inner = self.along(plan.order)
        places: list[ast.expr] = []
        inside: list[ast.expr] = []
        for axis, slot in enumerate(slots):
            place = inner.position(slot) if plan.held[axis] else ast.Slice()
            if is_computed(slot) and in_range(slot, lengths[axis]) != 1:
                length = ast.Subscript(ast.Attribute(array, "shape"), number(axis))
                inside.append(self.within(place, length))
                place = self.dialect.clip(place, length)
            places.append(place)
        array = ast.Subscript(array, tupled(places))
        if inside:
            holds = self._all(inside)
            if plan.after:
                behind: list[ast.expr] = [ast.Constant(None)] * plan.after
                holds = ast.Subscript(holds, ast.Tuple([ast.Constant(...), *behind]))
            array = self.dialect.where(holds, array, number(0))
        return self.along_order(array, plan.indices)

    def along(self, order: Sequence[Index]) -> Positions:
        """The same along other axes."""
        return type(self)(self.dialect, self.names, order, self.sizes)

    def _all(self, conditions: Sequence[ast.expr]) -> ast.expr:
        holds = conditions[0]
        for other in conditions[1:]:
            holds = ast.BinOp(holds, ast.BitAnd(), other)
        return holds

    def _along_rows(self, array: ast.expr, slots: Sequence[Expr]) -> ast.expr | None:
        """One entry of each row, where the place depends on the row: `s_{b,T_b}`."""
        free = [slot for slot in slots if is_free(slot)]
        if len(free) != len(slots) - 1 or len(set(free)) != len(free) or not free:
            return None
        axis = next(k for k, slot in enumerate(slots) if not is_free(slot))
        rows = ranging(slots[axis])
        if is_computed(slots[axis]) or not rows <= set(free) or free[0] not in rows:
            return None
        place = self.along(free).position(slots[axis])
        spread: list[ast.expr] = [ast.Slice() for _ in free]
        at = ast.Subscript(place, tupled([*spread[:axis], ast.Constant(None), *spread[axis:]]))
        found = self.dialect.take_along(array, at, axis)
        if found is None:
            return None
        entry = ast.Subscript(found, tupled([*spread[:axis], number(0), *spread[axis:]]))
        return self.along_order(entry, free)


def _side_by_side(order: Sequence[Index], digits: Sequence[Digits]) -> list[Index]:
    """An order in which the last digit of each index follows the first one."""
    last = {each.last: each.first for each in digits}
    pairs = {each.first: [each.first, each.last] for each in digits if each.last in order}
    return [i for index in order if index not in last for i in pairs.get(index, [index])]
