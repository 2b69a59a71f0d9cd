"""Assignments as statements on whole arrays.

Each index of an assignment has an axis: those of the target first, then those summed over. A
tensor is turned and given axes of length 1 so that it lies along the axes of its indices, and
broadcasting does the rest. Axes missing in front are left out.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence

from sympy import Expr, Indexed, KroneckerDelta, Mul, pi

from derive.codegen.dialect import Dialect, call, name, number
from derive.codegen.identifiers import Identifiers
from derive.codegen.program import Assignment, CodeError
from derive.codegen.scatter import Scatter, split
from derive.codegen.schedule import in_order
from derive.expressions import (
    Binder,
    Contraction,
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
)

__all__ = ["Lowering"]

_COMPARED = {"<": ast.Lt, "<=": ast.LtE, "=": ast.Eq, "!=": ast.NotEq}
_REDUCTIONS = {
    "Contraction": "sum",
    "ProductOver": "prod",
    "Maximum": "max",
    "Minimum": "min",
    "ArgMaximum": "argmax",
    "ArgMinimum": "argmin",
}


class Lowering:
    """Statements for assignments, in one dialect.

    Parameters
    ----------
    dialect : how the target spells the operations.
    names : the identifier of each tensor, label and size.
    like : the identifier of an array whose type results have.
    """

    def __init__(self, dialect: Dialect, names: Identifiers, like: str) -> None:
        self.dialect = dialect
        self.names = names
        self.like = ast.Name(like)

    def statements(self, assignment: Assignment) -> list[ast.stmt]:
        """The statements that make an assignment."""
        target = assignment.indices
        dense, scattered = split(assignment.expr, target)
        variable = ast.Name(self.names[assignment.name])
        if scattered and dense == 0:
            shape = [self.size(index) for index in target]
            first = self.dialect.zeros(shape, self.like)
        else:
            first = self._dense(dense, target)
        found: list[ast.stmt] = [ast.Assign([variable], first)]
        return found + [self._add_at(variable, each) for each in scattered]

    def size(self, index: Index) -> ast.expr:
        """The number of values of an index."""
        if index.size is None:
            raise CodeError(f"the index {index} has no size")
        return _Entries(self, ()).value(index.size)

    def _dense(self, expr: Expr, target: Sequence[Index]) -> ast.expr:
        """The value of an expression with an axis for each index of the target."""
        if isinstance(expr, Binder):
            value, carried = self._reduced(expr, target)
        else:
            entries = _Entries(self, target)
            value, carried = entries.value(expr), entries.carried
        if carried >= set(target):
            return value
        return self.dialect.broadcast(value, [self.size(index) for index in target])

    def _reduced(self, expr: Binder, target: Sequence[Index]) -> tuple[ast.expr, set[Index]]:
        indices, body = expr.open(*target)
        factors = Mul.make_args(body)
        if isinstance(expr, Contraction) and len(factors) == 2 and all(map(_is_plain, factors)):
            return self._product(factors, target), set().union(*map(ranging, factors))
        order = _body_order(body, target, indices)
        entries = _Entries(self, order)
        value = entries.value(body)
        axes = tuple(order.index(index) - len(order) for index in indices)
        kind = _REDUCTIONS[type(expr).__name__]
        return self.dialect.reduce(kind, value, axes), entries.carried

    def _product(self, factors: Sequence[Expr], target: Sequence[Index]) -> ast.expr:
        """The sum of a product of two tensors, by matrix products where it is one."""
        free = [i for i in target if any(i in ranging(f) for f in factors)]
        return self._matrix_product(factors, free) or self._einsum(factors, free)

    def _einsum(self, factors: Sequence[Expr], free: Sequence[Index]) -> ast.expr:
        every = sorted(set().union(*map(ranging, factors)), key=str)
        letters = dict(zip(every, "abcdefghijklmnopqrstuvwxyz", strict=False))
        terms = ["".join(letters[i] for i in indices_of(factor)) for factor in factors]
        arrays = [ast.Name(self.names[name_of(factor)]) for factor in factors]
        formula = f"{','.join(terms)}->{''.join(letters[i] for i in free)}"
        return self.dialect.einsum(formula, *arrays)

    def _matrix_product(self, factors: Sequence[Expr], free: Sequence[Index]) -> ast.expr | None:
        """A product of matrices, one for each value of the indices that both factors keep."""
        for first, second in (factors, factors[::-1]):
            one, other = ranging(first), ranging(second)
            batch = [i for i in free if i in one and i in other]
            over = sorted((one & other) - set(free), key=str)
            rows = [i for i in free if i in one and i not in batch]
            columns = [i for i in free if i in other and i not in batch]
            if len(over) != 1 or len(rows) != 1 or len(columns) > 1:
                continue
            if list(free) != [*batch, *rows, *columns] or (batch and not columns):
                continue
            left = _Entries(self, [*batch, *rows, *over]).value(first)
            right = _Entries(self, [*batch, *over, *columns]).value(second)
            return ast.BinOp(left, ast.MatMult(), right)
        return None

    def _add_at(self, variable: ast.expr, scatter: Scatter) -> ast.stmt:
        """Add values to single entries, which several of the values may meet in."""
        order = sorted(set().union(*map(ranging, scatter.slots)), key=str)
        order += [index for index in scatter.over if index not in order]
        entries = _Entries(self, order)
        slots = [entries.position(slot) for slot in scatter.slots]
        value = entries.value(scatter.value)
        return self.dialect.add_at(variable, slots, value, repeated=bool(scatter.over))


def _body_order(body: Expr, target: Sequence[Index], indices: Sequence[Index]) -> list[Index]:
    """An order of axes in which those of the target follow each other as they are to stand."""
    natural = in_order(body)
    if [i for i in natural if i in target] == list(target):
        return natural
    return [*target, *indices]


def _is_plain(factor: Expr) -> bool:
    """Whether a factor is a tensor whose slots are different indices."""
    slots = indices_of(factor) if isinstance(factor, Indexed) else ()
    return bool(slots) and len(set(slots)) == len(slots) and all(map(_is_free, slots))


def _is_free(slot: Expr) -> bool:
    return isinstance(slot, Index) and not slot.is_label


class _Entries:
    """Values entry by entry, each along the axes of `order`; those missing in front are left out.

    `carried` are the indices that some array has had an axis of its own for.
    """

    def __init__(self, lowering: Lowering, order: Sequence[Index]) -> None:
        self.dialect = lowering.dialect
        self.names = lowering.names
        self.lowering = lowering
        self.order = tuple(order)
        self.carried: set[Index] = set()

    def value(self, expr: Expr) -> ast.expr:
        """The value of an expression."""
        if isinstance(expr, One):
            return number(1)
        if isinstance(expr, Size):
            return ast.Name(self.names[str(expr)])
        if is_tensor(expr):
            return self._read(expr)
        if expr.is_Number:
            return _number(expr)
        if expr.is_NumberSymbol:
            return name("math.pi") if expr == pi else number(float(expr))
        if expr.is_Add:
            return self._sum(expr)
        if expr.is_Mul:
            return self._product(expr)
        if expr.is_Pow:
            return self._power(expr.base, expr.exp)
        if isinstance(expr, KroneckerDelta):
            left, right = map(self.position, expr.args)
            return ast.Compare(left, [ast.Eq()], [right])
        if isinstance(expr, Iverson):
            left, right = map(self._side, (expr.left, expr.right))
            return ast.Compare(left, [_COMPARED[expr.relation]()], [right])
        return self._function(expr)

    def _sum(self, expr: Expr) -> ast.expr:
        terms = sorted(expr.as_ordered_terms(), key=lambda t: t.could_extract_minus_sign())
        total = self.value(terms[0])
        for term in terms[1:]:
            negative = term.could_extract_minus_sign()
            part = self.value(-term if negative else term)
            total = ast.BinOp(total, ast.Sub() if negative else ast.Add(), part)
        return total

    def _product(self, expr: Expr) -> ast.expr:
        if expr.could_extract_minus_sign():
            return ast.UnaryOp(ast.USub(), self.value(-expr))
        factors = [f for f in Mul.make_args(expr) if not isinstance(f, One)]
        above = [f for f in factors if not _is_divisor(f)]
        below = [1 / f for f in factors if _is_divisor(f)]
        total = self._factors(above)
        return ast.BinOp(total, ast.Div(), self._factors(below)) if below else total

    def _factors(self, factors: Sequence[Expr]) -> ast.expr:
        # Those with few axes first, so that what is multiplied is small as long as it can be.
        ordered = sorted(factors, key=lambda f: len(ranging(f))) or [Mul()]
        total = self.value(ordered[0])
        for factor in ordered[1:]:
            total = ast.BinOp(total, ast.Mult(), self.value(factor))
        return total

    def _power(self, base: Expr, exponent: Expr) -> ast.expr:
        if exponent.could_extract_minus_sign():
            return ast.BinOp(number(1), ast.Div(), self._power(base, -exponent))
        if exponent == 1:
            return self.value(base)
        if exponent.is_Rational and exponent.q == 2:
            constant = not any(is_tensor(s) for s in base.free_symbols if not isinstance(s, Size))
            root = call("math.sqrt", self.value(base)) if constant else self._named("sqrt", base)
            return root if exponent.p == 1 else ast.BinOp(root, ast.Pow(), number(int(exponent.p)))
        return ast.BinOp(self.value(base), ast.Pow(), self.value(exponent))

    def _function(self, expr: Expr) -> ast.expr:
        row = elementary(expr)
        if row is None or isinstance(expr, Opaque):
            raise CodeError(f"{expr} has no form as code")
        return self._named(row.name, *expr.args)

    def _named(self, row: str, *arguments: Expr) -> ast.expr:
        return self.dialect.function(row, *map(self.value, arguments))

    def _side(self, side: Expr) -> ast.expr:
        """A side of a comparison, of indices or of values."""
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
            return self._along(self.dialect.positions(self.lowering.size(slot)), [slot])
        if slot.is_Integer:
            return number(int(slot))
        if isinstance(slot, Quotient | Remainder):
            sign = ast.FloorDiv() if isinstance(slot, Quotient) else ast.Mod()
            return ast.BinOp(self.position(slot.dividend), sign, self.position(slot.divisor))
        if slot.is_Add or slot.is_Mul:
            sign = ast.Add() if slot.is_Add else ast.Mult()
            first, *others = map(self.position, slot.args)
            for other in others:
                first = ast.BinOp(first, sign, other)
            return first
        return self.value(slot)

    def _read(self, leaf: Expr) -> ast.expr:
        """The entries of a tensor, along the axes of its indices."""
        array, slots = ast.Name(self.names[name_of(leaf)]), indices_of(leaf)
        if not slots:
            return array
        free = [slot for slot in slots if _is_free(slot)]
        fixed = all(_is_free(s) or s.is_Integer or isinstance(s, Index) for s in slots)
        if fixed and len(set(free)) == len(free):
            if len(free) < len(slots):
                places = [ast.Slice() if _is_free(s) else self.position(s) for s in slots]
                array = ast.Subscript(array, _tuple(places))
            self.carried |= set(free)
            return self._along(array, free)
        self.carried |= ranging(leaf)
        return self._gathered(array, slots, leaf)

    def _gathered(self, array: ast.expr, slots: Sequence[Expr], leaf: Expr) -> ast.expr:
        """The entries at positions that are computed; zero where one lies outside its axis."""
        places, inside = [], []
        for axis, slot in enumerate(slots):
            place = self.position(slot)
            if is_computed(slot):
                length = ast.Subscript(ast.Attribute(array, "shape"), number(axis))
                inside.append(ast.Compare(number(0), [ast.LtE(), ast.Lt()], [place, length]))
                last = ast.BinOp(length, ast.Sub(), number(1))
                inside[-1] = _within(place, length)
                place = self.dialect.clip(place, number(0), last)
            places.append(place)
        found: ast.expr = ast.Subscript(array, _tuple(places))
        if not inside:
            return found
        holds = inside[0]
        for other in inside[1:]:
            holds = ast.BinOp(holds, ast.BitAnd(), other)
        return self.dialect.where(holds, found, number(0))

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
        return ast.Subscript(array, _tuple(slots))


def _within(place: ast.expr, length: ast.expr) -> ast.expr:
    above = ast.Compare(place, [ast.GtE()], [number(0)])
    return ast.BinOp(above, ast.BitAnd(), ast.Compare(place, [ast.Lt()], [length]))


def _tuple(nodes: Sequence[ast.expr]) -> ast.expr:
    return nodes[0] if len(nodes) == 1 else ast.Tuple(list(nodes))


def _is_divisor(factor: Expr) -> bool:
    if factor.is_Rational:
        return bool(factor.p == 1 and factor.q != 1)
    return bool(factor.is_Pow and factor.exp.could_extract_minus_sign())


def _number(value: Expr) -> ast.expr:
    if value.is_Integer:
        return number(int(value))
    if value.is_Rational and value.q & (value.q - 1):
        return ast.BinOp(number(int(value.p)), ast.Div(), number(int(value.q)))
    return number(float(value))
