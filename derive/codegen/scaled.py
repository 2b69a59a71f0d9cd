"""Sums of products with exponentials, kept apart from their exponents.

A value is Σ c·e^m, with the exponents m in sight. Exponents that meet in a product are added before
any exponential is computed, so that e^x/e^y never becomes ∞/∞. Where such a sum is inverted or its
logarithm is taken, the greatest exponent is taken out first:

    log Σ c e^m = M + log Σ c e^{m−M}        (Σ c e^m)^p = e^{pM} (Σ c e^{m−M})^p

What is left is at most 1 and at least once 1. Sums of two terms need no greatest exponent:
e^a + e^b = e^a/sigmoid(a − b), and e^a − e^b = e^M · ±(1 − e^{−|a−b|}).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import permutations
from itertools import product as pairs

from sympy import Abs, Add, Expr, KroneckerDelta, Mul, Pow, S, exp, log, sign

from derive.codegen.greatest import one_greatest, weights_in
from derive.codegen.kept import Kept
from derive.codegen.sigmoids import has_sigmoid, hyperbolic, joined, remainder
from derive.codegen.sums import gathered, is_positive, levelled, mask, nonzero, summed
from derive.expressions import (
    Contraction,
    Index,
    Iverson,
    Maximum,
    One,
    broadcast,
    name_of,
    ranging,
    tensors_in,
)
from derive.expressions.kinked import expm1, maximum, sigmoid, softplus

__all__ = ["MOST_TERMS", "Scaled", "Term"]

# Products of sums with more terms than this are left as products.
MOST_TERMS = 24


@dataclass(frozen=True)
class Term:
    """`factor · e^exponent`."""

    factor: Expr
    exponent: Expr = S.Zero

    def times(self, other: Term) -> Term:
        return Term(self.factor * other.factor, self.exponent + other.exponent).reduced()

    def reduced(self) -> Term:
        """The same term, its exponent as short as deltas, greatest values and sigmoids allow."""
        if self.exponent == 0:
            return self
        term = self._picked()
        term = Term(*one_greatest(term.factor, term.exponent))
        return term if term.exponent == 0 else Term(*joined(term.factor, term.exponent))

    def _picked(self) -> Term:
        """With i = T in the exponent beside δ_iT."""
        factors = Mul.make_args(self.factor)
        term = self
        for delta in (f for f in factors if isinstance(f, KroneckerDelta)):
            index, place = _index_and_place(delta)
            if index is not None:
                rest = Mul(*(f for f in Mul.make_args(term.factor) if f != delta))
                rule = {index: place}
                term = Term(delta * rest.xreplace(rule), term.exponent.xreplace(rule))
        return term

    @property
    def masks(self) -> list[Expr]:
        """The comparisons among the factors."""
        return [f for f in Mul.make_args(self.factor) if isinstance(f, Iverson)]

    @property
    def value(self) -> Expr:
        """The term as an expression; where a comparison fails nothing overflows."""
        if self.exponent == 0:
            return self.factor
        rest = Mul(*(f for f in Mul.make_args(self.factor) if not isinstance(f, Iverson)))
        # What was left out where the greatest exponent was looked for may be greater.
        left_out = {name_of(leaf) for m in self.exponent.atoms(Maximum) for leaf in weights_in(m)}
        weights = [w for w in nonzero(rest) if {name_of(t) for t in tensors_in(w)} <= left_out]
        return rest * exp(levelled(Add(self.exponent, *map(mask, (*self.masks, *weights)))))


def _without_shares(terms: list[Term]) -> list[Term]:
    """With what is left of a whole in place of the whole and a share of it."""
    for whole, share in permutations(terms, 2):
        if whole.exponent == share.exponent:
            factor = remainder(whole.factor, share.factor)
            if factor is not None:
                rest = [term for term in terms if term not in (whole, share)]
                return _without_shares([*rest, Term(factor, whole.exponent).reduced()])
    return terms


@dataclass(frozen=True)
class Scaled:
    """The sum of terms; `plain` is the same value as it was written, where it may stay so."""

    terms: tuple[Term, ...]
    plain: Expr | None = None

    @classmethod
    def of(cls, expr: Expr) -> Scaled:
        """A value whose exponentials, if it has some, are its own affair."""
        return cls((Term(expr),), expr)

    @property
    def is_exponential(self) -> bool:
        """Whether it may be far too large or small for a number, though what it is for is not."""
        return any(t.exponent != 0 or has_sigmoid(t.factor) for t in self.terms)

    @property
    def value(self) -> Expr:
        """The sum as an expression."""
        if self.plain is not None:
            return self.plain
        return self.difference() or gathered([term.value for term in self.terms])

    def difference(self) -> Expr | None:
        """A difference of exponentials, or of sigmoids, by the function made for it."""
        if all(term.exponent == 0 for term in self.terms):
            return hyperbolic(summed(term.factor for term in self.terms))
        first, second = self.terms if len(self.terms) == 2 else (None, None)
        if first is None or second is None or first.factor != -second.factor:
            return None
        for this, other in ((first, second), (second, first)):
            if other.exponent == 0:
                # Where a comparison fails the exponent is 0.
                exponent = Mul(levelled(this.exponent), *this.masks)
                return this.factor * expm1(exponent)
        return None

    def xreplace(self, rule: dict[Expr, Expr]) -> Scaled:
        """The same sum with other letters."""
        terms = tuple(Term(t.factor.xreplace(rule), t.exponent.xreplace(rule)) for t in self.terms)
        return Scaled(terms, None if self.plain is None else self.plain.xreplace(rule))

    def __add__(self, other: Scaled) -> Scaled:
        # Terms with sigmoids stay apart, since exponents may meet each in another way.
        apart = [t for t in (*self.terms, *other.terms) if has_sigmoid(t.factor)]
        found: dict[Expr, list[Expr]] = {}
        for term in (*self.terms, *other.terms):
            if term not in apart:
                found.setdefault(term.exponent, []).append(term.factor)
        terms = [*apart, *(Term(gathered(factors), m) for m, factors in found.items())]
        terms = _without_shares([t for t in terms if t.factor != 0])
        return Scaled(tuple(terms) or (Term(S.Zero),))

    def __mul__(self, other: Scaled) -> Scaled:
        every = [one.times(another) for one, another in pairs(self.terms, other.terms)]
        return reduce(Scaled.__add__, (Scaled((term,)) for term in every))

    def power(self, exponent: Expr) -> Scaled:
        """The sum to the power of a number."""
        (first, *others) = self.terms
        if others and exponent.is_Integer and 0 < exponent <= 3:
            return reduce(Scaled.__mul__, [self] * int(exponent))
        if others:
            first = self.single()
        return Scaled((Term(Pow(first.factor, exponent), exponent * first.exponent).reduced(),))

    def single(self) -> Term:
        """The sum as one term."""
        if len(self.terms) == 1:
            return self.terms[0]
        if len(self.terms) == 2:
            first, second = sorted(self.terms, key=lambda t: t.exponent != 0)
            apart = first.exponent - second.exponent
            if first.factor == second.factor:
                return Term(first.factor / sigmoid(apart), first.exponent)
            if first.factor == -second.factor:
                smaller = -expm1(-Abs(levelled(apart))) * sign(levelled(apart))
                return Term(first.factor * smaller, _greatest(self.terms))
        shift = _greatest(self.terms)
        rest = (Term(t.factor, t.exponent - shift).reduced().value for t in self.terms)
        return Term(summed(rest), shift)

    def logarithm(self) -> Expr | None:
        """The logarithm, None where it is best taken of the value."""
        if len(self.terms) == 1:
            return _logarithm(self.terms[0])
        if len(self.terms) == 2:
            first, second = sorted(self.terms, key=lambda t: t.exponent != 0)
            if first.factor == second.factor and is_positive(first.factor):
                soft = softplus(levelled(second.exponent - first.exponent))
                return summed([first.exponent, _log_of(first.factor), soft])
        return _logarithm(self.single())

    def summed_over(self, indices: Sequence[Index]) -> Scaled:
        """The sum over indices; where exponents run with them the greatest is taken out."""
        whole = Contraction(self.value, *indices)
        if all(_is_lowered(t, indices) for t in self.terms):
            return Scaled.of(whole)
        found = reduce(Scaled.__add__, (Scaled((_over(term, indices),)) for term in self.terms))
        return Scaled(found.terms, whole)


def _index_and_place(delta: Expr) -> tuple[Index | None, Expr]:
    """The index that a delta fixes, and where."""
    for index, place in (delta.args, delta.args[::-1]):
        if isinstance(index, Index) and not index.is_label:
            return index, place
    return None, S.Zero


def _over(term: Term, indices: Sequence[Index]) -> Term:
    """The sum of a term over indices."""
    bound = set(indices)
    moving: list[Expr] = []
    fixed: list[Expr] = []
    for part in Add.make_args(term.exponent):
        (moving if ranging(part) & bound else fixed).append(part)
    if not moving:
        return Term(Contraction(term.factor, *indices), term.exponent)
    greatest = _greatest_in(term, Add(*moving), indices)
    lowered = Term(term.factor, Add(*moving) - greatest)
    return Term(Contraction(lowered.value, *indices), Add(*fixed) + greatest)


def _greatest_in(term: Term, exponent: Expr, indices: Sequence[Index]) -> Expr:
    """The greatest exponent; what a comparison, or a weight 0, leaves out must not count."""
    weights = [w for w in nonzero(term.factor) if ranging(w) & set(indices)]
    return Maximum(levelled(Add(exponent, *map(mask, (*term.masks, *weights)))), *indices)


def _is_lowered(term: Term, indices: Sequence[Index]) -> bool:
    """Whether an exponent does not run with the indices, or has its greatest value taken off."""
    if not ranging(term.exponent) & set(indices):
        return term.exponent == 0
    return term.exponent.has(Maximum)


def _greatest(terms: Iterable[Term]) -> Expr:
    """The greatest of the exponents, as a function of them."""
    exponents = list(dict.fromkeys(term.exponent for term in terms))
    every = set().union(*map(ranging, exponents))
    spread = [broadcast(e, every) if ranging(e) else e for e in exponents]
    return reduce(maximum, spread)


# Logarithms ---------------------------------------------------------------------------------


def _logarithm(term: Term) -> Expr | None:
    """The logarithm of a term: the exponent, and the logarithms of its positive factors."""
    factors = [f for f in Mul.make_args(term.factor) if not isinstance(f, One)]
    exponent = term.exponent
    if exponent == 0 and not any(map(has_sigmoid, factors)):
        return None
    unknown = [f for f in factors if not is_positive(f)]
    parts = [_log_of(factor) for factor in factors if factor not in unknown]
    parts += [log(Mul(*unknown))] if unknown else []
    # Large numbers are subtracted first, before what is small is added.
    large = Kept(levelled(exponent)) if exponent.has(Maximum) else exponent
    return summed([large, *parts])


def _log_of(factor: Expr) -> Expr:
    """The logarithm of a positive factor."""
    base, power = factor.as_base_exp()
    return -power * softplus(-base.args[0]) if isinstance(base, sigmoid) else power * log(base)
