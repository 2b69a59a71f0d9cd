"""Values entry by entry, as expressions on whole arrays."""

from __future__ import annotations

import ast
import math
from collections.abc import Callable, Sequence
from typing import Any

from sympy import (
    Add,
    Expr,
    Indexed,
    KroneckerDelta,
    Mul,
    Number,
    NumberSymbol,
    Pow,
    S,
    UnevaluatedExpr,
    log,
    pi,
)

from derive.codegen.assignment import CodeError
from derive.codegen.reads import Reads
from derive.codegen.syntax import COMPARISONS, call, name, number
from derive.expressions import (
    Index,
    Iverson,
    One,
    Opaque,
    Size,
    elementary,
    is_tensor,
    ranging,
    tensors_in,
)

__all__ = ["Entries", "has_array", "is_condition", "masked_by"]


def is_condition(expr: Expr) -> bool:
    """Whether an expression is a comparison, or a product of some."""
    factors = [f for f in Mul.make_args(expr) if not isinstance(f, One)]
    return bool(factors) and all(isinstance(f, Iverson | KroneckerDelta) for f in factors)


def masked_by(term: Expr) -> Expr | None:
    """The comparison whose logarithm a term is."""
    factors = [f for f in Mul.make_args(term) if not isinstance(f, One)] or [term]
    inner = factors[0].args[0] if isinstance(factors[0], UnevaluatedExpr) else factors[0]
    found = len(factors) == 1 and isinstance(inner, log) and is_condition(inner.args[0])
    return inner.args[0] if found else None


