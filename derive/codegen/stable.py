"""Forms of expressions that neither overflow nor lose digits, found by their algebra.

Each definition is remembered as a sum of terms c·e^m (`scaled.py`). Where the value of a name may
be far from what numbers can hold, and where it is inverted or its logarithm is taken, its terms
stand in for it, so that exponents meet before any exponential is computed, across as many
definitions as the author chose to write.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import reduce
from math import prod

from sympy import Add, Expr, KroneckerDelta, Mul, Pow, S, cosh, exp, log, sinh

from derive.codegen.assignment import Assignment
from derive.codegen.bounded import instances, is_bounded
from derive.codegen.limits import vanishing
from derive.codegen.logarithms import grouped, is_logarithm, without_one
from derive.codegen.norms import Norms
from derive.codegen.remainder import remaining
from derive.codegen.scaled import MOST_TERMS, Scaled, Term
from derive.codegen.sums import opened, summed
from derive.expressions import (
    Binder,
    Contraction,
    Index,
    Iverson,
    One,
    broadcast,
    indices_of,
    is_computed,
    is_tensor,
    name_of,
    ranging,
)
from derive.expressions.kinked import log1p, sigmoid, softplus

__all__ = ["Stable"]

# How far a value is seen through: names and differences as they are; names for what they stand for,
# where exponents meet in a product; differences as well, where small values count.
SHOWN, MET, INVERTED = range(3)


@dataclass(frozen=True)
class _Known:
    """What is known of a name: the assignment, and its value as a sum of exponentials."""

    assignment: Assignment
    form: Scaled
    is_wild: bool

    def rule(self, leaf: Expr) -> dict[Expr, Expr]:
        """What stands for the indices of the assignment in a use of the name."""
        return dict(zip(self.assignment.indices, indices_of(leaf), strict=True))


class Stable:
    """Rewrites assignments in the order in which they are made."""

    def __init__(self) -> None:
        self._known: dict[str, _Known] = {}
        self._norms = Norms()

    def __call__(self, assignments: Iterable[Assignment]) -> Iterator[Assignment]:
        """The assignments with other right-hand sides."""
        for assignment in assignments:
            if type(assignment) is Assignment:
                form, inner = (self._form(assignment.expr, depth) for depth in (SHOWN, INVERTED))
                value = broadcast(self._value(form), ranging(assignment.expr))
                assignment = replace(assignment, expr=value)
                known = _Known(assignment, inner, self._is_wild(form))
                self._known[assignment.name] = known
                assignment = self._norms(replace(assignment, expr=vanishing(value)))
            yield assignment

    def rewritten(self, expr: Expr) -> Expr:
        """The expression in a form that is safe to compute."""
        return self._value(self._form(expr))

    # From expressions to sums of exponentials

    def _form(self, expr: Expr, depth: int = SHOWN) -> Scaled:
        """The value of an expression, seen through to a depth."""
        if is_tensor(expr):
            return self._named(expr, depth)
        if not expr.args or isinstance(expr, Index | Iverson | One | KroneckerDelta):
            return Scaled.of(expr)
        if isinstance(expr, Contraction):
            return self._contraction(expr, depth)
        if isinstance(expr, Binder):
            indices, body = expr.open()
            return Scaled.of(expr.func(self.rewritten(body), *indices))
        if expr.is_Mul:
            return self._product(expr, depth)
        if expr.is_Add:
            return self._sum(expr, depth)
        if expr.is_Pow:
            return self._power(expr, depth)
        return self._function(expr, depth)

    def _contraction(self, expr: Contraction, depth: int) -> Scaled:
        indices, body = expr.open()
        ones = {One(index) for index in indices}
        bare = Mul(*(f for f in Mul.make_args(body) if f not in ones))
        # The sum puts back what the notation needs.
        body = bare if ranging(bare) >= set(indices) else body
        if depth == MET:
            # Beside others a sum that is not too large itself stays as it is.
            form = self._form(body)
            if not self._is_wild(form):
                return Scaled.of(Contraction(self._value(form), *indices))
        return self._form(body, depth).summed_over(indices)

    def _named(self, leaf: Expr, depth: int) -> Scaled:
        known = self._known.get(name_of(leaf))
        # Outside its axis an entry is 0, which what it is made of is not.
        if known is None or any(map(is_computed, indices_of(leaf))):
            return Scaled.of(leaf)
        if known.is_wild or (depth and known.form.is_exponential):
            return replace(known.form.xreplace(known.rule(leaf)), plain=leaf)
        return Scaled.of(leaf)

    def _function(self, expr: Expr, depth: int) -> Scaled:
        if isinstance(expr, exp):
            return Scaled((_exponential(self._linear(self.rewritten(expr.args[0]))),))
        if isinstance(expr, log):
            return Scaled.of(self._log(expr.args[0]))
        value = expr.func(*(self.rewritten(a) if isinstance(a, Expr) else a for a in expr.args))
        if depth and isinstance(expr, cosh | sinh):
            sign = 1 if isinstance(expr, cosh) else -1
            u = value.args[0]
            return Scaled((Term(S.Half, u), Term(S.Half * sign, -u)), value)
        return Scaled.of(value)

    def _product(self, expr: Expr, depth: int) -> Scaled:
        parts = [self._form(factor, depth) for factor in expr.args]
        if depth == SHOWN and any(map(self._is_wild, parts)):
            return self._met(expr)
        exponential = [part for part in parts if part.is_exponential]
        rest = Mul(*(part.value for part in parts if part not in exponential))
        if not exponential:
            return Scaled.of(rest)
        whole = Mul(rest, *map(self._value, exponential))
        if prod(len(part.terms) for part in exponential) > MOST_TERMS:
            return Scaled.of(whole)
        found = reduce(Scaled.__mul__, [*exponential, Scaled.of(rest)])
        return replace(found, plain=whole if depth == SHOWN else None)

    def _met(self, expr: Expr) -> Scaled:
        """A product whose exponents meet; sums that are not too large stay if others suffice."""
        sums = [f for f in expr.args if len(self._form(f).terms) > 1 or f.is_Add]
        sums = [f for f in sums if not self._is_wild(self._form(f))]
        if sums:
            # What is left may be one factor, which is no product.
            found = self._form(Mul(*(f for f in expr.args if f not in sums)), MET)
            if not self._is_wild(found):
                return found * Scaled.of(Mul(*map(self.rewritten, sums)))
        return self._product(expr, MET)

    def _sum(self, expr: Expr, depth: int) -> Scaled:
        parts = [self._form(term, depth) for term in expr.args]
        whole = summed(map(self._value, parts))
        if not any(part.is_exponential for part in parts):
            return Scaled.of(self._linear(whole))
        if depth == INVERTED:
            parts = remaining(parts)
        found = reduce(Scaled.__add__, parts)
        return replace(found, plain=found.difference() or whole)

    def _power(self, expr: Expr, depth: int) -> Scaled:
        base, power = expr.args
        inverse = bool(power.could_extract_minus_sign())
        form = self._form(base, INVERTED if inverse else depth)
        if not power.is_number or not form.is_exponential:
            return Scaled.of(Pow(self._value(form), self.rewritten(power)))
        return form.power(power)

    def _log(self, value: Expr) -> Expr:
        found = self._form(value, INVERTED).logarithm()
        if found is not None:
            return broadcast(found, ranging(value))
        plain = self.rewritten(value)
        rest = without_one(plain)
        return log(plain) if rest is None else log1p(rest)

    def _linear(self, value: Expr) -> Expr:
        """A sum with logarithms in place of their names, so that large numbers meet first."""
        return grouped(summed(map(self._written_out, Add.make_args(value))))

    def _written_out(self, term: Expr) -> Expr:
        """A term that is the name of a logarithm, or a multiple of it, written out."""
        number, leaf = term.as_coeff_Mul()
        known = self._known.get(name_of(leaf)) if is_tensor(leaf) else None
        if known is None or any(map(is_computed, indices_of(leaf))):
            return term
        value = known.assignment.expr
        return number * value.xreplace(known.rule(leaf)) if is_logarithm(value) else term

    # Back to expressions

    def _value(self, form: Scaled) -> Expr:
        """The sum as an expression, with names for exponentials that have some."""
        if form.plain is not None:
            return form.plain
        return Scaled(tuple(map(self._folded, form.terms))).value

    def _folded(self, term: Term) -> Term:
        """A term with names in place of its exponentials."""
        while term.exponent != 0:
            found = next(self._foldings(term), None)
            if found is None:
                break
            term = found
        return term

    def _foldings(self, term: Term) -> Iterator[Term]:
        """The term written with one name more, such that no more is left of the exponent."""
        for known in self._known.values():
            terms = known.form.terms
            if len(terms) == 1 and terms[0].exponent != 0:
                indices = list(known.assignment.indices)
                for place in instances(terms[0].exponent, term.exponent, indices):
                    found = _divided(term, terms[0], known.assignment.target, place)
                    if found is None or not is_bounded(found):
                        continue
                    # Beside a weight 0 a value that is too large must not come in.
                    if not known.is_wild or (found.exponent == 0 and not is_bounded(term)):
                        yield found

    def _is_wild(self, form: Scaled) -> bool:
        """Whether the value may be too large for a number."""
        return any(not is_bounded(term) for term in form.terms)


def _divided(term: Term, named: Term, target: Expr, place: dict[Expr, Expr]) -> Term | None:
    """A term by means of a name whose exponent is part of its own; nothing is divided by."""
    exponent = term.exponent - named.exponent.xreplace(place)
    if exponent != 0 and len(Add.make_args(exponent)) >= len(Add.make_args(term.exponent)):
        return None
    quotient = term.factor / named.factor.xreplace(place)
    if _divisors(quotient) - _divisors(term.factor):
        return None
    return Term(quotient * target.xreplace(place), exponent)


def _divisors(factor: Expr) -> set[Expr]:
    powers = (f.as_base_exp() for f in Mul.make_args(factor))
    return {base for base, power in powers if power.could_extract_minus_sign()}


def _exponential(exponent: Expr) -> Term:
    """e to an exponent, e^{k log v} being v^k."""
    factors, rest = [], []
    for part in opened(exponent):
        number, inner = part.as_coeff_Mul()
        if isinstance(inner, log) and not isinstance(inner.args[0], Iverson):
            factors.append(inner.args[0] ** number)
        elif isinstance(inner, log1p):
            factors.append((1 + inner.args[0]) ** number)
        elif isinstance(inner, softplus) and number.is_Integer:
            factors.append(sigmoid(-inner.args[0]) ** -number)
        else:
            rest.append(part)
    carried = set().union(*map(ranging, (*rest, *factors)))
    factors += [One(index) for index in ranging(exponent) - carried]
    return Term(Mul(*factors), Add(*rest)).reduced()
