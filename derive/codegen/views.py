"""Index arithmetic in the slots of a tensor as a view of it.

The entries `x_{b,2i+k-1}` are an array with the axes b, i and k: no entry is looked up by itself,
since a step along i is two steps along an axis of x. Where `n // D` and `n % D` stand in slots, n
is taken apart into digits, `n = qD + r`, and what has the axes q and r is read as one with n.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from sympy import Expr, Indexed, Integer

from derive.expressions import (
    Index,
    Quotient,
    Remainder,
    Size,
    Tensor,
    free_indices,
    indices_of,
    is_computed,
    ranging,
)

__all__ = ["Digits", "View", "Window", "affine", "is_free", "view", "window_view"]

Steps = tuple[tuple[Expr, Index], ...]


def is_free(slot: Expr) -> bool:
    """Whether a slot holds an index that ranges over its axis."""
    return isinstance(slot, Index) and not slot.is_label


@dataclass(frozen=True)
class Window:
    """An axis of a tensor at `start + step · index + …`, zero outside."""

    axis: int
    start: Expr
    steps: Steps


@dataclass(frozen=True)
class Digits:
    """An index as `first · base + last`; the last digit may stand in no slot."""

    index: Index
    base: Expr
    first: Index
    last: Index

    @property
    def is_exact(self) -> bool:
        """Whether the digits have as many values as the index, and no more."""
        return bool(self.index.size is not None and Remainder(self.index.size, self.base) == 0)


@dataclass(frozen=True)
class View:
    """The entries of a tensor as an array.

    Attributes
    ----------
    indices : the indices that the axes of the array are for, before digits are put together.
    windows : the axes that hold more than an index.
    digits : the indices that are taken apart.
    """

    indices: tuple[Index, ...]
    windows: tuple[Window, ...]
    digits: tuple[Digits, ...] = field(default=())


def affine(slot: Expr, labels: bool = False) -> tuple[Expr, Steps] | None:
    """A slot as a start and steps, None where it is something else.

    The signs of steps are known, unless they hold labels and those are allowed.
    """
    slot = slot.expand()
    steps: list[tuple[Expr, Index]] = []
    for index in sorted(free_indices(slot), key=str):
        if index.is_label and labels:
            continue
        step = slot.coeff(index)
        known = step.is_positive or step.is_negative or (labels and step.has(Index))
        if index.is_label or not known or ranging(step):
            return None
        slot -= step * index
        steps.append((step, index))
    constant = [*(step for step, _ in steps), slot.expand()]
    if not all(_is_constant(a) for each in constant for a in each.atoms()):
        return None
    if any(each.atoms(Quotient, Remainder) or not each.is_integer for each in constant):
        return None
    # The index that moves farthest comes first, as the first digit of a number does.
    steps.sort(
        key=lambda pair: abs(pair[0]) if pair[0].is_Integer else Integer(10**6), reverse=True
    )
    return slot.expand(), tuple(steps)


def _is_constant(leaf: Expr) -> bool:
    return isinstance(leaf, Integer | Size) or (isinstance(leaf, Index) and leaf.is_label)


def view(leaf: Tensor, sizes: Sequence[Expr | None], labels: bool = False) -> View | None:
    """The entries of a tensor with slots that are computed as a view, None where they are none.

    Parameters
    ----------
    sizes : the lengths of the axes of the tensor.
    labels : whether labels are numbers that steps can be made of.
    """
    slots = indices_of(leaf) if isinstance(leaf, Indexed) else ()
    if not any(map(is_computed, slots)):
        return None
    found = _digits(slots)
    if found is None:
        return None
    for each in found:
        slots = tuple(_in_digits(slot, each) for slot in slots)
    return window_view(slots, sizes, labels, found)


def window_view(
    slots: Sequence[Expr],
    sizes: Sequence[Expr | None],
    labels: bool = False,
    digits: tuple[Digits, ...] = (),
) -> View | None:
    """Slots as axes of a view, each index in one of them."""
    indices: list[Index] = []
    windows: list[Window] = []
    for axis, (slot, size) in enumerate(zip(slots, sizes, strict=True)):
        parts = affine(slot, labels)
        if parts is None or (isinstance(slot, Index) and slot.is_label):
            return None
        start, steps = parts
        indices += [index for _, index in steps]
        if not (is_free(slot) and _same(slot.size, size)):
            windows.append(Window(axis, start, steps))
    if len(set(indices)) != len(indices) or any(each.first not in indices for each in digits):
        return None
    return View(tuple(indices), tuple(windows), digits)


def _same(one: Expr | None, other: Expr | None) -> bool:
    return one is None or other is None or one == other


def _digits(slots: Sequence[Expr]) -> tuple[Digits, ...] | None:
    """The indices that are divided, None where what is divided is no index, or by several."""
    divisions = {d for slot in slots for d in slot.atoms(Quotient, Remainder)}
    found: dict[Index, Expr] = {}
    for each in sorted(divisions, key=str):
        index = each.dividend
        if not is_free(index) or index.size is None or free_indices(each.divisor):
            return None
        if found.setdefault(index, each.divisor) != each.divisor:
            return None
    return tuple(
        Digits(
            index,
            base,
            Index(f"{index.name}_first", _least_multiple(index.size, base)),
            Index(f"{index.name}_last", base),
        )
        for index, base in found.items()
        if index.size is not None
    )


def _least_multiple(size: Expr, base: Expr) -> Expr:
    """How many times a base goes into a size, rounded up."""
    if Remainder(size, base) == 0:
        return Quotient(size, base)
    return 1 + Quotient(size - 1, base)


def _in_digits(slot: Expr, digits: Digits) -> Expr:
    index, base = digits.index, digits.base
    if is_free(slot):
        return digits.first * base + digits.last if slot == index else slot
    rule = {d: digits.first for d in slot.atoms(Quotient) if d.dividend == index}
    rule |= {d: digits.last for d in slot.atoms(Remainder) if d.dividend == index}
    return slot.xreplace(rule)
