"""Mistakes with a sum, or with another reduction over the values of an index."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from sympy import Expr, KroneckerDelta, Mul

from derive.expressions import (
    Binder,
    Contraction,
    Determinant,
    Index,
    LogDeterminant,
    Maximum,
    Minimum,
    One,
    ProductOver,
    free_indices,
    ranging,
)
from derive.verify.drafts import Draft, Said, Where

__all__ = ["in_reduction", "in_sum", "into_sum"]

_OTHERS: dict[type[Binder], type[Binder]] = {
    Maximum: Minimum,
    Minimum: Maximum,
    ProductOver: Contraction,
    Determinant: LogDeterminant,
    LogDeterminant: Determinant,
}
"""What a reduction is easily mistaken for."""


def in_sum(indices: tuple[Index, ...], body: Expr, outside: Where) -> Iterator[Draft]:
    """Mistakes with a sum; `outside` is where it stands, its indices not among those known."""
    for factor in Mul.make_args(body):
        if isinstance(factor, KroneckerDelta):
            said: Said = ("the delta ", factor, " dropped")
            yield Draft("drop a delta", said, partial(Contraction, body / factor, *indices))
        elif not isinstance(factor, One):
            yield from _out_of(factor, indices, body, outside)
    for index in indices:
        yield from _with_index(index, indices, body, outside)


def _out_of(
    factor: Expr, indices: tuple[Index, ...], body: Expr, outside: Where
) -> Iterator[Draft]:
    """A factor taken out of the sum, with an index from outside in place of the bound one."""
    rest = body / factor
    for bound in (i for i in indices if i in free_indices(factor) and i in free_indices(rest)):
        for other in outside.alike(bound):
            moved = factor.xreplace({bound: other})
            said = (moved, f" outside the sum over {bound.name}")
            build = partial(_product, moved, rest, bound, indices)
            yield Draft("move a factor out of a sum", said, build)
        alone = Contraction(factor, bound)
        for done, outer in (("summed", alone), ("averaged", alone / bound.size)):
            said = (factor, f" {done} by itself, outside the sum over {bound.name}")
            build = partial(_product, outer, rest, bound, indices)
            yield Draft("split a sum", said, build)


def _product(factor: Expr, rest: Expr, bound: Index, indices: tuple[Index, ...]) -> Expr:
    """The sum over one index around the rest alone, those over the others around both."""
    return _sum(factor * Contraction(rest, bound), tuple(i for i in indices if i != bound))


def _sum(body: Expr, indices: tuple[Index, ...]) -> Expr:
    return Contraction(body, *indices) if indices else body


def _with_index(
    index: Index, indices: tuple[Index, ...], body: Expr, outside: Where
) -> Iterator[Draft]:
    """Another reduction over one index of a sum, or one entry in place of the sum."""
    others = tuple(other for other in indices if other != index)
    if index.size is not None:
        said: Said = (f"the mean over {index.name} in place of the sum",)
        mean = partial(Contraction, body / index.size, *indices)
        yield Draft("take a mean for a sum", said, mean)
    for other in outside.alike(index):
        entry = body.xreplace({index: other})
        said = (f"the sum over {index.name} left out, {other.name} in its place",)
        yield Draft("drop a sum", said, partial(_sum, entry, others))
    factors = [f for f in Mul.make_args(body) if f != One(index)]
    inside = Mul(*(factor for factor in factors if index in free_indices(factor)))
    outer = Mul(*(factor for factor in factors if index not in free_indices(factor)))
    if inside != 1:
        said = (f"the maximum over {index.name} in place of the sum",)
        build = partial(_maximum, outer, inside, index, others)
        yield Draft("take another reduction", said, build)


def _maximum(outer: Expr, inside: Expr, index: Index, others: tuple[Index, ...]) -> Expr:
    return _sum(outer * Maximum(inside, index), others)


def into_sum(term: Expr, where: Where) -> Iterator[Draft]:
    """A factor from outside a sum goes inside and takes the bound index along."""
    for total in (factor for factor in term.args if isinstance(factor, Contraction)):
        for factor in (f for f in term.args if f is not total and not isinstance(f, One)):
            for outside in sorted(ranging(factor), key=str):
                yield from _into(term, total, factor, outside, where)


def _into(
    term: Expr, total: Contraction, factor: Expr, outside: Index, where: Where
) -> Iterator[Draft]:
    _, indices, body = where.opened(total)
    for bound in (index for index in indices if index.size == outside.size):
        inside = factor.xreplace({outside: bound})
        said = (inside, f" inside the sum over {bound.name}, in place of ", factor, " outside")

        def moved(inside: Expr = inside) -> Expr:
            return term / total / factor * Contraction(body * inside, *indices)

        yield Draft("move a factor into a sum", said, moved)


def in_reduction(expr: Binder, indices: tuple[Index, ...], body: Expr) -> Iterator[Draft]:
    """What another reduction is easily mistaken for."""
    other = _OTHERS.get(type(expr))
    if other is not None:
        said = (f"{other.__name__.lower()} in place of ", expr)
        yield Draft("take another reduction", said, partial(other, body, *indices))
