"""The contraction: a sum that binds its indices.

Bound indices carry numbers, given by the structure of the body alone, so that contractions which
differ in the letters of their dummies are equal objects and nothing can capture.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import permutations, product
from math import factorial, prod
from typing import Any

from sympy import Expr, Indexed, KroneckerDelta, Mul, S
from sympy.core.sorting import default_sort_key
from sympy.printing.precedence import PRECEDENCE

from derive.expressions.indices import (
    Bound,
    Index,
    One,
    free_indices,
    fresh_indices,
    indices_of,
)

__all__ = ["Contraction", "occurrences"]

# Above this many candidate orders the ties are left as they stand: two such contractions may
# then be equal without being seen to be, which costs a cancellation and never a wrong result.
MOST_ORDERS = 720


class Contraction(Expr):
    """The sum of `body` over the indices `bound`, each ranging over the whole of its axis.

    The constructor evaluates to the smallest scope: factors free of the bound indices move out,
    and sums that share no index become factors of their own. One-tensors that the body contains
    stay; one is added for an index that would otherwise stand alone in a product, so that what
    the notation needs is always in the tree. A contraction is equal to another if they differ
    by the names of their bound indices only, and `subs` and `xreplace` never capture.

    >>> from derive.expressions import Contraction, Index, tensor
    >>> i, j = Index("i"), Index("j")
    >>> Contraction(tensor("x", i), i) - Contraction(tensor("x", j), j)
    0
    """

    is_commutative = True

    def __new__(cls, body: Expr, *bound: Index) -> Expr:
        return _contract(body, bound)

    @property
    def body(self) -> Expr:
        return self.args[0]

    @property
    def bound(self) -> tuple[Bound, ...]:
        return tuple(self.args[1:])

    @property
    def free_symbols(self) -> set[Any]:
        bound = set(self.bound)
        return {
            symbol
            for symbol in self.body.free_symbols - bound
            if not (isinstance(symbol, Indexed) and bound & symbol.free_symbols)
        }

    def open(self, *avoid: Expr) -> tuple[list[Index], Expr]:
        """Indices in place of the bound ones, and the body written with them.

        The indices are free in neither the body nor the expressions to `avoid`, which are those
        that the body is going to meet.
        """
        indices = fresh_indices(self.bound, self.body, *avoid)
        return indices, self.body.xreplace(dict(zip(self.bound, indices, strict=True)))

    def _xreplace(self, rule: dict[Any, Any]) -> tuple[Expr, bool]:
        if self in rule:
            return rule[self], True
        indices, body = self.open(*rule, *rule.values())
        replaced, changed = body._xreplace(rule)
        return (_contract(replaced, indices), True) if changed else (self, False)

    def _eval_subs(self, old: Expr, new: Expr) -> Expr:
        indices, body = self.open(old, new)
        return _contract(body._subs(old, new), indices)

    def _eval_derivative(self, _symbol: Expr) -> Expr:
        raise NotImplementedError("a contraction has no .diff; derive.gradient differentiates it")

    def _latex(self, printer: Any) -> str:
        # For SymPy's own printer, which knows no letters; notation.write chooses some.
        letters = {index: Index(f"i_{{{index.number}}}") for index in self.bound}
        subscript = " ".join(letter.name for letter in letters.values())
        body = printer.parenthesize(self.body.xreplace(letters), PRECEDENCE["Mul"], strict=True)
        return rf"\sum_{{{subscript}}} {body}"

    def doit(self, **_hints: Any) -> Expr:
        return self

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
    if isinstance(expr, Contraction):
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


def _contract(body: Expr, bound: Sequence[Index]) -> Expr:
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
    first = 1 + max((symbol.number for symbol in body.atoms(Bound)), default=-1)
    closed = [_number(order, first, body) for order in _orders(indices, body)]
    return closed[0] if len(closed) == 1 else min(closed, key=default_sort_key)


def _number(indices: Sequence[Index], first: int, body: Expr) -> Expr:
    """The contraction with the bound indices numbered in the given order."""
    numbers = [Bound(number, index.size) for number, index in enumerate(indices, first)]
    body = body.xreplace(dict(zip(indices, numbers, strict=True)))
    return Expr.__new__(Contraction, body, *numbers)


def _orders(indices: list[Index], body: Expr) -> Iterable[tuple[Index, ...]]:
    """The orders in which the indices may be numbered, as far as the body leaves a choice.

    Indices are told apart by what the body looks like from each; only ties are permuted.
    """
    if len(indices) == 1:
        return [tuple(indices)]
    views: dict[Any, list[Index]] = {}
    for index in indices:
        views.setdefault(_view(index, body, set(indices)), []).append(index)
    groups = [views[key] for key in sorted(views)]
    if prod(factorial(len(group)) for group in groups) > MOST_ORDERS:
        return [tuple(index for group in groups for index in group)]
    choices = product(*(permutations(group) for group in groups))
    return (tuple(index for group in choice for index in group) for choice in choices)


def _view(index: Index, body: Expr, bound: set[Index]) -> tuple[Any, ...]:
    """The leaves around an index, with every other bound index struck out, in a sorted tuple."""
    struck = {other: Index("") if other != index else Index(".") for other in bound}
    leaves = [leaf for leaf in body.atoms(Indexed, KroneckerDelta) if leaf.has(index)]
    return (
        str(index.size),
        *sorted(
            (
                str(leaf.args[0]) if isinstance(leaf, Indexed) else "",
                tuple(
                    str(struck.get(slot, slot) if slot.is_Symbol else slot.xreplace(struck))
                    for slot in (indices_of(leaf) or sorted(leaf.args, key=index.__ne__))
                ),
            )
            for leaf in leaves
        ),
    )


def bound_apart(expr: Expr) -> bool:
    """Whether no bound index escapes its contraction."""
    return not any(isinstance(index, Bound) for index in free_indices(expr))
