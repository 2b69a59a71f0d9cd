"""The determinant of a matrix, and its logarithm."""

from __future__ import annotations

from typing import ClassVar

from sympy import Expr, S

from derive.expressions.binder import Binder, closed
from derive.expressions.indices import Index, fresh_indices

__all__ = ["Determinant", "LogDeterminant", "OfMatrix"]


class OfMatrix(Binder):
    """A number that a square matrix has, whose entries are the body for all values of two indices.

    Which of the two counts the rows does not matter.

    Attributes
    ----------
    singular : the value for the zero matrix.
    """

    is_real = True
    singular: ClassVar[Expr]

    def __new__(cls, body: Expr, row: Index, column: Index) -> Expr:
        if body == 0:
            return cls.singular
        indices = fresh_indices((row, column), body)
        body = body.xreplace(dict(zip((row, column), indices, strict=True)))
        return closed(cls, indices, body)


class Determinant(OfMatrix):
    """`det_ij(x_ij)`: the determinant.

    >>> from derive.expressions import Determinant, Index, tensor
    >>> i, j = Index("i"), Index("j")
    >>> Determinant(tensor("x", i, j), i, j) - Determinant(tensor("x", j, i), i, j)
    0
    """

    sign = r"\det"
    singular = S.Zero


class LogDeterminant(OfMatrix):
    """`logdet_ij(x_ij)`: the logarithm of the absolute value of the determinant."""

    sign = r"\operatorname{logdet}"
    singular = S.NegativeInfinity
    convention = "logdet is the logarithm of the absolute value of the determinant."
