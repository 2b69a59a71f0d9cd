"""Slots, labels and the entries of tensors, where places are whole numbers and no residues."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from functools import reduce

import numpy as np
from sympy import (
    Expr,
)

from derive.expressions import (
    Binder,
    Index,
    Place,
    Quotient,
    Remainder,
    Size,
    indices_of,
    is_computed,
    is_tensor,
    name_of,
)
from derive.verify.evaluation import Evaluation, key_of
from derive.verify.labelled import (
    Labelled,
    UndecidedError,
    combined,
    gathered,
    number,
)
from derive.verify.modular import (
    Array,
)

__all__ = ["Places", "axes_of"]


class Places(Evaluation):
    """What stands between the brackets, and the entries there."""

    def place(self, slot: Expr) -> Labelled:
        """The value of what stands between the brackets, or on a side of a comparison."""
        if self.top is not self:
            return self.top.place(slot)
        if slot not in self._places:
            self._places[slot] = self._place(slot)
        return self._places[slot]

    def _place(self, slot: Expr) -> Labelled:
        if isinstance(slot, Index) and not slot.is_label:
            return Labelled(np.arange(self.length(slot))[None], (slot,))
        if slot.is_Integer:
            return number(int(slot))
        if isinstance(slot, Size):
            return number(self.size(slot))
        if isinstance(slot, Place):
            return self.extremal(slot)[1]
        if isinstance(slot, Index) or is_tensor(slot):
            return self._label(slot)
        if isinstance(slot, Quotient | Remainder):
            divide = np.floor_divide if isinstance(slot, Quotient) else np.remainder
            parts = (self.place(slot.dividend), self.place(slot.divisor))
            if (parts[1].entries == 0).any():
                raise UndecidedError("a division of indices by zero")
            return combined(divide, *parts)
        if slot.is_Pow and slot.exp.is_Integer and slot.exp > 0:
            return self.place(slot.base).map(lambda entries: entries ** int(slot.exp))
        if slot.is_Add or slot.is_Mul:
            sign = np.add if slot.is_Add else np.multiply
            return reduce(lambda a, b: combined(sign, a, b), map(self.place, slot.args))
        raise UndecidedError(f"{slot} is no index")

    def _label(self, label: Expr) -> Labelled:
        """A label, or a tensor of labels: other ones at each point."""
        if isinstance(label, Index):
            low, count, every = self.assignment.label(label.name)
            return Labelled(low + np.arange(self.points) // every % count)
        name = name_of(label)
        if name not in self._arrays:
            lengths = tuple(self._lengths(label))
            chance = np.random.default_rng((key_of(name), self.assignment.number))
            high = self.size(self.graph.label_range(name))
            entries = chance.integers(0, high, (self.points, *lengths))
            self._arrays[name] = Labelled(entries, axes_of(lengths))
        return self._read(self._arrays[name], indices_of(label))

    def _delta(self, expr: Expr) -> Labelled:
        return combined(_equal, *map(self.place, expr.args))

    def _index(self, expr: Expr) -> Labelled:
        return self.place(expr).map(lambda entries: entries % self.prime)

    def _lengths(self, node: Expr) -> list[int]:
        name, slots = name_of(node), indices_of(node)
        if name in self.graph.names:
            return [self.size(self.graph.axis_size(name, axis)) for axis in range(len(slots))]
        if not all(isinstance(slot, Index) for slot in slots):
            raise UndecidedError(f"the sizes of {name} are not known")
        return [self.length(slot) for slot in slots]

    def _read(self, array: Labelled, slots: Sequence[Expr]) -> Labelled:
        """The entries of an array at slots."""
        lengths = array.entries.shape[1:]
        for slot, length in zip(slots, lengths, strict=True):
            runs = isinstance(slot, Index) and not slot.is_label
            if (runs and self.length(slot) != length) or (slot.is_Integer and slot >= length):
                raise UndecidedError(f"the index {slot} runs over an axis of another size")
        if len(set(slots)) == len(slots) and all(
            isinstance(slot, Index) and not slot.is_label for slot in slots
        ):
            return Labelled(array.entries, tuple(slots), array.defined)
        return gathered(array, [self.place(slot) for slot in slots], any(map(is_computed, slots)))

    @abstractmethod
    def extremal(self, expr: Binder) -> tuple[Labelled, Labelled]:
        """The greatest or least entry, and its place."""


def _equal(left: Array, right: Array) -> Array:
    return np.equal(left, right).astype(np.int64)


def axes_of(lengths: Sequence[int]) -> tuple[Index, ...]:
    """Letters for the axes of an array that belongs to no expression."""
    return tuple(Index(f"_a{axis}", length) for axis, length in enumerate(lengths))
