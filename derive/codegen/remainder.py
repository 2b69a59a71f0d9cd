"""What is left of 1 when a share of a whole is taken away, with all its digits.

1 − sigmoid(u) is sigmoid(−u), and 1 − b_T/Σ_j b_j is Σ_j [j ≠ T] b_j/Σ_j b_j.
"""

from __future__ import annotations

from collections.abc import Sequence

from sympy import Add, Expr, Mul, S, exp

from derive.codegen.bounded import instances
from derive.codegen.scaled import Scaled, Term
from derive.expressions import Contraction, Index, Iverson, One, ranging
from derive.expressions.kinked import sigmoid

__all__ = ["remaining"]


def remaining(parts: Sequence[Scaled]) -> list[Scaled]:
    """The terms of a sum, with what is left of 1 for 1 and a share of it."""
    if len(parts) != 2:
        return list(parts)
    for whole, share in (parts, parts[::-1]):
        number = _number(whole)
        if number is not None and len(share.terms) == 1:
            term = share.terms[0]
            found = _rest(Term(-term.factor / number, term.exponent))
            if found is not None:
                return [Scaled((found,)) * Scaled.of(number)]
    return list(parts)


def _number(part: Scaled) -> Expr | None:
    """The value of a part that is the same everywhere."""
    (term, *others) = part.terms
    bare = term.factor.xreplace(dict.fromkeys(term.factor.atoms(One), S.One))
    return bare if not others and term.exponent == 0 and bare.is_Rational else None


def _rest(share: Term) -> Term | None:
    if isinstance(share.factor, sigmoid) and share.exponent == 0:
        return Term(sigmoid(-share.factor.args[0]))
    for factor in Mul.make_args(share.factor):
        base, power = factor.as_base_exp()
        if isinstance(base, Contraction) and power == -1:
            found = _others(share, base)
            if found is not None:
                return found
    return None


def _others(share: Term, total: Contraction) -> Term | None:
    """The other terms of a sum beside one of them."""
    indices, body = total.open(share.factor, share.exponent)
    factors = Mul.make_args(body)
    exponent = Add(*(f.args[0] for f in factors if isinstance(f, exp)))
    exponent = exponent.xreplace(dict.fromkeys(exponent.atoms(One), S.One))
    rest = Mul(*(f for f in factors if not isinstance(f, exp | One)))
    if len(indices) != 1:
        return None
    for place in instances(exponent, share.exponent, indices):
        here = place[indices[0]]
        fixed = not isinstance(here, Index) or here.is_label
        same = rest.xreplace(place) / total == share.factor
        if fixed and same and exponent.xreplace(place) == share.exponent:
            return _left_out(rest, exponent, indices[0], here).times(Term(1 / total))
    return None


def _left_out(rest: Expr, exponent: Expr, index: Index, place: Expr) -> Term:
    """The sum of terms but one, with a greatest exponent of its own."""
    moving = [part for part in Add.make_args(exponent) if index in ranging(part)]
    fixed = Add(exponent, *(-part for part in moving))
    body = Scaled((Term(rest * Iverson(index, "!=", place), Add(*moving)),))
    (term,) = body.summed_over([index]).terms
    return Term(term.factor, term.exponent + fixed)
