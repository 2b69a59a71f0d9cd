"""Mistakes with the terms, factors, powers and functions of an expression."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from itertools import combinations

from sympy import Add, Expr, Indexed, KroneckerDelta, Mul, Pow, Rational, S, Symbol, sign

from derive.expressions import Contraction, Iverson, One, elementary, fresh_indices, is_tensor
from derive.verify.drafts import Draft, Said, Where, is_size

__all__ = ["in_factors", "in_function", "in_power", "in_terms", "in_whole"]


def in_whole(expr: Expr, where: Where) -> Iterator[Draft]:
    """Mistakes with all of a line: its sign, a factor 2, its shape."""
    yield Draft("flip the sign", ("the sign flipped",), lambda: -expr)
    yield Draft("double", ("all of it doubled",), lambda: 2 * expr)
    yield Draft("halve", ("all of it halved",), lambda: expr / 2)
    free = [index for index in where.indices if not index.is_label]
    for one, other in combinations(free, 2):
        if one.size == other.size:
            said = (f"{one.name} and {other.name} exchanged",)
            swap = {one: other, other: one}
            yield Draft("transpose", said, partial(_replaced, expr, swap))
    for index in free:
        (fresh,) = fresh_indices([index], expr)
        total = partial(_summed, expr, index, fresh)
        yield Draft("sum too much", (f"a sum over {index.name} too many",), total)


def _replaced(expr: Expr, places: dict[Expr, Expr]) -> Expr:
    return expr.xreplace(places)


def _summed(expr: Expr, index: Expr, fresh: Expr) -> Expr:
    return One(index) * Contraction(expr.xreplace({index: fresh}), fresh)


def in_terms(expr: Expr) -> Iterator[Draft]:
    """Mistakes with one term of a sum."""
    for term in expr.args:
        yield Draft("drop a term", ("the term ", term, " dropped"), partial(Add, expr, -term))
        said: Said = ("the sign of the term ", term, " flipped")
        yield Draft("flip the sign of a term", said, partial(Add, expr, -2 * term))
        what = "mean" if _is_mean(term) else "term"
        negative = term.could_extract_minus_sign()
        bare, done = (-term, "subtracted") if negative else (term, "added")
        said = (f"the {what} ", bare, f" {done} twice")
        yield Draft(f"double a {what}", said, partial(Add, expr, term))
        said = ("the term ", term, " halved")
        yield Draft("halve a term", said, partial(Add, expr, -term / 2))


def _is_mean(term: Expr) -> bool:
    """Whether a term is a sum divided by a number of entries."""
    factors = Mul.make_args(term)
    return any(isinstance(f, Contraction) for f in factors) and any(
        f.is_Pow and is_size(f) for f in factors
    )


def in_factors(term: Expr) -> Iterator[Draft]:
    """Mistakes with one factor of a product."""
    for factor in term.args:
        if isinstance(factor, KroneckerDelta):
            said: Said = ("the delta ", factor, " dropped")
            yield Draft("drop a delta", said, partial(Mul, term, 1 / factor))
        elif factor.is_Rational:
            yield from _number(term, factor)
        elif not isinstance(factor, One | Iverson):
            yield from _factor(term, factor)


def _number(term: Expr, number: Rational) -> Iterator[Draft]:
    size = abs(number)
    if size != 1:
        yield Draft("drop a number", ("the factor ", size, " dropped"), lambda: term / size)


def _factor(term: Expr, factor: Expr) -> Iterator[Draft]:
    kind = "number of entries" if is_size(factor) else "factor"
    said: Said = ("the factor ", factor, " dropped")
    yield Draft(f"drop a {kind}", said, lambda: term / factor)
    if is_size(factor):
        twice: Said = ("the factor ", factor, " taken twice")
        yield Draft(f"square a {kind}", twice, lambda: term * factor)
    elif not (factor.is_Pow or is_tensor(factor)):
        yield Draft("square a factor", (factor, " squared"), lambda: term * factor)
    if isinstance(factor, sign):
        return
    below = factor.is_Pow and factor.exp.could_extract_minus_sign()
    over = (1 / factor, " multiplied with in place of divided by")
    under = (factor, " divided by in place of multiplied with")
    yield Draft("invert a factor", over if below else under, lambda: term / factor**2)
    if factor.is_Add:
        yield from _past(term, factor)


def _past(term: Expr, factor: Expr) -> Iterator[Draft]:
    """`a (b + c)` as `a b + c`."""
    others = term / factor
    for alone in factor.args:
        said = (others, " multiplied with ", factor - alone, " alone, not with ", alone)
        build = partial(_split, others, factor - alone, alone)
        yield Draft("move a factor past a term", said, build)


def _split(others: Expr, kept: Expr, alone: Expr) -> Expr:
    return others * kept + alone


def in_power(expr: Pow) -> Iterator[Draft]:
    """A power off by one, a root lost."""
    base, power = expr.base, expr.exp
    if power == S.Half:
        yield Draft("drop a root", ("the root of ", base, " left out"), lambda: base)
    for mistake, new in (("raise a power", power + 1), ("lower a power", power - 1)):
        said = (base, " to the power ", new, " in place of ", power)
        yield Draft(mistake, said, partial(Pow, base, new))


def in_function(expr: Expr) -> Iterator[Draft]:
    """A function left out, or the sign of its argument lost."""
    row = elementary(expr)
    if row is None or len(expr.args) != 1 or isinstance(expr, Pow | Indexed | Symbol):
        return
    (inner,) = expr.args
    said: Said = (f"{row.name} left out of ", expr)
    yield Draft("drop a function", said, lambda: inner)
    said = ("the sign in ", expr, " flipped")
    yield Draft("flip the sign of an argument", said, lambda: expr.func(-inner))
