"""How PyTorch spells the operations on arrays."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence

from derive.codegen.dialect import Dialect
from derive.codegen.syntax import call, number
from derive.expressions import ELEMENTARY

__all__ = ["TorchDialect"]

# In float64 the logarithm is exact up to here; PyTorch leaves it out above 20 otherwise.
LINEAR_FROM = 50

_EXTREMA = {"max": "amax", "min": "amin"}


class TorchDialect(Dialect):
    """The spelling of PyTorch; `like` tells the device too."""

    module = "torch"
    places_first = True
    labels_are_numbers = False
    in_blocks = False
    guarded = True
    written: Mapping[type[ast.AST], str] = {
        ast.Add: "add",
        ast.Sub: "sub",
        ast.Mult: "mul",
        ast.Div: "div",
    }
    entrywise = (*Dialect.entrywise, "erf", "sigmoid", "log1p", "expm1")
    sums_products = False
    axis = "dim"
    keep = "keepdim"

    def function(self, row: str, arguments: Sequence[ast.expr], arrays: Sequence[bool]) -> ast.expr:
        """An elementary function, spelled as the table of them says."""
        first, *others = arguments
        if row in ("max", "min"):
            return self._extremum(row, arguments, arrays)
        if row == "clip":
            return self._clipped(arguments, arrays)
        if row == "leaky_relu":
            # The slope may be an array, which PyTorch's function does not take.
            positive = ast.Compare(first, [ast.Gt()], [number(0)])
            return self.where(positive, first, ast.BinOp(others[0], ast.Mult(), first))
        if row == "softplus":
            return self._call("nn.functional.softplus", first, threshold=number(LINEAR_FROM))
        return self._call(ELEMENTARY[row].torch if row in ELEMENTARY else row, *arguments)

    def _extremum(
        self, row: str, arguments: Sequence[ast.expr], arrays: Sequence[bool]
    ) -> ast.expr:
        """The larger or smaller of two, of which one may be a number."""
        if all(arrays):
            return self._call(f"{row}imum", *arguments)
        array, bound = arguments if arrays[0] else arguments[::-1]
        return self._call("clamp", array, **{{"max": "min", "min": "max"}[row]: bound})

    def _clipped(self, arguments: Sequence[ast.expr], arrays: Sequence[bool]) -> ast.expr:
        """Values between bounds, which are numbers both or arrays both."""
        if any(arrays[1:]) or not arrays[0]:
            arguments = [
                argument if array else call(ast.Attribute(self.like, "new_tensor"), argument)
                for argument, array in zip(arguments, arrays, strict=True)
            ]
        return self._call("clamp", *arguments)

    def place(self, array: ast.expr) -> ast.expr:
        """What is passed to have a result put where an array lies, if nothing follows that."""
        return call("_reused", array)

    def reduce(
        self, kind: str, array: ast.expr, axes: Sequence[int], keep: bool = False
    ) -> ast.expr:
        """A reduction over axes; a product is taken over one after the other."""
        if kind != "prod" or len(axes) == 1:
            return super().reduce(_EXTREMA.get(kind, kind), array, axes, keep)
        # Axes are counted from the last one, so that those behind keep their numbers.
        for axis in sorted(axes):
            array = super().reduce(kind, array, [axis], keep)
        return array

    def transpose(self, array: ast.expr, order: Sequence[int]) -> ast.expr:
        """The array with its axes in another order."""
        if tuple(order) == (1, 0):
            return ast.Attribute(array, "T")
        return call(ast.Attribute(array, "permute"), *map(number, order))

    def shape(self, array: ast.expr) -> ast.expr:
        """The lengths of the axes of a tensor."""
        return ast.Attribute(array, "shape")

    def positions(self, size: ast.expr) -> ast.expr:
        """The whole numbers below a size."""
        return self._call("arange", size, device=ast.Attribute(self.like, "device"))

    def as_number(self, condition: ast.expr) -> ast.expr:
        """1 where a condition holds, else 0, with the type of other arrays."""
        return call(ast.Attribute(condition, "to"), ast.Attribute(self.like, "dtype"))

    def zeros(self, shape: Sequence[ast.expr]) -> ast.expr:
        """An array of zeros."""
        return call(ast.Attribute(self.like, "new_zeros"), ast.Tuple(list(shape)))

    def full(self, shape: Sequence[ast.expr], value: ast.expr) -> ast.expr:
        """An array of one number."""
        return call(ast.Attribute(self.like, "new_full"), ast.Tuple(list(shape)), value)

    def broadcast(self, array: ast.expr, shape: Sequence[ast.expr]) -> ast.expr:
        """The array repeated along axes that it lacks."""
        # Under `vmap` what is mapped can be added to what is, as the zeros are with an argument.
        return ast.BinOp(self.zeros(shape), ast.Add(), array)

    def spread(self, array: ast.expr, shape: Sequence[ast.expr]) -> ast.expr:
        """The array repeated along axes that it lacks, to be read alone."""
        return call(ast.Attribute(array, "expand"), *shape)

    def copied(self, array: ast.expr) -> ast.expr:
        """A copy of an array."""
        return call(ast.Attribute(array, "clone"))

    def chosen(
        self, value: ast.expr, places: ast.expr, axis: int, size: ast.expr
    ) -> ast.expr | None:
        """Values with one more axis, which are written as a condition."""
        return None

    def root(self, equation: ast.expr, shape: Sequence[ast.expr]) -> ast.expr:
        """Where an equation holds, by Newton's iterations."""
        start = call(ast.Attribute(self.like, "new_full"), ast.Tuple(list(shape)), number(0.5))
        return call("_root", equation, start)

    def clip(self, array: ast.expr, length: ast.expr) -> ast.expr:
        """Whole numbers moved onto an axis of a length."""
        return self._call("clamp", array, number(0), ast.BinOp(length, ast.Sub(), number(1)))

    def einsum(self, formula: str, *operands: ast.expr, matrix: bool = False) -> ast.expr:
        """A sum of products by Einstein's rule."""
        return self._call("einsum", ast.Constant(formula), *operands)

    def repeat(self, array: ast.expr, times: ast.expr, axis: int) -> ast.expr:
        """The array with each entry along an axis several times, one behind the other."""
        return call(ast.Attribute(array, "repeat_interleave"), times, dim=number(axis))

    def add_at(
        self,
        array: ast.expr,
        slots: Sequence[ast.expr],
        value: ast.expr,
        *,
        repeated: bool,
        is_array: bool,
    ) -> ast.stmt:
        """A statement that adds values, or one number, to entries."""
        if not repeated:
            return super().add_at(array, slots, value, repeated=repeated, is_array=is_array)
        if not is_array:
            value = call(ast.Attribute(self.like, "new_tensor"), value)
        held = [k for k, slot in enumerate(slots) if not isinstance(slot, ast.Slice)]
        if len(held) < len(slots):
            array = self._in_front(array, held, len(slots))
        put = ast.Attribute(array, "index_put_")
        places = ast.Tuple([slots[k] for k in held])
        return ast.Expr(call(put, places, value, accumulate=ast.Constant(True)))

    def _in_front(self, array: ast.expr, held: Sequence[int], rank: int) -> ast.expr:
        """A view of an array with some axes in front of the others."""
        if list(held) == list(range(len(held))):
            return array
        order = [*held, *(k for k in range(rank) if k not in held)]
        return self.transpose(array, order)
