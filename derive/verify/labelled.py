"""Arrays of numbers modulo a prime whose axes are named by indices.

The first axis counts random points; each further one belongs to an index. An entry may have no
value, as where a divisor is zero.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from math import prod

import numpy as np

from derive.expressions import Index
from derive.verify.modular import Array

__all__ = [
    "MOST_ENTRIES",
    "Labelled",
    "combined",
    "gathered",
    "number",
    "reduced",
    "summed_product",
    "together",
]

Axes = tuple[Index, ...]

MOST_ENTRIES = 2_000_000
"""With more entries than this an array is too large."""


class UndecidedError(Exception):
    """The expressions hold something that cannot be evaluated exactly; the message says what."""


@dataclass(frozen=True, slots=True, eq=False)
class Labelled:
    """Numbers with an axis of points, of length 1 where all are alike, and one for each index.

    `defined` says which entries have a value; None stands for all. It has as many axes, of
    length 1 where it does not vary.
    """

    entries: Array
    axes: Axes = ()
    defined: Array | None = None

    def along(self, axes: Axes) -> Labelled:
        """The same with axes in another order, and axes of length 1 for further indices."""
        if axes == self.axes:
            return self
        order = sorted(range(len(self.axes)), key=lambda k: axes.index(self.axes[k]))
        slots = (0, *(1 + k for k in order))
        own = set(self.axes)

        def spread(array: Array) -> Array:
            lengths = iter([array.shape[slot] for slot in slots])
            shape = [next(lengths), *(next(lengths) if a in own else 1 for a in axes)]
            return array.transpose(slots).reshape(shape)

        defined = None if self.defined is None else spread(self.defined)
        return Labelled(spread(self.entries), axes, defined)

    def map(self, function: Callable[[Array], Array]) -> Labelled:
        """A function of every entry."""
        return Labelled(function(self.entries), self.axes, self.defined)

    def where(self, condition: Array) -> Labelled:
        """The same with a value only where a condition on the entries holds as well."""
        if condition.all():
            return self
        defined = condition if self.defined is None else condition & self.defined
        return Labelled(self.entries, self.axes, defined)


def number(value: int) -> Labelled:
    """One number."""
    return Labelled(np.array([value], np.int64))


def together(values: Iterable[Labelled]) -> tuple[Axes, list[Labelled], Array | None]:
    """The axes of all, each value with these axes, and where all are defined."""
    parts = list(values)
    axes = tuple(dict.fromkeys(axis for part in parts for axis in part.axes))
    parts = [part.along(axes) for part in parts]
    defined: Array | None = None
    for part in parts:
        if part.defined is not None:
            defined = part.defined if defined is None else defined & part.defined
    return axes, parts, defined


def combined(function: Callable[..., Array], *values: Labelled) -> Labelled:
    """A function of the entries of several, taken together."""
    axes, parts, defined = together(values)
    return Labelled(function(*(part.entries for part in parts)), axes, defined)


def summed_product(factors: Sequence[Labelled], lengths: dict[Index, int], prime: int) -> Labelled:
    """The sum over indices, each given with its length, of a product.

    Indices go one by one, the one first that leaves the fewest entries. Over an index that no
    factor has, the product repeats.
    """
    left = list(factors)
    carried = {axis for factor in factors for axis in factor.axes}
    repeats = prod(n for index, n in lengths.items() if index not in carried)
    going = [index for index in lengths if index in carried]
    while going:
        index = min(going, key=lambda i: _entries_without(i, left))
        holders = [factor for factor in left if index in factor.axes]
        left = [factor for factor in left if index not in factor.axes]
        left.append(_summed(_product(holders, prime), index, prime))
        going.remove(index)
    found = _product(left, prime)
    return found if repeats == 1 else found.map(lambda e: e * repeats % prime)


def _entries_without(index: Index, parts: Sequence[Labelled]) -> int:
    lengths = {
        axis: length
        for part in parts
        if index in part.axes
        for axis, length in zip(part.axes, part.entries.shape[1:], strict=True)
    }
    return prod(lengths.values()) // lengths[index]


def _product(factors: Sequence[Labelled], prime: int) -> Labelled:
    if len(factors) == 1:
        return factors[0]
    axes, parts, defined = together(factors)
    if prod(np.broadcast_shapes(*(part.entries.shape for part in parts))) > MOST_ENTRIES:
        raise UndecidedError("there are too many entries")
    # Small arrays first.
    arrays = sorted((part.entries for part in parts), key=np.size)
    found = arrays[0]
    for array in arrays[1:]:
        found = found * array % prime
    return Labelled(found, axes, defined)


def _summed(value: Labelled, index: Index, prime: int) -> Labelled:
    return reduced(value, (index,), lambda entries, axes: entries.sum(axis=axes) % prime)


def reduced(
    value: Labelled, indices: Sequence[Index], function: Callable[[Array, tuple[int, ...]], Array]
) -> Labelled:
    """A reduction over indices all of which are axes; it has a value where all entries have."""
    places = tuple(1 + value.axes.index(index) for index in indices)
    axes = tuple(axis for axis in value.axes if axis not in indices)
    defined = None if value.defined is None else np.all(value.defined, axis=places)
    return Labelled(function(value.entries, places), axes, defined)


def gathered(array: Labelled, slots: Sequence[Labelled], zero_outside: bool) -> Labelled:
    """The entries of an array at places, one for each of its axes.

    Outside of the array they are zero, or else the caller has seen to it that none is.
    """
    axes, places, defined = together(slots)
    rank = 1 + len(axes)
    points = np.arange(array.entries.shape[0]).reshape(-1, *[1] * (rank - 1))
    lengths = array.entries.shape[1:]
    whole = [place.entries for place in places]
    near = [np.clip(p, 0, n - 1) for p, n in zip(whole, lengths, strict=True)]
    found = array.entries[(points, *near)]
    if zero_outside:
        inside = [(p >= 0) & (p < n) for p, n in zip(whole, lengths, strict=True)]
        found = np.where(np.logical_and.reduce(np.broadcast_arrays(*inside)), found, 0)
    if array.defined is not None:
        full = np.broadcast_to(array.defined, array.entries.shape)
        here = full[(points, *near)]
        defined = here if defined is None else here & defined
    return Labelled(found, axes, defined)
