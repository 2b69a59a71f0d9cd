"""How JAX spells the operations on arrays."""

from __future__ import annotations

import ast
from collections.abc import Sequence

from derive.codegen.dialect import Dialect
from derive.codegen.syntax import call, number
from derive.expressions import ELEMENTARY

__all__ = ["JaxDialect"]


class JaxDialect(Dialect):
    """The spelling of JAX: NumPy's, but no array is ever written to."""

    module = "jnp"
    in_place = False
    labels_are_numbers = False
    in_blocks = False
    fuses = True
    eager = False

    def function(self, row: str, arguments: Sequence[ast.expr], arrays: Sequence[bool]) -> ast.expr:
        """An elementary function, spelled as the table of them says."""
        spelling = ELEMENTARY[row].jax if row in ELEMENTARY else f"numpy.{row}"
        module, _, rest = spelling.partition(".")
        full = f"jnp.{rest}" if module == "numpy" else f"jax.{spelling}"
        return call(full, *arguments)

    def copied(self, array: ast.expr) -> ast.expr:
        """The array itself, as none is ever written to."""
        return array

    def chosen(
        self, value: ast.expr, places: ast.expr, axis: int, size: ast.expr
    ) -> ast.expr | None:
        """Values with one more axis, which are written as a condition."""
        return None

    def einsum(self, formula: str, *operands: ast.expr, matrix: bool = False) -> ast.expr:
        """A sum of products by Einstein's rule."""
        return self._call("einsum", ast.Constant(formula), *operands)

    def take_along(self, array: ast.expr, place: ast.expr, axis: int) -> ast.expr | None:
        """One entry of each row along an axis: rows on different devices stay there."""
        return self._call("take_along_axis", array, place, axis=number(axis))

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
        place = slots[0] if len(slots) == 1 else ast.Tuple(list(slots))
        entries = ast.Subscript(ast.Attribute(array, "at"), place)
        return ast.Assign([array], call(ast.Attribute(entries, "add"), value))
