"""Sums over index arithmetic with the arithmetic where it costs least.

A gradient of `y_i = x_{i+k} w_k` comes as `∂x_n = ∂y_i w_{n-i}`: as many entries of w as there are
pairs of n and i. With k in place of i it is `∂y_{n-k} w_k`, windows of ∂y as long as w. Where the
index has another step, as in `∂y_i w_{n-2i}`, most of those would be zero; then each product is
added where it belongs, `∂y_i w_k δ_{n,2i+k}`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import combinations, count

from sympy import Add, Expr, Indexed, KroneckerDelta, Mul

from derive.codegen.assignment import Assignment
from derive.codegen.mapped import mapped
from derive.codegen.positions import Sizes
from derive.codegen.solution import Root, RootWork, Solution
from derive.codegen.views import affine, window_view
from derive.expressions import (
    Contraction,
    Index,
    Iverson,
    One,
    Place,
    Size,
    free_indices,
    indices_of,
    is_computed,
    name_of,
    tensor,
)

__all__ = ["rearranged"]


def rearranged(assignment: Assignment, sizes: Sizes) -> Assignment:
    """An assignment with index arithmetic moved; `sizes` are those of the axes of a tensor."""
    if isinstance(assignment, Solution | Root | RootWork):
        return assignment
    target = assignment.indices

    def change(node: Expr) -> Expr | None:
        return _moved(node, target, sizes) if isinstance(node, Contraction) else None

    return replace(assignment, expr=mapped(assignment.expr, change))


def _moved(total: Contraction, target: Sequence[Index], sizes: Sizes) -> Expr:
    """A sum with arithmetic in slots of upstream gradients, or in deltas."""
    return _Moving(total, target, sizes).total()


class _Moving:
    """A sum whose index arithmetic is moved, one slot after the other."""

    def __init__(self, total: Contraction, target: Sequence[Index], sizes: Sizes) -> None:
        self.target, self.sizes = target, sizes
        self.indices, body = total.open(*target)
        self.factors, self.kernels = _with_kernels(Mul.make_args(body))
        self.names = (Index(f"_w{n}") for n in count())

    def total(self) -> Expr:
        """The sum."""
        self._part_places()
        tried: set[tuple[int, int]] = set()
        while place := next((p for p in self._crossed() if p not in tried), None):
            tried.add(place)
            self._move(*place)
        factors = [
            _without_kernel(f, self.kernels) if isinstance(f, Indexed) else f for f in self.factors
        ]
        return Contraction(Mul(*factors), *self.indices)

    def _part_places(self) -> None:
        """An index of its own for the place of an extremum that a delta adds to others."""
        for place, factor in enumerate(self.factors):
            found = _extremum(factor)
            if found is not None:
                index = next(self.names).sized(found.bound[0].size)
                self.indices.append(index)
                self.factors[place] = factor.xreplace({found: index})
                self.factors.append(KroneckerDelta(index, found))

    def _crossed(self) -> Iterator[tuple[int, int]]:
        """The factors and axes that hold differences of indices which cost much."""
        for place, factor in enumerate(self.factors):
            if not isinstance(factor, Indexed):
                continue
            slots = indices_of(factor)
            if _is_adjoint(factor) and window_view(slots, [None] * len(slots)) is not None:
                continue
            for axis, slot in enumerate(slots):
                size = self._size(factor, axis)
                if size is not None and _is_crossed(slot, size, self.indices, self.target):
                    yield place, axis

    def _size(self, factor: Expr, axis: int) -> Expr | None:
        name = name_of(factor)
        return self.kernels[name] if name in self.kernels else self.sizes(name)[axis]

    def _move(self, place: int, axis: int) -> None:
        """Put an index in the place of a difference, which moves on to another factor."""
        factor = self.factors[place]
        slots = list(indices_of(factor))
        slot = slots.pop(axis)
        size = self._size(factor, axis)
        fresh = next(self.names).sized(size)
        others = self.factors[:place] + self.factors[place + 1 :]
        rule = _solved(slot, fresh, self.indices, others, slots)
        if rule is not None:
            self.indices = [fresh if i in rule else i for i in self.indices]
            self.factors = [f.xreplace(rule) for f in self.factors]
            self.factors[place] = _with_slot(factor, axis, fresh)
            return
        factors = [self._with_index(f, slot, fresh) for f in self.factors]
        delta = _delta(slot, fresh, self.indices, self.target, factors)
        if delta is not None:
            self.indices.append(fresh)
            self.factors = [*factors, delta]

    def _with_index(self, factor: Expr, slot: Expr, fresh: Index) -> Expr:
        """A tensor with an index in each slot that holds a difference, on axes as long as it."""
        if not isinstance(factor, Indexed):
            return factor
        for axis, own in enumerate(indices_of(factor)):
            if own == slot and self._size(factor, axis) == fresh.size:
                factor = _with_slot(factor, axis, fresh)
        return factor


def _extremum(factor: Expr) -> Place | None:
    """The place of an extremum that a delta holds beside other index arithmetic.

    With an index of its own in its place the delta says where windows lie.
    """
    if not isinstance(factor, KroneckerDelta):
        return None
    for slot in factor.args:
        places = [term for term in Add.make_args(slot) if isinstance(term, Place)]
        if len(places) == 1 and slot.is_Add and affine(slot - places[0]) is not None:
            return places[0] if places[0].bound[0].size is not None else None
    return None


def _with_kernels(factors: Sequence[Expr]) -> tuple[list[Expr], dict[str, Expr]]:
    """Factors with tensors of ones in place of pairs of comparisons, and their sizes.

    `[0 ≤ n - i < K]` is what the entries `w_{n-i}` are where all those of w are 1.
    """
    found = list(factors)
    sizes: dict[str, Expr] = {}
    limits = {f: _least(f) for f in factors if isinstance(f, Iverson) and f.relation in ("<", "<=")}
    for one, other in combinations(limits, 2):
        size = (limits[one] + limits[other] + 1).expand()
        if one in found and other in found and not free_indices(size) and size.is_positive:
            name = f"#ones{len(sizes)}"
            sizes[name] = size
            found = [f for f in found if f not in (one, other)]
            slot = min(limits[one], limits[other], key=lambda s: len(s.atoms(Size)))
            found.append(tensor(name, slot))
    return found, sizes


def _least(bracket: Iverson) -> Expr:
    """What is not negative where a comparison of whole numbers holds."""
    difference = bracket.right - bracket.left
    return (difference - 1 if bracket.relation == "<" else difference).expand()


def _without_kernel(factor: Expr, kernels: Mapping[str, Expr]) -> Expr:
    """A tensor of ones as comparisons, or as the one-tensor where its slot is an index."""
    size = kernels.get(name_of(factor))
    if size is None:
        return factor
    (slot,) = indices_of(factor)
    if isinstance(slot, Index):
        return One(slot)
    return Iverson(0, "<=", slot) * Iverson(slot, "<", size)


def _is_crossed(slot: Expr, size: Expr, indices: Sequence[Index], target: Sequence[Index]) -> bool:
    """Whether a slot is the difference of an index of the target and one that is summed over.

    One of the two is the sum of the other and of the slot, and has the more values. An axis that
    is as long as that of the target has windows that are as short as they can be.
    """
    found = affine(slot) if is_computed(slot) else None
    if found is None:
        return False
    free = [(step, index) for step, index in found[1] if index in target]
    bound = [(step, index) for step, index in found[1] if index in indices]
    return any(
        one.is_positive != other.is_positive and index.size != size
        for one, index in free
        for other, _ in bound
    )


def _is_adjoint(factor: Expr) -> bool:
    return name_of(factor).startswith("∂")


def _with_slot(factor: Expr, axis: int, slot: Expr) -> Expr:
    """A tensor with another slot."""
    slots = list(indices_of(factor))
    slots[axis] = slot
    return factor.func(factor.base, *slots)


def _solved(
    slot: Expr,
    fresh: Index,
    indices: Sequence[Index],
    others: Sequence[Expr],
    slots: Sequence[Expr],
) -> dict[Index, Expr] | None:
    """What a summed index is, by the value of a slot, if only an upstream gradient has it beside.

    The slot takes the values of its axis, and the gradient is zero where the index is out of its
    range, so that the sum has the same terms.
    """
    for index in indices:
        step = slot.coeff(index)
        users = [f for f in others if index in free_indices(f)]
        if step not in (1, -1) or any(index in free_indices(s) for s in slots):
            continue
        if len(users) != 1 or not isinstance(users[0], Indexed) or not _is_adjoint(users[0]):
            continue
        if [s for s in indices_of(users[0]) if index in free_indices(s)] == [index]:
            return {index: ((fresh - (slot - step * index)) / step).expand()}
    return None


def _delta(
    slot: Expr,
    fresh: Index,
    indices: Sequence[Index],
    target: Sequence[Index],
    others: Sequence[Expr],
) -> Expr | None:
    """A delta that says where a product belongs, if the target has the place in no other factor."""
    if not any(index in indices for index in free_indices(slot)):
        return None
    for index in target:
        step = slot.coeff(index)
        if step in (1, -1) and not any(index in free_indices(f) for f in others):
            return KroneckerDelta(index, ((fresh - (slot - step * index)) / step).expand())
    return None
