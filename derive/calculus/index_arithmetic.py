"""The rules for deltas that hold index arithmetic: `δ_{i+k,n}`, `δ_{hD+d,n}`, `δ_{n//D,p}`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from sympy import Add, Expr, Indexed, KroneckerDelta, Mul, S

from derive.calculus.context import Context
from derive.calculus.rule import Rule, rule
from derive.expressions import (
    Contraction,
    Graph,
    Index,
    Iverson,
    Partial,
    Quotient,
    Remainder,
    Size,
    free_indices,
    fresh_indices,
    in_range,
    indices_of,
    is_computed,
    levelled,
    name_of,
    solved_for,
)

__all__ = ["DIGITS", "fits_its_axes", "has_factor", "in_own_axes", "replaced", "solutions"]

# The sum over so few remainders is written out, term by term.
MOST_WRITTEN_OUT = 4


def has_factor(node: Contraction, kind: type[Expr]) -> bool:
    """Whether a factor of the body is of a kind; cheaper to ask than to open the contraction."""
    return any(isinstance(factor, kind) for factor in Mul.make_args(node.body))


def solutions(delta: Expr, indices: Sequence[Index]) -> Iterator[tuple[Index, Expr, Expr]]:
    """The bound indices for which a delta can be solved, what takes their place, and when.

    That what takes their place must be in range goes without saying.
    """
    for left, right in (delta.args, delta.args[::-1]):
        if isinstance(left, Remainder):
            yield from _rolled(left, right, indices)
    for index in indices:
        other = solved_for(index, *delta.args)
        if other is not None and not _is_longer(other, index):
            yield index, other, S.One


def _is_longer(other: Expr, index: Index) -> bool:
    """Whether an index runs over another axis, so that it is not one for an axis of the first."""
    return isinstance(other, Index) and not other.is_label and other.size != index.size


def _is_digit(slot: Expr, size: Expr) -> bool:
    return isinstance(slot, Index) and slot.size == size


def _rolled(
    left: Remainder, right: Expr, indices: Sequence[Index]
) -> Iterator[tuple[Index, Expr, Expr]]:
    """From `(i + 1) % N = n` follows `i = (n - 1) % N` where i runs over N values."""
    for index in indices:
        other = solved_for(index, left.dividend, right)
        if other is not None and index.size == left.divisor and index not in free_indices(right):
            yield index, Remainder(other, left.divisor), _is_remainder(right, left.divisor)


def _deltas(body: Expr) -> list[Expr]:
    """The deltas among the factors that hold index arithmetic, each way round."""
    found = [factor for factor in Mul.make_args(body) if isinstance(factor, KroneckerDelta)]
    return [delta for delta in found if any(map(is_computed, delta.args))]


@rule(
    "split the Kronecker delta",
    "y_hd δ_{h·D+d,n} = y_hd δ_{h,n//D} δ_{d,n%D}",
    free="n",
    where="z_nhd = x_n y_hd",
    sizes={"d": "D"},
    refuses=("y_hd δ_{h·D+1,n} 1_d", "y_hd δ_{h+d,n}"),
)
def split_delta(node: Expr, context: Context) -> Expr | None:
    """A number has one quotient and one remainder."""
    if not (isinstance(node, Contraction) and has_factor(node, KroneckerDelta)):
        return None
    indices, body = node.open()
    for delta in _deltas(body):
        left, right = delta.args
        split = _split(left, right, indices) or _split(right, left, indices)
        if split is not None:
            return Contraction(body.xreplace({delta: split}), *indices)
    return None


def _split(total: Expr, other: Expr, bound: Sequence[Index]) -> Expr | None:
    """`δ_{hD+d,n}` in two, where the size of d is D and divides the other terms."""
    for digit in total.args if total.is_Add else ():
        if digit in bound and digit.size is not None:
            whole, rest = Quotient(total, digit.size), Remainder(total, digit.size)
            if rest == digit:
                above = KroneckerDelta(whole, Quotient(other, digit.size))
                return above * KroneckerDelta(rest, Remainder(other, digit.size))
    return None


@rule(
    "join the Kronecker deltas",
    "x_n δ_{n//D,h} δ_{n%D,d} = x_n δ_{n,h·D+d}",
    free="hd",
    where="z_nhd = x_n y_hd",
    sizes={"d": "D"},
    refuses=("x_n δ_{n//D,h} 1_d",),
)
def join_deltas(node: Expr, context: Context) -> Expr | None:
    """A quotient and a remainder tell the number."""
    if not node.is_Mul and not isinstance(node, Contraction):
        return None
    indices, body = node.open() if isinstance(node, Contraction) else ([], node)
    for one, quotient, high in _sides(body, Quotient):
        for other, remainder, low in _sides(body, Remainder):
            if quotient.args == remainder.args and _tells(quotient, high, low, indices):
                condition = _is_remainder(low, quotient.divisor)
                body = body.xreplace({one: _joined(quotient, high, low), other: condition})
                return Contraction(body, *indices) if indices else body
    return None


def _tells(quotient: Expr, high: Expr, low: Expr, bound: Sequence[Index]) -> bool:
    """Whether joining leads on: to a bound number, or to the equality of two numbers."""
    known = not free_indices(high + low).intersection(bound)
    bound_number = not free_indices(quotient.dividend).isdisjoint(bound)
    return _are_of_one_number(high, low) or (known and bound_number)


def _are_of_one_number(high: Expr, low: Expr) -> bool:
    """Whether two slots are quotient and remainder of one number by one divisor."""
    return isinstance(high, Quotient) and isinstance(low, Remainder) and high.args == low.args


def _sides(body: Expr, kind: type[Expr]) -> list[tuple[Expr, Any, Expr]]:
    """The deltas with a side of a kind, that side and the other one."""
    found = [(delta, *pair) for delta in _deltas(body) for pair in (delta.args, delta.args[::-1])]
    return [(delta, one, other) for delta, one, other in found if isinstance(one, kind)]


def _joined(quotient: Quotient, high: Expr, low: Expr) -> Expr:
    """The delta that says that a number has the given quotient and remainder."""
    divisor = quotient.divisor
    if _are_of_one_number(high, low):
        return KroneckerDelta(quotient.dividend, high.dividend)
    return KroneckerDelta(quotient.dividend, (high * divisor).expand() + low)


def _is_remainder(low: Expr, divisor: Expr) -> Expr:
    """1 where a slot is less than the divisor, as a remainder is, and at least zero."""
    if is_computed(low):
        return in_range(low, divisor)
    return S.One if _is_digit(low, divisor) else Iverson(low, "<", divisor)


@rule(
    "sum over the remainders",
    "x_n δ_{n//D,h} = 1_d x_{h·D+d}",
    free="h",
    where="z_nhd = x_n y_hd",
    sizes={"d": "D"},
    refuses=("x_n δ_{n%D,h}",),
)
def spread_quotient(node: Expr, context: Context) -> Expr | None:
    """The numbers with one quotient differ in the remainder."""
    if not (isinstance(node, Contraction) and has_factor(node, KroneckerDelta)):
        return None
    indices, body = node.open()
    for delta in _deltas(body):
        for quotient, high in (delta.args, delta.args[::-1]):
            if isinstance(quotient, Quotient) and quotient.dividend in indices:
                return _spread(delta, quotient, high, (indices, body), context)
    return None


def _spread(
    delta: Expr,
    quotient: Quotient,
    high: Expr,
    opened: tuple[list[Index], Expr],
    context: Context,
) -> Expr | None:
    """The sum over the number as one over its remainder, written out where these are few.

    Else a letter must stand for the remainders, so that their number is a declared size.
    """
    indices, body = opened
    index, divisor = quotient.dividend, quotient.divisor
    rest = [factor for factor in Mul.make_args(body) if factor != delta]
    left = [other for other in indices if other != index]
    if divisor.is_Integer and divisor <= MOST_WRITTEN_OUT:
        terms = [
            replaced(rest, index, (high * divisor).expand() + digit, S.One, context)
            for digit in range(int(divisor))
        ]
        found = [Contraction(term[1], *left) for term in terms if term is not None]
        return Add(*found) if len(found) == len(terms) else None
    if str(divisor) not in context.graph.declared.values():
        return None
    (remainder,) = fresh_indices([Index("_", divisor)], body, *indices, high)
    one = replaced(rest, index, (high * divisor).expand() + remainder, S.One, context)
    return None if one is None else Contraction(one[1], remainder, *left)


def replaced(
    factors: Sequence[Expr], index: Index, other: Expr, condition: Expr, context: Context
) -> tuple[int, Expr, Index] | None:
    """A product with something in place of an index, and how much it says about its range.

    None where the range has to be stated and the axis has no name for its size.
    """
    new = [factor.xreplace({index: other}) for factor in factors]
    if is_computed(other):
        new = [levelled(factor) for factor in new]
    if not any(_vanishes_outside(f, other, index.size, context.graph) for f in new):
        condition *= in_range(other, index.size)
    if any(not size.is_named for size in condition.atoms(Size)):
        return None
    if not in_own_axes(new, context.graph, factors):
        return None
    return is_computed(other) + 2 * (condition != 1), Mul(condition, *new), index


def in_own_axes(new: Sequence[Expr], graph: Graph, old: Sequence[Expr]) -> bool:
    """Whether every index that newly stands alone in a slot runs over the axis of that slot.

    A letter in a slot is in range by declaration. Where `i + 1` equals n, an entry that is zero
    for a great i must not become one at n, which would run over an axis of another size.
    """
    before = set().union(*(factor.atoms(Indexed, KroneckerDelta) for factor in old))
    after = set().union(*(factor.atoms(Indexed, KroneckerDelta) for factor in new))
    return all(_in_own_axis(leaf, graph) for leaf in after - before)


def _in_own_axis(leaf: Expr, graph: Graph) -> bool:
    if isinstance(leaf, KroneckerDelta):
        sizes = [slot.size for slot in leaf.args if _has_size(slot)]
        return len(set(sizes)) < 2
    return fits_its_axes(leaf, graph)


def fits_its_axes(leaf: Indexed, graph: Graph) -> bool:
    """Whether the letters in the slots of a tensor run over its own axes."""
    if name_of(leaf) not in graph.arity:
        return True
    return all(
        slot.size == graph.axis_size(name_of(leaf), axis)
        for axis, slot in enumerate(indices_of(leaf))
        if _has_size(slot)
    )


def _has_size(slot: Expr) -> bool:
    return isinstance(slot, Index) and not slot.is_label and slot.size is not None


def _vanishes_outside(factor: Expr, slot: Expr, size: Expr | None, graph: Graph) -> bool:
    """Whether a factor is an entry at the slot of an axis of that size, zero out of range."""
    entry = factor.as_base_exp()[0] if factor.is_Pow and factor.exp.is_positive else factor
    entries = [entry.function, entry.variable] if isinstance(entry, Partial) else [entry]
    return any(
        slot == other and graph.axis_size(name_of(tensor), axis) == size
        for tensor in entries
        if isinstance(tensor, Indexed)
        for axis, other in enumerate(indices_of(tensor))
    )


DIGITS: tuple[Rule, ...] = (join_deltas, split_delta, spread_quotient)
