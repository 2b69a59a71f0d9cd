"""What binds indices: sums, and other reductions over all the values of an index.

Bound indices carry numbers, given by the structure of the body alone, so that binders which differ
in the letters of their indices are equal objects and nothing can capture.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import count, islice, permutations, product
from math import factorial, prod
from typing import Any, ClassVar

from sympy import Expr, Indexed, KroneckerDelta
from sympy.core.sorting import default_sort_key
from sympy.printing.precedence import PRECEDENCE

from derive.expressions.indices import Bound, Index, free_indices, fresh_indices, indices_of
from derive.expressions.nodes import nodes_in

__all__ = ["Binder", "bound_apart", "closed"]

# Above this many candidate orders the ties are left as they stand: two such binders may then be
# equal without being seen to be, which costs a cancellation and never a wrong result.
MOST_ORDERS = 720


class Binder(Expr):
    """`body` for all values of the indices `bound`, each ranging over the whole of its axis.

    A binder is equal to another of its kind if they differ by the names of their bound indices
    only, and `subs` and `xreplace` never capture.

    Attributes
    ----------
    sign : the LaTeX command that the bound indices stand below.
    """

    is_commutative = True
    sign: ClassVar[str]

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
        return indices, _opened(self, tuple(indices))

    def _xreplace(self, rule: dict[Any, Any]) -> tuple[Expr, bool]:
        if self in rule:
            return rule[self], True
        if _renames(rule, free_indices(self), self.bound):
            body, changed = self.body._xreplace(rule)
            return (closed(type(self), list(self.bound), body), True) if changed else (self, False)
        indices, body = self.open(*rule, *rule.values())
        replaced, changed = body._xreplace(rule)
        return (self.func(replaced, *indices), True) if changed else (self, False)

    def _eval_subs(self, old: Expr, new: Expr) -> Expr:
        indices, body = self.open(old, new)
        return self.func(body._subs(old, new), *indices)

    def _eval_derivative(self, _symbol: Expr) -> Expr:
        name = type(self).__name__
        raise NotImplementedError(f"{name} has no .diff; derive.gradient differentiates it")

    def doit(self, **_hints: Any) -> Expr:
        return self

    def _latex(self, printer: Any) -> str:
        # For SymPy's own printer, which knows no letters; notation.write chooses some.
        letters = {index: Index(f"i_{{{index.number}}}") for index in self.bound}
        subscript = " ".join(letter.name for letter in letters.values())
        body = printer.parenthesize(self.body.xreplace(letters), PRECEDENCE["Mul"], strict=True)
        return rf"{self.sign}_{{{subscript}}} {body}"


@lru_cache(maxsize=8192)
def _opened(binder: Binder, indices: tuple[Index, ...]) -> Expr:
    """The body with the given indices in place of the bound ones."""
    return binder.body.xreplace(dict(zip(binder.bound, indices, strict=True)))


def closed(kind: type[Binder], indices: list[Index], body: Expr) -> Expr:
    """A binder whose indices get their numbers, the same in whatever order they are given."""
    numbers = _numbers(indices, body)
    found = [_number(kind, order, numbers, body) for order in _orders(indices, body)]
    return found[0] if len(found) == 1 else min(found, key=default_sort_key)


def _renames(rule: dict[Any, Any], free: set[Index], bound: Sequence[Index]) -> bool:
    """Whether a replacement puts letters for letters, different ones for different ones.

    Such a replacement leaves the structure of a binder as it is. To open every binder inside
    another for it would take twice as long for each level.
    """
    letters = {*rule, *rule.values()}
    if not all(isinstance(letter, Index) and not letter.is_label for letter in letters):
        return False
    images = {rule.get(index, index) for index in free}
    return len(images) == len(free) and letters.isdisjoint(bound)


def _numbers(indices: Sequence[Index], body: Expr) -> list[int]:
    """Numbers for bound indices, counted from the inside out.

    So an outer binder leaves those inside it as they are. While a part of one is at work, bound
    indices of the outer ones stand free in it; their numbers are left out.
    """
    every, free = nodes_in(body, Bound), free_indices(body)
    first = 1 + max((index.number for index in every - free), default=-1)
    taken = {index.number for index in every & free if index not in indices}
    return list(islice((n for n in count(first) if n not in taken), len(indices)))


def _number(
    kind: type[Binder], indices: Sequence[Index], numbers: Sequence[int], body: Expr
) -> Expr:
    """The binder with the bound indices numbered in the given order."""
    bound = [Bound(n, index.size) for n, index in zip(numbers, indices, strict=True)]
    if bound != list(indices):
        body = body.xreplace(dict(zip(indices, bound, strict=True)))
    return Expr.__new__(kind, body, *bound)


def _orders(indices: list[Index], body: Expr) -> Iterable[tuple[Index, ...]]:
    """The orders in which the indices may be numbered, as far as the body leaves a choice.

    Indices are told apart by what the body looks like from each; only ties are permuted.
    """
    if len(indices) == 1:
        return [tuple(indices)]
    views: dict[Any, list[Index]] = {}
    leaves = nodes_in(body, Indexed, KroneckerDelta)
    for index in indices:
        views.setdefault(_view(index, leaves, set(indices)), []).append(index)
    groups = [views[key] for key in sorted(views)]
    if prod(factorial(len(group)) for group in groups) > MOST_ORDERS:
        return [tuple(index for group in groups for index in group)]
    choices = product(*(permutations(group) for group in groups))
    return (tuple(index for group in choice for index in group) for choice in choices)


def _view(index: Index, every: Iterable[Expr], bound: set[Index]) -> tuple[Any, ...]:
    """The leaves around an index, with every other bound index struck out, in a sorted tuple."""
    struck = {other: Index("") if other != index else Index(".") for other in bound}
    leaves = [leaf for leaf in every if index in free_indices(leaf)]
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
    """Whether no bound index escapes what binds it."""
    return not any(isinstance(index, Bound) for index in free_indices(expr))
