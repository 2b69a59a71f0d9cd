"""Arithmetic, comparisons and functions of values modulo a prime."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import reduce

import numpy as np
from sympy import Expr, Rational, S, exp, factorrat, sin

from derive.expressions import (
    Determinant,
    Iverson,
    LogDeterminant,
    Opaque,
    ProductOver,
    elementary,
)
from derive.verify.evaluation import Evaluation, key_of
from derive.verify.exponents import REWRITTEN
from derive.verify.labelled import (
    Labelled,
    UndecidedError,
    combined,
    number,
    summed_product,
    together,
)
from derive.verify.modular import (
    Array,
    drawn,
    exponential,
    inverse,
    power,
    powers,
    scrambled,
    signs,
)

__all__ = ["Elementwise"]

# Functions of which −f(u) = f(−u) is known.
ODD = ("erf", "asin", "atan")


class Elementwise(Evaluation):
    """Sums, products, powers, comparisons, exponentials, logarithms and other functions."""

    def _comparison(self, expr: Iverson) -> Labelled:
        holds = _COMPARED[expr.relation]
        if expr.left.is_integer and expr.right.is_integer:
            return combined(
                lambda a, b: holds(np.sign(a - b)).astype(np.int64),
                self.place(expr.left),
                self.place(expr.right),
            )
        top = self.top
        difference = top(expr.left - expr.right)
        return difference.map(lambda e: holds(signs(e, top.prime)).astype(np.int64))

    # Arithmetic

    def _sum(self, expr: Expr) -> Labelled:
        return self._total(list(map(self, expr.args)))

    def _total(self, terms: Sequence[Labelled]) -> Labelled:
        axes, parts, defined = together(terms)
        total = reduce(np.add, (part.entries for part in parts))
        return Labelled(total % self.prime, axes, defined)

    def _product(self, expr: Expr) -> Labelled:
        return summed_product(self.factors(expr), {}, self.prime)

    def _power(self, expr: Expr) -> Labelled:
        base, exponent = self(expr.base), expr.exp
        if exponent.is_Integer:
            return self._whole_power(base, int(exponent))
        if exponent.is_integer:
            found = self.place(exponent)
            if found.entries.size == 1:
                return self._whole_power(base, int(found.entries.item()))
            base = base.where(base.entries != 0)
            return combined(self._powers, base, found.map(lambda e: e % (self.prime - 1)))
        base = base.where(signs(base.entries, self.prime) == 1)
        order = (self.prime - 1) // 2
        if exponent.is_Rational:
            whole = int(exponent.p) * pow(int(exponent.q), -1, order) % order
            return base.map(lambda entries: power(entries, whole, self.prime))
        return combined(self._powers, base, self.below(exponent))

    def _powers(self, base: Array, exponent: Array) -> Array:
        return powers(base, exponent, self.prime)

    def _whole_power(self, base: Labelled, exponent: int) -> Labelled:
        if exponent < 0:
            inverted = base.map(lambda entries: inverse(entries, self.prime))
            base, exponent = inverted.where(base.entries != 0), -exponent
        return base.map(lambda entries: power(entries, exponent, self.prime))

    # Functions

    def _function(self, expr: Expr) -> Labelled:
        if expr.func in REWRITTEN:
            return self(REWRITTEN[expr.func](*expr.args))
        row = elementary(expr)
        if row is None:
            raise UndecidedError(f"{type(expr).__name__} is not known")
        if row.pieces is not None:
            return self(row.pieces(*expr.args))
        name = f"{expr.symbol} {expr.order}" if isinstance(expr, Opaque) else row.name
        return self._some_value(name, self.top(expr.args[0]), odd=row.name in ODD)

    def _some_value(self, name: str, argument: Labelled, odd: bool = False) -> Labelled:
        """A value that looks random, the same for the same argument in the top field."""
        key = key_of(f"{name} {self.level}")
        if not odd:
            return argument.map(lambda entries: scrambled(entries, key, self.prime))
        half = self.top.prime // 2
        sign = np.where(argument.entries > half, self.prime - 1, 1)
        size = np.where(
            argument.entries > half, self.top.prime - argument.entries, argument.entries
        )
        found = scrambled(size, key, self.prime) * sign % self.prime
        return argument.map(lambda _: np.where(size == 0, 0, found))

    def _exp(self, expr: Expr) -> Labelled:
        exponent = expr.exp if expr.is_Pow else expr.args[0] if expr.args else S.One
        base, rest = self.exponents.parted(exponent)
        order, key = (self.prime - 1) // 2, (key_of("#e"), self.level, self.assignment.number)
        # At each point another number stands for e.
        unit = drawn(key, (self.points,), order)
        factors = [self(base)]
        if rest != 0:
            e = Labelled(unit)
            factors.append(
                combined(lambda u, v: exponential(u * v % order, self.prime), self.below(rest), e)
            )
        return summed_product(factors, {}, self.prime)

    def _log(self, expr: Expr) -> Labelled:
        inner = expr.args[0]
        value = self.top(inner)
        found = self._log_size(inner)
        axes, (value, found), _ = together([value, found])
        return Labelled(
            np.broadcast_to(
                found.entries, np.broadcast_shapes(found.entries.shape, value.entries.shape)
            ),
            axes,
            found.defined,
        ).where(signs(value.entries, self.top.prime) == 1)

    def _log_size(self, expr: Expr) -> Labelled:
        """The logarithm of an absolute value, as a sum over factors."""
        if expr not in self._logs:
            self._logs[expr] = self._log_parts(expr)
        return self._logs[expr]

    def _log_parts(self, expr: Expr) -> Labelled:
        if isinstance(expr, exp):
            return self(expr.args[0])
        if expr.is_Mul:
            return self._total([self._log_size(factor) for factor in expr.args])
        if expr.is_Pow:
            return summed_product([self(expr.exp), self._log_size(expr.base)], {}, self.prime)
        if expr.is_Rational and abs(expr) != 1:
            return self._log_number(abs(expr))
        if isinstance(expr, ProductOver):
            lengths = {index: self.length(index) for index in expr.bound}
            return summed_product([self._log_size(expr.body)], lengths, self.prime)
        if expr.func in REWRITTEN:
            return self._log_size(REWRITTEN[expr.func](*expr.args))
        shown = self.exponents.outright(expr)
        if shown is not None and not shown.is_Add:
            return self._log_size(shown)
        return self._log_atom(self.top(expr))

    def _log_number(self, expr: Rational) -> Labelled:
        """The logarithm of a positive rational number, from those of prime numbers."""
        total = 0
        for prime, times in factorrat(expr).items():
            some = scrambled(np.array([prime]), key_of(f"log {self.level}"), self.prime)
            total += times * int(some[0])
        return number(total % self.prime)

    def _log_atom(self, value: Labelled) -> Labelled:
        prime = self.top.prime
        even = value.map(lambda e: np.where(signs(e, prime) == 1, e, (prime - e) % prime))
        found = self._some_value("log", even.where(value.entries != 0))
        return found.map(lambda e: np.where(even.entries == 1, 0, e))

    def _log_determinant(self, expr: LogDeterminant) -> Labelled:
        indices, body = expr.open()
        return self._log_size(Determinant(body, *indices))

    def _circular(self, expr: Expr) -> Labelled:
        """Sine and cosine, rational in the tangent of half the angle."""
        tangent = self._some_value("half", self.top(expr.args[0]), odd=True)
        square = tangent.map(lambda t: t * t % self.prime)
        below = square.map(lambda t: inverse(1 + t, self.prime))
        above = (
            tangent.map(lambda t: 2 * t) if isinstance(expr, sin) else square.map(lambda t: 1 - t)
        )
        return combined(lambda a, b: a % self.prime * b % self.prime, above, below)


_COMPARED: Mapping[str, Callable[[Array], Array]] = {
    "<": lambda sign: sign < 0,
    "<=": lambda sign: sign <= 0,
    "=": lambda sign: sign == 0,
    "!=": lambda sign: sign != 0,
}
