"""Index arithmetic: what stands in a slot of a tensor besides an index, and when it is in range.

`x_{2i+k}`, `x_{b,hD+d}`, `x_{n//D,n%D}`. An entry outside the range of its axis is zero, so that
windows at a border need no case of their own. Whatever replaces a name at such a slot carries the
condition that the slot is in range.
"""

from __future__ import annotations

from sympy import Add, Expr, Mul, S

from derive.expressions.indices import Index, free_indices
from derive.expressions.iverson import Iverson

__all__ = ["Quotient", "Remainder", "in_range", "is_computed", "solved_for"]

_Bounds = tuple[Expr | None, Expr | None]


class _Division(Expr):
    """A division of integers with a remainder, the divisor being positive."""

    is_commutative = True
    is_real = True
    is_integer = True

    @property
    def dividend(self) -> Expr:
        return self.args[0]

    @property
    def divisor(self) -> Expr:
        return self.args[1]


class Quotient(_Division):
    """`n // D`, the quotient of a division with a remainder.

    >>> from derive.expressions import Index, Size
    >>> h, d, D = Index("h", Size("H")), Index("d", Size("D")), Size("D")
    >>> Quotient(h * D + d, D), Remainder(h * D + d, D)
    (h, d)
    """

    def __new__(cls, dividend: Expr | int, divisor: Expr | int) -> Expr:
        whole, rest = _parted(dividend, divisor)
        if _is_digit(rest, divisor):
            return whole
        return whole + Expr.__new__(cls, rest, S(divisor))


class Remainder(_Division):
    """`n % D`, the remainder of a division, at least zero and less than the divisor."""

    is_nonnegative = True

    def __new__(cls, dividend: Expr | int, divisor: Expr | int) -> Expr:
        _, rest = _parted(dividend, divisor)
        return rest if _is_digit(rest, divisor) else Expr.__new__(cls, rest, S(divisor))


def _parted(dividend: Expr | int, divisor: Expr | int) -> tuple[Expr, Expr]:
    """The multiple of the divisor in the terms of a dividend, and the other terms."""
    dividend, divisor = S(dividend).expand(), S(divisor)
    number, others = dividend.as_coeff_Add()
    if divisor.is_Integer and number:
        whole, rest = _parted(others, divisor)
        return whole + number // divisor, rest + number % divisor
    terms = Add.make_args(dividend)
    multiples = [term for term in terms if _is_whole(term / divisor)]
    whole = Add(*(term / divisor for term in multiples))
    return whole, Add(*(term for term in terms if term not in multiples))


def _is_whole(ratio: Expr) -> bool:
    numerator, denominator = ratio.as_numer_denom()
    return bool(denominator == 1 and numerator.is_integer)


def _is_digit(expr: Expr, base: Expr | int) -> bool:
    """Whether an expression always lies between zero and a base."""
    return in_range(expr, S(base)) == 1 if is_computed(expr) else _fits(expr, base)


def _fits(slot: Expr, size: Expr | int) -> bool:
    if isinstance(slot, Index):
        return slot.size == size
    return bool(slot.is_nonnegative and (S(size) - slot).is_positive)


def is_computed(slot: Expr) -> bool:
    """Whether a slot holds index arithmetic; an index, a label or a number does not."""
    return isinstance(slot, Add | Mul | _Division)


def in_range(slot: Expr, size: Expr | None) -> Expr:
    """1 where a slot lies on an axis of a size and 0 elsewhere, as a product of brackets.

    An index, a label or a number is in range by declaration.
    """
    if size is None or not is_computed(slot):
        return S.One
    low, high = _bounds(slot.expand())
    above = S.One if low is not None and low.is_nonnegative else Iverson(0, "<=", slot)
    inside = high is not None and (size - 1 - high).expand().is_nonnegative
    return above * (S.One if inside else Iverson(slot, "<", size))


def _bounds(slot: Expr) -> _Bounds:
    """The least and the largest value of a slot, None where they are not known."""
    if isinstance(slot, Index):
        return (S.Zero, None if slot.size is None else slot.size - 1)
    if isinstance(slot, Remainder):
        return S.Zero, slot.divisor - 1
    if isinstance(slot, Quotient):
        return (S.Zero if _is_nonnegative(slot.dividend) else None), None
    if isinstance(slot, Add):
        lows, highs = zip(*map(_bounds, slot.args), strict=True)
        return _total(lows), _total(highs)
    if isinstance(slot, Mul):
        return _product_bounds(slot)
    return (slot, slot) if not free_indices(slot) else (None, None)


def _is_nonnegative(slot: Expr) -> bool:
    low = _bounds(slot)[0]
    return low is not None and bool(low.is_nonnegative)


def _total(values: tuple[Expr | None, ...]) -> Expr | None:
    return None if None in values else Add(*values)


def _product_bounds(slot: Expr) -> _Bounds:
    """The bounds of a constant times an index."""
    constant, index = slot.as_independent(Index, _Division, as_Add=False)
    if not isinstance(index, Index | _Division) or constant.is_nonnegative is None:
        return None, None
    low, high = (None if b is None else (constant * b).expand() for b in _bounds(index))
    return (low, high) if constant.is_nonnegative else (high, low)


def solved_for(index: Index, left: Expr, right: Expr) -> Expr | None:
    """What an index is where `left = right`, if it stands there once, with coefficient 1 or -1."""
    difference = (left - right).expand()
    slope = difference.coeff(index)
    rest = difference - slope * index
    if slope not in (1, -1) or index in free_indices(rest):
        return None
    return -rest / slope
