"""The contraction: a sum that binds its indices."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from sympy import Expr, Indexed, KroneckerDelta, Mul, S

from derive.expressions.binder import Binder, closed
from derive.expressions.indices import Index, One, free_indices, fresh_indices

__all__ = ["Contraction", "occurrences"]


class Contraction(Binder):
    """The sum of `body` over the indices `bound`, each ranging over the whole of its axis.

    The constructor evaluates to the smallest scope: factors free of the bound indices move out,
    and sums that share no index become factors of their own. One-tensors that the body contains
    stay; one is added for an index that would otherwise stand alone in a product, so that what
    the notation needs is always in the tree.

    >>> from derive.expressions import Contraction, Index, tensor
    >>> i, j = Index("i"), Index("j")
    >>> Contraction(tensor("x", i), i) - Contraction(tensor("x", j), j)
    0
    """

    sign = r"\sum"

    def __new__(cls, body: Expr, *bound: Index) -> Expr:
        return _contract(body, bound)

    def _eval_is_real(self) -> bool | None:
        return True if self.body.is_real else None

    def _eval_is_positive(self) -> bool | None:
        return True if self.body.is_positive else None

    def _eval_is_nonnegative(self) -> bool | None:
        return True if self.body.is_nonnegative else None


def occurrences(index: Index, factors: Iterable[Expr]) -> int:
    """How often the notation sees the index in a product: twice or more is a sum.

    A factor counts once, however often the index occurs inside it; a power with a positive
    whole exponent counts as that many factors, and a leaf such as `x_jj` counts each slot. Where
    each factor could be a sum over the index by itself, as in `exp(x_j y_j) exp(x_j z_j)`, the
    product is not seen as one.
    """
    holders = [factor for factor in factors if index in free_indices(factor)]
    if not any(_is_shown(index, factor) for factor in holders):
        return min(len(holders), 1)
    count = sum(_occurrences(index, factor) for factor in holders)
    return min(count, 1) if all(_sums_alone(index, factor) for factor in holders) else count


def _sums_alone(index: Index, expr: Expr) -> bool:
    """Whether the notation would read a sum over the index inside the expression."""
    leaf = isinstance(expr, Index | Indexed | KroneckerDelta | One)
    if leaf or index not in free_indices(expr):
        return False
    if isinstance(expr, Binder):
        return _sums_alone(index, expr.body)
    holders = [arg for arg in expr.args if index in free_indices(arg)]
    if expr.is_Mul and sum(_occurrences(index, arg) for arg in holders) > 1:
        return True
    return all(_sums_alone(index, arg) for arg in holders)


def _is_shown(index: Index, expr: Expr) -> bool:
    """Whether the index stands in a slot, and not in a comparison alone, as k in `[k <= q]`."""
    if isinstance(expr, Indexed | KroneckerDelta | One):
        return index in free_indices(expr)
    return any(_is_shown(index, arg) for arg in expr.args)


def _occurrences(index: Index, factor: Expr) -> int:
    if index not in free_indices(factor):
        return 0
    if isinstance(factor, Indexed | KroneckerDelta):
        return max(1, sum(index in free_indices(slot) for slot in factor.args))
    if factor.is_Pow and factor.exp.is_Integer and factor.exp > 1:
        return int(factor.exp)
    return 1


@lru_cache(maxsize=8192)
def _contract(body: Expr, bound: tuple[Index, ...]) -> Expr:
    """The contraction in its canonical form."""
    indices = fresh_indices(bound, body)
    body = body.xreplace(dict(zip(bound, indices, strict=True)))
    factors: list[Expr] = []
    for factor in Mul.make_args(body):
        if isinstance(factor, Contraction):
            inner, inner_body = factor.open(body, *indices)
            indices += inner
            factors += Mul.make_args(inner_body)
        else:
            factors.append(factor)
    if S.Zero in factors:
        return S.Zero
    outside = [factor for factor in factors if not free_indices(factor).intersection(indices)]
    inside = [factor for factor in factors if free_indices(factor).intersection(indices)]
    return Mul(*outside, *(_close(*part) for part in _components(indices, inside)))


def _components(indices: list[Index], factors: list[Expr]) -> list[tuple[list[Index], list[Expr]]]:
    """The indices and factors in groups that share no index."""
    groups: list[tuple[set[Any], list[Expr]]] = [({index}, []) for index in indices]
    for factor in factors:
        touched = [group for group in groups if group[0] & free_indices(factor)]
        joined: tuple[set[Any], list[Expr]] = (
            set().union(*(group[0] for group in touched)),
            [old for group in touched for old in group[1]] + [factor],
        )
        groups = [group for group in groups if group not in touched] + [joined]
    return [([i for i in indices if i in group[0]], group[1]) for group in groups]


def _close(indices: list[Index], factors: list[Expr]) -> Expr:
    """One connected contraction, its one-tensors completed and its bound indices numbered."""
    lone = [One(index) for index in indices if occurrences(index, factors) < 2]
    body = Mul(*factors, *(one for one in lone if one not in factors))
    return closed(Contraction, indices, body)
