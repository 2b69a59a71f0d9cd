"""Sums as their terms, and what is known of the terms of sums and products."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sympy import Add, Expr, Mul, exp, log

from derive.codegen.kept import Kept
from derive.expressions import Contraction, Iverson, Maximum, One, broadcast, is_tensor, ranging

__all__ = ["gathered", "is_positive", "levelled", "mask", "nonzero", "opened", "summed"]


def summed(terms: Iterable[Expr]) -> Expr:
    """A sum whose terms all carry the same indices."""
    terms = list(terms)
    every = set().union(*map(ranging, terms))
    return Add(*(broadcast(term, every) if ranging(term) else term for term in terms))


def opened(expr: Expr) -> list[Expr]:
    """The terms of a sum without one-tensors, and without marks of what comes first."""
    found: list[Expr] = []
    for term in Add.make_args(expr):
        bare = Mul(*(f for f in Mul.make_args(term) if not isinstance(f, One)))
        factors = Mul.make_args(bare)
        sums = [f for f in factors if _is_marked(f) or (f.is_Add and f.has(Maximum))]
        if not sums:
            found.append(bare)
            continue
        inner = sums[0].args[0] if _is_marked(sums[0]) else sums[0]
        rest = Mul(*(f for f in factors if f != sums[0]))
        found += [part for each in Add.make_args(inner) for part in opened(rest * each)]
    return list(Add.make_args(Add(*found)))


def _is_marked(factor: Expr) -> bool:
    return isinstance(factor, Kept) and not isinstance(factor.args[0], log)


def gathered(factors: Sequence[Expr]) -> Expr:
    """A sum with what its terms have in common as a factor, so that comparisons stay in sight."""
    if len(factors) == 1:
        return factors[0]
    common = [f for f in Mul.make_args(factors[0]) if all(_has(other, f) for other in factors)]
    return Mul(*common, summed(factor / Mul(*common) for factor in factors))


def _has(product: Expr, factor: Expr) -> bool:
    return not factor.is_number and factor in Mul.make_args(product)


def levelled(expr: Expr) -> Expr:
    """A sum in which one-tensors are where terms lack an index."""
    return summed(Add.make_args(expr))


def mask(comparison: Expr) -> Expr:
    """What is added to an exponent in place of a factor: SymPy would make it a factor again."""
    return Kept(log(comparison))


def nonzero(factor: Expr) -> list[Expr]:
    """Where the tensors among factors that may be 0 are not."""
    tensors = (f for f in Mul.make_args(factor) if is_tensor(f) and ranging(f))
    return [Iverson(f, "!=", 0) for f in tensors if not f.is_positive]


def is_positive(value: Expr) -> bool:
    """Whether a value is known to be positive where it is defined."""
    if isinstance(value, Contraction):
        return is_positive(value.body)
    if value.is_Mul or value.is_Add:
        return all(map(is_positive, value.args))
    if value.is_Pow and value.exp.is_real:
        return is_positive(value.base)
    return isinstance(value, exp) or bool(value.is_positive)
