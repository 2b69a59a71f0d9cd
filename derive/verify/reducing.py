"""Sums and other reductions of values modulo a prime."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from math import prod

import numpy as np

from derive.expressions import (
    Binder,
    Contraction,
    Determinant,
    Extremum,
    Index,
    Minimum,
    ProductOver,
)
from derive.verify.evaluation import Evaluation
from derive.verify.labelled import (
    Labelled,
    reduced,
    summed_product,
)
from derive.verify.modular import (
    Array,
    eliminated,
    inverse,
    power,
    scrambled,
    signs,
)

__all__ = ["Reducing"]


class Reducing(Evaluation):
    """Sums, products and extrema over indices, and determinants."""

    # Reductions

    def _contraction(self, expr: Contraction) -> Labelled:
        lengths = {index: self.length(index) for index in expr.bound}
        return summed_product(self.factors(expr.body), lengths, self.prime)

    def _over(self, expr: ProductOver) -> Labelled:
        body = self(expr.body)
        present = [index for index in expr.bound if index in body.axes]
        absent = prod(self.length(i) for i in expr.bound if i not in body.axes)
        found = reduced(body, present, self._multiplied) if present else body
        return found.map(lambda entries: power(entries, absent, self.prime))

    def _multiplied(self, entries: Array, axes: tuple[int, ...]) -> Array:
        for axis in sorted(axes, reverse=True):
            parts = np.moveaxis(entries, axis, 0)
            entries = reduce(lambda a, b: a * b % self.prime, parts)
        return entries

    def _extremum(self, expr: Extremum) -> Labelled:
        return self.extremal(expr)[0]

    def extremal(self, expr: Binder) -> tuple[Labelled, Labelled]:
        """The greatest or least entry, and its place: a random one, the same for the same entries.

        What is added to all entries, or multiplies all by a square, leaves the place.
        """
        sign = -1 if isinstance(expr, Minimum | Minimum.place) else 1
        ranked, axes = self._last(self.top(expr.body), expr.bound)
        here, _ = self._last(self(expr.body), expr.bound)
        chosen = _chosen(sign * ranked.entries % self.top.prime, self.top.prime)
        found = np.take_along_axis(here.entries, chosen[..., None], -1)[..., 0]
        defined = [np.all(v.defined, axis=-1) for v in (ranked, here) if v.defined is not None]
        both = np.logical_and.reduce(np.broadcast_arrays(*defined)) if defined else None
        return Labelled(found, axes, both), Labelled(chosen, axes, both)

    def _last(self, value: Labelled, bound: Sequence[Index]) -> tuple[Labelled, tuple[Index, ...]]:
        """The value with the bound indices as one last axis, and the other axes."""
        others = tuple(axis for axis in value.axes if axis not in bound)
        value = value.along((*others, *bound))
        shape = value.entries.shape[: 1 + len(others)]
        full = (*shape, *map(self.length, bound))
        entries = np.broadcast_to(value.entries, full).reshape(*shape, -1)
        if value.defined is None:
            return Labelled(entries, value.axes), others
        head = value.defined.shape[: 1 + len(others)]
        defined = np.broadcast_to(value.defined, (*head, *full[len(head) :]))
        return Labelled(entries, value.axes, defined.reshape(*head, -1)), others

    def _determinant(self, expr: Determinant) -> Labelled:
        value, axes = self._last(self(expr.body), expr.bound)
        size = self.length(expr.bound[0])
        matrices = value.entries.reshape(-1, size, size)
        none = np.zeros((len(matrices), size, 0), np.int64)
        found, _ = eliminated(matrices, none, self.prime)
        defined = None if value.defined is None else np.all(value.defined, axis=-1)
        return Labelled(found.reshape(value.entries.shape[:-1]), axes, defined)


def _chosen(entries: Array, prime: int) -> Array:
    """A place along the last axis, from the entries alone.

    What is added to all of them, or multiplies them all by a square, does not change it.
    """
    if entries.shape[-1] == 1:
        return np.zeros(entries.shape[:-1], np.int64)
    apart = (entries - entries[..., :1]) % prime
    first = apart[..., 1:2]
    scale = inverse(first, prime) * signs(first, prime) % prime
    scaled = np.where(first == 0, apart, apart * scale % prime)
    mixed = np.zeros(entries.shape[:-1], np.int64)
    for place in range(entries.shape[-1]):
        mixed = scrambled(mixed ^ scaled[..., place], place, 2**31 - 1)
    return mixed % entries.shape[-1]
