"""Roots of sums of squares, of which no square overflows or vanishes.

With M the greatest |u_i|, or 1 where that is 0,

    √(u_i u_i) = M √((u_i/M)(u_i/M)).

The squares on the right are at most 1, and one of them is 1. A product is divided by one norm after
the other, x_i/n² as (x_i/n)/n, and x_i y_i/(n m) is (x_i/n)(y_i/m), so that nothing on the way is
much larger or smaller than what comes out.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from sympy import Abs, Add, Expr, Mul, Pow, S, log, sqrt

from derive.codegen.assignment import Assignment
from derive.codegen.bounded import instances
from derive.codegen.kept import Kept
from derive.codegen.sums import summed
from derive.expressions import (
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
)
from derive.expressions.kinked import maximum

__all__ = ["Norms"]


@dataclass(frozen=True)
class _Norm:
    """The root of the sum of the squares of `parts`, over indices where there are some."""

    indices: tuple[Index, ...]
    parts: tuple[Expr, ...]

    @property
    def value(self) -> Expr:
        """The norm as it is computed."""
        if self.indices:
            (part,) = self.parts
            scale = _not_zero(Maximum(Abs(part), *self.indices))
            total = Contraction(Kept(part / scale) ** 2, *self.indices)
        else:
            first, second = self.parts
            scale = _not_zero(maximum(Abs(first), Abs(second)))
            total = summed([Kept(first / scale) ** 2, Kept(second / scale) ** 2])
        return scale * sqrt(total)


def _not_zero(greatest: Expr) -> Expr:
    """What a greatest absolute value is, or 1 where that is 0."""
    return Kept(greatest + Iverson(greatest, "=", 0))


class Norms:
    """Rewrites assignments, and remembers which names are norms."""

    def __init__(self) -> None:
        self._named: dict[str, tuple[tuple[Index, ...], _Norm]] = {}

    def __call__(self, assignment: Assignment) -> Assignment:
        """The assignment with norms that are safe to compute."""
        expr = assignment.expr
        norm = _norm(expr.base) if expr.is_Pow and expr.exp == S.Half else None
        if norm is not None:
            self._named[assignment.name] = (assignment.indices, norm)
        value = self._rewritten(expr)
        value = value.args[0] if isinstance(value, Kept) else value
        return replace(assignment, expr=broadcast(value, ranging(expr)))

    def _rewritten(self, expr: Expr) -> Expr:
        if is_tensor(expr) or not expr.args or isinstance(expr, Index | Iverson | One):
            return expr
        if isinstance(expr, Contraction):
            indices, body = expr.open()
            return Contraction(self._rewritten(body), *indices)
        if expr.is_Mul or expr.is_Pow:
            return self._product(expr)
        if isinstance(expr, log):
            norm = _norm(expr.args[0])
            if norm is not None:
                return 2 * log(norm.value)
        return expr.func(*(self._rewritten(a) if isinstance(a, Expr) else a for a in expr.args))

    def _product(self, expr: Expr) -> Expr:
        """A product: what is divided by norms is divided by one after the other."""
        above: list[Expr] = []
        below: list[tuple[Expr, _Norm]] = []
        for factor in Mul.make_args(expr):
            base, power = factor.as_base_exp()
            norm, half = self._norm_in(base)
            count = power * half
            if norm is None or not count.is_Integer or (count > 0 and half == 1):
                inner = [self._rewritten(base), self._rewritten(power)]
                above.append(Pow(*inner) if factor.is_Pow else self._rewritten_args(factor))
            elif count > 0:
                above += [Kept(norm.value)] * (count % 2) + [self._rewritten(base)] * (count // 2)
            else:
                value = base if half == 1 else Kept(norm.value)
                below += [(value, norm)] * int(-count)
        return _divided(above, below)

    def _rewritten_args(self, expr: Expr) -> Expr:
        return expr if expr.is_Mul else self._rewritten(expr)

    def _norm_in(self, base: Expr) -> tuple[_Norm | None, int]:
        """The norm that a factor is a power of, and twice which power: 1 for its name."""
        if is_tensor(base) and name_of(base) in self._named:
            indices, norm = self._named[name_of(base)]
            return _at(norm, dict(zip(indices, indices_of(base), strict=True))), 1
        return _norm(base), 2


def _at(norm: _Norm, rule: dict[Expr, Expr]) -> _Norm:
    return _Norm(norm.indices, tuple(part.xreplace(rule) for part in norm.parts))


def _norm(total: Expr) -> _Norm | None:
    """What a sum of squares is the squared norm of."""
    if isinstance(total, Contraction):
        indices, body = total.open()
        root = _root(body)
        return None if root is None else _Norm(tuple(indices), (root,))
    parts = [_root(term) for term in Add.make_args(total)]
    if len(parts) != 2 or parts[0] is None or parts[1] is None:
        return None
    return _Norm((), (parts[0], parts[1]))


def _root(square: Expr) -> Expr | None:
    """The u of u²."""
    factors = [f for f in Mul.make_args(square) if not isinstance(f, One)]
    if not factors or not all(f.is_Pow and f.exp == 2 for f in factors):
        return None
    return Mul(*(f.base for f in factors))


def _divided(above: list[Expr], below: list[tuple[Expr, _Norm]]) -> Expr:
    """A product divided by norms, none of which is multiplied by another."""
    rest = Mul(*above)
    left: list[Expr] = []
    for value, norm in below:
        inner = _inside(rest, value, norm)
        if inner is None:
            left.append(value)
        else:
            rest = inner
    for value in left[:-1]:
        rest = Kept(rest / value)
    return rest / left[-1] if left else rest


def _inside(product: Expr, value: Expr, norm: _Norm) -> Expr | None:
    """A product with a sum in it whose terms are divided by a norm of one of their factors."""
    if not norm.indices:
        return None
    for factor in Mul.make_args(product):
        if not isinstance(factor, Contraction):
            continue
        indices, body = factor.open(value, *norm.parts)
        for one in _factors_of(norm, body, indices):
            scaled = Contraction(body / one * Kept(one / value), *indices)
            return product / factor * scaled
    return None


def _factors_of(norm: _Norm, body: Expr, indices: list[Index]) -> Iterator[Expr]:
    """The factors of a body that a norm is one of, where it is a product with others."""
    (part,) = norm.parts
    for factor in Mul.make_args(body):
        for place in instances(part, factor, list(norm.indices)):
            if part.xreplace(place) == factor and set(place.values()) <= set(indices):
                yield factor
