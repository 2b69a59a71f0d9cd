"""Matrix expressions: what they are, and those that are made of no other.

A form has at most two axes. Vectors are columns; a row is a transposed column. Functions, powers
and `Hadamard` act entry by entry, `Product` is the product of matrices.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from sympy import Expr, Rational

from derive.expressions import Index

__all__ = [
    "SCALAR",
    "Form",
    "Identity",
    "Leaf",
    "NoMatrixFormError",
    "Number",
    "OneHot",
    "Ones",
    "Shape",
    "Unit",
    "Wrapped",
    "Zero",
]

Shape: TypeAlias = tuple[Expr | None, Expr | None]
"""The numbers of rows and of columns; None where there is no such axis."""

SCALAR: Shape = (None, None)


class NoMatrixFormError(Exception):
    """Matrix notation has no word for an expression."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True)
class Form:
    """A scalar, column, row or matrix."""

    @property
    def shape(self) -> Shape:
        raise NotImplementedError

    @property
    def is_scalar(self) -> bool:
        return self.shape == SCALAR

    @property
    def parts(self) -> tuple[Form, ...]:
        """The forms that it is made of."""
        return ()


@dataclass(frozen=True)
class Wrapped(Form):
    """A form made of another; one of the same shape unless it says otherwise."""

    inner: Form

    @property
    def shape(self) -> Shape:
        return self.inner.shape

    @property
    def parts(self) -> tuple[Form, ...]:
        return (self.inner,)


@dataclass(frozen=True)
class Number(Form):
    """A number."""

    value: Rational

    @property
    def shape(self) -> Shape:
        return SCALAR


@dataclass(frozen=True)
class Zero(Form):
    """The scalar, vector or matrix of zeros."""

    size: Shape

    @property
    def shape(self) -> Shape:
        return self.size


@dataclass(frozen=True)
class Leaf(Form):
    """A tensor, a size or an unevaluated derivative.

    Of its indices those in `axes` run, the first one down the rows; the others are fixed.
    """

    expr: Expr
    axes: tuple[Index, ...] = ()

    @property
    def shape(self) -> Shape:
        sizes = [index.size for index in self.axes]
        return (*sizes, None, None)[0], (*sizes, None, None)[1]


@dataclass(frozen=True)
class Ones(Form):
    """The column of ones."""

    size: Expr

    @property
    def shape(self) -> Shape:
        return (self.size, None)


@dataclass(frozen=True)
class Identity(Form):
    """The identity matrix."""

    size: Expr

    @property
    def shape(self) -> Shape:
        return (self.size, self.size)


@dataclass(frozen=True)
class Unit(Form):
    """The column with a one at a position, which is a label, a number or a fixed index."""

    position: Expr
    size: Expr

    @property
    def shape(self) -> Shape:
        return (self.size, None)


@dataclass(frozen=True)
class OneHot(Form):
    """The matrix whose rows are the unit vectors at the entries of a vector of labels."""

    labels: Expr
    axis: Index
    columns: Expr

    @property
    def shape(self) -> Shape:
        return (self.axis.size, self.columns)
