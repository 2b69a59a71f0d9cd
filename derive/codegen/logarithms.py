"""Sums with logarithms: which they are, and the order in which their terms meet."""

from __future__ import annotations

from sympy import Add, Expr, log

from derive.codegen.kept import Kept
from derive.codegen.sums import opened, summed
from derive.expressions import Maximum, One, name_of, tensors_in
from derive.expressions.kinked import log1p, softplus

__all__ = ["grouped", "is_logarithm", "without_one"]


_SMALL = (log, log1p, softplus)
_LOGARITHMS = (*_SMALL, Maximum)


def is_logarithm(expr: Expr) -> bool:
    """Whether a value is a sum with a logarithm, or with a greatest value."""
    return any(isinstance(part, _LOGARITHMS) for part in map(_without_number, opened(expr)))


def _without_number(term: Expr) -> Expr:
    return term.as_coeff_Mul()[1]


def grouped(total: Expr) -> Expr:
    """A sum in which large numbers are subtracted from each other before what is small is added."""
    terms = opened(total)
    inside = {name_of(leaf) for t in terms for m in t.atoms(Maximum) for leaf in tensors_in(m)}
    large = [t for t in terms if any(name_of(leaf) in inside for leaf in tensors_in(t))]
    large = [t for t in large if not t.has(*_SMALL)]
    small = [t for t in terms if t not in large]
    if len(large) < 2 or not small:
        return total
    return summed([Kept(summed(large)), *small])


def without_one(value: Expr) -> Expr | None:
    """The u of 1 + u."""
    terms = Add.make_args(value)
    ones = [t for t in terms if t == 1 or isinstance(t, One)]
    if len(terms) < 2 or len(ones) != 1:
        return None
    return Add(*(t for t in terms if t not in ones))
