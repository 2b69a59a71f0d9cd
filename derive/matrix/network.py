"""A product in index notation as one of matrices.

The factors are vectors and matrices over indices, the bound indices are summed away one after the
other. Summing over an index links the tensors that hold it: it can be done with matrices if these
share at most two other indices. Whatever can be done so, in any order, is found.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sympy import Expr

from derive.expressions import Index
from derive.matrix.build import (
    diagonal,
    hadamard,
    inner_product,
    multiply,
    scale,
    trace,
    transpose,
    transposes,
)
from derive.matrix.forms import Form, Identity, NoMatrixFormError, Ones

__all__ = ["Factor", "contract"]


@dataclass(frozen=True)
class Factor:
    """A scalar, a column over one index, or a matrix over two, the first down the rows."""

    indices: tuple[Index, ...]
    form: Form

    def oriented(self, rows: Index) -> Form:
        """The matrix with the given index down the rows."""
        return self.form if self.indices[0] == rows else transpose(self.form)

    def other(self, index: Index) -> Index:
        """The other index of a matrix."""
        return self.indices[self.indices[0] == index]


def contract(factors: Sequence[Factor], bound: Sequence[Index], axes: tuple[Index, ...]) -> Form:
    """The sum of a product over the bound indices, as a form over the axes.

    Raises
    ------
    NoMatrixFormError : the sums link more than two indices, in every order.
    """
    network = _Network(factors)
    remaining = list(bound)
    while remaining:
        done = network.eliminate(network.next_of(remaining), remaining)
        remaining = [index for index in remaining if index not in done]
    return scale(network.scalars, network.over(axes))


class _Network:
    """What is left of a product while its sums are done one after the other."""

    def __init__(self, factors: Sequence[Factor]) -> None:
        self.scalars = [factor.form for factor in factors if not factor.indices]
        self.factors = [factor for factor in factors if factor.indices]

    def _holders(self, index: Index) -> list[Factor]:
        return [factor for factor in self.factors if index in factor.indices]

    def _neighbours(self, index: Index) -> list[Index]:
        """The indices that share a matrix with an index, each once."""
        holders = [factor for factor in self._holders(index) if len(factor.indices) == 2]
        return list(dict.fromkeys(factor.other(index) for factor in holders))

    def next_of(self, indices: Sequence[Index]) -> Index:
        """The index to sum over next: one that makes a plain product of two, if there is one."""
        possible = [index for index in indices if len(self._neighbours(index)) <= 2]
        if not possible:
            index = indices[0]
            linked = ", ".join(sorted(i.name for i in self._neighbours(index)))
            raise NoMatrixFormError(
                f"the sum over an index that is linked with three others ({linked}) "
                "is no product of matrices"
            )
        return min(possible, key=self._effort)

    def _effort(self, index: Index) -> tuple[bool, bool, int, int]:
        """Products by entry, and sums of a single tensor, come later than products of matrices."""
        holders = self._holders(index)
        pairs = [factor for factor in holders if len(factor.indices) == 2]
        others = self._neighbours(index)
        made = self._summed(index, holders, others)
        turned = min(transposes(made), transposes(transpose(made)))
        return (len(others) < len(pairs), len(holders) < 2, len(holders), turned)

    def eliminate(self, index: Index, bound: Sequence[Index]) -> list[Index]:
        """Do the sum over an index; returns the indices that are summed over."""
        holders = self._holders(index)
        others = self._neighbours(index)
        if len(others) == 1 and others[0] in bound and self._is_trace(index, others[0]):
            self.factors = [factor for factor in self.factors if factor not in holders]
            first, *rest = [factor.oriented(index) for factor in holders]
            self.scalars.append(trace(multiply([transpose(first), hadamard(rest)])))
            return [index, others[0]]
        made = self._summed(index, holders, others)
        self.factors = [factor for factor in self.factors if factor not in holders]
        if others:
            self.factors.append(Factor(tuple(others), made))
        else:
            self.scalars.append(made)
        return [index]

    def _is_trace(self, index: Index, other: Index) -> bool:
        """Whether two indices stand in the same matrices, two or more, and nowhere else."""
        holders = self._holders(index)
        return (
            len(holders) > 1
            and len(holders) == len(self._holders(other))
            and all(len(factor.indices) == 2 for factor in holders)
        )

    def _summed(self, index: Index, holders: list[Factor], others: list[Index]) -> Form:
        """The sum over an index: a scalar, a column, or a matrix over the others."""
        vectors = [factor.form for factor in holders if len(factor.indices) == 1]
        if not others:
            return inner_product(vectors)
        matrices = [self._joined(index, other) for other in others]
        if len(matrices) == 1:
            vector = hadamard(vectors) if vectors else Ones(_size(index))
            return multiply([transpose(matrices[0]), vector])
        scaling = [diagonal(hadamard(vectors))] if vectors else []
        return multiply([transpose(matrices[0]), *scaling, matrices[1]])

    def _joined(self, rows: Index, columns: Index) -> Form:
        """All matrices over two indices multiplied entry by entry."""
        both = {rows, columns}
        found = [factor for factor in self.factors if set(factor.indices) == both]
        forms = [factor.oriented(found[0].indices[0]) for factor in found]
        return Factor(found[0].indices, hadamard(forms)).oriented(rows)

    def over(self, axes: tuple[Index, ...]) -> Form | None:
        """What is left when all sums are done, as a form over the axes."""
        if not axes:
            return None
        columns = [self._column(axis) for axis in axes]
        matrices = [factor for factor in self.factors if len(factor.indices) == 2]
        if len(axes) == 1:
            return columns[0] or Ones(_size(axes[0]))
        if not matrices:
            left, right = (c or Ones(_size(a)) for c, a in zip(columns, axes, strict=True))
            return multiply([left, transpose(right)])
        return _scaled_sides(self._joined(*axes), *columns)

    def _column(self, axis: Index) -> Form | None:
        """The columns over an axis multiplied entry by entry."""
        found = [factor.form for factor in self.factors if factor.indices == (axis,)]
        return hadamard(found) if found else None


def _scaled_sides(matrix: Form, left: Form | None, right: Form | None) -> Form:
    """A matrix with its rows and its columns scaled."""
    both = [column for column in (left, right) if column is not None]
    if isinstance(matrix, Identity) and both:
        return diagonal(hadamard(both))
    before = [diagonal(left)] if left is not None else []
    after = [diagonal(right)] if right is not None else []
    return multiply([*before, matrix, *after])


def _size(index: Index) -> Expr:
    if index.size is None:
        raise NoMatrixFormError(f"the index {index} has no size")
    return index.size
