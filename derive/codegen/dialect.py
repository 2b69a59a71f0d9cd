"""How a target spells the operations on arrays that programs are made of."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from typing import Self

from derive.codegen.syntax import call, name, number, tuple_of, tupled

__all__ = ["Dialect"]


_SPELLING = {
    "asin": "arcsin",
    "acos": "arccos",
    "atan": "arctan",
    "max": "maximum",
    "min": "minimum",
}


_FOLDED = {
    "sum": "add",
    "max": "maximum",
    "min": "minimum",
}


class Dialect:
    """The spelling of NumPy, which others differ from in places.

    Attributes
    ----------
    like : an array, whose type and place new arrays have.
    in_place : whether results may be written where operands lie.
    fuses : whether a comparison beside other work is never an array of its own, since the
        target's compiler makes one loop of both.
    eager : whether every operation passes over its arrays by itself.
    guarded : whether a place for a result is one only in some circumstances.
    places_first : whether values that are added to entries, of which some may be the same, have
        the axes of their places first.
    sums_products : whether `einsum` is the fast way to a sum of products that is no product of
        matrices.
    in_blocks : whether windows are reduced and multiplied a part at a time, by helpers.
    labels_are_numbers : whether a label without axes is a number when arrays are cut.
    by_entry : whether the target's work is done entry by entry, not on whole arrays.
    """

    module = "np"
    axis = "axis"
    keep = "keepdims"
    in_place = True
    fuses = False
    eager = True
    sums_products = True
    # Operations and functions that take the array in which to put their values.
    written: Mapping[type[ast.AST], str] = {
        ast.Add: "add",
        ast.Sub: "subtract",
        ast.Mult: "multiply",
        ast.Div: "divide",
    }
    entrywise: tuple[str, ...] = ("exp", "log", "sqrt", "tanh", "sin", "cos", "square")
    guarded = False
    places_first = False
    by_entry = False
    in_blocks = True
    labels_are_numbers = True

    def __init__(self, like: str = "") -> None:
        self.like = name(like)

    def beside(self, like: str) -> Self:
        """The dialect where new arrays take their type from the array of that name."""
        return type(self)(like)

    def function(self, row: str, arguments: Sequence[ast.expr], arrays: Sequence[bool]) -> ast.expr:
        """An elementary function, by its name in the table of them, entry by entry.

        Parameters
        ----------
        arguments : its arguments; `arrays` says which are arrays, the others being numbers.
        """
        first, *others = arguments
        zero = number(0)
        if row == "relu":
            return self._call("maximum", first, zero)
        if row == "leaky_relu":
            positive = ast.Compare(first, [ast.Gt()], [zero])
            return self.where(positive, first, ast.BinOp(others[0], ast.Mult(), first))
        if row in ("sigmoid", "softplus"):
            return call(f"_{row}", first)
        if row == "erf":
            return call("erf", first)
        return self._call(_SPELLING.get(row, row), *arguments)

    def _call(self, function: str, *arguments: ast.expr, **keywords: ast.expr) -> ast.expr:
        return call(f"{self.module}.{function}", *arguments, **keywords)

    def place(self, array: ast.expr) -> ast.expr:
        """What is passed to have a result put where an array lies."""
        return array

    def reduce(
        self, kind: str, array: ast.expr, axes: Sequence[int], keep: bool = False
    ) -> ast.expr:
        """A reduction over axes: `sum`, `max`, `min`, `prod`, `argmax`, `argmin`."""
        at = tupled([number(axis) for axis in axes])
        keywords = {self.axis: at} | ({self.keep: ast.Constant(True)} if keep else {})
        return call(ast.Attribute(array, kind), **keywords)

    def transpose(self, array: ast.expr, order: Sequence[int]) -> ast.expr:
        """The array with its axes in another order."""
        if tuple(order) == (1, 0):
            return ast.Attribute(array, "T")
        return call(ast.Attribute(array, "transpose"), *map(number, order))

    def einsum(self, formula: str, *operands: ast.expr, matrix: bool = False) -> ast.expr:
        """A sum of products by Einstein's rule; with `matrix` it may be a product of matrices."""
        # NumPy calls the fast routine for products of matrices only where told to optimize.
        keywords = {"optimize": ast.Constant(True)} if matrix else {}
        return call(f"{self.module}.einsum", ast.Constant(formula), *operands, **keywords)

    def shape(self, array: ast.expr) -> ast.expr:
        """The lengths of the axes of an array, which may be a plain number."""
        return self._call("shape", array)

    def positions(self, size: ast.expr) -> ast.expr:
        """The whole numbers below a size."""
        return call(f"{self.module}.arange", size)

    def as_number(self, condition: ast.expr) -> ast.expr:
        """1 where a condition holds, else 0, with the type of other arrays."""
        return call(ast.Attribute(condition, "astype"), ast.Attribute(self.like, "dtype"))

    def zeros(self, shape: Sequence[ast.expr]) -> ast.expr:
        """An array of zeros."""
        return call(
            f"{self.module}.zeros", tuple_of(shape), dtype=ast.Attribute(self.like, "dtype")
        )

    def full(self, shape: Sequence[ast.expr], value: ast.expr) -> ast.expr:
        """An array of one number."""
        kind = ast.Attribute(self.like, "dtype")
        return call(f"{self.module}.full", tuple_of(shape), value, kind)

    def broadcast(self, array: ast.expr, shape: Sequence[ast.expr]) -> ast.expr:
        """The array repeated along axes that it lacks."""
        # A copy, since what is broadcast cannot be written to.
        return self.copied(self.spread(array, shape))

    def spread(self, array: ast.expr, shape: Sequence[ast.expr]) -> ast.expr:
        """The array repeated along axes that it lacks, to be read alone."""
        return self._call("broadcast_to", array, tuple_of(shape))

    def owned(self, array: ast.expr) -> ast.expr:
        """The array if it was computed here, else a copy that may be written to."""
        function = array.func if isinstance(array, ast.Call) else None
        if isinstance(array, ast.BinOp | ast.UnaryOp) or isinstance(function, ast.Name):
            return array if not _shares(function) else self.copied(array)
        if isinstance(function, ast.Attribute):
            module = isinstance(function.value, ast.Name) and function.value.id == self.module
            if module or function.attr in ("copy", "clone", "sum"):
                return array
        return self.copied(array)

    def copied(self, array: ast.expr) -> ast.expr:
        """A copy of an array."""
        return call(ast.Attribute(array, "copy"))

    def chosen(
        self, value: ast.expr, places: ast.expr, axis: int, size: ast.expr
    ) -> ast.expr | None:
        """Values with one more axis, on which they lie at places and beside which there is zero.

        None where that is best written as a condition.
        """
        return call("_chosen", value, places, number(axis), size)

    def determinant(self, array: ast.expr) -> ast.expr:
        """The determinants of the matrices in the last two axes."""
        return call(f"{self.module}.linalg.det", array)

    def log_determinant(self, array: ast.expr) -> ast.expr:
        """The logarithms of the absolute values of the determinants."""
        return ast.Subscript(call(f"{self.module}.linalg.slogdet", array), number(1))

    def inverse(self, array: ast.expr) -> ast.expr:
        """The inverses of the matrices in the last two axes."""
        return call(f"{self.module}.linalg.inv", array)

    def solve(self, matrix: ast.expr, right: ast.expr) -> ast.expr:
        """The solutions of linear equations; what is right has columns as its last axis."""
        return call(f"{self.module}.linalg.solve", matrix, right)

    def root(self, equation: ast.expr, shape: Sequence[ast.expr]) -> ast.expr:
        """Where an equation holds, by Newton's iterations."""
        start = call(
            f"{self.module}.full", tuple_of(shape), number(0.5), ast.Attribute(self.like, "dtype")
        )
        return call("_root", equation, start)

    def reshape(self, array: ast.expr, shape: Sequence[ast.expr]) -> ast.expr:
        """The array with other axes, its entries in the same order."""
        return call(ast.Attribute(array, "reshape"), *shape)

    def repeat(self, array: ast.expr, times: ast.expr, axis: int) -> ast.expr:
        """The array with each entry along an axis several times, one behind the other."""
        return call(ast.Attribute(array, "repeat"), times, axis=number(axis))

    def fold(self, kind: str, array: ast.expr, axes: Sequence[int]) -> ast.expr | None:
        """A reduction over axes of windows, None where it is best made as any other."""
        if not self.in_blocks:
            return None
        # NumPy's reductions are slow over a short axis whose entries lie side by side.
        if kind in ("argmax", "argmin") and len(axes) == 1:
            function = self._ufunc(_FOLDED[kind.removeprefix("arg")])
            return call("_fold_places", function, array, number(axes[0]))
        if kind in _FOLDED:
            at = tuple_of([number(axis) for axis in axes])
            return call("_fold", self._ufunc(_FOLDED[kind]), array, at)
        return None

    def _ufunc(self, function: str) -> ast.expr:
        return name(f"{self.module}.{function}")

    def windows(self, array: ast.expr, slots: Sequence[ast.expr]) -> ast.expr:
        """The array with axes in place of some, the entries at equal steps, zero outside.

        Each slot is a tuple of an axis, where it starts, and a step and a length for each of the
        axes in its place.
        """
        return call("_windows", array, *slots)

    def add_windows(
        self, value: ast.expr, shape: Sequence[ast.expr], slots: Sequence[ast.expr]
    ) -> ast.expr:
        """An array with values added to its windows; what falls outside is left out."""
        return call("_add_windows", value, tuple_of(shape), *slots)

    def contract(self, formula: str, matrix: ast.expr, windows: ast.expr) -> ast.expr:
        """A sum of products of an array and of windows, which are large as an array."""
        if not self.in_blocks:
            return self.einsum(formula, matrix, windows)
        return call("_contract", ast.Constant(formula), matrix, windows)

    def take_along(self, array: ast.expr, place: ast.expr, axis: int) -> ast.expr | None:
        """One entry of each row along an axis, None where the target has no such function.

        The places have the axes of the array, that one of length 1.
        """
        return None

    def where(self, condition: ast.expr, this: ast.expr, other: ast.expr) -> ast.expr:
        """Entries of one array where a condition holds, of the other elsewhere."""
        return call(f"{self.module}.where", condition, this, other)

    def clip(self, array: ast.expr, length: ast.expr) -> ast.expr:
        """Whole numbers moved onto an axis of a length."""
        last = ast.BinOp(length, ast.Sub(), number(1))
        return call(f"{self.module}.clip", array, number(0), last)

    def add_at(
        self,
        array: ast.expr,
        slots: Sequence[ast.expr],
        value: ast.expr,
        *,
        repeated: bool,
        is_array: bool,
    ) -> ast.stmt:
        """A statement that adds values, or one number, to entries.

        With `repeated` some may be the same entry.
        """
        place = tupled(slots)
        if repeated:
            last = max(k for k, slot in enumerate(slots) if not isinstance(slot, ast.Slice))
            if any(isinstance(slot, ast.Slice) for slot in slots[:last]):
                places = _without_slices(slots)
                return ast.Expr(call(f"{self.module}.add.at", array, places, value))
            return ast.Expr(call("_add_at", array, tuple_of(slots[: last + 1]), value))
        if isinstance(value, ast.UnaryOp) and isinstance(value.op, ast.USub):
            return ast.AugAssign(ast.Subscript(array, place), ast.Sub(), value.operand)
        return ast.AugAssign(ast.Subscript(array, place), ast.Add(), value)


def _shares(function: ast.expr | None) -> bool:
    """Whether a function of a module returns a view of what it is given."""
    return isinstance(function, ast.Name) and function.id == "_windows"


def _without_slices(slots: Sequence[ast.expr]) -> ast.expr:
    """Places as an argument: whole axes at the end are left out."""
    last = max(k for k, slot in enumerate(slots) if not isinstance(slot, ast.Slice))
    whole = call("slice", ast.Constant(None))
    places = [whole if isinstance(s, ast.Slice) else s for s in slots[: last + 1]]
    return tupled(places)
