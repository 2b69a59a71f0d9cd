"""Reductions other than the sum: the greatest and the least value, where it is, the product."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from sympy import Expr, Mul, S

from derive.expressions.binder import Binder, closed
from derive.expressions.indices import Index, One, free_indices, fresh_indices

__all__ = [
    "ArgMaximum",
    "ArgMinimum",
    "Extremum",
    "Maximum",
    "Minimum",
    "Place",
    "ProductOver",
]


class Place(Binder):
    """The index at which an extremum is taken, the first one where there are several.

    It has one bound index and stands where an index stands, in a slot of a tensor or a delta.
    """

    is_integer = True
    is_real = True
    is_finite = True

    def __new__(cls, body: Expr, index: Index) -> Expr:
        indices, idle, body = _opened(cls, body, [index])
        return S.Zero if idle else closed(cls, indices, body)


class ArgMaximum(Place):
    """`argmax_j(x_j)`: the index of the greatest value."""

    sign = r"\operatorname{arg\,max}"


class ArgMinimum(Place):
    """`argmin_j(x_j)`: the index of the least value."""

    sign = r"\operatorname{arg\,min}"


class Extremum(Binder):
    """The greatest or the least value of the body.

    Attributes
    ----------
    place : the kind of index at which it is taken.
    convention : what its derivative means where it has none.
    """

    is_real = True
    place: ClassVar[type[Place]]
    convention = "Where several entries are the greatest, or the least, the first of them counts."

    def __new__(cls, body: Expr, *bound: Index) -> Expr:
        indices, _, body = _opened(cls, body, bound)
        return closed(cls, indices, body) if indices else body

    def _eval_is_positive(self) -> bool | None:
        return True if self.body.is_positive else None

    def _eval_is_nonnegative(self) -> bool | None:
        return True if self.body.is_nonnegative else None


class Maximum(Extremum):
    """`max_j(x_j)`: the greatest value.

    >>> from derive.expressions import Index, Maximum, tensor
    >>> i, j = Index("i"), Index("j")
    >>> Maximum(tensor("x", i), i) - Maximum(tensor("x", j), j)
    0
    """

    sign = r"\max"
    place = ArgMaximum


class Minimum(Extremum):
    """`min_j(x_j)`: the least value."""

    sign = r"\min"
    place = ArgMinimum


class ProductOver(Binder):
    """`prod_j(x_j)`: the product of the body for all values of the bound indices.

    An index that the body does not have makes it a power.
    """

    sign = r"\prod"
    convention = "A product over an index is differentiated where none of its factors is zero."

    def __new__(cls, body: Expr, *bound: Index) -> Expr:
        indices, idle, body = _opened(cls, body, bound)
        # The size of an index may be told only later, by the other equations.
        unknown = [index for index in idle if index.size is None]
        indices += unknown
        power = Mul(*(index.size for index in idle if index not in unknown))
        return (closed(cls, indices, body) if indices else body) ** power

    def _eval_is_real(self) -> bool | None:
        return True if self.body.is_real else None

    def _eval_is_positive(self) -> bool | None:
        return True if self.body.is_positive else None


def _opened(
    kind: type[Binder], body: Expr, bound: Sequence[Index]
) -> tuple[list[Index], list[Index], Expr]:
    """The indices that the body has, those that it lacks, and the body, written with them.

    One-tensors among the factors mark nothing here, where the sign names the indices. A reduction
    of a reduction of the same kind is one over all the indices.
    """
    indices = fresh_indices(bound, body)
    body = body.xreplace(dict(zip(bound, indices, strict=True)))
    marks = [One(index) for index in indices]
    body = Mul(*(factor for factor in Mul.make_args(body) if factor not in marks))
    if type(body) is kind and not issubclass(kind, Place):
        inner, body = body.open(*indices)
        indices += inner
    present = free_indices(body)
    idle = [index for index in indices if index not in present]
    return [index for index in indices if index in present], idle, body
