"""Sums of products of two or more arrays, by matrix products where they are such."""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence

from sympy import Expr

from derive.codegen.dialect import Dialect
from derive.codegen.entries import Entries
from derive.codegen.reads import is_plain
from derive.expressions import Index, ranging

__all__ = ["Operand", "Products"]

Operand = tuple[ast.expr, list[Index]]
"""An array, and the indices of its axes."""


class Products:
    """Writes sums of products in one dialect.

    Parameters
    ----------
    dialect : how the target spells the operations.
    entries : what reads arrays along an order of axes.
    """

    def __init__(self, dialect: Dialect, entries: Callable[[Sequence[Index]], Entries]) -> None:
        self._dialect = dialect
        self._entries = entries

    def value(
        self, factors: Sequence[Expr], operands: Sequence[Operand], target: Sequence[Index]
    ) -> ast.expr | None:
        """The sum of a product of tensors, by matrix products where it is one.

        None where the product is best made and summed one after the other.
        """
        free = [i for i in target if any(i in ranging(f) for f in factors)]
        if len(factors) == 2 and all(map(is_plain, factors)):
            product = self._matrix_product(factors, free)
            if product is not None:
                return product
        whole = set().union(*map(ranging, factors)) in map(ranging, factors)
        if whole and not self._dialect.sums_products:
            return None
        return self._einsum(factors, operands, free)

    def _einsum(
        self, factors: Sequence[Expr], operands: Sequence[Operand], free: Sequence[Index]
    ) -> ast.expr:
        every = sorted(set().union(*map(ranging, factors)), key=str)
        letters = dict(zip(every, "abcdefghijklmnopqrstuvwxyz", strict=False))
        terms = ["".join(letters[i] for i in indices) for _, indices in operands]
        out = "".join(letters[i] for i in free)
        arrays = [array for array, _ in operands]
        own = [set(term) - set(terms[1 - place]) for place, term in enumerate(terms[:2])]
        matrix = len(terms) == 2 and all(own)
        windows = [not is_plain(factor) for factor in factors]
        if matrix and sum(windows) == 1 and not _all_three(terms[0], terms[1], out):
            first = windows.index(False)
            formula = f"{terms[first]},{terms[1 - first]}->{out}"
            return self._dialect.contract(formula, arrays[first], arrays[1 - first])
        return self._dialect.einsum(f"{','.join(terms)}->{out}", *arrays, matrix=matrix)

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
            left = self._entries([*batch, *rows, *over]).value(first)
            right = self._entries([*batch, *over, *columns]).value(second)
            return ast.BinOp(left, ast.MatMult(), right)
        return None


def _all_three(one: str, other: str, out: str) -> bool:
    """Whether a letter is in two operands and in the result."""
    return bool({*one} & {*other} & {*out})
