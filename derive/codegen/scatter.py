"""What deltas put into single entries of a result.

`s_bn − δ_{T_b,n}` is s with 1 taken off at one place of each row, and `1_b g_bd δ_{t_b,v}` adds
row b of g to row t_b: no delta is ever an array.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from sympy import Add, Expr, KroneckerDelta, Mul, S

from derive.codegen.sums import summed
from derive.expressions import Contraction, Index, ranging

__all__ = ["Scatter", "split"]


@dataclass(frozen=True)
class Scatter:
    """`value`, added to the entries at `slots`, one slot for each index of the target.

    The value ranges over the indices of the slots. Those of `over` are summed over, so that
    several values may meet in one entry.
    """

    slots: tuple[Expr, ...]
    value: Expr
    over: tuple[Index, ...] = ()


def split(expr: Expr, target: Sequence[Index]) -> tuple[Expr, list[Scatter]]:
    """A dense part of an expression, and what deltas put into single entries beside it."""
    dense: list[Expr] = []
    scattered: list[Scatter] = []
    for term in _terms(expr, set(target)):
        found = _scatter(term, target)
        if found is None:
            dense.append(term)
        else:
            _gather(scattered, found)
    return Add(*dense), scattered


def _gather(scattered: list[Scatter], found: Scatter) -> None:
    """Put a scatter with the others, one for each place that is told without a sum."""
    for n, other in enumerate(scattered):
        if other.slots == found.slots and not (other.over or found.over):
            scattered[n] = Scatter(found.slots, summed([other.value, found.value]), ())
            return
    scattered.append(found)


def _terms(expr: Expr, target: set[Index]) -> Iterator[Expr]:
    """The terms of an expression; products are multiplied out where deltas ask for it."""
    if expr.is_Add and _picks(expr, target):
        for term in expr.args:
            yield from _terms(term, target)
        return
    picking = [f for f in Mul.make_args(expr) if f.is_Add and _picks(f, target)]
    if not picking:
        yield expr
        return
    for term in picking[0].args:
        yield from _terms(expr / picking[0] * term, target)


def _picks(expr: Expr, target: set[Index]) -> bool:
    """Whether a delta holds an index of the target fixed."""
    return any(target & set(delta.args) for delta in expr.atoms(KroneckerDelta))


def _scatter(term: Expr, target: Sequence[Index]) -> Scatter | None:
    """The term as entries at places, if a delta says where an index of the target is."""
    outside, sums = _parted(term)
    over, body = sums.open(*target, outside) if sums is not None else ([], S.One)
    body = outside * body
    slots: dict[Expr, Expr] = {}
    while (found := _picked(body, target, slots)) is not None:
        delta, index, place = found
        # The place of another index may depend on this one, as in δ_{T_b,n} δ_{t_n,p}.
        slots = {other: slot.xreplace({index: place}) for other, slot in slots.items()}
        slots[index] = place
        body = (body / delta).xreplace({index: place})
    if not slots:
        return None
    return Scatter(tuple(slots.get(index, index) for index in target), body, tuple(over))


def _picked(
    body: Expr, target: Sequence[Index], known: Collection[Expr]
) -> tuple[Expr, Expr, Expr] | None:
    """A delta that says where an index of the target is, with that index and its place."""
    for delta in (f for f in Mul.make_args(body) if isinstance(f, KroneckerDelta)):
        for index, place in (delta.args, delta.args[::-1]):
            open_ = index in target and index not in known
            if open_ and place not in known and index not in ranging(place):
                return delta, index, place
    return None


def _parted(term: Expr) -> tuple[Expr, Contraction | None]:
    """The factors of a product, a sum that holds a delta apart."""
    sums = [f for f in Mul.make_args(term) if isinstance(f, Contraction) and f.has(KroneckerDelta)]
    return (term / sums[0], sums[0]) if sums else (term, None)
