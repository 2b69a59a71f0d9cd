"""Matrix expressions made of others: products, sums, and what acts entry by entry."""

from __future__ import annotations

from dataclasses import dataclass

from sympy import Rational

from derive.expressions import Elementary, Index
from derive.matrix.forms import SCALAR, Form, NoMatrixFormError, Shape, Wrapped

__all__ = [
    "Apply",
    "Bracket",
    "Diagonal",
    "DiagonalOf",
    "Hadamard",
    "Power",
    "Product",
    "Scaled",
    "Sum",
    "Total",
    "Trace",
    "Transpose",
]


@dataclass(frozen=True)
class Transpose(Wrapped):
    """A form with its rows as columns."""

    @property
    def shape(self) -> Shape:
        rows, columns = self.inner.shape
        return (columns, rows)


@dataclass(frozen=True)
class Product(Form):
    """Two or more matrices multiplied; no factor is a scalar.

    Raises
    ------
    NoMatrixFormError : two neighbours do not fit.
    """

    factors: tuple[Form, ...]

    def __post_init__(self) -> None:
        for left, right in zip(self.factors, self.factors[1:], strict=False):
            if left.shape[1] != right.shape[0]:
                raise NoMatrixFormError("the sizes of two factors do not fit together")

    @property
    def shape(self) -> Shape:
        return (self.factors[0].shape[0], self.factors[-1].shape[1])

    @property
    def parts(self) -> tuple[Form, ...]:
        return self.factors


@dataclass(frozen=True)
class Scaled(Form):
    """A form with scalars in front: `coefficient` times those `above` over those `below`.

    Without an inner form it is a product of scalars.
    """

    coefficient: Rational
    above: tuple[Form, ...]
    below: tuple[Form, ...]
    inner: Form | None

    @property
    def shape(self) -> Shape:
        return self.inner.shape if self.inner else SCALAR

    @property
    def parts(self) -> tuple[Form, ...]:
        return (*self.above, *self.below, *((self.inner,) if self.inner else ()))


@dataclass(frozen=True)
class Hadamard(Form):
    """Two or more forms of one shape multiplied entry by entry."""

    factors: tuple[Form, ...]

    def __post_init__(self) -> None:
        if len({factor.shape for factor in self.factors}) != 1:
            raise NoMatrixFormError("the factors differ in shape")

    @property
    def shape(self) -> Shape:
        return self.factors[0].shape

    @property
    def parts(self) -> tuple[Form, ...]:
        return self.factors


@dataclass(frozen=True)
class Sum(Form):
    """Two or more terms of one shape."""

    terms: tuple[Form, ...]

    def __post_init__(self) -> None:
        if len({term.shape for term in self.terms}) != 1:
            raise NoMatrixFormError("the terms differ in shape")

    @property
    def shape(self) -> Shape:
        return self.terms[0].shape

    @property
    def parts(self) -> tuple[Form, ...]:
        return self.terms


@dataclass(frozen=True)
class Diagonal(Wrapped):
    """The diagonal matrix that a column makes."""

    @property
    def shape(self) -> Shape:
        return (self.inner.shape[0], self.inner.shape[0])


@dataclass(frozen=True)
class DiagonalOf(Wrapped):
    """The diagonal of a square matrix, as a column."""

    @property
    def shape(self) -> Shape:
        return (self.inner.shape[0], None)


@dataclass(frozen=True)
class Trace(Wrapped):
    """The sum of the diagonal of a square matrix."""

    @property
    def shape(self) -> Shape:
        return SCALAR


@dataclass(frozen=True)
class Apply(Form):
    """An elementary function of every entry; a scalar argument is the same for all."""

    function: Elementary
    arguments: tuple[Form, ...]

    def __post_init__(self) -> None:
        if len({argument.shape for argument in self.arguments} - {SCALAR}) > 1:
            raise NoMatrixFormError("the arguments of a function differ in shape")

    @property
    def shape(self) -> Shape:
        return next((a.shape for a in self.arguments if not a.is_scalar), SCALAR)

    @property
    def parts(self) -> tuple[Form, ...]:
        return self.arguments


@dataclass(frozen=True)
class Bracket(Form):
    """The Iverson bracket entry by entry; a side of no shape is compared with every entry."""

    left: Form
    relation: str
    right: Form

    def __post_init__(self) -> None:
        if len({side.shape for side in self.parts} - {SCALAR}) > 1:
            raise NoMatrixFormError("the sides of a comparison differ in shape")

    @property
    def shape(self) -> Shape:
        return self.right.shape if self.left.is_scalar else self.left.shape

    @property
    def parts(self) -> tuple[Form, ...]:
        return (self.left, self.right)


@dataclass(frozen=True)
class Power(Wrapped):
    """Every entry to the power of a scalar."""

    exponent: Form

    @property
    def parts(self) -> tuple[Form, ...]:
        return (self.inner, self.exponent)


@dataclass(frozen=True)
class Total(Wrapped):
    """The sum of a form over the values of indices that are fixed inside it."""

    over: tuple[Index, ...]
