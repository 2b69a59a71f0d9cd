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
from itertools import product as pairs

from sympy import Abs, Add, Expr, KroneckerDelta, Mul, Pow, S, UnevaluatedExpr, exp, log, sign, tanh

from derive.expressions import (
    Contraction,
    Index,
    Iverson,
    Maximum,
    One,
    broadcast,
    ranging,
)
from derive.expressions.kinked import expm1, maximum, sigmoid, softplus

__all__ = ["Scaled", "Term", "greatest_in", "has_sigmoid", "mask", "opened", "summed"]

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
        """The same term, its exponent as short as deltas and sigmoids allow."""
        term = self if self.exponent == 0 else self._picked()
        return term if term.exponent == 0 else _joined(term)

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
        return rest * exp(levelled_sum(Add(self.exponent, *map(mask, self.masks))))


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
        return self.difference() or _gathered([term.value for term in self.terms])

    def difference(self) -> Expr | None:
        """A difference of exponentials, or of sigmoids, by the function made for it."""
        if all(term.exponent == 0 for term in self.terms):
            return _hyperbolic(summed(term.factor for term in self.terms))
        first, second = self.terms if len(self.terms) == 2 else (None, None)
        if first is None or second is None or first.factor != -second.factor:
            return None
        for this, other in ((first, second), (second, first)):
            if other.exponent == 0:
                # Where a comparison fails the exponent is 0.
                exponent = Mul(levelled_sum(this.exponent), *this.masks)
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
        terms = [*apart, *(Term(_gathered(factors), m) for m, factors in found.items())]
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
                smaller = -expm1(-Abs(levelled_sum(apart))) * sign(levelled_sum(apart))
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
            if first.factor == second.factor and _is_positive(first.factor):
                soft = softplus(levelled_sum(second.exponent - first.exponent))
                return summed([first.exponent, _log_of(first.factor), soft])
        return _logarithm(self.single())

    def summed_over(self, indices: Sequence[Index]) -> Scaled:
        """The sum over indices; where exponents run with them the greatest is taken out."""
        whole = Contraction(self.value, *indices)
        if all(_is_lowered(t, indices) for t in self.terms):
            return Scaled.of(whole)
        found = reduce(Scaled.__add__, (Scaled((_over(term, indices),)) for term in self.terms))
        return Scaled(found.terms, whole)


def has_sigmoid(factor: Expr) -> bool:
    """Whether one of the factors is a sigmoid, or a power of one."""
    return any(isinstance(f.as_base_exp()[0], sigmoid) for f in Mul.make_args(factor))


def _index_and_place(delta: Expr) -> tuple[Index | None, Expr]:
    """The index that a delta fixes, and where."""
    for index, place in (delta.args, delta.args[::-1]):
        if isinstance(index, Index) and not index.is_label:
            return index, place
    return None, S.Zero


# Sums ---------------------------------------------------------------------------------------


def mask(comparison: Expr) -> Expr:
    """What is added to an exponent in place of a factor: SymPy would make it a factor again."""
    return UnevaluatedExpr(log(comparison))


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
    return isinstance(factor, UnevaluatedExpr) and not isinstance(factor.args[0], log)


def _gathered(factors: Sequence[Expr]) -> Expr:
    """A sum with what its terms have in common as a factor, so that comparisons stay in sight."""
    if len(factors) == 1:
        return factors[0]
    common = [f for f in Mul.make_args(factors[0]) if all(_has(other, f) for other in factors)]
    return Mul(*common, summed(factor / Mul(*common) for factor in factors))


def _has(product: Expr, factor: Expr) -> bool:
    return not factor.is_number and factor in Mul.make_args(product)


def levelled_sum(expr: Expr) -> Expr:
    """A sum in which one-tensors are where terms lack an index."""
    return summed(Add.make_args(expr))


def _over(term: Term, indices: Sequence[Index]) -> Term:
    """The sum of a term over indices."""
    bound = set(indices)
    moving: list[Expr] = []
    fixed: list[Expr] = []
    for part in Add.make_args(term.exponent):
        (moving if ranging(part) & bound else fixed).append(part)
    if not moving:
        return Term(Contraction(term.factor, *indices), term.exponent)
    greatest = greatest_in(term.factor, Add(*moving), indices)
    lowered = Term(term.factor, Add(*moving) - greatest)
    return Term(Contraction(lowered.value, *indices), Add(*fixed) + greatest)


