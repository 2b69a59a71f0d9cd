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
from derive.codegen.dialect import Dialect, call, name, number
from derive.codegen.identifiers import Identifiers
from derive.expressions import (
    Index,
    Iverson,
    One,
    Opaque,
    Quotient,
    Remainder,
    Size,
    elementary,
    indices_of,
    is_computed,
    is_tensor,
    name_of,
    ranging,
    tensors_in,
)

__all__ = ["Entries", "has_array", "is_condition", "is_free", "is_plain", "masked_by"]

_COMPARED = {"<": ast.Lt, "<=": ast.LtE, "=": ast.Eq, "!=": ast.NotEq}


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


def is_plain(factor: Expr) -> bool:
    """Whether a factor is a tensor whose slots are different indices."""
    slots = indices_of(factor) if isinstance(factor, Indexed) else ()
    return bool(slots) and len(set(slots)) == len(slots) and all(map(is_free, slots))


def is_free(slot: Expr) -> bool:
    """Whether a slot holds an index that ranges over its axis."""
    return isinstance(slot, Index) and not slot.is_label


class Entries:
    """Values entry by entry, each along the axes of `order`; those missing in front are left out.

    `carried` are the indices that some array has had an axis of its own for.
    """

    def __init__(self, dialect: Dialect, names: Identifiers, order: Sequence[Index]) -> None:
        self.dialect = dialect
        self.names = names
        self.order = tuple(order)
        self.carried: set[Index] = set()

    def value(self, expr: Expr) -> ast.expr:
        """The value of an expression, a number and no truth value."""
        if is_condition(expr):
            return self.dialect.as_number(self._value(expr))
        return self._value(expr)

    def _value(self, expr: Expr) -> ast.expr:
        """The value of an expression, a truth value where it is a product of comparisons."""
        if is_tensor(expr) and not isinstance(expr, Size):
            return self._read(expr)
        for kind, method in _METHODS:
            if isinstance(expr, kind):
                return method(self, expr)
        return self._function(expr)

    def size(self, index: Index) -> ast.expr:
        """The number of values of an index."""
        if index.size is None:
            raise CodeError(f"the index {index} has no size")
        return self.value(index.size)

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
        return ast.Compare(left, [_COMPARED[expr.relation]()], [right])

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
        if expr.could_extract_minus_sign():
            return ast.UnaryOp(ast.USub(), self.value(-expr))
        factors = [f for f in Mul.make_args(expr) if not isinstance(f, One)]
        above = [f for f in factors if not _is_divisor(f)]
        below = [1 / f for f in factors if _is_divisor(f)]
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

    # Positions

    def position(self, slot: Expr) -> ast.expr:
        """The whole numbers that stand in a slot."""
        if isinstance(slot, Index):
            if slot.is_label:
                return ast.Name(self.names[slot.name])
            self.carried.add(slot)
            return self._along(self.dialect.positions(self.size(slot)), [slot])
        if slot.is_Integer:
            return number(int(slot))
        if isinstance(slot, Quotient | Remainder):
            part = ast.FloorDiv() if isinstance(slot, Quotient) else ast.Mod()
            return ast.BinOp(self.position(slot.dividend), part, self.position(slot.divisor))
        if slot.is_Add:
            return self._difference(slot)
        if slot.is_Mul:
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

    def _read(self, leaf: Expr) -> ast.expr:
        """The entries of a tensor, along the axes of its indices."""
        array: ast.expr = ast.Name(self.names[name_of(leaf)])
        slots = indices_of(leaf)
        if not slots:
            return array
        free = [slot for slot in slots if is_free(slot)]
        fixed = all(is_free(s) or s.is_Integer or isinstance(s, Index) for s in slots)
        if fixed and len(set(free)) == len(free):
            if len(free) < len(slots):
                places = [ast.Slice() if is_free(s) else self.position(s) for s in slots]
                array = ast.Subscript(array, tupled(places))
            self.carried |= set(free)
            return self._along(array, free)
        self.carried |= ranging(leaf)
        return self._gathered(array, slots, leaf)

    def _gathered(self, array: ast.expr, slots: Sequence[Expr], leaf: Expr) -> ast.expr:
        """The entries at positions that are computed; zero where one lies outside its axis."""
        places: list[ast.expr] = []
        inside: list[ast.expr] = []
        for axis, slot in enumerate(slots):
            place = self.position(slot)
            if is_computed(slot):
                length = ast.Subscript(ast.Attribute(array, "shape"), number(axis))
                inside.append(self.within(place, length))
                place = self.dialect.clip(place, length)
            places.append(place)
        found = self._along_rows(array, slots) if not inside else None
        if found is None:
            found = ast.Subscript(array, tupled(places))
        if not inside:
            return found
        holds = inside[0]
        for other in inside[1:]:
            holds = ast.BinOp(holds, ast.BitAnd(), other)
        return self.dialect.where(holds, found, number(0))

    def _along_rows(self, array: ast.expr, slots: Sequence[Expr]) -> ast.expr | None:
        """One entry of each row, where the place depends on the row: `s_{b,T_b}`."""
        free = [slot for slot in slots if is_free(slot)]
        if len(free) != len(slots) - 1 or len(set(free)) != len(free) or not free:
            return None
        axis = next(k for k, slot in enumerate(slots) if not is_free(slot))
        rows = ranging(slots[axis])
        if not rows <= set(free) or free[0] not in rows:
            return None
        place = Entries(self.dialect, self.names, free).position(slots[axis])
        spread: list[ast.expr] = [ast.Slice() for _ in free]
        at = ast.Subscript(place, tupled([*spread[:axis], ast.Constant(None), *spread[axis:]]))
        found = self.dialect.take_along(array, at, axis)
        if found is None:
            return None
        entry = ast.Subscript(found, tupled([*spread[:axis], number(0), *spread[axis:]]))
        return self._along(entry, free)

    def within(self, place: ast.expr, length: ast.expr) -> ast.expr:
        """Whether places lie on an axis of a length."""
        above = ast.Compare(place, [ast.GtE()], [number(0)])
        return ast.BinOp(above, ast.BitAnd(), ast.Compare(place, [ast.Lt()], [length]))

    def _along(self, array: ast.expr, indices: Sequence[Index]) -> ast.expr:
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


def tupled(nodes: Sequence[ast.expr]) -> ast.expr:
    return nodes[0] if len(nodes) == 1 else ast.Tuple(list(nodes))


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
