"""Which exponents are known to have a bound above: those from which the greatest was taken."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice, product

from sympy import Add, Expr, Mul, S

from derive.codegen.scaled import Term
from derive.codegen.sums import mask, nonzero
from derive.expressions import (
    Index,
    Maximum,
    One,
    indices_of,
    is_tensor,
    name_of,
    tensors_in,
)
from derive.expressions.kinked import maximum, sigmoid

__all__ = ["instances", "is_bounded"]

# How many greatest values an exponent may contain, and how many places of one are looked at.
MOST_LEVELS, MOST_PLACES = 4, 24


def is_bounded(term: Term) -> bool:
    """Whether the exponential in a term is known to be at most 1 where it counts."""
    if term.exponent == 0:
        powers = (f.as_base_exp() for f in Mul.make_args(term.factor))
        return not any(isinstance(b, sigmoid) and p.is_negative for b, p in powers)
    masks = map(mask, term.masks)
    if _is_negative(_bare(Add(term.exponent, *masks)), MOST_LEVELS):
        return True
    weights = map(mask, (*term.masks, *nonzero(term.factor)))
    return _is_negative(_bare(Add(term.exponent, *weights)), MOST_LEVELS)


def _bare(expr: Expr) -> Expr:
    """The expression without one-tensors."""
    return expr.xreplace(dict.fromkeys(expr.atoms(One), S.One)).expand(deep=False)


def _is_negative(exponent: Expr, levels: int) -> bool:
    if exponent.is_nonpositive:
        return True
    return levels > 0 and any(_is_negative(e, levels - 1) for e in _raised(exponent))


def _raised(exponent: Expr) -> Iterator[Expr]:
    """Upper bounds of an exponent: with a value in place of the greatest that is subtracted."""
    for term in Add.make_args(exponent):
        number, greatest = term.as_coeff_Mul()
        if not number.is_negative:
            continue
        rest = exponent - term
        if isinstance(greatest, maximum):
            for value in greatest.args:
                yield _bare(rest + number * value)
        elif isinstance(greatest, Maximum):
            indices, body = greatest.open(exponent)
            for place in instances(body, rest, indices):
                # Marked terms are not distributed over by themselves.
                here = (number * part for part in Add.make_args(body.xreplace(place)))
                yield _bare(Add(rest, *here))


def instances(body: Expr, place: Expr, indices: list[Index]) -> Iterator[dict[Expr, Expr]]:
    """What may stand for indices so that a body becomes part of another expression."""
    found: dict[Index, list[Expr]] = {index: [] for index in indices}
    leaves = [leaf for leaf in tensors_in(place) if is_tensor(leaf)]
    for leaf in tensors_in(body):
        for other in leaves:
            if name_of(other) != name_of(leaf):
                continue
            for slot, value in zip(indices_of(leaf), indices_of(other), strict=True):
                if slot in found and value not in found[slot]:
                    found[slot].append(value)
    choices = product(*(found[index] for index in indices))
    return (dict(zip(indices, c, strict=True)) for c in islice(choices, MOST_PLACES))