class Entries(Reads):
    """Values entry by entry, each along the axes of `order`."""

    def value(self, expr: Expr) -> ast.expr:
        """The value of an expression, a number and no truth value."""
        if is_condition(expr):
            return self.dialect.as_number(self._value(expr))
        return self._value(expr)

    def condition(self, expr: Expr) -> ast.expr:
        """The truth value of a comparison."""
        return self._value(expr)

    def _value(self, expr: Expr) -> ast.expr:
        """The value of an expression, a truth value where it is a product of comparisons."""
        if is_tensor(expr) and not isinstance(expr, Size):
            return self._read(expr)
        for kind, method in _METHODS:
            if isinstance(expr, kind):
                return method(self, expr)
        return self._function(expr)

    def _one(self, _: Expr) -> ast.expr:
        return number(1)

    def _size(self, expr: Expr) -> ast.expr:
        return ast.Name(self.names[str(expr)])

    def _constant(self, expr: Expr) -> ast.expr:
        return name("math.pi") if expr == pi else number(float(expr))

    def _number(self, expr: Expr) -> ast.expr:
        return _number(expr)

    def _delta(self, expr: Expr) -> ast.expr:
        left, right = map(self.position, expr.args)
        return ast.Compare(left, [ast.Eq()], [right])

    def _bracket(self, expr: Iverson) -> ast.expr:
        left, right = map(self._side, (expr.left, expr.right))
        return ast.Compare(left, [COMPARISONS[expr.relation]()], [right])

    def _sum(self, expr: Expr) -> ast.expr:
        masks = {term: mask for term in expr.args if (mask := masked_by(term)) is not None}
        if masks:
            return self._masked(Add(*(t for t in expr.args if t not in masks)), [*masks.values()])
        terms = sorted(expr.as_ordered_terms(), key=lambda t: t.could_extract_minus_sign())
        total = self.value(terms[0])
        for term in terms[1:]:
            negative = term.could_extract_minus_sign()
            part = self.value(-term if negative else term)
            total = ast.BinOp(total, ast.Sub() if negative else ast.Add(), part)
        return total

    def _masked(self, rest: Expr, masks: Sequence[Expr]) -> ast.expr:
        """A sum with logarithms of comparisons: minus infinity where one does not hold."""
        nothing = ast.UnaryOp(ast.USub(), name("math.inf"))
        return self.dialect.where(self._value(Mul(*masks)), self.value(rest), nothing)

    def _product(self, expr: Expr) -> ast.expr:
        if expr.could_extract_minus_sign() and abs(expr.as_coeff_Mul()[0]) == 1:
            return ast.UnaryOp(ast.USub(), self.value(-expr))
        factors = [f for f in Mul.make_args(expr) if not isinstance(f, One)]
        above = [f for f in factors if not _is_divisor(f)]
        below = [1 / f for f in factors if _is_divisor(f)]
        if all(b.is_Integer and int(b).bit_count() == 1 for b in below):
            # 0.5 is exact.
            above, below = factors, []
        if not below:
            return self._factors(above)
        rank = max((len(ranging(f)) for f in above), default=0)
        if rank <= max(len(ranging(Mul(*below))), 1):
            return ast.BinOp(self._beside(above, below), ast.Div(), self._factors(below))
        # To divide few numbers and multiply many takes a third of the time.
        large = [f for f in above if len(ranging(f)) == rank]
        spans = ranging(Mul(*below))
        small = [f for f in above if f not in large and not is_condition(f)]
        small = [f for f in small if ranging(f) <= spans or ranging(f) >= spans]
        beside = [f for f in above if f not in (*large, *small)]
        ratio = ast.BinOp(self._factors(small), ast.Div(), self._factors(below))
        product = self._beside([*large, *beside], [*small, *below])
        return ast.BinOp(ratio, ast.Mult(), product)

    def _beside(self, factors: Sequence[Expr], others: Sequence[Expr]) -> ast.expr:
        """A product, which meets others behind its sign of operation."""
        # A truth value beside numbers of Python's alone would be in double precision.
        alone = is_condition(Mul(*factors)) and not any(map(ranging, others))
        return self.value(Mul(*factors)) if alone else self._factors(factors)

    def _factors(self, factors: Sequence[Expr]) -> ast.expr:
        """A product; comparisons may be truth values beside a factor that is a number."""
        if not factors:
            return number(1)
        # Those with few axes first, so that what is multiplied is small as long as it can be.
        ordered = sorted(factors, key=lambda f: (is_condition(f), len(ranging(f))))
        plain = all(is_condition(f) or not ranging(f) for f in ordered)
        conditions = all(map(is_condition, ordered))
        total = self._value(ordered[0])
        for factor in ordered[1:]:
            part = self.value(factor) if plain and not conditions else self._value(factor)
            total = ast.BinOp(total, ast.Mult(), part)
        return total

    def _pow(self, expr: Expr) -> ast.expr:
        return self._power(expr.base, expr.exp)

    def _power(self, base: Expr, exponent: Expr) -> ast.expr:
        if exponent.could_extract_minus_sign():
            return ast.BinOp(number(1), ast.Div(), self._power(base, -exponent))
        if exponent == 1:
            return self.value(base)
        if exponent.is_Rational and exponent.q == 2:
            root = self._named("sqrt", base)
            return root if exponent.p == 1 else ast.BinOp(root, ast.Pow(), number(int(exponent.p)))
        return ast.BinOp(self.value(base), ast.Pow(), self.value(exponent))

    def _function(self, expr: Expr) -> ast.expr:
        if isinstance(expr, Opaque):
            return call(self.names[expr.func.__name__], self.value(expr.args[0]))
        row = elementary(expr)
        if row is None:
            raise CodeError(f"{expr} has no form as code")
        return self._named(row.name, *expr.args)

    def _named(self, row: str, *arguments: Expr) -> ast.expr:
        values, arrays = list(map(self.value, arguments)), list(map(has_array, arguments))
        if not any(arrays) and hasattr(math, row):
            return call(f"math.{row}", *values)
        return self.dialect.function(row, values, arrays)

    def _side(self, side: Expr) -> ast.expr:
        """A side of a comparison, of indices or of values."""
        if isinstance(side, Index):
            return self.position(side)
        free = [s for s in side.atoms(Index) if not s.is_label]
        if free and not side.atoms(Indexed) and side.is_integer:
            return self.position(side)
        return self.value(side)


_METHODS: tuple[tuple[Any, Callable[[Entries, Any], ast.expr]], ...] = (
    (One, Entries._one),
    (Size, Entries._size),
    (Number, Entries._number),
    (NumberSymbol, Entries._constant),
    (Add, Entries._sum),
    (Mul, Entries._product),
    (Pow, Entries._pow),
    (KroneckerDelta, Entries._delta),
    (Iverson, Entries._bracket),
)


def has_array(expr: Expr) -> bool:
    """Whether the value of an expression is an array, not a number made of sizes."""
    plain = expr.xreplace(dict.fromkeys(expr.atoms(One), S.One))
    return bool(ranging(plain) or plain.atoms(Iverson, KroneckerDelta) or any(tensors_in(plain)))


def _is_divisor(factor: Expr) -> bool:
    if factor.is_Rational:
        return bool(factor.p == 1 and factor.q != 1)
    return bool(factor.is_Pow and factor.exp.could_extract_minus_sign())


def _number(value: Expr) -> ast.expr:
    # What has more digits than a float is one: whole numbers of 64 bits would not hold it.
    exact = value.is_Rational and max(abs(value.p), value.q) < 2**53
    if exact and value.is_Integer:
        return number(int(value))
    if exact and value.q & (value.q - 1):
        return ast.BinOp(number(int(value.p)), ast.Div(), number(int(value.q)))
    return number(float(value))
