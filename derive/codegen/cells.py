"""Values of single entries, as expressions inside loops."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar

from sympy import Expr, Indexed, KroneckerDelta, Mul, S, UnevaluatedExpr

from derive.codegen.dialect import Dialect
from derive.codegen.entries import Entries, masked_by
from derive.codegen.identifiers import Identifiers
from derive.codegen.positions import Sizes
from derive.codegen.syntax import COMPARISONS, call, name
from derive.codegen.updates import inside
from derive.expressions import (
    Index,
    Iverson,
    One,
    Quotient,
    Remainder,
    Size,
    Tensor,
    indices_of,
    is_tensor,
    name_of,
)

__all__ = ["Cells", "LoopDialect", "Storage", "not_negative"]

Storage = Callable[[str], tuple[str, Sequence[int]]]
"""Where a tensor is while a nest runs: a variable, and the axes that it has there."""


class LoopDialect(Dialect):
    """The spelling of functions of single numbers, which Numba compiles."""

    _OWN: ClassVar[Mapping[str, str]] = {
        "exp": "_exp",
        "sigmoid": "_sigmoid",
        "softplus": "_softplus",
        "relu": "_relu",
        "leaky_relu": "_leaky_relu",
        "max": "_larger",
        "min": "_smaller",
        "clip": "_clip",
        "abs": "abs",
        "sign": "np.sign",
    }

    def function(self, row: str, arguments: Sequence[ast.expr], arrays: Sequence[bool]) -> ast.expr:
        """An elementary function of numbers."""
        return call(self._OWN.get(row, f"math.{row}"), *arguments)


class Cells(Entries):
    """Expressions for entries, where each index is a variable of a loop."""

    def __init__(
        self, names: Identifiers, letters: Mapping[Index, str], storage: Storage, sizes: Sizes
    ) -> None:
        super().__init__(LoopDialect("like"), names, (), sizes)
        self.letters = letters
        self.storage = storage
        self.met: frozenset[Expr] = frozenset()

    def under(self, conditions: frozenset[Expr]) -> Cells:
        """The same, where some conditions are known to be met."""
        found = Cells(self.names, self.letters, self.storage, self.sizes)
        found.met = conditions
        return found

    def value(self, expr: Expr) -> ast.expr:
        """The value of an expression, a number."""
        return self._value(expr)

    def _value(self, expr: Expr) -> ast.expr:
        if isinstance(expr, KroneckerDelta | Iverson):
            return ast.IfExp(self._holds(expr), ast.Constant(1.0), ast.Constant(0.0))
        if isinstance(expr, UnevaluatedExpr):
            return self._value(expr.args[0])
        mask = masked_by(expr)
        if mask is not None:
            return self._masked(S.Zero, [mask])
        if is_tensor(expr) and not isinstance(expr, Size):
            return self.read(expr)
        return super()._value(expr)

    def _masked(self, rest: Expr, masks: Sequence[Expr]) -> ast.expr:
        """A sum with logarithms of comparisons: minus infinity where one does not hold."""
        tests = [self._holds(f) for f in Mul.make_args(Mul(*masks)) if not isinstance(f, One)]
        test = tests[0] if len(tests) == 1 else ast.BoolOp(ast.And(), tests)
        return ast.IfExp(test, self._value(rest), ast.UnaryOp(ast.USub(), name("math.inf")))

    def _holds(self, expr: Expr) -> ast.expr:
        """Whether a comparison holds."""
        if isinstance(expr, KroneckerDelta):
            left, right = map(self.position, expr.args)
            return ast.Compare(left, [ast.Eq()], [right])
        left, right = map(self._side_of, (expr.left, expr.right))
        return ast.Compare(left, [COMPARISONS[expr.relation]()], [right])

    def _side_of(self, side: Expr) -> ast.expr:
        free = [s for s in side.atoms(Index) if not s.is_label]
        if free and not side.atoms(Indexed) and side.is_integer:
            return self.position(side)
        return self.value(side)

    def read(self, leaf: Tensor) -> ast.expr:
        """An entry of a tensor, zero where it lies outside."""
        entry = self.entry(leaf)
        missing = sorted(inside(leaf, self.sizes) - self.met, key=str)
        if not missing:
            return entry
        return ast.IfExp(self.test(missing), entry, ast.Constant(0.0))

    def test(self, conditions: Sequence[Expr]) -> ast.expr:
        """Whether whole numbers are not negative."""
        tests = [not_negative(self.position, each) for each in conditions]
        return tests[0] if len(tests) == 1 else ast.BoolOp(ast.And(), tests)

    def entry(self, leaf: Tensor) -> ast.Name | ast.Subscript:
        """An entry of a tensor, which lies inside."""
        variable, axes = self.storage(name_of(leaf))
        slots = indices_of(leaf)
        if variable.endswith("[()]"):
            return ast.Subscript(ast.Name(variable.removesuffix("[()]")), ast.Tuple([]))
        places = [self.position(slots[axis]) for axis in axes]
        if not places:
            return ast.Name(variable)
        place = places[0] if len(places) == 1 else ast.Tuple(places)
        return ast.Subscript(ast.Name(variable), place)

    def position(self, slot: Expr) -> ast.expr:
        """The whole number that stands in a slot."""
        if isinstance(slot, Index):
            return ast.Name(self.names[slot.name] if slot.is_label else self.letters[slot])
        if slot.is_Add:
            return self._difference(slot)
        if isinstance(slot, Quotient | Remainder) or slot.is_Mul or slot.is_Integer:
            return super().position(slot)
        if is_tensor(slot) and not isinstance(slot, Size):
            return self.entry(slot)
        return super()._value(slot)

    def _difference(self, slot: Expr) -> ast.expr:
        terms = sorted(slot.as_ordered_terms(), key=lambda t: t.could_extract_minus_sign())
        total = self.position(terms[0])
        for term in terms[1:]:
            negative = term.could_extract_minus_sign()
            part = self.position(-term if negative else term)
            total = ast.BinOp(total, ast.Sub() if negative else ast.Add(), part)
        return total


def not_negative(position: Callable[[Expr], ast.expr], expr: Expr) -> ast.expr:
    """The comparison of what is added in an expression with what is taken off."""
    terms = expr.as_ordered_terms()
    taken = -sum((t for t in terms if t.could_extract_minus_sign()), start=S.Zero)
    return ast.Compare(position(taken), [ast.LtE()], [position(expr + taken)])