def greatest_in(factor: Expr, exponent: Expr, indices: Sequence[Index]) -> Expr:
    """The greatest exponent; what a comparison leaves out must not count, nor overflow."""
    masks = [f for f in Mul.make_args(factor) if isinstance(f, Iverson)]
    return Maximum(levelled_sum(Add(exponent, *map(mask, masks))), *indices)


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


def _hyperbolic(total: Expr) -> Expr | None:
    """sigmoid(u) − sigmoid(−u) and 2 sigmoid(u) − 1, which are tanh(u/2)."""
    terms = Add.make_args(total)
    if len(terms) != 2:
        return None
    for first, second in (terms, terms[::-1]):
        found = [f for f in Mul.make_args(first) if isinstance(f, sigmoid)]
        if len(found) == 1:
            (u,) = found[0].args
            rest = first / found[0]
            if second == -rest * sigmoid(-u):
                return rest * tanh(u / 2)
            if second == -rest / 2:
                return rest / 2 * tanh(u / 2)
    return None


def _without_shares(terms: list[Term]) -> list[Term]:
    """With c sigmoid(−u) in place of c − c sigmoid(u)."""
    for share in terms:
        for whole in terms:
            if whole is share or whole.exponent != share.exponent:
                continue
            for f in Mul.make_args(share.factor):
                if isinstance(f, sigmoid) and _cancel(share.factor / f, whole.factor):
                    rest = [t for t in terms if t is not share and t is not whole]
                    both = Term(whole.factor * sigmoid(-f.args[0]), whole.exponent)
                    return _without_shares([*rest, both.reduced()])
    return terms


def _cancel(one: Expr, other: Expr) -> bool:
    """Whether two factors are opposite to each other."""
    return one.free_symbols == other.free_symbols and (one + other).expand() == 0


# Products with sigmoids ---------------------------------------------------------------------


def _joined(term: Term) -> Term:
    """With e^u = sigmoid(u)/sigmoid(−u) in place where the sigmoids are."""
    powers: dict[Expr, Expr] = {}
    rest: list[Expr] = []
    for factor in Mul.make_args(term.factor):
        base, power = factor.as_base_exp()
        if isinstance(base, sigmoid) and power.is_Integer:
            powers[base.args[0]] = power
        else:
            rest.append(factor)
    exponent = term.exponent
    for u in list(powers):
        count = _multiple(exponent, u)
        # No power of the two may become negative.
        low, high = -max(powers.get(u, 0), 0), max(powers.get(-u, 0), 0)
        taken = min(max(count, low), high)
        if taken:
            powers[u] = powers.get(u, S.Zero) + taken
            powers[-u] = powers.get(-u, S.Zero) - taken
            exponent -= taken * u
    return Term(Mul(*rest, *(sigmoid(u) ** power for u, power in powers.items())), exponent)


def _multiple(exponent: Expr, u: Expr) -> int:
    """The whole number of times that an exponent contains u."""
    here, there = exponent.as_coefficients_dict(), u.as_coefficients_dict()
    ratios = {here.get(part, S.Zero) / factor for part, factor in there.items()}
    (ratio,) = ratios if len(ratios) == 1 else (S.Zero,)
    return int(ratio) if ratio.is_Integer else 0


# Logarithms ---------------------------------------------------------------------------------


def _logarithm(term: Term) -> Expr | None:
    """The logarithm of a term: the exponent, and the logarithms of its positive factors."""
    factors = [f for f in Mul.make_args(term.factor) if not isinstance(f, One)]
    exponent = term.exponent
    if exponent == 0 and not any(map(has_sigmoid, factors)):
        return None
    unknown = [f for f in factors if not _is_positive(f)]
    parts = [_log_of(factor) for factor in factors if factor not in unknown]
    parts += [log(Mul(*unknown))] if unknown else []
    # Large numbers are subtracted first, before what is small is added.
    large = UnevaluatedExpr(levelled_sum(exponent)) if exponent.has(Maximum) else exponent
    return summed([large, *parts])


def _log_of(factor: Expr) -> Expr:
    """The logarithm of a positive factor."""
    base, power = factor.as_base_exp()
    return -power * softplus(-base.args[0]) if isinstance(base, sigmoid) else power * log(base)


def _is_positive(value: Expr) -> bool:
    """Whether a value is known to be positive where it is defined."""
    if isinstance(value, Contraction):
        return _is_positive(value.body)
    if value.is_Mul or value.is_Add:
        return all(map(_is_positive, value.args))
    if value.is_Pow and value.exp.is_real:
        return _is_positive(value.base)
    return isinstance(value, exp) or bool(value.is_positive)
