"""Assignments as statements on whole arrays.

Each index of an assignment has an axis: those of the target first, then those summed over. A
tensor is turned and given axes of length 1 so that it lies along the axes of its indices, and
broadcasting does the rest. Axes missing in front are left out.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence

from sympy import Expr, Indexed, KroneckerDelta, Mul

from derive.codegen.assignment import Assignment, CodeError
from derive.codegen.dialect import Dialect
from derive.codegen.entries import Entries, has_array
from derive.codegen.identifiers import Identifiers
from derive.codegen.positions import Sizes
from derive.codegen.products import Operand, Products
from derive.codegen.reads import Places, looked_up
from derive.codegen.scatter import Scatter, split
from derive.codegen.schedule import in_order
from derive.codegen.solution import Inverse, RootWork, Solution
from derive.codegen.syntax import number
from derive.codegen.views import window_view
from derive.expressions import (
    Binder,
    Contraction,
    Determinant,
    Index,
    OfMatrix,
    One,
    in_range,
    indices_of,
    is_computed,
    name_of,
    ranging,
    tensors_in,
)

__all__ = ["Lowering"]

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
    sizes : the lengths of the axes of each tensor.
    """

    def __init__(self, dialect: Dialect, names: Identifiers, sizes: Sizes) -> None:
        self.dialect = dialect
        self.names = names
        self.sizes = sizes
        self._products = Products(dialect, self._entries)

    def statements(self, assignment: Assignment) -> list[ast.stmt]:
        """The statements that make an assignment."""
        if isinstance(assignment, Solution):
            return [self._solution(assignment)]
        if isinstance(assignment, RootWork):
            return self._root(assignment)
        target = assignment.indices
        dense, scattered = split(assignment.expr, target)
        if self.dialect.fuses and not any(each.over for each in scattered):
            dense, scattered = assignment.expr, []
        variable = ast.Name(self.names[assignment.name])
        found: list[ast.stmt] = []
        if dense != 0 or not scattered:
            value = self._dense(dense, target)
            value = self.dialect.owned(value) if scattered else value
            found.append(ast.Assign([variable], value))
        for each in scattered:
            whole = self._windows_added(each, target)
            if whole is not None and not found:
                found.append(ast.Assign([variable], whole))
            elif whole is not None:
                found.append(ast.AugAssign(variable, ast.Add(), whole))
            else:
                if not found:
                    empty = self.dialect.zeros(self._shape(target))
                    found.append(ast.Assign([variable], empty))
                found.append(self._add_at(variable, each, target))
        return found

    def added(self, assignment: Assignment, slots: Sequence[Expr]) -> ast.stmt:
        """The statement that adds what an assignment has at slots beside its dense part."""
        target = assignment.indices
        _, scattered = split(assignment.expr, target)
        (found,) = (each for each in scattered if each.slots == tuple(slots))
        return self._add_at(ast.Name(self.names[assignment.name]), found, target)

    def _solution(self, given: Solution) -> ast.stmt:
        """Linear equations, for each value of the indices of the matrix beside row and column."""
        others = [i for i in given.indices if i != given.row and i not in ranging(given.matrix)]
        batch = [i for i in given.indices if i not in (*others, given.row)]
        matrix = self._dense(given.matrix, (*batch, given.row, given.column))
        if isinstance(given, Inverse):
            value = self.dialect.inverse(matrix)
        elif len(others) == 1:
            right = self._dense(given.expr, (*batch, given.row, *others))
            value = self.dialect.solve(matrix, right)
        elif not others:
            right = self._dense(given.expr, (*batch, given.row))
            places = ast.Tuple([ast.Constant(...), ast.Constant(None)])
            column = self.dialect.solve(matrix, ast.Subscript(right, places))
            value = ast.Subscript(column, ast.Tuple([ast.Constant(...), number(0)]))
        else:
            raise CodeError(f"the relation for {given.name} has too many axes to be code")
        order = (*batch, given.row, *others)
        if order != given.indices:
            value = self.dialect.transpose(value, [order.index(i) for i in given.indices])
        return ast.Assign([ast.Name(self.names[given.name])], value)

    def _root(self, given: RootWork) -> list[ast.stmt]:
        """A function for the equation, and the call that finds its root."""
        variable = self.names[given.name]
        body = [s for each in given.inner for s in self.statements(each)]
        found = [ast.Name(self.names[name_of(t)]) for t in (given.expr, given.slope)]
        title = f"{variable}_equation"
        arguments = ast.arguments([], [ast.arg(variable)], None, [], [], None, [])
        function = ast.FunctionDef(
            title, arguments, [*body, ast.Return(ast.Tuple([*found]))], [], lineno=0
        )
        root = self.dialect.root(ast.Name(title), self._shape(given.indices))
        return [function, ast.Assign([ast.Name(variable)], root)]

    def _entries(self, order: Sequence[Index]) -> Entries:
        return Entries(self.dialect, self.names, order, self.sizes)

    def _shape(self, target: Sequence[Index]) -> list[ast.expr]:
        return [self._entries(()).size(index) for index in target]

    def _dense(self, expr: Expr, target: Sequence[Index]) -> ast.expr:
        """The value of an expression with an axis for each index of the target."""
        if not any(True for _ in tensors_in(expr)) and not ranging(expr) - _marked(expr):
            value = self._entries(()).value(expr)
            return self.dialect.full(self._shape(target), value)
        if isinstance(expr, Binder):
            value, carried = self._reduced(expr, target)
        else:
            entries = self._entries(target)
            value, carried = entries.value(expr), entries.carried
        if carried >= set(target):
            return value
        return self.dialect.broadcast(value, self._shape(target))

    def _reduced(self, expr: Binder, target: Sequence[Index]) -> tuple[ast.expr, set[Index]]:
        indices, body = expr.open(*target)
        factors = [factor for power in Mul.make_args(body) for factor in _repeated(power)]
        if isinstance(expr, Contraction) and len(factors) > 1:
            operands = [found for factor in factors if (found := self._operand(factor))]
            if len(operands) == len(factors):
                product = self._products.value(factors, operands, target)
                if product is not None:
                    return product, set().union(*map(ranging, factors))
        kind = _REDUCTIONS.get(type(expr).__name__, "")
        leaf = Mul(*(factor for factor in factors if not isinstance(factor, One)))
        if isinstance(leaf, Indexed) and kind:
            entries = self._entries(target)
            folded = entries.reduced_windows(kind, leaf, indices)
            if folded is not None:
                return entries.along_order(*folded), ranging(leaf) - set(indices)
        order = _body_order(body, target, indices)
        entries = self._entries(order)
        value = entries.value(body)
        axes = tuple(order.index(index) - len(order) for index in indices)
        if isinstance(expr, OfMatrix):
            return self._of_matrix(expr, body, indices, target)
        if not entries.carried >= set(indices):
            # What is the same along an axis counts as often as that is long.
            value = self.dialect.spread(value, self._shape(order))
            return self.dialect.reduce(kind, value, axes), set(order)
        return self.dialect.reduce(kind, value, axes), entries.carried

    def _of_matrix(
        self, expr: OfMatrix, body: Expr, indices: Sequence[Index], target: Sequence[Index]
    ) -> tuple[ast.expr, set[Index]]:
        batch = [i for i in target if i in ranging(body)]
        matrix = self._dense(body, (*batch, *indices))
        plain = isinstance(expr, Determinant)
        found = self.dialect.determinant if plain else self.dialect.log_determinant
        return found(matrix), set(batch)

    def _operand(self, factor: Expr) -> Operand | None:
        """A tensor as an array with an axis for each index."""
        if not isinstance(factor, Indexed) or not indices_of(factor):
            return None
        return self._entries(()).viewed(factor)

    def _windows_added(self, scatter: Scatter, target: Sequence[Index]) -> ast.expr | None:
        """A new array with values added where windows of it lie, None where they are none."""
        # A number, too, may lie outside where it comes of a remainder.
        numbers = scatter.value.atoms(Indexed) if any(s.is_Integer for s in scatter.slots) else ()
        slots = [*scatter.slots, *(slot for leaf in numbers for slot in indices_of(leaf))]
        if not any(map(is_computed, slots)):
            return None
        known = self.dialect.labels_are_numbers
        plan = window_view(scatter.slots, [index.size for index in target], known)
        if plan is None or not plan.windows or not set(scatter.over) <= set(plan.indices):
            return None
        value = self._read_alone(scatter.value, plan.indices)
        windows = [self._entries(()).window(each) for each in plan.windows]
        return self.dialect.add_windows(value, self._shape(target), windows)

    def _read_alone(self, expr: Expr, target: Sequence[Index]) -> ast.expr:
        """The value of an expression with an axis for each index, which nothing writes to."""
        for delta in [f for f in Mul.make_args(expr) if isinstance(f, KroneckerDelta)]:
            rest = expr / delta
            for index, place in (delta.args, delta.args[::-1]):
                known = isinstance(place, Indexed) and index not in ranging(place) | ranging(rest)
                if index in target and known:
                    return self._chosen(rest, index, place, delta, target)
        entries = self._entries(target)
        value = entries.value(expr)
        if entries.carried >= set(target):
            return value
        return self.dialect.spread(value, self._shape(target))

    def _chosen(
        self, expr: Expr, index: Index, place: Expr, delta: Expr, target: Sequence[Index]
    ) -> ast.expr:
        """Values that lie at places along the axis of an index, zero beside them."""
        others = [i for i in target if i != index]
        at, (size,) = self._entries(others).value(place), self._shape([index])
        value = self._read_alone(expr, others)
        found = self.dialect.chosen(value, at, list(target).index(index), size)
        if found is None:
            entries = self._entries(target)
            condition = entries.condition(delta)
            value = self.dialect.where(condition, entries.value(expr), number(0))
            found = self.dialect.spread(value, self._shape(target))
        return found

    def _add_at(self, variable: ast.expr, scatter: Scatter, target: Sequence[Index]) -> ast.stmt:
        """Add values to single entries, which several of the values may meet in."""
        wanted = set().union(*map(ranging, scatter.slots))
        order = [index for index in in_order(scatter.value) if index in wanted]
        order += sorted(wanted - set(order), key=str)
        plan = looked_up(scatter.slots, order)
        if scatter.over and self.dialect.places_first:
            plan = plan.in_front()
        places = self._entries(plan.order)
        slots: list[ast.expr] = []
        inside: list[ast.expr] = []
        for held, slot, index in zip(plan.held, scatter.slots, target, strict=True):
            place = places.position(slot) if held else ast.Slice()
            if is_computed(slot) and in_range(slot, index.size) != 1:
                (length,) = self._shape([index])
                inside.append(places.within(place, length))
                place = self.dialect.clip(place, length)
            slots.append(place)
        value = self._value_at(scatter, plan)
        for condition in inside:
            if plan.after:
                behind: list[ast.expr] = [ast.Constant(None)] * plan.after
                condition = ast.Subscript(condition, ast.Tuple([ast.Constant(...), *behind]))
            value = self.dialect.where(condition, value, number(0))
        return self.dialect.add_at(
            variable,
            slots,
            value,
            repeated=bool(scatter.over),
            is_array=bool(inside) or has_array(scatter.value),
        )

    def _value_at(self, scatter: Scatter, plan: Places) -> ast.expr:
        """The values of a scatter, what does not tell their places summed over."""
        extra = [index for index in scatter.over if index not in plan.indices]
        if extra:
            return self._dense(Contraction(scatter.value, *extra), plan.indices)
        return self._entries(plan.indices).value(scatter.value)


def _repeated(power: Expr) -> list[Expr]:
    """The factors that a square is made of."""
    return [power.base] * 2 if power.is_Pow and power.exp == 2 else [power]


def _marked(expr: Expr) -> set[Index]:
    """The indices along which an expression is said to be the same."""
    return {one.index for one in expr.atoms(One)}


def _body_order(body: Expr, target: Sequence[Index], indices: Sequence[Index]) -> list[Index]:
    """An order of axes in which those of the target follow each other as they are to stand."""
    natural = in_order(body)
    if [i for i in natural if i in target] == list(target):
        return natural
    return [*target, *indices]
