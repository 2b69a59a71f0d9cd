"""Forms of expressions that neither overflow nor lose digits, found by their algebra.

A sum of exponentials keeps its value when the exponents are lowered and a factor raised by the
same amount: log Σ e^u = m + log Σ e^{u−m}, and e^v/Σ e^u = e^{v−m}/Σ e^{u−m}. With the greatest
exponent for m nothing overflows. A logarithm of such a quotient is a difference, and what is made
of 1 + e^u is a sigmoid or its integral.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from sympy import Add, Expr, Mul, UnevaluatedExpr, exp, log

from derive.codegen.assignment import Assignment
from derive.expressions import (
    Binder,
    Contraction,
    Index,
    Iverson,
    Maximum,
    One,
    broadcast,
    indices_of,
    is_tensor,
    name_of,
    ranging,
    tensors_in,
)
from derive.expressions.kinked import sigmoid, softplus

__all__ = ["Stable"]


class Stable:
    """Rewrites assignments in the order in which they are made.

    Parameters
    ----------
    transparent : the names that stand for an expression, which is written in their place where it
        is a sum of exponentials.
    """

    def __init__(self, transparent: Iterable[str]) -> None:
        self._transparent = frozenset(transparent)
        self._known: dict[str, Assignment] = {}

    def __call__(self, assignments: Iterable[Assignment]) -> Iterator[Assignment]:
        """The assignments with other right-hand sides."""
        for assignment in assignments:
            if type(assignment) is Assignment:
                assignment = replace(assignment, expr=self.rewritten(assignment.expr))
            self._known[assignment.name] = assignment
            yield assignment

    def rewritten(self, expr: Expr) -> Expr:
        """The expression in a form that is safe to compute."""
        if isinstance(expr, Binder):
            indices, body = expr.open()
            return expr.func(self.rewritten(body), *indices)
        if is_tensor(expr):
            return self._seen_through(expr)
        if not expr.args or isinstance(expr, Index | Iverson | One):
            return expr
        expr = expr.func(*map(self.rewritten, expr.args))
        if isinstance(expr, log):
            return self._log(expr.args[0])
        return self._product(expr) if expr.is_Mul or expr.is_Pow else expr

    def _seen_through(self, leaf: Expr) -> Expr:
        """What a short name stands for, where it is a sum of exponentials."""
        name = name_of(leaf)
        if name not in self._transparent or name not in self._known:
            return leaf
        meant = self._meaning(leaf)
        exponentials = isinstance(meant, Contraction) and meant.has(exp)
        return meant if exponentials or isinstance(meant, exp) else leaf

    def _meaning(self, leaf: Expr) -> Expr:
        known = self._known[name_of(leaf)]
        return known.expr.xreplace(dict(zip(known.indices, indices_of(leaf), strict=True)))

    # Logarithms

    def _log(self, value: Expr) -> Expr:
        """The logarithm of a value: a difference where that is a quotient of exponentials."""
        if is_tensor(value) and name_of(value) in self._known:
            meant = self._meaning(value)
            factors = Mul.make_args(meant)
            if any(isinstance(f, exp | sigmoid) for f in factors):
                value = meant
        one_minus = self._complement(value)
        if one_minus is not None:
            return -softplus(one_minus)
        parts = [_logarithm(factor) for factor in Mul.make_args(value)]
        if None in parts:
            return log(value)
        return _sum([part for part in parts if part is not None], ranging(value))

    def _complement(self, value: Expr) -> Expr | None:
        """The u of 1 − sigmoid(u)."""
        rest = _minus_one(value)
        if rest is None:
            return None
        rest = -rest
        if is_tensor(rest) and name_of(rest) in self._known:
            rest = self._meaning(rest)
        return rest.args[0] if isinstance(rest, sigmoid) else None

    # Quotients

    def _product(self, expr: Expr) -> Expr:
        """A product with lowered exponents, and with sigmoids for what they are."""
        factors = [f for f in Mul.make_args(expr) if not isinstance(f, exp)]
        exponents = [f.args[0] for f in Mul.make_args(expr) if isinstance(f, exp)]
        rest: list[Expr] = []
        for factor in factors:
            base, power = factor.as_base_exp()
            one = _one_plus(base)
            lowered_sum = lowered(base, self._known) if exponents and power == -1 else None
            if isinstance(factor, sigmoid) and -factor.args[0] in exponents:
                rest.append(sigmoid(-factor.args[0]))
                exponents = [e for e in exponents if e != -factor.args[0]]
            elif one is not None and power == -1:
                rest.append(sigmoid(one) if one in exponents else sigmoid(-one))
                exponents = [e for e in exponents if e != one]
            elif lowered_sum is not None:
                greatest, total = lowered_sum
                exponents = [_sum([*exponents, -greatest], set())]
                rest.append(1 / total)
            else:
                rest.append(factor)
        if any(exponent.has(Maximum) for exponent in exponents):
            masks = [factor for factor in rest if isinstance(factor, Iverson)]
            rest = [factor for factor in rest if factor not in masks]
            exponents = [_sum([*exponents, *map(_mask, masks)], set())]
        return Mul(*rest, *map(exp, exponents)) if rest != factors else expr


def _mask(comparison: Expr) -> Expr:
    """What is added to an exponent in place of a factor: SymPy would make it a factor again."""
    return UnevaluatedExpr(log(comparison))


def _logarithm(factor: Expr) -> Expr | None:
    """The logarithm of a factor that is known to be positive."""
    base, power = factor.as_base_exp()
    if isinstance(factor, exp):
        exponent = factor.args[0]
        # Large numbers are subtracted first, before what is small is added.
        return UnevaluatedExpr(exponent) if exponent.has(Maximum) else exponent
    if isinstance(base, Contraction):
        found = lowered(base, {})
        if found is not None:
            return power * _sum([found[0], log(found[1])], ranging(base))
    if isinstance(base, sigmoid):
        return -power * softplus(-base.args[0])
    one = _one_plus(base)
    if one is not None:
        return power * softplus(one)
    return power * log(base) if base.is_positive or isinstance(base, Iverson) else None


def lowered(total: Expr, known: Mapping[str, Assignment]) -> tuple[Expr, Expr] | None:
    """The greatest exponent in a sum of exponentials, and the sum with it taken off."""
    if not isinstance(total, Contraction):
        return None
    indices, body = total.open()
    factors = Mul.make_args(body)
    exponents = [f.args[0] for f in factors if isinstance(f, exp)]
    if not exponents or any(_is_lowered(e, known) for e in exponents):
        return None
    others = [f for f in factors if not isinstance(f, exp | Iverson)]
    # What a comparison leaves out must not count as the greatest, nor overflow.
    exponents += [_mask(f) for f in factors if isinstance(f, Iverson)]
    greatest = Maximum(_sum(exponents, set()), *indices)
    exponent = _sum([*exponents, -greatest], set())
    return greatest, Contraction(Mul(*others, exp(exponent)), *indices)


def _is_lowered(exponent: Expr, known: Mapping[str, Assignment]) -> bool:
    """Whether a greatest value was taken off already."""
    if exponent.has(Maximum):
        return True
    names = {name_of(leaf) for leaf in tensors_in(exponent)}
    return any(isinstance(known[n].expr, Maximum) for n in names if n in known)


def _sum(terms: Sequence[Expr], indices: set[Index]) -> Expr:
    """A sum whose terms all carry the same indices."""
    every = set(indices).union(*map(ranging, terms))
    return Add(*(broadcast(term, every) if ranging(term) else term for term in terms))


def _minus_one(value: Expr) -> Expr | None:
    """What a sum has beside the term 1."""
    terms = Add.make_args(value)
    ones = [t for t in terms if t == 1 or isinstance(t, One)]
    if len(terms) != 2 or len(ones) != 1:
        return None
    return Add(*(t for t in terms if t not in ones))


def _one_plus(value: Expr) -> Expr | None:
    """The u of 1 + e^u."""
    rest = _minus_one(value)
    return rest.args[0] if isinstance(rest, exp) else None
