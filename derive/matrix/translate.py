"""From an expression in index notation to a matrix expression, where there is one."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from math import prod
from typing import Any

from sympy import Add, Expr, Indexed, KroneckerDelta, Mul, Pow

from derive.errors import NotationError
from derive.expressions import (
    Binder,
    Contraction,
    Determinant,
    Graph,
    Index,
    Iverson,
    LogDeterminant,
    Maximum,
    Minimum,
    One,
    Partial,
    ProductOver,
    elementary,
    ranging,
)
from derive.matrix.build import add, hadamard, total, transposes
from derive.matrix.forms import Form, Leaf, NoMatrixFormError, Zero
from derive.matrix.leaves import Factors, leading
from derive.matrix.network import contract
from derive.matrix.operations import Apply, Bracket, Power
from derive.notation.arrange import arrange
from derive.notation.layout import Sum, Term
from derive.notation.letters import Scope, name_dummies, outermost
from derive.notation.order import Order
from derive.notation.write import write_text

__all__ = ["Axes", "translate"]

Axes = tuple[Index, ...]

# A product that would have more terms is not multiplied out.
MOST_TERMS = 64

_NAMES = (
    (Maximum, "a maximum over an index"),
    (Minimum, "a minimum over an index"),
    (ProductOver, "a product over an index"),
    (Determinant, "a determinant"),
    (LogDeterminant, "a determinant"),
)

_LETTER = re.compile(r"Letter\(name='[^']*'\)")


def translate(
    expr: Expr, axes: Axes, graph: Graph, fixed: Sequence[Index] = (), taken: Sequence[Expr] = ()
) -> Form:
    """The matrix form of an expression.

    Parameters
    ----------
    axes : the free indices, at most two, the first one down the rows.
    graph : the equations, for the sizes of axes and the author's order and letters.
    fixed : free indices that stand for one value at a time.
    taken : what stands on the same line, whose letters the dummies avoid.

    Raises
    ------
    NoMatrixFormError : there is none, for the reason given.
    """
    translator = _Translator(graph, Order(graph), frozenset(fixed))
    return translator.form(expr, axes, outermost(expr, taken))


@dataclass(frozen=True)
class _Translator:
    graph: Graph
    order: Order
    fixed: frozenset[Index]

    def form(self, expr: Expr, axes: Axes, scope: Scope) -> Form:
        """The form of an expression over axes; those that it lacks are filled with ones."""
        if expr == 0:
            return Zero(Leaf(expr, axes).shape)
        if expr.is_Add:
            return add(self._terms([(t, self.form(t, axes, scope)) for t in expr.args]))
        factors, bound, inner = self._opened(expr, scope)
        return self._product(factors, bound, axes, inner)

    def _terms(self, terms: Sequence[tuple[Expr, Form]]) -> list[Form]:
        """The forms of terms in the author's order, fewer transposes first."""
        return [form for _, form in sorted(terms, key=self._term_key)]

    def _term_key(self, pair: tuple[Expr, Form]) -> Any:
        term, form = pair
        with suppress(NotationError):
            node = arrange(term, self.graph)
            # Only a term with a minus is a sum, of itself alone.
            first = node.terms[0] if isinstance(node, Sum) else Term(False, node)
            negative, kind, factors = self.order.of_term(first)
            # The letters of the indices, which matrices have not, come last.
            return 0, negative, kind, list(map(_unlettered, factors)), transposes(form), factors
        return 1, str(term)

    def _factor_key(self, factor: Expr) -> Any:
        """The author's order, upstream gradients first."""
        with suppress(NotationError):
            node = arrange(factor, self.graph)
            return 0, not isinstance(factor, Partial), self.order.of_factor(node)
        return 1, True, str(factor)

    def _opened(self, expr: Expr, scope: Scope) -> tuple[list[Expr], list[Index], Scope]:
        """The factors of a product with the sums among them opened, and their indices."""
        factors: list[Expr] = []
        bound: list[Index] = []
        pending = list(Mul.make_args(expr))
        while pending:
            factor = pending.pop(0)
            if not isinstance(factor, Contraction) or leading(factor.body) & {*factor.bound}:
                factors.append(factor)
                continue
            body, indices, scope = self._named(factor, scope)
            bound += indices
            pending += [part for f in Mul.make_args(body) for part in _split(f, bound)]
        return sorted(factors, key=self._factor_key), bound, scope

    def _named(self, expr: Contraction, scope: Scope) -> tuple[Expr, list[Index], Scope]:
        """The body of a sum with letters for its dummies."""
        inner = name_dummies(expr.body, expr.bound, self.graph, scope)
        letters = {index: Index(inner.letters[index], index.size) for index in expr.bound}
        return expr.body.xreplace(letters), list(letters.values()), scope.without(inner.taken)

    def _product(
        self, factors: Sequence[Expr], bound: Sequence[Index], axes: Axes, scope: Scope
    ) -> Form:
        """The sum of a product; where it has no form, that of the product multiplied out."""
        try:
            found = Factors(self.graph, self.fixed, bound)
            for factor in factors:
                self._place(factor, found, scope)
            found.complete()
            return contract(found.found, found.bound, axes)
        except NoMatrixFormError:
            brackets = [factor for factor in factors if factor.is_Add]
            if not brackets or prod(len(b.args) for b in brackets) > MOST_TERMS:
                raise
        others = list(factors)
        others.remove(brackets[0])
        made = [(t, self._times(t, others, bound, axes, scope)) for t in brackets[0].args]
        return add(self._terms(made))

    def _times(
        self,
        term: Expr,
        others: Sequence[Expr],
        bound: Sequence[Index],
        axes: Axes,
        scope: Scope,
    ) -> Form:
        """A term multiplied by factors, and summed over."""
        opened, more, scope = self._opened(term, scope)
        parts = [part for factor in opened for part in _split(factor, bound)]
        factors = sorted((*others, *parts), key=self._factor_key)
        return self._product(factors, [*bound, *more], axes, scope)

    # Factors

    def _place(self, expr: Expr, factors: Factors, scope: Scope) -> None:
        """Take a factor of a product, a leaf or what is made entry by entry."""
        if not factors.place(expr):
            axes = self._axes(expr)
            factors.add(axes, self._elementwise(expr, axes, scope))

    def _axes(self, expr: Expr) -> Axes:
        """The running indices of a factor, in alphabetical order."""
        axes = sorted(ranging(expr) - self.fixed, key=lambda index: index.name)
        if len(axes) > 2:
            letters = ", ".join(index.name for index in axes)
            raise NoMatrixFormError(f"a factor has more than two indices ({letters})")
        return tuple(axes)

    def _elementwise(self, expr: Expr, axes: Axes, scope: Scope) -> Form:
        """A sum, a power or a function, entry by entry."""
        for kind, method in self._methods:
            if isinstance(expr, kind):
                return method(self, expr, axes, scope)
        row = elementary(expr)
        if row is None:
            raise NoMatrixFormError(f"{self._words(expr)} has none")
        return Apply(row, self._sides(expr.args, axes, scope))

    def _words(self, expr: Expr) -> str:
        """What is without a matrix form, in words where there are some."""
        words = (name for kind, name in _NAMES if isinstance(expr, kind))
        return next(words, None) or write_text(expr, self.graph)

    def _sides(self, exprs: Sequence[Expr], axes: Axes, scope: Scope) -> tuple[Form, ...]:
        """Forms to be taken entry by entry together: over the axes, or scalars."""
        return tuple(self.form(e, axes if self._axes(e) else (), scope) for e in exprs)

    def _bracket(self, expr: Iverson, axes: Axes, scope: Scope) -> Form:
        """A comparison of values entry by entry; one of indices is none of matrices."""
        if _has_index(expr.left) or _has_index(expr.right):
            raise NoMatrixFormError("a bracket compares indices")
        left, right = self._sides((expr.left, expr.right), axes, scope)
        return Bracket(left, expr.relation, right)

    def _power(self, expr: Expr, axes: Axes, scope: Scope) -> Form:
        if self._axes(expr.exp):
            raise NoMatrixFormError("the exponent has an index")
        base = self.form(expr.base, axes, scope)
        if expr.exp == 2 and axes:
            return hadamard([base, base])
        return Power(base, self.form(expr.exp, (), scope))

    def _total(self, expr: Contraction, axes: Axes, scope: Scope) -> Form:
        """A sum over the indices of a batch, each matrix for one value at a time."""
        body, indices, scope = self._named(expr, scope)
        batch = tuple(index for index in indices if index in leading(body))
        inner = replace(self, fixed=self.fixed.union(batch))
        body = Contraction(body, *(index for index in indices if index not in batch))
        return total(batch, inner.form(body, axes, scope))

    _methods: tuple[tuple[Any, Callable[..., Form]], ...] = (
        (Add, form),
        (Pow, _power),
        (Contraction, _total),
        (Iverson, _bracket),
    )


def _has_index(side: Expr) -> bool:
    """Whether an index is a value, and not in a slot or bound."""
    if isinstance(side, Indexed | KroneckerDelta | One):
        return False
    values = (side.body,) if isinstance(side, Binder) else side.args
    return isinstance(side, Index) or any(map(_has_index, values))


def _unlettered(key: tuple[Any, ...]) -> tuple[Any, ...]:
    """The place of a factor in the author's order, whatever its indices are called."""
    return tuple(_LETTER.sub("", part) if isinstance(part, str) else part for part in key)


def _split(factor: Expr, indices: Sequence[Index]) -> list[Expr]:
    """A power that is summed over as two factors."""
    whole = factor.is_Pow and factor.exp.is_Integer and factor.exp > 1
    if whole and ranging(factor.base) & set(indices):
        return [factor.base, factor.base ** (factor.exp - 1)]
    return [factor]
