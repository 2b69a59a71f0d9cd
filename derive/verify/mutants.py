"""Mutants: expressions that differ from a result by one mistake an author could make.

A check that lets one of them pass would let the mistake pass.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain, combinations, product, zip_longest

from sympy import Add, Expr, Indexed, KroneckerDelta, Mul, S, sign

from derive.expressions import (
    ArgMaximum,
    ArgMinimum,
    Binder,
    Contraction,
    Determinant,
    Index,
    Iverson,
    LogDeterminant,
    Maximum,
    Minimum,
    One,
    Partial,
    Place,
    ProductOver,
    indices_of,
    is_computed,
    ranging,
)

__all__ = ["Mutant", "mutants"]


@dataclass(frozen=True)
class Mutant:
    """A wrong expression, and the mistake that makes it."""

    mistake: str
    expr: Expr


Draft = tuple[str, Callable[[], Expr]]
"""A mistake, and how to make it: few of the many possible mutants are ever built."""


def mutants(expr: Expr, free: Sequence[Index], most: int = 20) -> list[Mutant]:
    """Mutants of an expression, each kind of mistake in turn, no two equal."""
    kinds: dict[str, list[Draft]] = {}
    for draft in _drafts(expr, tuple(free)):
        kinds.setdefault(draft[0], []).append(draft)
    distinct: dict[Expr, Mutant] = {}
    for draft in chain.from_iterable(zip_longest(*kinds.values())):
        if len(distinct) == most:
            break
        if draft is not None and (wrong := draft[1]()) != expr:
            distinct.setdefault(wrong, Mutant(draft[0], wrong))
    return list(distinct.values())


def _drafts(expr: Expr, scope: tuple[Index, ...]) -> Iterator[Draft]:
    """Every mutant of an expression; `scope` holds the indices known where it stands."""
    if expr != 0:
        yield "flip the sign", lambda: -expr
        yield "double", lambda: 2 * expr
        yield "halve", lambda: expr / 2
    yield from _inside(expr, scope)


def _wrapped(drafts: Iterable[Draft], wrap: Callable[[Expr], Expr]) -> Iterator[Draft]:
    """The same mistakes made in a part of an expression."""
    for mistake, build in drafts:
        yield mistake, partial(_composed, wrap, build)


def _composed(wrap: Callable[[Expr], Expr], build: Callable[[], Expr]) -> Expr:
    return wrap(build())


def _inside(expr: Expr, scope: tuple[Index, ...]) -> Iterator[Draft]:
    if isinstance(expr, Partial):
        yield from _wrapped(
            _slots(expr.variable, scope), lambda new: Partial(expr.function, new, *expr.held)
        )
    elif isinstance(expr, Indexed):
        yield from _slots(expr, scope)
        yield "raise a power", lambda: expr**2
    elif isinstance(expr, KroneckerDelta):
        yield "drop a delta", lambda: S.One
        yield from _slots(expr, scope)
    elif isinstance(expr, Contraction):
        yield from _contraction(expr, scope)
    elif isinstance(expr, Iverson):
        yield from _comparison(expr, scope)
    elif isinstance(expr, sign):
        yield from _wrapped(_side(expr.args[0], scope), sign)
    elif isinstance(expr, Binder):
        yield from _reduction(expr, scope)
    elif not isinstance(expr, One):
        yield from _node(expr, scope)
        for position, arg in enumerate(expr.args):
            yield from _wrapped(_inside(arg, scope), partial(_with_arg, expr, position))


def _with_arg(expr: Expr, position: int, arg: Expr) -> Expr:
    return expr.func(*expr.args[:position], arg, *expr.args[position + 1 :])


def _comparison(expr: Iverson, scope: tuple[Index, ...]) -> Iterator[Draft]:
    """The other relation, none, and mistakes in the sides."""
    left, relation, right = expr.left, expr.relation, expr.right
    flipped = {"=": "!=", "!=": "="}.get(relation)
    if flipped:
        yield "flip a relation", lambda: Iverson(left, flipped, right)
    else:
        yield "flip a relation", lambda: Iverson(right, relation, left)
    yield "drop a comparison", lambda: S.One
    yield from _wrapped(_side(left, scope), lambda new: Iverson(new, relation, right))
    yield from _wrapped(_side(right, scope), lambda new: Iverson(left, relation, new))


def _side(side: Expr, scope: tuple[Index, ...]) -> Iterator[Draft]:
    """An index that is off by one; the signs of other sides."""
    if isinstance(side, Index):
        yield "shift an index", lambda: side + 1
    elif not (side.is_number or side.is_integer):
        yield "flip the sign of a side", lambda: -side
    if isinstance(side, Indexed):
        yield from _slots(side, scope)


def _node(expr: Expr, scope: tuple[Index, ...]) -> Iterator[Draft]:
    if expr.is_Add:
        for term in expr.args:
            yield "drop a term", partial(Add, expr, -term)
            yield "flip the sign of a term", partial(Add, expr, -2 * term)
            yield "double a term", partial(Add, expr, term)
    if expr.is_Mul:
        for factor in expr.args:
            yield from _factor(expr, factor)
    if expr.is_Pow and expr.exp.is_Rational:
        yield "raise a power", lambda: expr * expr.base
        yield "lower a power", lambda: expr / expr.base


def _factor(term: Expr, factor: Expr) -> Iterator[Draft]:
    """Mistakes with one factor of a product."""
    if isinstance(factor, KroneckerDelta):
        yield "drop a delta", lambda: term / factor
    elif not (factor.is_Number or isinstance(factor, One)):
        yield "drop a factor", lambda: term / factor
    if factor.is_Add:
        yield "move a factor past a term", lambda: _past(term, factor)
    if isinstance(factor, Contraction):
        yield from _move_in(term, factor)


def _past(term: Expr, factor: Expr) -> Expr:
    """`a (b + c)` as `a b + c`."""
    first, *rest = factor.args
    return Add(term / factor * first, *rest)


def _move_in(term: Expr, total: Contraction) -> Iterator[Draft]:
    """A factor from outside a sum goes inside and takes the bound index along."""

    def moved(factor: Expr, outside: Index, position: int) -> Expr:
        indices, body = total.open(term)
        inside = factor.xreplace({outside: indices[position]})
        return term / total / factor * Contraction(body * inside, *indices)

    for factor in term.args:
        for outside in sorted(ranging(factor), key=str) if factor is not total else ():
            for position, bound in enumerate(total.bound):
                if bound.size == outside.size:
                    yield "move a factor into a sum", partial(moved, factor, outside, position)


def _contraction(expr: Contraction, scope: tuple[Index, ...]) -> Iterator[Draft]:
    indices, body = expr.open(*scope)

    def moved_out(factor: Expr, bound: Index, outside: Index) -> Expr:
        return factor.xreplace({bound: outside}) * Contraction(body / factor, *indices)

    for factor in Mul.make_args(body):
        if isinstance(factor, KroneckerDelta):
            yield "drop a delta", partial(Contraction, body / factor, *indices)
        for bound, outside in product(indices, scope):
            if outside.size == bound.size and factor.has(bound) and (body / factor).has(bound):
                yield "move a factor out of a sum", partial(moved_out, factor, bound, outside)
    parts = _inside(body, (*scope, *indices))
    yield from _wrapped(parts, lambda new: Contraction(new, *indices))


# What a reduction is easily mistaken for.
_OTHERS: dict[type[Binder], type[Binder]] = {
    Maximum: Minimum,
    Minimum: Maximum,
    ArgMaximum: ArgMinimum,
    ArgMinimum: ArgMaximum,
    ProductOver: Contraction,
    Determinant: LogDeterminant,
    LogDeterminant: Determinant,
}


def _opened(expr: Binder, scope: tuple[Index, ...]) -> tuple[Expr, ...]:
    indices, body = expr.open(*scope)
    return (body, *indices)


def _reduction(expr: Binder, scope: tuple[Index, ...]) -> Iterator[Draft]:
    body, *indices = _opened(expr, scope)
    yield "take another reduction", lambda: _OTHERS[type(expr)](body, *indices)
    parts = _inside(body, (*scope, *indices))
    yield from _wrapped(parts, lambda new: expr.func(new, *indices))


def _slots(leaf: Expr, scope: tuple[Index, ...]) -> Iterator[Draft]:
    """Another index of the same size in one slot, or two slots exchanged."""
    is_delta = isinstance(leaf, KroneckerDelta)
    slots = list(leaf.args if is_delta else indices_of(leaf))

    def changed(places: dict[int, Expr]) -> Expr:
        new = [places.get(position, slot) for position, slot in enumerate(slots)]
        return leaf.func(*new) if is_delta else leaf.func(leaf.base, *new)

    for position, slot in enumerate(slots):
        if isinstance(slot, Place):
            # Other mistakes in it may well leave the place where it is.
            other = _OTHERS[type(slot)](*_opened(slot, scope))
            yield "take another reduction", partial(changed, {position: other})
        for index in scope:
            if isinstance(slot, Index) and index != slot and index.size == slot.size:
                yield "rename an index", partial(changed, {position: index})
        if is_computed(slot):
            yield "shift an index", partial(changed, {position: slot + 1})
    for first, second in combinations(range(0 if is_delta else len(slots)), 2):
        places = {first: slots[second], second: slots[first]}
        yield "swap two axes", partial(changed, places)
