"""Where entries lie: whole numbers in slots, and arrays turned to lie along an order of axes."""

from __future__ import annotations

import ast
from abc import abstractmethod
from collections.abc import Callable, Sequence

from sympy import Expr

from derive.codegen.assignment import CodeError
from derive.codegen.dialect import Dialect
from derive.codegen.identifiers import Identifiers
from derive.codegen.syntax import number, tupled
from derive.expressions import Index, Quotient, Remainder

__all__ = ["Positions", "Sizes"]

Sizes = Callable[[str], Sequence[Expr | None]]
"""The lengths of the axes of a tensor, by its name."""


class Positions:
    """Whole numbers along the axes of `order`; those missing in front are left out.

    `carried` are the indices that some array has had an axis of its own for.
    """

    def __init__(
        self, dialect: Dialect, names: Identifiers, order: Sequence[Index], sizes: Sizes
    ) -> None:
        self.dialect = dialect
        self.names = names
        self.order = tuple(order)
        self.sizes = sizes
        self.carried: set[Index] = set()

    @abstractmethod
    def value(self, expr: Expr) -> ast.expr:
        """The value of an expression, a number and no truth value."""

    def size(self, index: Index) -> ast.expr:
        """The number of values of an index."""
        if index.size is None:
            raise CodeError(f"the index {index} has no size")
        return self.position(index.size)

    def position(self, slot: Expr) -> ast.expr:
        """The whole numbers that stand in a slot."""
        if isinstance(slot, Index):
            if slot.is_label:
                return ast.Name(self.names[slot.name])
            self.carried.add(slot)
            return self.along_order(self.dialect.positions(self.size(slot)), [slot])
        if slot.is_Integer:
            return number(int(slot))
        if isinstance(slot, Quotient | Remainder):
            part = ast.FloorDiv() if isinstance(slot, Quotient) else ast.Mod()
            return ast.BinOp(self.position(slot.dividend), part, self.position(slot.divisor))
        if slot.is_Add:
            return self._difference(slot)
        if slot.is_Mul:
            if slot.could_extract_minus_sign():
                return ast.UnaryOp(ast.USub(), self.position(-slot))
            first, *others = map(self.position, slot.args)
            for other in others:
                first = ast.BinOp(first, ast.Mult(), other)
            return first
        return self.value(slot)

    def _difference(self, slot: Expr) -> ast.expr:
        """A sum of positions, what is subtracted behind what is added."""
        first, *others = sorted(slot.args, key=lambda t: (t.could_extract_minus_sign(), str(t)))
        total = self.position(first)
        for term in others:
            less = term.could_extract_minus_sign()
            sign = ast.Sub() if less else ast.Add()
            total = ast.BinOp(total, sign, self.position(-term if less else term))
        return total

    def within(self, place: ast.expr, length: ast.expr) -> ast.expr:
        """Whether places lie on an axis of a length."""
        above = ast.Compare(place, [ast.GtE()], [number(0)])
        return ast.BinOp(above, ast.BitAnd(), ast.Compare(place, [ast.Lt()], [length]))

    def along_order(self, array: ast.expr, indices: Sequence[Index]) -> ast.expr:
        """An array with the axes of the given indices, turned and spread to lie along the order."""
        places = [self.order.index(index) for index in indices]
        if places != sorted(places):
            turned = sorted(range(len(places)), key=places.__getitem__)
            array = self.dialect.transpose(array, turned)
            places = sorted(places)
        wanted = range(min(places, default=0), len(self.order))
        if list(wanted) == places or not places:
            return array
        slots = [ast.Slice() if place in places else ast.Constant(None) for place in wanted]
        return ast.Subscript(array, tupled(slots))
