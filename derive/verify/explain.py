"""What was probably done: the mistakes that turn a correct gradient into given values.

The forms of the gradient that the derivation knows are spoilt in one way and in two, and compared
with the given values on the samples. Two mistakes in different terms change the value by the sum of
what each changes, two in different factors by the product, so that all pairs of these are looked
through at once; others are made one after the other, as long as time is left.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice

import numpy as np
from sympy import Expr, S, expand_mul

from derive.errors import NotationError
from derive.expressions import (
    Partial,
    Size,
    indices_of,
    is_tensor,
    name_of,
    nodes_in,
    tensors_in,
)
from derive.verify.comparison import Comparison
from derive.verify.evaluate import Array
from derive.verify.known import key_of
from derive.verify.mutants import Mutant, each_mutant
from derive.verify.ratios import constant, multiples, multiples_of_terms
from derive.verify.rewriting import rewritten

__all__ = ["Explanation", "Searched", "explanations"]

# So many explanations are worth reading.
MOST_SHOWN = 4
# Bounds on the search: the forms that are spoilt, and the mutants of each.
MOST_FORMS = 14
MOST_MUTANTS = 400
# The first forms are the result, with and without the names of other gradients, and expanded.
NEAR = 4
# Scalings of the whole are told as such.
SCALINGS = ("flip the sign", "double", "halve")


@dataclass(frozen=True)
class Explanation:
    """One way to come to the given values.

    Attributes
    ----------
    words : what the values equal, `the correct gradient with γ_h outside the sum over h`.
    mistakes : how many were made.
    proven : whether the given formula is proven equal to the correct one so spoilt; else they are
        equal on all samples.
    expr : the correct gradient so spoilt, where that can be written.
    """

    words: str
    mistakes: int = 1
    proven: bool = False
    expr: Expr | None = None


@dataclass(frozen=True)
class Searched:
    """The explanations found, shortest first, and whether the search came to its end."""

    found: tuple[Explanation, ...]
    complete: bool = True


def explanations(compared: Comparison, seconds: float) -> Searched:
    """What was probably done, within some seconds of computing."""
    return _Search(compared, time.thread_time() + seconds).run()


class _Search:
    def __init__(self, compared: Comparison, deadline: float) -> None:
        self.compared, self.deadline = compared, deadline
        self.result = compared.stage.result
        self.forms = list(islice(_forms(compared), MOST_FORMS))
        self._mutants: dict[Expr, list[Mutant]] = {}

    def run(self) -> Searched:
        near, far = self.forms[:NEAR], self.forms[NEAR:]
        steps: tuple[Callable[[], Iterator[Explanation]], ...] = (
            self._multiples,
            partial(self._singles, near),
            self._multiples_of_terms,
            partial(self._pairs, near),
            partial(self._singles, far),
            self._one_after_the_other,
            partial(self._pairs, far),
        )
        for step in steps:
            found = _shortest(step())
            if found:
                return Searched(found)
            if self._is_late():
                return Searched((), complete=False)
        return Searched(())

    def _is_late(self) -> bool:
        return time.thread_time() > self.deadline

    def _multiples(self) -> Iterator[Explanation]:
        for number, factor, _ in multiples(self.compared, self.result):
            words = self._multiplied("the correct gradient", number, factor)
            yield self._explained(words, number * factor * self.result, 1)

    def _multiples_of_terms(self) -> Iterator[Explanation]:
        for number, factor, term in multiples_of_terms(self.compared, self.result):
            words = self._multiplied(f"the term {self._text(term)}", number, factor)
            expr = self.result - term + number * factor * term
            yield self._explained(f"the correct gradient with {words}", expr, 1)

    def _multiplied(self, what: str, number: Expr, factor: Expr) -> str:
        """Something multiplied with a constant and with a factor, in words."""
        words = what
        if factor != 1:
            base, power = factor.as_base_exp()
            sign = "divided by" if power < 0 else "times"
            words = f"{words} {sign} {self._text(base ** abs(power))}"
        if number == -1:
            return f"{words} with the sign flipped"
        return words if number == 1 else f"{self._text(number)} times {words}"

    def _text(self, expr: Expr) -> str:
        try:
            return self.compared.write(expr)
        except NotationError:
            names = {size: Size(self._size(size)) for size in nodes_in(expr, Size)}
            return self.compared.write(expr.xreplace(names))

    def _size(self, size: Size) -> str:
        """A name for the size of an index that has none: the number of its values."""
        if size.is_named:
            return str(size)
        graph = self.compared.graph
        axes = ((name, axis) for name in graph.names for axis in range(graph.arity[name]))
        letters = (graph.letters.get(a, ()) for a in axes if graph.axis_size(*a) == size)
        return f"N_{next((each[0] for each in letters if each), size)}"

    def _explained(self, words: str, expr: Expr, mistakes: int) -> Explanation:
        return Explanation(words, mistakes, self.compared.proves(expr), expr)

    def _singles(self, forms: list[Expr]) -> Iterator[Explanation]:
        for form in forms:
            found = [m for m in self._of(form) if self.compared.is_given(m.expr)]
            for mutant in found:
                yield self._explained(self._with(form, mutant), mutant.expr, 1)
            # Other forms would tell the same mistake in other words.
            if found or self._is_late():
                return

    def _of(self, form: Expr) -> list[Mutant]:
        """The mutants of a form, scalings of the whole left out, that are not the goal itself."""
        if form not in self._mutants:
            every = each_mutant(form, self.compared.free, self.compared.graph)
            kept = (m for m in every if m.mistake not in SCALINGS and not self._circular(m.expr))
            self._mutants[form] = list(islice(kept, MOST_MUTANTS))
        return self._mutants[form]

    def _circular(self, expr: Expr) -> bool:
        goal = self.compared.stage.goal
        partials = nodes_in(expr, Partial) if isinstance(goal, Partial) else ()
        return any(key_of(node) == key_of(goal) for node in partials)

    def _with(self, form: Expr, *mutants: Mutant) -> str:
        graph, goal = self.compared.graph, self.compared.stage.goal
        first, *others = mutants
        if others and all(first.said == other.said and other.term for other in others):
            terms = " and ".join(self._text(m.term) for m in mutants if m.term is not None)
            words = f"{replace(first, term=None).words(graph, (goal,))}, in the terms {terms}"
        else:
            words = " and with ".join(m.words(graph, (goal,)) for m in mutants)
        where = "" if form == self.result else f", in the form {self._text(form)}"
        return f"the correct gradient with {words}{where}"

    def _pairs(self, forms: list[Expr]) -> Iterator[Explanation]:
        for form in forms:
            pairs = list(_Pairs(self.compared, form, self._of(form)).found())
            for one, other, expr in pairs:
                yield self._explained(self._with(form, one, other), expr, 2)
            yield from () if pairs else self._scaled(form)
            if pairs or self._is_late():
                return

    def _scaled(self, form: Expr) -> Iterator[Explanation]:
        """A mistake, and all of it multiplied with a constant."""
        for mutant in self._of(form):
            number = constant(self.compared, mutant.expr, self.compared.target)
            if number is not None:
                words = f"{self._with(form, mutant)}, all of it times {self._text(number)}"
                yield self._explained(words, number * mutant.expr, 2)

    def _one_after_the_other(self) -> Iterator[Explanation]:
        """Two mistakes of which the second is made in what the first one left."""
        for form in self.forms[:2]:
            for first in self._of(form):
                found = False
                for second in each_mutant(first.expr, self.compared.free, self.compared.graph):
                    if self._is_late():
                        return
                    if self.compared.is_given(second.expr) and not self._circular(second.expr):
                        found = True
                        words = self._with(form, first, second)
                        yield self._explained(words, second.expr, 2)
                # The same two in the other order are no news.
                if found:
                    return


def _shortest(found: Iterable[Explanation]) -> tuple[Explanation, ...]:
    """The shortest explanations, those that are proven before the others."""
    by_words = {explanation.words: explanation for explanation in found}
    ranked = sorted(by_words.values(), key=lambda e: (not e.proven, len(e.words), e.words))
    return tuple(ranked[:MOST_SHOWN])


class _Pairs:
    """Two mutants of one form together, in different terms or in different factors."""

    def __init__(self, compared: Comparison, form: Expr, mutants: list[Mutant]) -> None:
        self.compared, self.form = compared, form
        values = ((mutant, compared.value(mutant.expr, 0)) for mutant in mutants)
        usable = [(mutant, value) for mutant, value in values if value is not None]
        self.mutants = [mutant for mutant, _ in usable]
        self.values = np.array([value.ravel() for _, value in usable])

    def found(self) -> Iterator[tuple[Mutant, Mutant, Expr]]:
        here = self.compared.value(self.form, 0)
        if here is None or len(self.mutants) < 2 or not here.size:
            return
        target = self.compared.target[0]
        weights = np.random.default_rng(0).normal(size=here.size)
        shift = (self.values - here.ravel()) @ weights
        sums = shift[:, None] + shift[None, :]
        wanted = float((target - here).ravel() @ weights)
        yield from self._checked(sums, wanted, lambda a, b: a + b - self.form)
        entry = int(np.argmax(np.abs(here)))
        column = self.values[:, entry]
        wanted = float(target.ravel()[entry] * here.ravel()[entry])
        products = column[:, None] * column[None, :]
        yield from self._checked(products, wanted, lambda a, b: a * b / self.form)

    def _checked(
        self, table: Array, wanted: float, joined: Callable[[Expr, Expr], Expr]
    ) -> Iterator[tuple[Mutant, Mutant, Expr]]:
        """The pairs whose entry in a table is the wanted one, where the whole values agree."""
        close = np.abs(table - wanted) <= 1e-7 * max(abs(wanted), 1e-6)
        for first, second in zip(*np.nonzero(np.triu(close, 1)), strict=True):
            one, other = self.mutants[first], self.mutants[second]
            expr = joined(one.expr, other.expr)
            if self.compared.is_given(expr):
                yield one, other, expr


def _forms(compared: Comparison) -> Iterator[Expr]:
    """The gradient as the derivation has it: result, written out, expanded, line by line."""
    stage = compared.stage
    whole = compared.whole(stage.result)
    lines = [line.expr for line in reversed(stage.lines)]
    first = [stage.result, whole, expand_mul(stage.result), expand_mul(whole)]
    seen: set[Expr] = set()
    for form in (*first, *_written_out(whole, compared), *lines):
        if form not in seen and form != stage.goal and form != S.Zero:
            seen.add(form)
            yield form


def _written_out(expr: Expr, compared: Comparison) -> Iterator[Expr]:
    """The expression with one of its names written out."""
    graph = compared.graph
    for name in sorted({name_of(node) for node in tensors_in(expr)}):
        if name not in graph or graph[name].is_relation:
            continue

        def change(node: Expr, name: str = name) -> Expr | None:
            if is_tensor(node) and name_of(node) == name:
                return graph[name].at(indices_of(node))
            return None

        yield rewritten(expr, change)
